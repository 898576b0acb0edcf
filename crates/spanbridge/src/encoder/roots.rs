//! Recording a root that was held back.

use super::active::Started;
use super::held::{self, Held, Kept};
use super::items::Key;
use super::thread::ThreadRecorder;
use crate::context::Shared;
use crate::encoder::clock::ticks;
use std::borrow::Cow;

impl ThreadRecorder {
    /// Begins a span that is held back until [`ThreadRecorder::take_held`].
    #[cold]
    pub(crate) fn hold(&self, name: Cow<'static, str>) -> Started {
        self.hold_with(name, vec![])
    }

    pub(super) fn hold_with(&self, name: Cow<'static, str>, items: Vec<(Key, Kept)>) -> Started {
        let (id, began) = (self.id(), ticks());
        if held::push(Held { id, began, name, items }) { Started::held(id) } else { Started::NONE }
    }

    /// The span, no longer held back.
    #[cold]
    pub(crate) fn take_held(&self, id: u64) -> Option<Held> {
        held::take(id)
    }

    /// Records the span as if it had never been held back.
    #[cold]
    pub(crate) fn begin_held(&self, shared: &Shared, parent: u64, held: &Held) -> Started {
        let mut started = match &held.name {
            Cow::Borrowed(name) => self.begin(shared, parent, name),
            Cow::Owned(name) => self.begin_owned(shared, parent, name),
        };
        started = self.set_beginning(started, held.id, held.began);
        if !started.is_none() {
            started = self.set_kind(started, || Some(shared), held.primitive(), Some(held.kind()));
            for (key, kept) in held.items.iter().filter(|(key, _)| !key.is_in_header()) {
                started = self.add(started, || Some(shared), *key, kept.value());
            }
        }
        started
    }
}
