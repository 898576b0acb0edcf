//! Errors of rusqlite, as they are recorded.

use crate::sql::{Dialect, message_without_literals};
use rusqlite::{Error, ffi};
use spanbridge::adapter::Refused;
use spanbridge::observe::Span;
use spanbridge::{Failure, semconv};
use std::borrow::Cow;
use std::error::Error as _;

/// Ends the span of a statement that failed.
pub(super) fn end(span: Span, error: &Error, sql: &str) {
    if let Some(code) = code(error) {
        span.attribute(semconv::DB_RESPONSE_STATUS_CODE, code.to_string())
    }
    let text = text(error, sql);
    span.end_with(&Failure::new(&text).class(class(error)))
}

/// A statement that a replay refuses: as one that an authorizer of SQLite's refuses.
pub(super) fn refused(refused: &Refused) -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_AUTH), Some(refused.to_string()))
}

/// Whether SQLite says no more than that something is wrong with the statement, as it does if it cannot be compiled.
pub(super) fn is_generic(error: &Error) -> bool {
    code(error) == Some(ffi::SQLITE_ERROR)
}

/// SQLite's extended result code.
fn code(error: &Error) -> Option<i32> {
    let source = || error.source()?.downcast_ref::<ffi::Error>();
    error.sqlite_error().or_else(source).map(|error| error.extended_code)
}

/// The text, without the statement that rusqlite quotes in `… in SELECT 1 at offset 7`: that is an attribute of its own, without
/// literals.
fn text(error: &Error, sql: &str) -> String {
    let mut text = error.to_string();
    if let Some((quotes, _)) = text.rsplit_once(" at offset ") {
        let begins = quotes.match_indices(" in ").find(|(at, found)| sql.contains(&quotes[at + found.len()..]));
        if let Some((at, _)) = begins {
            text.truncate(at)
        }
    }
    // `near "'a text'": syntax error`
    let without = is_generic(error).then(|| message_without_literals(&text, Dialect::Sqlite)).flatten();
    without.unwrap_or(text)
}

/// SQLite's extended result code, or which of rusqlite's errors it is.
fn class(error: &Error) -> Cow<'static, str> {
    if let Some(code) = code(error) {
        return Cow::Owned(code.to_string());
    }
    Cow::Borrowed(match error {
        Error::QueryReturnedNoRows => "QueryReturnedNoRows",
        Error::QueryReturnedMoreThanOneRow => "QueryReturnedMoreThanOneRow",
        Error::ExecuteReturnedResults => "ExecuteReturnedResults",
        Error::StatementChangedRows(_) => "StatementChangedRows",
        Error::MultipleStatement => "MultipleStatement",
        Error::InvalidParameterCount(..) => "InvalidParameterCount",
        Error::InvalidParameterName(_) => "InvalidParameterName",
        Error::InvalidColumnIndex(_) => "InvalidColumnIndex",
        Error::InvalidColumnName(_) => "InvalidColumnName",
        Error::InvalidColumnType(..) => "InvalidColumnType",
        Error::FromSqlConversionFailure(..) => "FromSqlConversionFailure",
        Error::ToSqlConversionFailure(_) => "ToSqlConversionFailure",
        _ => "_OTHER",
    })
}
