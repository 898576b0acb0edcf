//! diesel's errors, as they are recorded.

use crate::sql::{Dialect, message_without_literals};
use diesel::result::{DatabaseErrorKind, Error};
use spanbridge::Failure;
use spanbridge::observe::Span;
use std::borrow::Cow;

/// Ends the span of something that has failed.
pub(super) fn end(span: Span, error: &Error, dialect: Dialect) {
    let text = text(error, dialect);
    span.end_with(&Failure::new(&text).class(class(error)))
}

/// Whether the database has reported it, so that it is still there.
pub(super) fn is_reported(error: &Error) -> bool {
    use DatabaseErrorKind::{ClosedConnection, UnableToSendCommand};
    matches!(error, Error::DatabaseError(kind, _) if !matches!(kind, ClosedConnection | UnableToSendCommand))
}

/// Whether the connection is gone.
pub(super) fn is_closed(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _))
}

/// Without the details, which may have values of the row.
fn text(error: &Error, dialect: Dialect) -> String {
    let Error::DatabaseError(kind, information) = error else { return error.to_string() };
    let message = information.message();
    let is_generic = dialect == Dialect::Sqlite && matches!(kind, DatabaseErrorKind::Unknown);
    let without = is_generic.then(|| message_without_literals(message, dialect)).flatten();
    without.unwrap_or_else(|| message.to_owned())
}

fn class(error: &Error) -> Cow<'static, str> {
    Cow::Borrowed(match error {
        Error::DatabaseError(DatabaseErrorKind::Unknown, _) => "_OTHER",
        Error::DatabaseError(kind, _) => return Cow::Owned(format!("{kind:?}")),
        Error::InvalidCString(_) => "InvalidCString",
        Error::NotFound => "NotFound",
        Error::QueryBuilderError(_) => "QueryBuilderError",
        Error::DeserializationError(_) => "DeserializationError",
        Error::SerializationError(_) => "SerializationError",
        Error::RollbackErrorOnCommit { .. } => "RollbackErrorOnCommit",
        Error::RollbackTransaction => "RollbackTransaction",
        Error::AlreadyInTransaction => "AlreadyInTransaction",
        Error::NotInTransaction => "NotInTransaction",
        Error::BrokenTransactionManager => "BrokenTransactionManager",
        _ => "_OTHER",
    })
}
