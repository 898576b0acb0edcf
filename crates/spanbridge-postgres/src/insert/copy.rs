//! Sending rows to a table.

use crate::error::Result;
use crate::row::copy::CopyRows;
use crate::session::Session;

pub(super) fn copy(session: &Session<'_>, table: &str, columns: &str, rows: CopyRows) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let statement = format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)");
    session.copy("store records", &statement, rows.finish()).map(drop)
}
