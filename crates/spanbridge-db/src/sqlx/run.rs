//! A query on a connection, inside of its span.

use super::query::Query;
use super::stream::Sender;
use crate::postgres::call::{Rows, in_span};
use spanbridge::observe::Span;
use sqlx::postgres::{PgQueryResult, PgRow};
use sqlx::{Either, Error, Executor, PgConnection};
use std::future::poll_fn;

pub(super) type Step = Either<PgQueryResult, PgRow>;

/// Runs a query, and sends what comes.
pub(super) async fn run(
    connection: &mut PgConnection,
    query: Query,
    writes: bool,
    span: Span,
    to: &Sender<Step>,
) -> Result<(), Error> {
    let call = async {
        let (mut returned, mut affected) = (0, 0);
        let mut steps = connection.fetch_many(query);
        while let Some(step) = poll_fn(|cx| steps.as_mut().poll_next(cx)).await {
            let step = step?;
            match &step {
                Either::Left(result) => affected += result.rows_affected(),
                Either::Right(_) => returned += 1,
            }
            to.send(step).await
        }
        Ok::<_, Error>(if writes { Rows::Affected(affected) } else { Rows::Returned(returned) })
    };
    in_span(span, |rows| *rows, call).await.map(drop)
}

/// Runs a query of which the first row is wanted.
pub(super) async fn first(connection: &mut PgConnection, query: Query, span: Span) -> Result<Option<PgRow>, Error> {
    let rows = |row: &Option<PgRow>| Rows::Returned(row.is_some().into());
    in_span(span, rows, connection.fetch_optional(query)).await
}
