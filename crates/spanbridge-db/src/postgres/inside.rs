//! What belongs to one transaction or savepoint, and how its span ends.

use super::call::{ClientError, failed};
use spanbridge::observe::{self, Span};
use spanbridge::{Context, SpanId, semconv};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What belongs to one transaction or savepoint. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Inside {
    /// Inside of its span.
    context: Context,
    /// Inside of the span of the whole transaction.
    whole: Context,
    /// The span that was current when it began.
    around: Option<SpanId>,
    /// The server has reported an error, so that it commits nothing.
    is_aborted: Arc<AtomicBool>,
    /// The same of the transaction that it is a savepoint of.
    parent: Option<Arc<AtomicBool>>,
}

/// What ended a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Commit,
    Rollback,
}

impl Inside {
    /// Of a transaction with this span.
    pub(crate) fn of(span: &Span) -> Self {
        let around = observe::current_context().span_id();
        let context = span.context().clone();
        Inside { whole: context.clone(), context, around, is_aborted: Arc::default(), parent: None }
    }

    /// Of a savepoint in it, with this span.
    pub(crate) fn nested(&self, span: &Span) -> Self {
        Inside { parent: Some(self.is_aborted.clone()), whole: self.whole.clone(), ..Inside::of(span) }
    }

    /// The context of the whole transaction, of which this may be a savepoint.
    pub(crate) fn whole(&self) -> &Context {
        &self.whole
    }

    /// Whether it is a savepoint.
    pub(crate) fn is_nested(&self) -> bool {
        self.parent.is_some()
    }

    /// Begins a span below the transaction's; or below the current one, if that was begun in the transaction.
    pub(crate) fn begin(&self, begin: impl FnOnce() -> Span) -> Span {
        match observe::current_context().span_id() == self.around {
            true => observe::in_scope(&self.context, begin),
            false => begin(),
        }
    }

    /// A statement in it has failed.
    pub(crate) fn failed(&self, error: &impl ClientError) {
        if error.state().is_some() {
            self.is_aborted.store(true, Ordering::Relaxed)
        }
    }

    /// It has been committed or rolled back, or that failed. Ends its span, and returns the result.
    pub(crate) fn ended<E: ClientError>(&self, span: Option<Span>, result: Result<(), E>, how: Ended) -> Result<(), E> {
        if let (Some(parent), Err(error)) = (&self.parent, &result)
            && error.state().is_some()
        {
            parent.store(true, Ordering::Relaxed)
        }
        let Some(span) = span else { return result };
        // The server answers the COMMIT of a transaction with an error in it by a rollback, and reports success.
        let commits = how == Ended::Commit && !self.is_aborted.load(Ordering::Relaxed);
        match &result {
            Ok(()) => {
                span.attribute(semconv::DB_TRANSACTION, if commits { "committed" } else { "rolled_back" });
                span.end()
            }
            Err(error) => {
                if error.state().is_some() {
                    span.attribute(semconv::DB_TRANSACTION, "rolled_back")
                }
                failed(span, error)
            }
        }
        result
    }

    /// It was dropped. `is_open`: and was not on its way to an end, so that the client rolls back.
    pub(crate) fn dropped(&self, span: Option<Span>, is_open: bool) {
        let Some(span) = span else { return };
        if is_open {
            span.attribute(semconv::DB_TRANSACTION, "rolled_back")
        }
        span.cancel()
    }
}
