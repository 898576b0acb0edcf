//! Which span the work on a message runs in.

use crate::Context;
use crate::observe::Span;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last process span of a message.
///
/// Nearly always it belongs to the trace and run that came with the message. Then its id is all that has to be kept, and no lock
/// is taken: a message costs two plain stores and loads here.
#[derive(Debug, Default)]
pub(super) struct ProcessSpan {
    /// The span's id, if it belongs to what came; else 0.
    id: AtomicU64,
    /// There is something to look at behind the lock.
    is_elsewhere: AtomicBool,
    elsewhere: Mutex<Elsewhere>,
}

#[derive(Debug, Default)]
struct Elsewhere {
    /// The context inside the span, if it belongs to another trace or run than what came.
    context: Option<Context>,
    /// A span that a batch has begun, and that nobody has taken yet.
    begun: Option<Span>,
}

impl ProcessSpan {
    fn elsewhere(&self) -> Option<MutexGuard<'_, Elsewhere>> {
        self.is_elsewhere.load(Acquire).then(|| self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Elsewhere)) {
        change(&mut self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner));
        self.is_elsewhere.store(true, Release)
    }

    /// A span has begun; `came` is the context that came with the message.
    pub(super) fn begins(&self, came: &Context, span: &Span) {
        match span.context().span_beside(came) {
            Some(id) => self.id.store(id, Release),
            None => {
                self.change(|elsewhere| elsewhere.context = Some(span.context().clone()));
                self.id.store(0, Release)
            }
        }
    }

    /// A batch has begun the span: it is there for whoever works on the message.
    pub(super) fn begun_by_batch(&self, span: Span) {
        self.change(|elsewhere| elsewhere.begun = Some(span))
    }

    /// The span that a batch has begun, unless it was taken.
    pub(super) fn take_begun(&self) -> Option<Span> {
        self.elsewhere()?.begun.take()
    }

    /// The context inside the last span; `None` before there is one.
    pub(super) fn context(&self, came: &Context) -> Option<Context> {
        match self.id.load(Acquire) {
            0 => self.elsewhere()?.context.clone(),
            id => Some(came.with_span(id)),
        }
    }
}
