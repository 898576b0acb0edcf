//! A call inside a span: for code that is not async.

use super::open::{PANIC, end_span};
use super::place;
use crate::context::{Shared, untag};
use crate::current::ambient;
use crate::encoder::{Started, thread_recorder};
use crate::panics::Watch;
use crate::{Context, Failure, Status};
use std::mem::ManuallyDrop;

/// A call inside a span. Left, or dropped by a panic, the span has ended and the context before is current again.
pub(super) struct Scope {
    pub(super) started: Started,
    watch: Watch,
    outer_span: u64,
    /// If the span is a root: the shared part of the context before. Else [`SAME`]: one word for both, which lives across the call.
    outside: *const Shared,
}

/// The context stays what it is, and only the span changes. No shared part has this address.
const SAME: *const Shared = std::ptr::without_provenance(align_of::<Shared>());

impl Scope {
    /// Of a span below the current one.
    #[inline(always)]
    pub(super) fn enter(started: Started) -> Self {
        thread_recorder().publish(&started);
        let outer_span = ambient().span.replace(started.id); // which is not always the parent
        Scope { started, watch: Watch::new(), outer_span, outside: SAME }
    }

    /// Of a span that begins a context.
    #[inline(always)]
    pub(super) fn of_root(started: Started, root: Context) -> Self {
        let (started, root) = place::finish_root(started, root);
        let mut root = ManuallyDrop::new(root); // what is current counts a reference
        root.swap_in();
        Scope { started, watch: Watch::new(), outer_span: root.span, outside: root.shared }
    }

    #[inline(always)]
    pub(super) fn leave(&mut self, status: Status) {
        if !self.started.is_none() {
            thread_recorder().end(self.started, current_shared, status)
        }
        if self.outside == SAME {
            ambient().span.set(self.outer_span)
        } else {
            leave_root(self.outside, self.outer_span)
        }
    }
}

/// Makes the context before a root current again.
#[cold]
#[inline(never)]
fn leave_root(shared: *const Shared, span: u64) {
    Context { shared, span }.swap_back() // which drops the root's
}

/// The shared part of the current context, inside a scope.
#[inline(always)]
fn current_shared<'a>() -> Option<&'a Shared> {
    // SAFETY: the scope keeps alive what it made current.
    unsafe { untag(ambient().shared.get()).as_ref() }
}

impl Drop for Scope {
    #[cold]
    fn drop(&mut self) {
        end_by_panic(self.started, self.watch);
        self.started = Started::NONE;
        self.leave(Status::Panicked)
    }
}

/// Ends a span whose scope is current as failed.
#[cold]
#[inline(never)]
pub(super) fn fail(started: Started, failure: Failure<'_>) {
    if started.is_none() {
        return; // nothing would read the message
    }
    let error = failure.message(); // first: it is the application's code, and may change what is current
    if let Some(shared) = current_shared() {
        end_span(started, shared, Status::Error, &error, failure.error_type())
    }
}

/// Ends a span whose scope is current by a panic.
#[cold]
#[inline(never)]
fn end_by_panic(started: Started, watch: Watch) {
    if let Some(shared) = current_shared().filter(|_| !started.is_none()) {
        end_span(started, shared, Status::Panicked, &watch.text(), PANIC)
    }
}
