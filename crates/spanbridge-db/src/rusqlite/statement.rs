//! Prepared statements, and the rows that they return.

use super::connection::{Expanded, SqliteConnection, changed, one_row};
use super::failure;
use super::kind::Kind;
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{CachedStatement, Error, Params, Result, Row, Rows, Statement};
use spanbridge::observe::Span;
use spanbridge::{adapter, semconv};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// [`Statement`] with a span for each time that it runs. Its methods are rusqlite's; what it has no method for, you reach by
/// `Deref`.
pub struct SqliteStatement<'c> {
    db: &'c SqliteConnection,
    inner: Inner<'c>,
    sql: Rc<str>,
    kind: Kind,
}

enum Inner<'c> {
    Plain(Statement<'c>),
    Cached(CachedStatement<'c>),
}

impl<'c> SqliteStatement<'c> {
    pub(super) fn plain(db: &'c SqliteConnection, statement: Statement<'c>, sql: &str) -> Self {
        SqliteStatement { db, inner: Inner::Plain(statement), sql: sql.into(), kind: Kind::of(sql) }
    }

    pub(super) fn cached(db: &'c SqliteConnection, statement: CachedStatement<'c>, sql: &str) -> Self {
        SqliteStatement { db, inner: Inner::Cached(statement), sql: sql.into(), kind: Kind::of(sql) }
    }

    /// [`Statement::execute`]
    pub fn execute<P: Params>(&mut self, params: P) -> Result<usize> {
        self.run(|statement, expanded| statement.execute_inside(params, expanded), changed)
    }

    /// [`Statement::raw_execute`]
    pub fn raw_execute(&mut self) -> Result<usize> {
        self.run(|statement, expanded| statement.execute_bound(expanded), changed)
    }

    /// [`Statement::insert`]
    pub fn insert<P: Params>(&mut self, params: P) -> Result<i64> {
        match self.execute(params)? {
            1 => Ok(self.db.raw().last_insert_rowid()),
            rows => Err(Error::StatementChangedRows(rows)),
        }
    }

    /// [`Statement::query`]. The span ends when the last row was read, or the rows are dropped.
    pub fn query<P: Params>(&mut self, params: P) -> Result<SqliteRows<'_>> {
        self.rows(|statement| statement.query(params))
    }

    /// [`Statement::raw_query`]
    pub fn raw_query(&mut self) -> Result<SqliteRows<'_>> {
        self.rows(|statement| Ok(statement.raw_query()))
    }

    /// [`Statement::query_map`]
    pub fn query_map<T, P, F>(&mut self, params: P, f: F) -> Result<SqliteMappedRows<'_, F, T>>
    where
        P: Params,
        F: FnMut(&Row<'_>) -> Result<T>,
    {
        self.query_and_then(params, f)
    }

    /// [`Statement::query_and_then`]
    pub fn query_and_then<T, E, P, F>(&mut self, params: P, f: F) -> Result<SqliteMappedRows<'_, F, T, E>>
    where
        P: Params,
        E: From<Error>,
        F: FnMut(&Row<'_>) -> Result<T, E>,
    {
        Ok(SqliteMappedRows { rows: self.query(params)?, map: f, item: PhantomData })
    }

    /// [`Statement::exists`]
    pub fn exists<P: Params>(&mut self, params: P) -> Result<bool> {
        Ok(self.query(params)?.next()?.is_some())
    }

    /// [`Statement::query_row`]
    pub fn query_row<T, P: Params>(&mut self, params: P, f: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        self.run(|statement, expanded| statement.query_row_inside(params, f, expanded), one_row)
    }

    /// [`Statement::query_one`]
    pub fn query_one<T, P: Params>(&mut self, params: P, f: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        self.run(|statement, expanded| statement.query_one_inside(params, f, expanded), one_row)
    }

    fn run<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &mut Expanded) -> Result<T>,
        told: impl FnOnce(&Span, &T),
    ) -> Result<T> {
        let (db, sql, kind) = (self.db, self.sql.clone(), self.kind);
        db.run(&sql, kind, |expanded| work(self, expanded), told)
    }

    /// Executes it where its span is current already.
    pub(super) fn execute_inside<P: Params>(&mut self, params: P, expanded: &mut Expanded) -> Result<usize> {
        let result = self.deref_mut().execute(params);
        *expanded = self.db.expand(self);
        self.again(result)
    }

    fn execute_bound(&mut self, expanded: &mut Expanded) -> Result<usize> {
        *expanded = self.db.expand(self);
        let result = self.deref_mut().raw_execute();
        self.again(result)
    }

    /// Once more, if it has failed because the triggers no longer fit the schema: then it did nothing.
    fn again(&mut self, result: Result<usize>) -> Result<usize> {
        match result {
            Err(error) if self.db.mends(&error) => self.deref_mut().raw_execute(),
            result => result,
        }
    }

    pub(super) fn query_row_inside<T, P: Params>(
        &mut self,
        params: P,
        f: impl FnOnce(&Row<'_>) -> Result<T>,
        expanded: &mut Expanded,
    ) -> Result<T> {
        let result = self.deref_mut().query_row(params, f);
        *expanded = self.db.expand(self);
        result
    }

    pub(super) fn query_one_inside<T, P: Params>(
        &mut self,
        params: P,
        f: impl FnOnce(&Row<'_>) -> Result<T>,
        expanded: &mut Expanded,
    ) -> Result<T> {
        let result = self.deref_mut().query_one(params, f);
        *expanded = self.db.expand(self);
        result
    }

    fn rows<'s>(&'s mut self, query: impl FnOnce(&'s mut Statement<'c>) -> Result<Rows<'s>>) -> Result<SqliteRows<'s>> {
        let (db, kind) = (self.db, self.kind);
        let statement = match &mut self.inner {
            Inner::Plain(statement) => statement,
            Inner::Cached(statement) => statement.deref_mut(),
        };
        let writes = !statement.readonly();
        db.before(kind);
        let span = db.begin(&self.sql);
        if let Some(span) = &span {
            db.capture.tell(span)
        }
        let result = match db.refused_by_replay(span.as_ref()) {
            Some(error) => Err(error),
            None => query(statement),
        };
        match result {
            Ok(rows) => {
                if let (Some(span), Some(statement)) = (&span, rows.as_ref()) {
                    let expanded = span.in_scope(|| db.expand(statement));
                    db.tell_parameters(span, &self.sql, expanded)
                }
                if writes {
                    db.capture.begin_writing()
                }
                Ok(SqliteRows { rows: Some(rows), span, db, sql: &self.sql, kind, count: 0, writes })
            }
            Err(error) => {
                if let Some(span) = span {
                    failure::end(span, &error, &self.sql)
                }
                db.after(kind, true);
                Err(error)
            }
        }
    }
}

impl<'c> Deref for SqliteStatement<'c> {
    type Target = Statement<'c>;

    fn deref(&self) -> &Statement<'c> {
        match &self.inner {
            Inner::Plain(statement) => statement,
            Inner::Cached(statement) => statement,
        }
    }
}

impl<'c> DerefMut for SqliteStatement<'c> {
    fn deref_mut(&mut self) -> &mut Statement<'c> {
        match &mut self.inner {
            Inner::Plain(statement) => statement,
            Inner::Cached(statement) => statement,
        }
    }
}

impl fmt::Debug for SqliteStatement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteStatement").field(&self.sql).finish()
    }
}

/// [`Rows`] of a statement that has a span. It ends when the last row was read, or the rows are dropped.
#[must_use = "rows are lazy, and nothing is done unless they are read"]
pub struct SqliteRows<'s> {
    /// `None`: they have ended.
    rows: Option<Rows<'s>>,
    span: Option<Span>,
    db: &'s SqliteConnection,
    sql: &'s str,
    kind: Kind,
    count: usize,
    writes: bool,
}

impl<'s> SqliteRows<'s> {
    /// [`Rows::next`]
    #[expect(clippy::should_implement_trait, reason = "a row borrows from the rows, so this cannot be an iterator")]
    pub fn next(&mut self) -> Result<Option<&Row<'s>>> {
        let Some(rows) = &mut self.rows else { return Ok(None) };
        let advanced = match &mut self.span {
            Some(span) => adapter::in_open_span(span, || rows.advance()),
            None => rows.advance(),
        };
        match advanced {
            Ok(()) if rows.get().is_some() => self.count += 1,
            Ok(()) => {
                self.end(None);
                return Ok(None);
            }
            Err(error) => {
                self.end(Some(&error));
                return Err(error);
            }
        }
        Ok(self.rows.as_ref().and_then(|rows| rows.get()))
    }

    /// [`Rows::mapped`]
    pub fn mapped<F, T>(self, f: F) -> SqliteMappedRows<'s, F, T>
    where
        F: FnMut(&Row<'_>) -> Result<T>,
    {
        self.and_then(f)
    }

    /// [`Rows::and_then`]
    pub fn and_then<F, T, E>(self, f: F) -> SqliteMappedRows<'s, F, T, E>
    where
        E: From<Error>,
        F: FnMut(&Row<'_>) -> Result<T, E>,
    {
        SqliteMappedRows { rows: self, map: f, item: PhantomData }
    }

    /// All were read, or one could not be.
    fn end(&mut self, error: Option<&Error>) {
        self.rows = None;
        match (self.span.take(), error) {
            (Some(span), Some(error)) => failure::end(span, error, self.sql),
            (Some(span), None) => {
                span.attribute(semconv::DB_RESPONSE_RETURNED_ROWS, self.count);
                span.end()
            }
            (None, _) => {}
        }
        self.done(error.is_some())
    }

    fn done(&mut self, has_failed: bool) {
        if std::mem::take(&mut self.writes) {
            self.db.capture.end_writing()
        }
        self.db.after(self.kind, has_failed)
    }
}

impl Drop for SqliteRows<'_> {
    fn drop(&mut self) {
        // A statement that is not stepped to its end commits when it is reset.
        if self.rows.take().is_some() {
            if let Some(span) = self.span.take() {
                span.end()
            }
            self.done(false)
        }
    }
}

impl fmt::Debug for SqliteRows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteRows").field("count", &self.count).finish_non_exhaustive()
    }
}

/// [`MappedRows`](rusqlite::MappedRows) and [`AndThenRows`](rusqlite::AndThenRows) of a statement that has a span.
#[must_use = "iterators are lazy, and nothing is done unless they are read"]
pub struct SqliteMappedRows<'s, F, T, E = Error> {
    rows: SqliteRows<'s>,
    map: F,
    item: PhantomData<fn() -> Result<T, E>>,
}

impl<T, E, F> Iterator for SqliteMappedRows<'_, F, T, E>
where
    E: From<Error>,
    F: FnMut(&Row<'_>) -> Result<T, E>,
{
    type Item = Result<T, E>;

    fn next(&mut self) -> Option<Result<T, E>> {
        match self.rows.next() {
            Ok(row) => row.map(&mut self.map),
            Err(error) => Some(Err(error.into())),
        }
    }
}

impl<F, T, E> fmt::Debug for SqliteMappedRows<'_, F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteMappedRows").field(&self.rows).finish()
    }
}
