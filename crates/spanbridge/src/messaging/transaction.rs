//! What was sent in a transaction, until it is known what became of it.

use crate::observe::{ActiveSpan, Span};
use crate::{Context, Failure, Value, semconv};
use std::sync::{Mutex, PoisonError};

/// So many spans are told how their transaction ended; of one that sends more, the transaction's span says it.
const MOST: usize = 1 << 16;

/// A transaction that has begun: its span, and those of what was sent in it. They all say in the end what became of them
/// ([`HANDOFF_STATUS`](semconv::HANDOFF_STATUS)).
///
/// Dropped, it ends as `unknown`.
#[derive(Debug)]
pub struct Transaction {
    span: Option<Span>,
    context: Context,
    sends: Mutex<Vec<Context>>,
}

impl Transaction {
    /// Of this span.
    pub fn new(span: Span) -> Self {
        Transaction { context: span.context().clone(), span: Some(span), sends: Mutex::default() }
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
    pub fn sends(&self, span: &Span) {
        if span.id().is_none() {
            return;
        }
        span.link(&self.context);
        let mut sends = self.sends.lock().unwrap_or_else(PoisonError::into_inner);
        if sends.len() < MOST {
            sends.push(span.context().clone())
        }
    }

    /// An operation on it failed, and it is still open.
    pub fn stumbled(&self, operation: &'static str, failure: &Failure<'_>) {
        let Some(span) = &self.span else { return };
        let about = [
            (semconv::TRANSACTION_OPERATION, Value::Static(operation)),
            (semconv::ERROR_TYPE, Value::Str(failure.error_type())),
            (semconv::EXCEPTION_MESSAGE, Value::Str(&failure.text().to_string())),
        ];
        span.event("failed", &about)
    }

    /// It has ended: `committed` or `rolled_back`.
    pub fn ended(&mut self, status: &'static str) {
        self.end(status, Span::end)
    }

    /// Nobody knows how it has ended.
    pub fn failed(&mut self, failure: &Failure<'_>) {
        self.end("unknown", |span| span.end_with(failure))
    }

    fn end(&mut self, status: &'static str, end: impl FnOnce(Span)) {
        let Some(span) = self.span.take() else { return };
        span.attribute(semconv::HANDOFF_STATUS, Value::Static(status));
        end(span);
        let sends = std::mem::take(&mut *self.sends.lock().unwrap_or_else(PoisonError::into_inner));
        for span in sends.into_iter().filter_map(ActiveSpan::of) {
            span.attribute(semconv::HANDOFF_STATUS, Value::Static(status))
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.ended("unknown")
    }
}
