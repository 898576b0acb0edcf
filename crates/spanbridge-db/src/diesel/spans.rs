//! diesel's events, and the spans of its statements.

use super::transaction::{Boundary, Transactions};
use super::{failure, namespace, text};
use crate::QueryOptions;
use crate::postgres::writer::SET_WRITER;
use crate::query::{self, Database};
use crate::sql::{Dialect, placeholders};
use diesel::connection::{DebugQuery, Instrumentation, InstrumentationEvent};
use diesel::result::Error;
use spanbridge::observe::{self, Span};
use spanbridge::{Context, adapter, panics};

/// Statements that may run inside of each other: diesel looks up types while it binds.
const MAX_NESTED: usize = 8;
/// The table where it does.
const TYPES: &str = "pg_type";

/// Gives the statements and transactions of a connection spans: an [`Instrumentation`].
///
/// For every connection that is made afterwards:
///
/// ```
/// use diesel::connection::set_default_instrumentation;
/// use diesel::prelude::*;
/// use spanbridge_db::{QueryOptions, diesel::DieselSpans};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// set_default_instrumentation(|| {
///     let options = QueryOptions::new().parameters(true);
///     Some(Box::new(DieselSpans::sqlite().query_options(options)))
/// })?;
///
/// let mut db = SqliteConnection::establish(":memory:")?;
/// db.transaction(|db| diesel::sql_query("CREATE TABLE orders (id INTEGER PRIMARY KEY)").execute(db))?;
/// # Ok(()) }
/// ```
///
/// It never fails and changes nothing. If the `Debug` of a parameter that is to be recorded panics, the parameters of the statement
/// are left out.
#[derive(Debug)]
pub struct DieselSpans {
    system: &'static str,
    dialect: Dialect,
    options: QueryOptions,
    /// `None`: not known yet.
    namespace: Option<String>,
    work: Work,
}

/// What the connection is doing.
#[derive(Debug, Default)]
struct Work {
    /// Statements that run; the last is the innermost.
    running: Vec<Running>,
    /// The next statement is diesel's own.
    boundary: Option<Boundary>,
    transactions: Transactions,
}

#[derive(Debug)]
enum Running {
    Statement(Option<Span>),
    Boundary(Boundary),
}

impl DieselSpans {
    /// Of connections to PostgreSQL.
    pub fn postgresql() -> Self {
        DieselSpans::of("postgresql", Dialect::Postgres)
    }

    /// Of connections to SQLite.
    pub fn sqlite() -> Self {
        DieselSpans::of("sqlite", Dialect::Sqlite)
    }

    /// Of connections to MySQL or MariaDB.
    pub fn mysql() -> Self {
        DieselSpans::of("mysql", Dialect::Mysql)
    }

    fn of(system: &'static str, dialect: Dialect) -> Self {
        DieselSpans { system, dialect, options: QueryOptions::new(), namespace: None, work: Work::default() }
    }

    /// What is recorded of statements. Default: [`QueryOptions::new`].
    ///
    /// Parameters are recorded as Rust's `Debug` shows them; texts, numbers, `Some` and `None` as what they are.
    pub fn query_options(self, options: QueryOptions) -> Self {
        DieselSpans { options, ..self }
    }

    /// The name of the database, as the attribute `db.namespace` of spans. Default: that in the connection's URL, of SQLite the name
    /// of the file; and none for a connection that is open already.
    pub fn named(self, database: impl Into<String>) -> Self {
        DieselSpans { namespace: Some(database.into()), ..self }
    }

    /// Who writes now: the innermost transaction, unless another span was begun in it.
    pub(super) fn writer(&self) -> Context {
        self.work.transactions.context()
    }

    fn on(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => {
                let of_url = || namespace::of_url(url, self.dialect == Dialect::Sqlite).map(str::to_owned);
                self.namespace = self.namespace.take().or_else(of_url)
            }
            InstrumentationEvent::StartQuery { query, .. } => self.started(query),
            InstrumentationEvent::FinishQuery { error, .. } => self.finished(error),
            InstrumentationEvent::BeginTransaction { depth, .. } => self.begins(depth.get()),
            InstrumentationEvent::CommitTransaction { depth, .. } => self.is_at(Boundary::Commit(depth.get())),
            InstrumentationEvent::RollbackTransaction { depth, .. } => self.is_at(Boundary::Rollback(depth.get())),
            _ => {}
        }
    }

    fn begins(&mut self, depth: u32) {
        self.is_at(Boundary::Begin(depth));
        let namespace = self.namespace.as_deref().unwrap_or("");
        let database = Database { system: self.system, dialect: self.dialect, namespace };
        self.work.transactions.push(depth, || match depth {
            1 => database.transaction().open(),
            _ => database.query("SAVEPOINT", &self.options).open(),
        })
    }

    /// The next statement begins or ends a transaction, which happens inside of no other statement.
    fn is_at(&mut self, boundary: Boundary) {
        self.work.forget_running();
        self.work.boundary = Some(boundary)
    }

    fn started(&mut self, query: &dyn DebugQuery) {
        let running = match self.work.boundary.take() {
            Some(boundary) => Running::Boundary(boundary),
            None => Running::Statement(self.statement(query)),
        };
        if self.work.running.len() == MAX_NESTED {
            self.work.forget_running()
        }
        self.work.running.push(running)
    }

    fn statement(&mut self, query: &dyn DebugQuery) -> Option<Span> {
        let context = self.work.transactions.context();
        observe::in_scope(&context, || {
            if !adapter::may_record() {
                return None;
            }
            let shown = text::read_any(query, self.options.takes_parameters());
            let sql = shown.as_ref().map(|shown| &*shown.sql);
            if sql.is_some_and(|sql| sql.starts_with(SET_WRITER)) {
                return None;
            }
            if !sql.is_some_and(|sql| sql.contains(TYPES)) {
                self.work.forget_running()
            }
            let namespace = self.namespace.as_deref().unwrap_or("");
            let database = Database { system: self.system, dialect: self.dialect, namespace };
            let Some(shown) = shown else {
                return Some(database.query("", &self.options.clone().text(false)).open());
            };
            let span = database.query(&shown.sql, &self.options).open();
            self.work.transactions.begun(&span);
            // As many as there are placeholders, or it is not clear which is which.
            let binds = shown.binds.filter(|binds| binds.len() == placeholders(&shown.sql, self.dialect));
            for (index, value) in binds.into_iter().flatten().take(query::MAX_PARAMETERS).enumerate() {
                query::parameter(&span, &self.options, index, value)
            }
            Some(span)
        })
    }

    fn finished(&mut self, error: Option<&Error>) {
        match self.work.running.pop() {
            Some(Running::Boundary(boundary)) => self.work.transactions.passed(boundary, error, self.dialect),
            Some(Running::Statement(span)) => {
                if self.dialect == Dialect::Postgres && error.is_some_and(failure::is_reported) {
                    self.work.transactions.abort()
                }
                match (span, error) {
                    (Some(span), Some(error)) => failure::end(span, error, self.dialect),
                    (Some(span), None) => span.end(),
                    (None, _) => {}
                }
            }
            None => {}
        }
        if let Some(error) = error.filter(|error| failure::is_closed(error)) {
            self.work.transactions.broken(error, self.dialect)
        }
    }
}

impl Work {
    /// Of these nobody told that they have ended.
    fn forget_running(&mut self) {
        for running in self.running.drain(..) {
            if let Running::Statement(Some(span)) = running {
                span.cancel()
            }
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.forget_running()
    }
}

impl Instrumentation for DieselSpans {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if panics::caught(|| self.on(event)).is_err() {
            // It may have stopped between two steps.
            let _ = panics::caught(|| self.work = Work::default());
        }
    }
}
