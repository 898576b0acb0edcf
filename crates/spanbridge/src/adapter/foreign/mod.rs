//! Spans of another library, whose calls know them by numbers.

mod ending;
mod kept;
mod overflow;
mod slots;
mod table;
#[cfg(all(test, feature = "record", not(loom)))]
mod tests;

use crate::context::entered::{self, Key, Left};
use crate::panics::Watch;
use crate::span::Span;
use crate::{Context, Failure};
use ending::Ending;
use kept::Kept;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The open spans of another library that knows its spans by numbers, such as `tracing`: for a bridge that is told "enter 7",
/// "leave 7" and "7 has ended", on any thread and in any order.
///
/// While a span is entered, its context is current on that thread. Scopes of this kind need not nest:
///
/// - If a span is left that is not current, what is current stays. What was entered later then restores what this one would have.
/// - What is entered inside of [`in_scope`](crate::observe::in_scope), or inside one poll of a future that has a context, ends with
///   that call at the latest: it does not reach out of it.
/// - On a thread that delivers records, nothing is entered: a sink must not record what it delivers.
///
/// If a panic goes out of a span that was entered, the span ends as panicked.
///
/// It may be called from destructors of thread-locals, and it calls none of your code.
///
/// A clone knows the same spans. Spans of another `ForeignSpans` are others, even under the same number.
///
/// ```
/// use spanbridge::adapter::ForeignSpans;
/// use spanbridge::observe;
///
/// let spans = ForeignSpans::new();
/// spans.begin(7, observe::span("sort").open()); // a span begins under what is current
/// spans.enter(7);
/// observe::span("compare").in_scope(|| ()); // below it
/// spans.leave(7);
/// spans.end(7);
/// ```
///
/// # Cost
///
/// No allocation and no lock per span for up to about four thousand open spans per process; beyond that, a map with a lock. To enter
/// a span of the current trace and run counts no reference.
#[derive(Clone, Debug)]
pub struct ForeignSpans {
    owner: u32,
}

impl Default for ForeignSpans {
    fn default() -> Self {
        Self::new()
    }
}

impl ForeignSpans {
    /// Without any span.
    pub fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        ForeignSpans { owner: LAST.fetch_add(1, Relaxed).wrapping_add(1) }
    }

    fn key(&self, id: u64) -> Key {
        Key { owner: self.owner, id }
    }

    /// Keeps an open span under a number. No other open span may have it.
    #[inline]
    pub fn begin(&self, id: u64, span: Span) {
        table::put(self.key(id), Kept::of(span))
    }

    /// Makes the span current on this thread, until it is left as often as it was entered. False, if there is none.
    #[inline]
    pub fn enter(&self, id: u64) -> bool {
        if !table::is_used() {
            return false;
        }
        let key = self.key(id);
        // The usual case: another span of the trace and run that are current.
        match table::look(key) {
            Some((shared, span)) if entered::enter_span(key, shared, span) => true,
            _ => enter_other(key),
        }
    }

    /// Leaves the span. False, if it was not entered on this thread.
    #[inline]
    pub fn leave(&self, id: u64) -> bool {
        let key = self.key(id);
        match entered::leave(key) {
            Some(Left { unwound: None }) => true,
            Some(Left { unwound: Some(watch) }) => {
                unwound(key, watch);
                true
            }
            None => false,
        }
    }

    /// The context inside of the span.
    pub fn context(&self, id: u64) -> Option<Context> {
        table::with(self.key(id), |kept| kept.context.clone())
    }

    /// The number of the current span, if it is one of these.
    pub fn current(&self) -> Option<u64> {
        entered::current(self.owner)
    }

    /// When the span ends, it will have failed. The last failure with a text counts, unless [`succeed`](Self::succeed) was called.
    pub fn fail(&self, id: u64, failure: &Failure<'_>) {
        if table::with(self.key(id), |kept| kept.is_recorded()) == Some(true) {
            let failed = (failure.message(), failure.error_type().to_owned()); // may be your code
            will_end(self.key(id), |ending| ending.fail(failed))
        }
    }

    /// When the span ends, it will be ok whatever [`fail`](Self::fail) says.
    pub fn succeed(&self, id: u64) {
        will_end(self.key(id), |ending| ending.is_ok = true)
    }

    /// Ends the span: as panicked or failed, if it has, else as ok. Its number is free again. False, if there is none.
    #[inline]
    pub fn end(&self, id: u64) -> bool {
        let taken = if table::is_used() { table::take(self.key(id)) } else { None };
        match taken {
            Some(kept) => {
                kept.end();
                true
            }
            None => false,
        }
    }

    /// Whether a span has this number.
    pub fn contains(&self, id: u64) -> bool {
        table::with(self.key(id), |_| ()).is_some()
    }

    /// Whether there is no open span. It takes a look at all spans of the process.
    pub fn is_empty(&self) -> bool {
        !table::any(self.owner)
    }
}

fn will_end(key: Key, change: impl FnOnce(&mut Ending)) {
    table::with(key, |kept| change(&mut kept.more().ending));
}

/// A panic goes out of a span.
#[cold]
#[inline(never)]
fn unwound(key: Key, watch: Watch) {
    let panic = watch.text();
    will_end(key, |ending| ending.panicked = Some(panic))
}

/// Enters a span of another trace or run than the current one, if there is one.
#[inline(never)]
fn enter_other(key: Key) -> bool {
    match table::with(key, |kept| kept.context.clone()) {
        Some(context) => {
            entered::enter(key, context);
            true
        }
        None => false,
    }
}
