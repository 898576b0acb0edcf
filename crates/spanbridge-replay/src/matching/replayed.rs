//! The spans of a replay: where they stand, and what they are bound to.

use spanbridge::SpanId;
use std::collections::HashMap;

/// Spans that are kept. Calls below others have no place, and are refused.
pub(crate) const MAX_SPANS: usize = 100_000;

/// A span of the replay.
#[derive(Debug)]
pub(super) struct Parent {
    pub(super) above: Option<SpanId>,
    /// Its path of names from the entry; `None` if the record has no such path.
    pub(super) path: Option<u32>,
    /// The recorded span that it stands for.
    pub(super) bound: Option<usize>,
    depth: usize,
    /// The recorded calls that calls below it have taken.
    taken: Vec<usize>,
    /// Whether one of them was not the same call.
    took_other: bool,
}

/// Where a span of a replay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// 0 for the entry, and for what is not below it.
    pub(crate) depth: usize,
    /// It is the span of the handler.
    pub(crate) is_entry: bool,
}

#[derive(Debug)]
pub(super) struct Replayed {
    spans: HashMap<SpanId, Parent>,
    /// The primitive of the entry, until it has begun.
    entry: Option<String>,
}

impl Replayed {
    pub(super) fn new(entry: &str) -> Self {
        Replayed { spans: HashMap::new(), entry: Some(entry.to_owned()) }
    }

    /// `path` says which path of names the span has below one.
    pub(super) fn began(
        &mut self,
        id: SpanId,
        parent: Option<SpanId>,
        primitive: &str,
        path: impl FnOnce(Option<u32>) -> Option<u32>,
    ) -> Option<Place> {
        if self.spans.len() >= MAX_SPANS {
            return None;
        }
        let above = parent.and_then(|parent| self.spans.get(&parent));
        // The first of its kind, whatever is around it. A renamed handler is the same handler.
        let is_entry = self.entry.take_if(|entry| entry == primitive).is_some();
        let path = match above {
            _ if is_entry => path(None),
            Some(above) => above.path.and_then(|above| path(Some(above))),
            None => None,
        };
        let depth = above.filter(|_| !is_entry).map_or(0, |above| above.depth + 1);
        let above = parent;
        self.spans.insert(id, Parent { above, path, bound: None, depth, taken: vec![], took_other: false });
        Some(Place { depth, is_entry })
    }

    pub(super) fn get(&self, id: SpanId) -> Option<&Parent> {
        self.spans.get(&id)
    }

    pub(super) fn parent_of(&self, call: SpanId) -> Option<SpanId> {
        self.get(call)?.above
    }

    pub(super) fn bind(&mut self, id: SpanId, node: usize) {
        if let Some(span) = self.spans.get_mut(&id) {
            span.bound = Some(node)
        }
    }

    pub(super) fn took(&mut self, id: SpanId, call: usize) {
        if let Some(span) = self.spans.get_mut(&id) {
            span.taken.push(call)
        }
    }

    pub(super) fn took_other(&mut self, id: SpanId) {
        if let Some(span) = self.spans.get_mut(&id) {
            span.took_other = true
        }
    }

    /// The calls that were taken below it, if all of them were the same calls.
    pub(super) fn only_same(&self, id: SpanId) -> Option<&[usize]> {
        self.get(id).filter(|span| !span.took_other).map(|span| span.taken.as_slice())
    }

    /// It is bound to nothing any more, and what it has taken is returned.
    pub(super) fn give_up(&mut self, id: SpanId) -> Vec<usize> {
        let span = self.spans.get_mut(&id);
        span.map(|span| {
            span.bound = None;
            std::mem::take(&mut span.taken)
        })
        .unwrap_or_default()
    }
}
