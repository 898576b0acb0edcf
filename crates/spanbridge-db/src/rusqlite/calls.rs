//! Statements that a connection runs.

use super::connection::{SqliteConnection, changed, one_row};
use super::kind::Kind;
use super::statement::SqliteStatement;
use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::{Batch, Error, Params, Result, Row};

impl SqliteConnection {
    /// [`rusqlite::Connection::execute`]
    pub fn execute<P: Params>(&self, sql: &str, params: P) -> Result<usize> {
        self.run(sql, Kind::of(sql), |expanded| self.compile(sql)?.execute_inside(params, expanded), changed)
    }

    /// [`rusqlite::Connection::execute_batch`]. Each statement has a span of its own.
    pub fn execute_batch(&self, sql: &str) -> Result<()> {
        let mut batch = Batch::new(self.raw(), sql);
        loop {
            // The triggers have to fit before the statement is compiled: it cannot be tried again.
            self.before(Kind::Other);
            let mut statement = match batch.next() {
                Ok(Some(statement)) => statement,
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.refused(sql, error)),
            };
            let text = statement.expanded_sql().unwrap_or_default();
            let kind = Kind::of(&text);
            if kind == Kind::Schema {
                self.before(kind)
            }
            self.run_inside(&text, kind, |_| statement.raw_query().next().map(drop), |_, ()| {})?
        }
    }

    /// [`rusqlite::Connection::query_row`]
    pub fn query_row<T, P: Params>(&self, sql: &str, params: P, f: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        self.run(sql, Kind::of(sql), |expanded| self.compile(sql)?.query_row_inside(params, f, expanded), one_row)
    }

    /// [`rusqlite::Connection::query_one`]
    pub fn query_one<T, P: Params>(&self, sql: &str, params: P, f: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        self.run(sql, Kind::of(sql), |expanded| self.compile(sql)?.query_one_inside(params, f, expanded), one_row)
    }

    /// [`rusqlite::Connection::query_row_and_then`]
    pub fn query_row_and_then<T, E, P>(
        &self,
        sql: &str,
        params: P,
        f: impl FnOnce(&Row<'_>) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<Error>,
        P: Params,
    {
        self.query_row(sql, params, |row| Ok(f(row)))?
    }

    /// [`rusqlite::Connection::prepare`]
    pub fn prepare(&self, sql: &str) -> Result<SqliteStatement<'_>> {
        self.compile(sql).map_err(|error| self.refused(sql, error))
    }

    /// [`rusqlite::Connection::prepare_cached`]
    pub fn prepare_cached(&self, sql: &str) -> Result<SqliteStatement<'_>> {
        let compile = || self.raw().prepare_cached(sql);
        match self.compiled(compile) {
            Ok(statement) => Ok(SqliteStatement::cached(self, statement, sql)),
            Err(error) => Err(self.refused(sql, error)),
        }
    }

    fn compile(&self, sql: &str) -> Result<SqliteStatement<'_>> {
        let statement = self.compiled(|| self.raw().prepare(sql))?;
        Ok(SqliteStatement::plain(self, statement, sql))
    }
}
