//! What was sent in a transaction, until it is known what became of it.

use super::Handoff;
use crate::observe::{ActiveSpan, Span};
use crate::{Context, Failure, Value, semconv};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many spans are told how their transaction ended; of one that sends more, the transaction's span says it.
const MAX_TRACKED_SPANS: usize = 1 << 16;

/// A transaction that has begun: its span, and those of what was sent in it. They all say in the end what became of them
/// ([`HANDOFF_STATUS`](semconv::HANDOFF_STATUS)).
///
/// Dropped, it ends as `unknown`.
#[must_use = "dropped at once it ends as `unknown`"]
#[derive(Debug)]
pub struct Transaction {
    span: Option<Span>,
    context: Context,
    sends: Arc<Sends>,
}

impl Transaction {
    /// Of this span.
    pub fn new(span: Span) -> Self {
        Transaction { context: span.context().clone(), span: Some(span), sends: Arc::default() }
    }

    /// The context inside its span.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Its span, until it has ended.
    pub fn span(&self) -> Option<&Span> {
        self.span.as_ref()
    }

    /// A message is sent in it, in this span.
    pub fn sends(&self, span: Span) -> Handoff {
        if span.id().is_none() {
            return Handoff::new(span);
        }
        span.link(&self.context);
        self.sends.add(span.context());
        Handoff::within(span, self.sends.clone())
    }

    /// An operation on it failed, and it is still open.
    pub fn operation_failed(&self, operation: &'static str, failure: &Failure<'_>) {
        let Some(span) = &self.span else { return };
        let about = [
            (semconv::TRANSACTION_OPERATION, Value::Static(operation)),
            (semconv::ERROR_TYPE, Value::Str(failure.error_type())),
            (semconv::EXCEPTION_MESSAGE, Value::Str(&span.error_text(failure.message()))),
        ];
        span.event("failed", &about)
    }

    /// It has ended: `committed` or `rolled_back`.
    pub fn ended(&mut self, status: &'static str) {
        self.end(status, Span::end)
    }

    /// Nobody knows how it has ended.
    pub fn failed(&mut self, failure: &Failure<'_>) {
        self.failed_as("unknown", failure)
    }

    /// It cannot go on, and has ended so.
    pub fn failed_as(&mut self, status: &'static str, failure: &Failure<'_>) {
        self.end(status, |span| span.end_with(failure))
    }

    fn end(&mut self, status: &'static str, end: impl FnOnce(Span)) {
        let Some(span) = self.span.take() else { return };
        span.attribute(semconv::HANDOFF_STATUS, Value::Static(status));
        end(span);
        for span in self.sends.end(status).into_iter().filter_map(ActiveSpan::of) {
            span.attribute(semconv::HANDOFF_STATUS, Value::Static(status))
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.ended("unknown")
    }
}

/// What was sent in a transaction.
#[derive(Debug, Default)]
pub(super) struct Sends(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The spans to be told how it ended.
    spans: Vec<Context>,
    /// How it has ended.
    ended: Option<&'static str>,
}

impl Sends {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, span: &Context) {
        let spans = &mut self.lock().spans;
        if spans.len() < MAX_TRACKED_SPANS {
            spans.push(span.clone())
        }
    }

    fn end(&self, status: &'static str) -> Vec<Context> {
        let mut state = self.lock();
        state.ended = Some(status);
        std::mem::take(&mut state.spans)
    }

    /// What became of a message whose own answer says this. Once the transaction has ended that has the last word; but what
    /// was refused was never part of what it has committed.
    pub(super) fn status(&self, span: &Span, status: &'static str) -> &'static str {
        let mut state = self.lock();
        match state.ended {
            Some(ended) if ended == "rolled_back" || matches!(status, "sent" | "unknown") => ended,
            Some(_) => status,
            None => {
                if status == "rejected"
                    && let Some(place) = state.spans.iter().rposition(|send| send.span_id() == span.id())
                {
                    state.spans.swap_remove(place);
                }
                status
            }
        }
    }
}
