//! A call of a client inside its span: how the span ends.

use crate::replayed;
use spanbridge::adapter::Refused;
use spanbridge::observe::Span;
use spanbridge::{ContextExt, Failure, adapter, semconv};
use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::pin;

/// An error of a client.
pub(crate) trait ClientError {
    /// The SQLSTATE, if the server has reported the error.
    fn state(&self) -> Option<Cow<'_, str>>;
    /// The text, without what the server says of values in its details.
    fn text(&self) -> String;
    /// The error of a statement that a replay refuses.
    fn refused(refused: Refused) -> impl Future<Output = Self> + Send;
}

/// How many rows a statement was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    NotKnown,
    Returned(u64),
    Affected(u64),
}

/// Returns the span of a statement that may run on this database. If a replay refuses it, the span ends with the client's error.
pub(crate) async fn allowed<E: ClientError>(span: Span, database: &str) -> Result<Span, E> {
    let Some(refused) = replayed::refused(span.context(), database) else { return Ok(span) };
    let error = E::refused(refused).await;
    failed(span, &error);
    Err(error)
}

/// The same for a call that has no span.
pub(crate) async fn allowed_here<E: ClientError>(database: &str) -> Result<(), E> {
    match replayed::refused_here(database) {
        None => Ok(()),
        Some(refused) => Err(E::refused(refused).await),
    }
}

/// Runs the call of a client inside its span, which ends with it. If it is dropped before, the span is cancelled.
pub(crate) async fn in_span<T, E: ClientError>(
    mut span: Span,
    rows: impl FnOnce(&T) -> Rows,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    if span.id().is_none() {
        return call.await;
    }
    let result = {
        let mut call = pin!(call.in_context(span.context().clone()));
        poll_fn(|cx| adapter::in_open_span(&mut span, || call.as_mut().poll(cx))).await
    };
    match &result {
        Ok(value) => succeeded(span, rows(value)),
        Err(error) => failed(span, error),
    }
    result
}

/// Ends the span of a statement that has succeeded.
pub(crate) fn succeeded(span: Span, rows: Rows) {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    match rows {
        Rows::NotKnown => {}
        Rows::Returned(count) => span.attribute(semconv::DB_RESPONSE_RETURNED_ROWS, number(count)),
        Rows::Affected(count) => span.attribute(semconv::DB_AFFECTED_ROWS, number(count)),
    }
    span.end()
}

/// Ends the span of a statement that has failed.
pub(crate) fn failed(span: Span, error: &impl ClientError) {
    if span.id().is_none() {
        return;
    }
    let text = error.text();
    let failure = Failure::new(&text);
    match error.state() {
        Some(state) => {
            span.attribute(semconv::DB_RESPONSE_STATUS_CODE, &*state);
            span.end_with(&failure.class(state))
        }
        None => span.end_with(&failure),
    }
}
