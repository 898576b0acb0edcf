//! A call inside a span: for code that is not async.

use super::open::{PANIC, end_span};
use crate::context::{Shared, untag};
use crate::current::ambient;
use crate::encoder::{Started, thread_recorder};
use crate::panics::Watch;
use crate::{Context, Failure, Status};
use std::mem::ManuallyDrop;

/// A call inside a span. Left, or dropped by a panic, the span has ended and the context before is current again.
pub(super) struct Scope {
    pub(super) started: Started,
    outer_span: u64,
    is_root: bool,
    watch: Watch,
    /// If the span is a root: the context before. Else empty.
    outside: ManuallyDrop<Context>,
}

impl Scope {
    #[inline(always)]
    pub(super) fn enter(started: Started, root: Context) -> Self {
        thread_recorder().publish(&started);
        let is_root = !root.shared.is_null();
        let mut outside = ManuallyDrop::new(root);
        let mut outer_span = 0;
        if is_root {
            if !started.is_none() {
                outside.span = started.id
            }
            outside.swap()
        } else {
            outer_span = ambient().span.replace(started.id) // which is not always the parent
        }
        Scope { started, outer_span, is_root, watch: Watch::new(), outside }
    }

    #[inline(always)]
    pub(super) fn leave(&mut self, status: Status) {
        if !self.started.is_none() {
            thread_recorder().end(self.started, current_shared, status)
        }
        if self.is_root {
            self.outside.swap();
            // SAFETY: a root's context is dropped once, here; it is not current any more.
            unsafe { ManuallyDrop::drop(&mut self.outside) }
        } else {
            ambient().span.set(self.outer_span)
        }
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
