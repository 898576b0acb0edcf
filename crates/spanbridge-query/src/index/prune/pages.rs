//! The pages of the file: how many are used, and giving back those that are not.

use crate::{ErrorKind, Result};
use rusqlite::Connection;

/// How many pages are freed in a transaction.
const PAGES_AT_ONCE: u32 = 4096;

/// Bytes of the pages that are used.
pub(in crate::index) fn used_bytes(connection: &Connection) -> Result<u64> {
    let pages = number(connection, "PRAGMA page_count")? - number(connection, "PRAGMA freelist_count")?;
    Ok((pages * number(connection, "PRAGMA page_size")?) as u64)
}

fn number(connection: &Connection, sql: &str) -> Result<i64> {
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Gives pages that are not used back to the file system, as far as others allow: they may be reading. What is left is used by the
/// next folds.
pub(super) fn free(connection: &Connection) -> Result<()> {
    let free = || -> Result<()> {
        while number(connection, "PRAGMA freelist_count")? > 0 && number(connection, "PRAGMA auto_vacuum")? > 0 {
            let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"))?;
            let mut pages = vacuum.query([])?;
            // Each page is a row.
            while pages.next()?.is_some() {}
        }
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    };
    match free() {
        Err(e) if e.kind() == ErrorKind::Busy => Ok(()),
        other => other,
    }
}
