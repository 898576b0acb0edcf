//! The transactions of a connection that are open: one, and the savepoints in it.

use super::failure;
use crate::sql::Dialect;
use diesel::result::Error;
use spanbridge::observe::{self, ActiveSpan, Span};
use spanbridge::{Context, SpanId, semconv};

/// Statements of a transaction that are remembered.
const MAX_ELSEWHERE: usize = 1000;
const ROLLED_BACK: &str = "rolled_back";

/// What the next statement does to a transaction. The number is its depth: 1, and more for savepoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boundary {
    Begin(u32),
    Commit(u32),
    Rollback(u32),
}

#[derive(Debug)]
struct Transaction {
    depth: u32,
    span: Span,
    /// Inside of its span.
    context: Context,
    /// The span that was current when it began.
    around: Option<SpanId>,
    /// PostgreSQL has reported an error in it, so it commits nothing.
    is_aborted: bool,
    /// Statements in it that are not below its span.
    elsewhere: Vec<Context>,
}

#[derive(Debug, Default)]
pub(super) struct Transactions(Vec<Transaction>);

impl Transactions {
    /// What a span begins below: the innermost transaction, unless another span was begun in it.
    pub(super) fn context(&self) -> Context {
        let current = observe::current_context();
        let innermost = self.0.last().filter(|innermost| innermost.around == current.span_id());
        innermost.map_or(current, |innermost| innermost.context.clone())
    }

    /// One is about to begin.
    pub(super) fn push(&mut self, depth: u32, begin: impl FnOnce() -> Span) {
        // Whatever is as deep has ended, by a text of the application or a failure, and nobody told how.
        while self.0.last().is_some_and(|open| open.depth >= depth) {
            self.cancel()
        }
        let around = observe::current_context().span_id();
        let span = observe::in_scope(&self.context(), begin);
        let context = span.context().clone();
        self.0.push(Transaction { depth, span, context, around, is_aborted: false, elsewhere: vec![] })
    }

    /// A statement has begun, in this context.
    pub(super) fn begun(&mut self, span: &Span) {
        let current = observe::current_context().span_id();
        if let Some(innermost) = self.0.last_mut()
            && innermost.context.span_id() != current
            && innermost.elsewhere.len() < MAX_ELSEWHERE
        {
            innermost.elsewhere.push(span.context().clone())
        }
    }

    /// A statement in the innermost has failed, in a database where that aborts it.
    pub(super) fn abort(&mut self) {
        if let Some(innermost) = self.0.last_mut() {
            innermost.is_aborted = true
        }
    }

    /// The statement that begins or ends one has been run.
    pub(super) fn passed(&mut self, boundary: Boundary, error: Option<&Error>, dialect: Dialect) {
        let (depth, commits) = match (boundary, error) {
            (Boundary::Begin(_), None) => return,
            (Boundary::Begin(depth) | Boundary::Rollback(depth), _) => (depth, false),
            (Boundary::Commit(depth), _) => (depth, true),
        };
        // diesel rolls back once more after a commit that failed.
        if self.0.iter().all(|open| open.depth != depth) {
            return;
        }
        while self.0.last().is_some_and(|open| open.depth > depth) {
            self.cancel()
        }
        let Some(Transaction { span, is_aborted, elsewhere, .. }) = self.0.pop() else { return };
        let begins = matches!(boundary, Boundary::Begin(_));
        let how = match error {
            // PostgreSQL answers the COMMIT of an aborted transaction by a rollback, and reports success.
            None if commits && !is_aborted => Some("committed"),
            None => Some(ROLLED_BACK),
            Some(error) if begins || !failure::is_reported(error) => None,
            Some(_) => Some(ROLLED_BACK),
        };
        if how == Some(ROLLED_BACK) {
            rolled_back(elsewhere)
        } else if let Some(outer) = self.0.last_mut() {
            outer.elsewhere.extend(elsewhere)
        }
        span.attribute(semconv::DB_TRANSACTION, how);
        match error {
            None => span.end(),
            Some(error) => {
                if how.is_some() && dialect == Dialect::Postgres {
                    self.abort()
                }
                failure::end(span, error, dialect)
            }
        }
    }

    /// The connection is gone, and no commit was on its way: the database rolls back.
    pub(super) fn broken(&mut self, error: &Error, dialect: Dialect) {
        while let Some(Transaction { span, elsewhere, .. }) = self.0.pop() {
            rolled_back(elsewhere);
            span.attribute(semconv::DB_TRANSACTION, ROLLED_BACK);
            failure::end(span, error, dialect)
        }
    }

    fn cancel(&mut self) {
        if let Some(open) = self.0.pop() {
            open.span.cancel()
        }
    }
}

/// Says so of statements, which may have ended.
fn rolled_back(statements: Vec<Context>) {
    for span in statements.into_iter().filter_map(ActiveSpan::of) {
        span.attribute(semconv::DB_TRANSACTION, ROLLED_BACK)
    }
}

/// The connection is closed, or has another instrumentation: nobody knows how they end.
impl Drop for Transactions {
    fn drop(&mut self) {
        while !self.0.is_empty() {
            self.cancel()
        }
    }
}
