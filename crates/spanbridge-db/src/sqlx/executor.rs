//! A pool and a transaction as executors of sqlx's queries.

use super::pool::ObservedPool;
use super::query::Query;
use super::run::{Step, first, run};
use super::stream::stream;
use super::take::take_some;
use super::transaction::PoolTransaction;
use crate::postgres::call::{allowed, allowed_here};
use crate::postgres::session::{TagEnd, writes};
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use spanbridge::adapter;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgRow, PgStatement, PgTypeInfo};
use sqlx::{Describe, Error, Execute, Executor, PgConnection, Postgres, SqlStr};
use std::ops::DerefMut;

/// A connection that names a writer. Dropped with the name, it is closed, so that nobody inherits it.
struct Tagged {
    connection: PoolConnection<Postgres>,
    end: Option<TagEnd>,
}

impl Tagged {
    async fn end(&mut self) -> Result<(), Error> {
        if let Some(end) = &self.end {
            self.connection.execute(sqlx::AssertSqlSafe(end.sql())).await?;
            self.end = None;
        }
        Ok(())
    }
}

impl Drop for Tagged {
    fn drop(&mut self) {
        if self.end.is_some() {
            self.connection.close_on_drop()
        }
    }
}

impl ObservedPool {
    /// Runs something on a connection under the name of who writes in the span, and takes changes after it.
    async fn on_connection<T>(
        &self,
        query: Query,
        work: impl AsyncFnOnce(&mut PgConnection, Query, spanbridge::observe::Span) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // In a replay the span begins, and the statement is asked about, before a connection is made.
        let early = match adapter::stands_in() {
            true => Some(allowed::<Error>(self.session.query(query.text()), &self.session.namespace).await?),
            false => None,
        };
        let connection = self.pool.acquire().await?;
        let span = early.unwrap_or_else(|| self.session.query(query.text()));
        let takes = self.session.takes_after(query.text());
        let mut tagged = Tagged { connection, end: None };
        if let Some(tag) = self.session.tag_alone(query.text(), span.context()) {
            tagged.end = Some(tag.end);
            // If it fails, so does the statement, which says why.
            let _ = tagged.connection.execute(sqlx::AssertSqlSafe(tag.begin)).await;
        }
        let result = work(&mut tagged.connection, query, span).await;
        // If it fails, the connection is closed.
        if tagged.end().await.is_ok() && result.is_ok() && takes {
            take_some(&mut tagged.connection, &self.session).await
        }
        result
    }
}

impl<'p> Executor<'p> for &'_ ObservedPool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let (db, query) = (self.clone(), Query::of(query));
        stream(move |to| async move {
            let work = async |connection: &mut PgConnection, query: Query, span| {
                let writes = writes(query.text());
                run(connection, query, writes, span, &to).await
            };
            db.on_connection(query?, work).await
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let (db, query) = (self.clone(), Query::of(query));
        Box::pin(async move { db.on_connection(query?, first).await })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'p: 'e,
    {
        let db = self.clone();
        Box::pin(async move {
            allowed_here::<Error>(&db.session.namespace).await?;
            db.pool.acquire().await?.prepare_with(sql, parameters).await
        })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'p: 'e,
    {
        let db = self.clone();
        Box::pin(async move {
            allowed_here::<Error>(&db.session.namespace).await?;
            db.pool.acquire().await?.describe(sql).await
        })
    }
}

impl<'t> Executor<'t> for &'t mut PoolTransaction<'_> {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        't: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let query = Query::of(query);
        stream(move |to| async move {
            let query = query?;
            let (inside, writes) = (self.inside.clone(), writes(query.text()));
            let span = inside.begin(|| self.session.query(query.text()));
            let span = allowed::<Error>(span, &self.session.namespace).await?;
            let result = run(self.deref_mut(), query, writes, span, &to).await;
            result.inspect_err(|error| inside.failed(error))
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        't: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        let query = Query::of(query);
        Box::pin(async move {
            let query = query?;
            let inside = self.inside.clone();
            let span = inside.begin(|| self.session.query(query.text()));
            let span = allowed::<Error>(span, &self.session.namespace).await?;
            first(self.deref_mut(), query, span).await.inspect_err(|error| inside.failed(error))
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [PgTypeInfo]) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        't: 'e,
    {
        self.deref_mut().prepare_with(sql, parameters)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        't: 'e,
    {
        self.deref_mut().describe(sql)
    }
}
