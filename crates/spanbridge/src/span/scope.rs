//! A call inside a span: for code that is not async.

use super::open::{PANIC, end_span};
use super::place;
use crate::context::{Shared, entered, untag};
use crate::current::{SAME, ambient};
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
        if self.outside != ambient().only_span.get() {
            return leave_other(self.started, self.outside, self.outer_span, status);
        }
        if !self.started.is_none() {
            thread_recorder().end(self.started, current_shared, status)
        }
        ambient().span.set(self.outer_span)
    }
}

/// Leaves the scope of a root, or one around which or in which something was entered by [`entered`].
#[cold]
#[inline(never)]
fn leave_other(started: Started, outside: *const Shared, outer_span: u64, status: Status) {
    let _no_longer_needed = entered::end_inside(started.id);
    if !started.is_none() {
        thread_recorder().end(started, current_shared, status)
    }
    if outside == SAME {
        entered::return_to_span(outer_span)
    } else {
        Context { shared: outside, span: outer_span }.swap_back() // which drops the root's
    }
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
        let _no_longer_needed = entered::end_inside(self.started.id);
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
    let _no_longer_needed = entered::end_inside(started.id);
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
