//! Rows as they come.

use crate::postgres::call::{Rows, failed, succeeded};
use futures_core::Stream;
use spanbridge::observe::Span;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio_postgres::{Error, Row, RowStream};

/// The rows of a query, as they come: tokio-postgres's `RowStream`. The span of the query ends with the last row; if you drop the
/// stream before, the span is cancelled.
#[must_use = "streams do nothing unless polled"]
pub struct ObservedRows {
    rows: Pin<Box<RowStream>>,
    span: Option<Span>,
    count: u64,
}

impl ObservedRows {
    pub(super) fn new(rows: RowStream, span: Span) -> Self {
        ObservedRows { rows: Box::pin(rows), span: Some(span), count: 0 }
    }

    /// As tokio-postgres has it: the number of rows that the query was about, once the stream has ended.
    pub fn rows_affected(&self) -> Option<u64> {
        self.rows.rows_affected()
    }
}

impl Stream for ObservedRows {
    type Item = Result<Row, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.rows.as_mut().poll_next(cx));
        match &next {
            Some(Ok(_)) => self.count += 1,
            Some(Err(error)) => {
                if let Some(span) = self.span.take() {
                    failed(span, error)
                }
            }
            None => {
                let count = self.count;
                if let Some(span) = self.span.take() {
                    succeeded(span, Rows::Returned(count))
                }
            }
        }
        Poll::Ready(next)
    }
}

impl std::fmt::Debug for ObservedRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObservedRows").field("count", &self.count).finish_non_exhaustive()
    }
}
