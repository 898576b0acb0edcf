//! Where a statement runs, outside of a transaction or in one, and what is done around it.

use super::parameters::record_parameters;
use super::pipeline::tagged;
use super::prepared::{Prepared, Sql, prepared};
use super::rows::ObservedRows;
use super::shared::Shared;
use super::take::take_some;
use crate::postgres::call::{Rows, allowed, allowed_here, failed, in_span};
use crate::postgres::inside::Inside;
use crate::postgres::session::{Session, Tag};
use spanbridge::ContextExt;
use spanbridge::observe::Span;
use std::sync::atomic::Ordering;
use tokio_postgres::types::{BorrowToSql, ToSql, Type};
use tokio_postgres::{Client, Error, Row, SimpleQueryMessage, Statement};

#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) client: &'a Client,
    pub(super) shared: &'a Shared,
    pub(super) inside: Option<&'a Inside>,
}

type Parameters<'p> = &'p [&'p (dyn ToSql + Sync)];
type TypedParameters<'p> = &'p [(&'p (dyn ToSql + Sync), Type)];

impl Scope<'_> {
    async fn begin(&self, sql: &str) -> Result<(Span, Option<Tag>), Error> {
        let session = &self.shared.session;
        let span = match self.inside {
            Some(inside) => inside.begin(|| session.query(sql)),
            None => session.query(sql),
        };
        let span = allowed(span, &session.namespace).await?;
        let tag = match self.inside {
            Some(inside) => session.tag_inside(span.context(), inside.whole()),
            None => session.tag_alone(sql, span.context()),
        };
        Ok((span, tag))
    }

    /// Prepares a statement, as the client does it before it runs a text, and records the parameters.
    async fn prepared<T: Sql + ?Sized>(&self, sql: &T, parameters: Parameters<'_>) -> Result<Statement, Error> {
        let statement = prepared(self.client, sql).await?;
        record_parameters(&self.shared.session.options, &statement, parameters);
        Ok(statement)
    }

    async fn end(&self, sql: &str, error: Option<&Error>) {
        let by_text = &self.shared.is_begun_by_text;
        // A COMMIT that failed has ended it, too; a BEGIN that failed has begun nothing.
        if let (None, Some(is_begun)) = (self.inside, Session::by_text(sql).filter(|begun| !begun || error.is_none())) {
            by_text.store(is_begun, Ordering::Relaxed)
        }
        match (self.inside, error) {
            (Some(inside), Some(error)) => inside.failed(error),
            (None, None) if !by_text.load(Ordering::Relaxed) && self.shared.session.takes_after(sql) => {
                take_some(self.client, self.shared).await
            }
            _ => {}
        }
    }

    /// Runs a call that needs no prepared statement.
    async fn plain<T>(
        &self,
        sql: &str,
        rows: impl FnOnce(&T) -> Rows,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let (span, tag) = self.begin(sql).await?;
        let result = in_span(span, rows, tagged(self.client, &self.shared.order, tag, true, call)).await;
        self.end(sql, result.as_ref().err()).await;
        result
    }

    pub(super) async fn query<T: Sql + ?Sized>(&self, sql: &T, parameters: Parameters<'_>) -> Result<Vec<Row>, Error> {
        let (span, tag) = self.begin(sql.text()).await?;
        let call = async {
            let statement = self.prepared(sql, parameters).await?;
            tagged(self.client, &self.shared.order, tag, true, self.client.query(&statement, parameters)).await
        };
        let result = in_span(span, |rows: &Vec<Row>| Rows::Returned(rows.len() as u64), call).await;
        self.end(sql.text(), result.as_ref().err()).await;
        result
    }

    pub(super) async fn query_one<T: Sql + ?Sized>(&self, sql: &T, parameters: Parameters<'_>) -> Result<Row, Error> {
        let (span, tag) = self.begin(sql.text()).await?;
        let call = async {
            let statement = self.prepared(sql, parameters).await?;
            tagged(self.client, &self.shared.order, tag, true, self.client.query_one(&statement, parameters)).await
        };
        let result = in_span(span, |_| Rows::Returned(1), call).await;
        self.end(sql.text(), result.as_ref().err()).await;
        result
    }

    pub(super) async fn query_opt<T: Sql + ?Sized>(
        &self,
        sql: &T,
        parameters: Parameters<'_>,
    ) -> Result<Option<Row>, Error> {
        let (span, tag) = self.begin(sql.text()).await?;
        let call = async {
            let statement = self.prepared(sql, parameters).await?;
            tagged(self.client, &self.shared.order, tag, true, self.client.query_opt(&statement, parameters)).await
        };
        let result = in_span(span, |row: &Option<Row>| Rows::Returned(row.is_some().into()), call).await;
        self.end(sql.text(), result.as_ref().err()).await;
        result
    }

    pub(super) async fn query_raw<T, P, I>(&self, sql: &T, parameters: I) -> Result<ObservedRows, Error>
    where
        T: Sql + ?Sized,
        P: BorrowToSql,
        I: IntoIterator<Item = P>,
        I::IntoIter: ExactSizeIterator,
    {
        let (span, tag) = self.begin(sql.text()).await?;
        let call = async {
            let statement = prepared(self.client, sql).await?;
            tagged(self.client, &self.shared.order, tag, false, self.client.query_raw(&statement, parameters)).await
        };
        let context = span.context().clone();
        // The span is open for longer than this call.
        match call.in_context(context).await {
            Ok(rows) => Ok(ObservedRows::new(rows, span)),
            Err(error) => {
                failed(span, &error);
                self.end(sql.text(), Some(&error)).await;
                Err(error)
            }
        }
    }

    pub(super) async fn query_typed(&self, sql: &str, parameters: TypedParameters<'_>) -> Result<Vec<Row>, Error> {
        let rows = |rows: &Vec<Row>| Rows::Returned(rows.len() as u64);
        self.plain(sql, rows, self.client.query_typed(sql, parameters)).await
    }

    pub(super) async fn execute<T: Sql + ?Sized>(&self, sql: &T, parameters: Parameters<'_>) -> Result<u64, Error> {
        let (span, tag) = self.begin(sql.text()).await?;
        let call = async {
            let statement = self.prepared(sql, parameters).await?;
            tagged(self.client, &self.shared.order, tag, true, self.client.execute(&statement, parameters)).await
        };
        let result = in_span(span, |count| Rows::Affected(*count), call).await;
        self.end(sql.text(), result.as_ref().err()).await;
        result
    }

    pub(super) async fn execute_typed(&self, sql: &str, parameters: TypedParameters<'_>) -> Result<u64, Error> {
        self.plain(sql, |count| Rows::Affected(*count), self.client.execute_typed(sql, parameters)).await
    }

    pub(super) async fn batch_execute(&self, sql: &str) -> Result<(), Error> {
        self.plain(sql, |()| Rows::NotKnown, self.client.batch_execute(sql)).await
    }

    pub(super) async fn simple_query(&self, sql: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
        self.plain(sql, |_| Rows::NotKnown, self.client.simple_query(sql)).await
    }

    pub(super) async fn prepare(&self, sql: &str) -> Result<Prepared, Error> {
        allowed_here(&self.shared.session.namespace).await?;
        Ok(Prepared::new(self.client.prepare(sql).await?, sql))
    }

    pub(super) async fn prepare_typed(&self, sql: &str, types: &[Type]) -> Result<Prepared, Error> {
        allowed_here(&self.shared.session.namespace).await?;
        Ok(Prepared::new(self.client.prepare_typed(sql, types).await?, sql))
    }
}

/// The methods of tokio-postgres that run statements, for a type with a method `scope`.
macro_rules! statements {
    () => {
        /// As tokio-postgres's method, with a span.
        pub async fn query<T: Sql + ?Sized>(
            &self,
            statement: &T,
            params: &[&(dyn ToSql + Sync)],
        ) -> Result<Vec<Row>, Error> {
            self.scope().query(statement, params).await
        }

        /// As tokio-postgres's method, with a span.
        pub async fn query_one<T: Sql + ?Sized>(
            &self,
            statement: &T,
            params: &[&(dyn ToSql + Sync)],
        ) -> Result<Row, Error> {
            self.scope().query_one(statement, params).await
        }

        /// As tokio-postgres's method, with a span.
        pub async fn query_opt<T: Sql + ?Sized>(
            &self,
            statement: &T,
            params: &[&(dyn ToSql + Sync)],
        ) -> Result<Option<Row>, Error> {
            self.scope().query_opt(statement, params).await
        }

        /// As tokio-postgres's method, with a span that ends with the last row. Changes that the statement made are recorded
        /// with those of the next one.
        pub async fn query_raw<T, P, I>(&self, statement: &T, params: I) -> Result<ObservedRows, Error>
        where
            T: Sql + ?Sized,
            P: BorrowToSql,
            I: IntoIterator<Item = P>,
            I::IntoIter: ExactSizeIterator,
        {
            self.scope().query_raw(statement, params).await
        }

        /// As tokio-postgres's method, with a span.
        pub async fn query_typed(
            &self,
            statement: &str,
            params: &[(&(dyn ToSql + Sync), Type)],
        ) -> Result<Vec<Row>, Error> {
            self.scope().query_typed(statement, params).await
        }

        /// As tokio-postgres's method, with a span.
        pub async fn execute<T: Sql + ?Sized>(
            &self,
            statement: &T,
            params: &[&(dyn ToSql + Sync)],
        ) -> Result<u64, Error> {
            self.scope().execute(statement, params).await
        }

        /// As tokio-postgres's method, with a span.
        pub async fn execute_typed(
            &self,
            statement: &str,
            params: &[(&(dyn ToSql + Sync), Type)],
        ) -> Result<u64, Error> {
            self.scope().execute_typed(statement, params).await
        }

        /// As tokio-postgres's method, with a span. Changes of a text that begins a transaction (`BEGIN`) are recorded as
        /// written by somebody unknown.
        pub async fn batch_execute(&self, query: &str) -> Result<(), Error> {
            self.scope().batch_execute(query).await
        }

        /// As tokio-postgres's method, with a span; the rest is as with [`batch_execute`](Self::batch_execute).
        pub async fn simple_query(&self, query: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
            self.scope().simple_query(query).await
        }

        /// As tokio-postgres's method. What it returns knows its text.
        pub async fn prepare(&self, query: &str) -> Result<Prepared, Error> {
            self.scope().prepare(query).await
        }

        /// As tokio-postgres's method. What it returns knows its text.
        pub async fn prepare_typed(&self, query: &str, parameter_types: &[Type]) -> Result<Prepared, Error> {
            self.scope().prepare_typed(query, parameter_types).await
        }
    };
}
pub(super) use statements;
