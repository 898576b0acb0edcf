//! Transactions: what was sent in one says how it ended.

use super::handoff::Handoff;
use super::sends::Sends;
use super::status::HandoffStatus;
use crate::observe::{ActiveSpan, Span};
use crate::{Context, Failure, Value, semconv};
use std::sync::Arc;

/// An open transaction: its span, and the spans of what was sent in it. In the end all of them say what became of them
/// ([`HANDOFF_STATUS`](semconv::HANDOFF_STATUS)).
///
/// Dropped, it ends as [`Unknown`](HandoffStatus::Unknown).
#[must_use = "dropped at once it ends as `unknown`"]
#[derive(Debug)]
pub struct Transaction {
    span: Option<Span>,
    inside: InTransaction,
}

/// What a producer needs to send inside a transaction; cheap to clone.
#[derive(Clone, Debug)]
pub struct InTransaction {
    context: Context,
    sends: Arc<Sends>,
}

impl InTransaction {
    /// The message of this send is part of the transaction, unless that has ended: a producer may be kept for longer. Its span is
    /// linked to the transaction's.
    pub fn sends(&self, handoff: Handoff) -> Handoff {
        let Some(span) = handoff.span().filter(|span| span.id().is_some()) else { return handoff };
        if !self.sends.add(span.context()) {
            return handoff;
        }
        span.link(&self.context);
        handoff.within(self.sends.clone())
    }
}

impl Transaction {
    /// A transaction with this span.
    pub fn new(span: Span) -> Self {
        let inside = InTransaction { context: span.context().clone(), sends: Arc::default() };
        Transaction { span: Some(span), inside }
    }

    /// A transaction that has begun, if the client's call has succeeded; else its span ends with the failure.
    ///
    /// # Errors
    /// Returns the client's error.
    pub fn begun<E>(
        span: Span,
        result: Result<(), E>,
        failure: impl for<'e> FnOnce(&'e E) -> Failure<'e>,
    ) -> Result<Self, E> {
        match result {
            Ok(()) => Ok(Transaction::new(span)),
            Err(error) => {
                span.end_with(&failure(&error));
                Err(error)
            }
        }
    }

    /// The context inside its span.
    pub fn context(&self) -> &Context {
        &self.inside.context
    }

    /// Its span, until it has ended.
    pub fn span(&self) -> Option<&Span> {
        self.span.as_ref()
    }

    /// For a producer that sends inside the transaction.
    pub fn inside(&self) -> &InTransaction {
        &self.inside
    }

    /// An operation on it failed, and it is still open.
    pub fn operation_failed(&self, operation: &'static str, failure: &Failure<'_>) {
        let Some(span) = &self.span else { return };
        let text = span.error_text(failure.message());
        let about = [
            (semconv::TRANSACTION_OPERATION, Value::Static(operation)),
            (semconv::ERROR_TYPE, Value::Str(failure.error_type())),
            (semconv::EXCEPTION_MESSAGE, Value::Str(&text)),
        ];
        span.event("failed", &about)
    }

    /// It has ended.
    pub fn ended(&mut self, status: HandoffStatus) {
        self.end(status, Span::end)
    }

    /// It has ended with an error, or nobody knows how.
    pub fn failed(&mut self, status: HandoffStatus, failure: &Failure<'_>) {
        self.end(status, |span| span.end_with(failure))
    }

    fn end(&mut self, status: HandoffStatus, end: impl FnOnce(Span)) {
        let Some(span) = self.span.take() else { return };
        span.attribute(semconv::HANDOFF_STATUS, status.value());
        end(span);
        for span in self.inside.sends.end(status).into_iter().filter_map(ActiveSpan::of) {
            span.attribute(semconv::HANDOFF_STATUS, status.value())
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.ended(HandoffStatus::Unknown)
    }
}
