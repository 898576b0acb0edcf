//! A connection whose statements have spans, and whose rows are recorded.

use super::capture::{Capture, Commit, name_of};
use super::failure;
use super::kind::Kind;
use crate::policy::StatePolicy;
use crate::query::{self, Database, QueryOptions};
use crate::replayed;
use crate::sql::{self, Dialect};
use rusqlite::{Connection, Error, Result, Statement, TransactionBehavior};
use spanbridge::observe::{self, ActiveSpan, Span};
use spanbridge::{Context, adapter, semconv};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;

/// [`Connection`] with a span for each statement, and a record of each row that statements change. [`ConnectionExt::observed`]
/// makes it.
///
/// Its methods are rusqlite's, with the same arguments and results. What it has no method for, you reach by `Deref`: statements
/// that run there have no span, but their rows are recorded with the next statement that runs here, if that is after the
/// commit. Where something needs `&mut Connection`, use [`with_connection`](SqliteConnection::with_connection).
///
/// Changes of the schema belong here, too, or into `with_connection`: on the connection itself, SQLite refuses to rename or
/// drop a column that a trigger of ours names.
///
/// [`ConnectionExt::observed`]: super::ConnectionExt::observed
pub struct SqliteConnection {
    inner: Connection,
    /// In spans.
    name: String,
    /// In records of rows.
    database: String,
    options: QueryOptions,
    /// That of the next transaction, if it was set here.
    pub(super) behavior: Cell<Option<TransactionBehavior>>,
    transaction: RefCell<Option<Open>>,
    pub(super) capture: Capture,
}

/// A transaction that has begun.
struct Open {
    span: Span,
    /// What was current then. A statement is below the span if that is still so.
    outside: Context,
    /// Spans of statements that are not below it. They say so themselves if it is rolled back.
    elsewhere: Vec<Context>,
}

const ROLLED_BACK: &str = "rolled_back";
/// Spans of one transaction that are remembered.
const MAX_ELSEWHERE: usize = 1000;

/// What a call is told beside its result: the statement with the values of its parameters.
pub(super) type Expanded = Option<String>;

impl SqliteConnection {
    pub(super) fn new(inner: Connection, policy: StatePolicy) -> Self {
        let capture = Capture::new(policy);
        SqliteConnection {
            name: name_of(&inner, "main"),
            database: capture.identity_of(&inner, "main"),
            inner,
            options: QueryOptions::new(),
            behavior: Cell::new(None),
            transaction: RefCell::new(None),
            capture,
        }
    }

    /// What is recorded of statements. Default: their text without literals, and no parameters.
    pub fn query_options(self, options: QueryOptions) -> Self {
        SqliteConnection { options, ..self }
    }

    /// What the database is called in spans and records. Default: in spans the name of its file, in records of rows its path, so that
    /// no two are taken for one. A database in memory is `main` in spans, and one of its own in records. With a name, all databases
    /// that are called so are one.
    pub fn named(self, name: impl Into<String>) -> Self {
        let name = name.into();
        SqliteConnection { database: name.clone(), name, ..self }
    }

    /// The connection itself, as it was before. Returns rusqlite's error if what is installed cannot be removed.
    pub fn into_inner(self) -> Result<Connection> {
        self.settle(false, Commit::Unseen);
        self.capture.remove(&self.inner)?;
        Ok(self.inner)
    }

    /// Calls `f` with the connection itself, for code that needs `&mut Connection`, such as migrations. Nothing of what it does
    /// is recorded.
    pub fn with_connection<R>(&mut self, f: impl FnOnce(&mut Connection) -> R) -> R {
        self.settle(false, Commit::Unseen);
        self.capture.before_schema_change(&self.inner);
        let result = f(&mut self.inner);
        self.capture.after_schema_change(&self.inner);
        result
    }

    /// [`Connection::total_changes`], without those that capture makes. (SQL's function `total_changes()` counts one more for each
    /// row that is captured.)
    pub fn total_changes(&self) -> u64 {
        self.inner.total_changes().saturating_sub(self.capture.tip_writes())
    }

    /// [`Connection::set_transaction_behavior`]
    pub fn set_transaction_behavior(&mut self, behavior: TransactionBehavior) {
        self.behavior.set(Some(behavior));
        self.inner.set_transaction_behavior(behavior)
    }

    /// The connection itself.
    pub(super) fn raw(&self) -> &Connection {
        &self.inner
    }

    /// Compiles a statement. If that fails because the triggers no longer fit the schema, it is tried again with those that do.
    pub(super) fn compiled<S>(&self, compile: impl Fn() -> Result<S>) -> Result<S> {
        match compile() {
            Err(error) if self.mends(&error) => compile(),
            result => result,
        }
    }

    /// Whether a statement has failed because the triggers do not fit the schema. Then they do now.
    pub(super) fn mends(&self, error: &Error) -> bool {
        failure::is_generic(error) && self.capture.is_outdated(&self.inner) && self.capture.install(&self.inner).is_ok()
    }

    /// A statement that was refused before it began.
    pub(super) fn refused(&self, sql: &str, error: Error) -> Error {
        if let Some(span) = self.begin(sql) {
            failure::end(span, &error, sql)
        }
        error
    }

    fn database(&self) -> Database<'_> {
        Database { system: "sqlite", dialect: Dialect::Sqlite, namespace: &self.name }
    }

    /// Begins the span of a statement, below that of its transaction.
    pub(super) fn begin(&self, sql: &str) -> Option<Span> {
        let open = || adapter::may_record().then(|| self.database().query(sql, &self.options).open());
        let transaction = self.transaction.borrow();
        let is_inside = |open: &&Open| {
            let now = observe::current_context();
            (now.trace_id(), now.span_id()) == (open.outside.trace_id(), open.outside.span_id())
        };
        match transaction.as_ref().filter(is_inside) {
            Some(around) => around.span.in_scope(open),
            None => {
                drop(transaction);
                let span = adapter::under_current(open);
                let mut transaction = self.transaction.borrow_mut();
                let elsewhere = transaction.as_mut().map(|around| &mut around.elsewhere);
                if let (Some(span), Some(elsewhere)) = (&span, elsewhere.filter(|all| all.len() < MAX_ELSEWHERE)) {
                    elsewhere.push(span.context().clone())
                }
                span
            }
        }
    }

    /// Runs a statement inside of its span, and records what it has committed.
    pub(super) fn run<T>(
        &self,
        sql: &str,
        kind: Kind,
        work: impl FnOnce(&mut Expanded) -> Result<T>,
        told: impl FnOnce(&Span, &T),
    ) -> Result<T> {
        self.before(kind);
        self.run_inside(sql, kind, work, told)
    }

    /// The same, after [`before`](Self::before).
    pub(super) fn run_inside<T>(
        &self,
        sql: &str,
        kind: Kind,
        work: impl FnOnce(&mut Expanded) -> Result<T>,
        told: impl FnOnce(&Span, &T),
    ) -> Result<T> {
        let begins = kind == Kind::Begin && self.inner.is_autocommit();
        let outside = observe::current_context();
        let span = if begins { self.begin_transaction() } else { self.begin(sql) };
        if let Some(error) = self.refused_by_replay(span.as_ref()) {
            if let Some(span) = span {
                failure::end(span, &error, sql)
            }
            self.after(kind, true);
            return Err(error);
        }
        let mut expanded = None;
        let Some(mut span) = span else {
            let result = work(&mut expanded);
            self.after(kind, result.is_err());
            return result;
        };
        self.capture.tell(&span);
        let result = adapter::in_open_span(&mut span, || work(&mut expanded));
        self.tell_parameters(&span, sql, expanded);
        match &result {
            Ok(value) => {
                told(&span, value);
                match begins && !self.inner.is_autocommit() {
                    true => *self.transaction.borrow_mut() = Some(Open { span, outside, elsewhere: vec![] }),
                    false => span.end(),
                }
            }
            Err(error) => failure::end(span, error, sql),
        }
        self.after(kind, result.is_err());
        result
    }

    /// The error of a statement that a replay does not let run on this database.
    pub(super) fn refused_by_replay(&self, span: Option<&Span>) -> Option<Error> {
        let refused = match span {
            Some(span) => replayed::refused(span.context(), &self.name),
            None => replayed::refused_here(&self.name),
        };
        refused.as_ref().map(failure::refused)
    }

    fn begin_transaction(&self) -> Option<Span> {
        adapter::under_current(|| adapter::may_record().then(|| self.database().transaction().open()))
    }

    /// Before a statement.
    pub(super) fn before(&self, kind: Kind) {
        // It ended by a statement that had no span.
        if self.inner.is_autocommit() {
            self.end_transaction(None);
            self.capture.drain(&self.inner, &self.database, Commit::Unseen)
        }
        match kind {
            Kind::Read => {}
            Kind::Schema => self.capture.before_schema_change(&self.inner),
            _ => self.capture.prepare(&self.inner),
        }
    }

    /// After a statement.
    pub(super) fn after(&self, kind: Kind, has_failed: bool) {
        if kind == Kind::Schema {
            self.capture.after_schema_change(&self.inner)
        }
        self.settle(has_failed || kind == Kind::Rollback, Commit::Seen)
    }

    /// If no transaction is open any more: ends its span, and records what it has committed.
    pub(super) fn settle(&self, is_rolled_back: bool, commit: Commit) {
        if self.inner.is_autocommit() {
            self.end_transaction(Some(if is_rolled_back { ROLLED_BACK } else { "committed" }));
            self.capture.drain(&self.inner, &self.database, commit)
        }
    }

    fn end_transaction(&self, how: Option<&'static str>) {
        let open = self.transaction.borrow_mut().take();
        if let Some(Open { span, elsewhere, .. }) = open {
            if how == Some(ROLLED_BACK) {
                for span in elsewhere.into_iter().filter_map(ActiveSpan::of) {
                    span.attribute(semconv::DB_TRANSACTION, how)
                }
            }
            span.attribute(semconv::DB_TRANSACTION, how);
            span.end()
        }
    }

    /// Whether the values of parameters are asked for.
    pub(super) fn takes_parameters(&self) -> bool {
        self.options.takes_parameters() && observe::active_span().is_some()
    }

    pub(super) fn tell_parameters(&self, span: &Span, sql: &str, expanded: Expanded) {
        for (number, value) in expanded.iter().flat_map(|text| sql::parameters(sql, text, Dialect::Sqlite)) {
            query::parameter(span, &self.options, number, value)
        }
    }

    /// The statement with the values of its parameters, if they are asked for.
    pub(super) fn expand(&self, statement: &Statement<'_>) -> Expanded {
        self.takes_parameters().then(|| statement.expanded_sql()).flatten()
    }
}

/// How many rows a statement has changed.
pub(super) fn changed(span: &Span, rows: &usize) {
    span.attribute(semconv::DB_AFFECTED_ROWS, *rows)
}

/// A statement has returned a row.
pub(super) fn one_row<T>(span: &Span, _: &T) {
    span.attribute(semconv::DB_RESPONSE_RETURNED_ROWS, 1)
}

impl Deref for SqliteConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.inner
    }
}

impl fmt::Debug for SqliteConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteConnection").field("name", &self.name).finish_non_exhaustive()
    }
}
