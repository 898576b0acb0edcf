//! The encoder of a build that records nothing.

use super::layout::{Fact, Field};
use crate::context::Shared;
use crate::{Kind, Primitive, Status, Value};

#[derive(Clone, Copy)]
#[expect(dead_code, reason = "given, and not looked at")]
pub(crate) enum Key {
    Attribute(&'static str),
    Field(Field),
}

pub(crate) type Item<'a> = (Key, Value<'a>);

#[derive(Clone, Copy)]
pub(crate) struct Started {
    pub(crate) id: u64,
}

impl Started {
    pub(crate) const NONE: Self = Started { id: 0 };

    pub(crate) fn of(_: u64, id: u64) -> Self {
        Started { id }
    }

    pub(crate) fn token(&self) -> u64 {
        0
    }

    #[inline(always)]
    pub(crate) fn is_none(&self) -> bool {
        true
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Template;

impl Template {
    pub(crate) fn new(_: &str) -> Self {
        Template
    }
    pub(crate) fn set_kind(&mut self, _: Primitive, _: Kind) {}
    pub(crate) fn add(&mut self, _: &'static str, _: Value<'_>) {}
}

pub(crate) struct ThreadRecorder;

#[inline(always)]
pub(crate) fn thread_recorder() -> ThreadRecorder {
    ThreadRecorder
}

/// Nothing is held back, for nobody samples.
pub(crate) struct Held {
    pub(crate) name: std::borrow::Cow<'static, str>,
}

impl Held {
    pub(crate) fn primitive(&self) -> Option<Primitive> {
        None
    }
    pub(crate) fn kind(&self) -> Kind {
        Kind::default()
    }
    pub(crate) fn attributes(&self) -> Vec<(&'static str, Value<'static>)> {
        vec![]
    }
}

impl ThreadRecorder {
    pub(crate) fn hold(&self, _: std::borrow::Cow<'static, str>) -> Started {
        Started::NONE
    }
    pub(crate) fn hold_from(&self, _: &Template) -> Started {
        Started::NONE
    }
    pub(crate) fn take_held(&self, _: u64) -> Option<Held> {
        None
    }
    pub(crate) fn begin_held(&self, _: &Shared, _: u64, _: &Held) -> Started {
        Started::NONE
    }
    pub(crate) fn begin(&self, _: &Shared, _: u64, _: &'static str) -> Started {
        Started::NONE
    }
    pub(crate) fn begin_owned(&self, _: &Shared, _: u64, _: &str) -> Started {
        Started::NONE
    }
    pub(crate) fn begin_from(&self, _: &Shared, _: u64, _: &Template) -> Started {
        Started::NONE
    }
    pub(crate) fn set_id(&self, s: Started, _: u64) -> Started {
        s
    }
    pub(crate) fn begin_before(&self, _: &Started, _: std::time::Duration) {}
    pub(crate) fn add<'s>(&self, s: Started, _: impl FnOnce() -> Option<&'s Shared>, _: Key, _: Value<'_>) -> Started {
        s
    }
    pub(crate) fn add_all(&self, s: Started, _: Option<&Shared>, _: &[Item<'_>]) -> Started {
        s
    }
    pub(crate) fn set_kind<'s>(
        &self,
        s: Started,
        _: impl FnOnce() -> Option<&'s Shared>,
        _: Option<Primitive>,
        _: Option<Kind>,
    ) -> Started {
        s
    }
    pub(crate) fn publish(&self, _: &Started) {}
    pub(crate) fn retract(&self, _: &Started) -> bool {
        true
    }
    pub(crate) fn end<'s>(&self, _: Started, _: impl FnOnce() -> Option<&'s Shared>, _: Status) {}
    pub(crate) fn count_dropped(&self) {}
    pub(crate) fn end_with(&self, _: Started, _: &Shared, _: Status, _: &[Item<'_>]) {}
    pub(crate) fn end_at(&self, _: Started, _: &Shared, _: Status, _: u64, _: &[Item<'_>]) {}
    pub(crate) fn now(&self) -> u64 {
        0
    }
    pub(crate) fn more(&self, _: &Shared, _: u64, _: &[Item<'_>]) {}
    pub(crate) fn run_attributes(&self, _: &Shared, _: &[Item<'_>]) {}
    pub(crate) fn fact(&self, _: &Shared, _: Fact, _: u64, _: u64, _: &[Item<'_>]) -> bool {
        true
    }
    pub(crate) fn large_artifact(&self, _: &Shared, _: (u64, u64), _: &[Item<'_>], _: String) -> Result<(), String> {
        Ok(())
    }
    pub(crate) fn fits(&self, _: &[Item<'_>]) -> bool {
        true
    }
    pub(crate) fn id(&self) -> u64 {
        0
    }
}
