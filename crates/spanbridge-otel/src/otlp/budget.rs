//! How much of one span is kept.

/// An attribute, an event or an element of a list takes two bytes in protobuf and up to a hundred in memory. So a span of a
/// hostile sender could take fifty times the memory of the request. What one span holds beyond this many of them is dropped; what a
/// resource or a scope holds, beyond 1,024 of them.
pub const MAX_ITEMS: usize = 65_536;

/// They are looked through for each of their spans, of which a request may have two million.
const MAX_SHARED_ITEMS: usize = 1_024;

/// How deep lists and maps may be nested in a value. A value that is deeper is dropped with its attribute.
pub const MAX_DEPTH: usize = 32;

/// What may still be kept of the span, the resource or the scope that is being read.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn of_a_span() -> Self {
        Budget(MAX_ITEMS)
    }

    /// Of a resource or a scope.
    pub(super) fn of_many_spans() -> Self {
        Budget(MAX_SHARED_ITEMS)
    }

    /// Takes room for one item, if there is some.
    #[must_use]
    pub(super) fn take(&mut self) -> bool {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}
