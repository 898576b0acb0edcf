//! Reading columns of a row, and the errors for what cannot be right in them.

use crate::{Error, Result};
use rusqlite::Row;

/// A column of bytes.
pub(super) fn blob<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r [u8]> {
    row.get_ref(column)?.as_blob().map_err(|_| bad_directory())
}

/// The columns of a delivery do not fit together.
pub(super) fn bad_directory() -> Error {
    Error::corrupt("its directory does not fit together")
}

/// A block is not in the file.
pub(super) fn missing_block() -> Error {
    Error::corrupt("a block is missing")
}

/// A block cannot be read as records.
pub(super) fn bad_block() -> Error {
    Error::corrupt("a block cannot be read as records")
}
