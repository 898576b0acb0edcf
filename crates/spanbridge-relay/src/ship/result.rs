//! Errors of a shipper: those of the store that it reads.

use spanbridge_query::{Error, ErrorKind};
use std::fmt;

pub(super) type Result<T, E = Error> = std::result::Result<T, E>;

/// "failed to {doing}: {error}".
pub(super) fn failed(doing: impl fmt::Display, error: impl fmt::Display) -> Error {
    Error::new(ErrorKind::Io, format!("{doing}: {error}"))
}
