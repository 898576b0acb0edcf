//! The open spans of one registry, also if the layer that knew them was replaced.

use spanbridge::adapter::{ForeignSpans, PerProcess};
use spanbridge::observe::Span;
use spanbridge::{Context, Failure};
use tracing_core::span::Id;

/// The spans of layers that are gone, but had open spans. Somebody has replaced such a layer, or its registry is gone with
/// spans that will never end.
static ABANDONED: PerProcess<Vec<ForeignSpans>> = PerProcess::new();

/// The open spans of one registry.
#[derive(Debug)]
pub(crate) struct Spans {
    own: ForeignSpans,
    /// The layer was there from the registry's beginning. If not, it has replaced another one, whose spans it has to end.
    is_first: bool,
}

impl Spans {
    pub(crate) fn new() -> Self {
        Spans { own: ForeignSpans::new(), is_first: false }
    }

    /// The layer becomes part of a subscriber. A layer that replaces another one is not told that it does.
    pub(crate) fn are_first(&mut self) {
        self.is_first = true
    }

    #[inline]
    pub(crate) fn begin(&self, id: &Id, span: Span) {
        self.own.begin(id.into_u64(), span)
    }

    #[inline]
    pub(crate) fn enter(&self, id: &Id) {
        let id = id.into_u64();
        if !self.own.enter(id) && !self.is_first {
            self.abandoned(|spans| spans.enter(id).then_some(()));
        }
    }

    #[inline]
    pub(crate) fn leave(&self, id: &Id) {
        let id = id.into_u64();
        if !self.own.leave(id) && !self.is_first {
            self.abandoned(|spans| spans.leave(id).then_some(()));
        }
    }

    #[inline]
    pub(crate) fn end(&self, id: &Id) {
        let id = id.into_u64();
        if !self.own.end(id) && !self.is_first {
            self.abandoned(|spans| spans.end(id).then_some(()));
        }
    }

    pub(crate) fn context(&self, id: &Id) -> Option<Context> {
        let id = id.into_u64();
        self.own.context(id).or_else(|| self.abandoned(|spans| spans.context(id)))
    }

    /// The current span, if it is one of these.
    pub(crate) fn current(&self) -> Option<Id> {
        let id = self.own.current().or_else(|| self.abandoned(ForeignSpans::current));
        id.filter(|id| *id != 0).map(Id::from_u64)
    }

    pub(crate) fn fail(&self, id: &Id, failure: &Failure<'_>) {
        self.holder(id).fail(id.into_u64(), failure)
    }

    pub(crate) fn succeed(&self, id: &Id) {
        self.holder(id).succeed(id.into_u64())
    }

    /// Those among which the span is.
    fn holder(&self, id: &Id) -> ForeignSpans {
        let id = id.into_u64();
        let abandoned = || self.abandoned(|spans| spans.contains(id).then(|| spans.clone()));
        if self.own.contains(id) { self.own.clone() } else { abandoned().unwrap_or_else(|| self.own.clone()) }
    }

    /// The first answer of those whose layer this one may have replaced, the latest first.
    #[cold]
    fn abandoned<R>(&self, ask: impl FnMut(&ForeignSpans) -> Option<R>) -> Option<R> {
        if self.is_first {
            return None;
        }
        let abandoned = ABANDONED.with(|all| all.clone());
        abandoned.iter().rev().find_map(ask)
    }
}

impl Drop for Spans {
    fn drop(&mut self) {
        if !self.own.is_empty() {
            ABANDONED.with(|all| {
                all.retain(|spans| !spans.is_empty());
                all.push(self.own.clone())
            })
        }
    }
}
