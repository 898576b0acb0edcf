//! The deliveries of a file, in one consistent state of it. Damaged ones are skipped and remembered.
//!
//! If SQLite itself cannot read the file, nothing can be skipped, and that stays an error.

use super::file::block_id;
use super::row::{bad_directory, blob, missing_block};
use crate::engine::Damaged;
use crate::{Error, ErrorKind, Result};
use rusqlite::{OptionalExtension, Row, Transaction};
use spanbridge_store::codec::pack;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A read transaction, and what was skipped in it.
pub(super) struct Deliveries<'c> {
    pub(super) transaction: Transaction<'c>,
    /// Whether they have a column with the traces that they link to.
    pub(super) has_links: bool,
    damaged: RefCell<BTreeMap<i64, String>>,
}

impl<'c> Deliveries<'c> {
    pub(super) fn new(transaction: Transaction<'c>, has_links: bool) -> Self {
        Self { transaction, has_links, damaged: RefCell::default() }
    }

    /// Calls `each` with every row of a query.
    pub(super) fn scan(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        mut each: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut query = self.transaction.prepare_cached(sql)?;
        let mut rows = query.query(parameters)?;
        while let Some(row) = rows.next()? {
            each(row)?;
        }
        Ok(())
    }

    /// Calls `each` with every row of a query over deliveries, and with the id in its first column. Skips what is damaged.
    pub(super) fn each(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        mut each: impl FnMut(i64, &Row<'_>) -> Result<()>,
    ) -> Result<()> {
        self.scan(sql, parameters, |row| {
            let delivery = row.get(0)?;
            self.skip_damaged(delivery, each(delivery, row)).map(drop)
        })
    }

    /// A block, unpacked.
    pub(super) fn block(&self, delivery: i64, block: usize) -> Result<Vec<u8>> {
        let id = block_id(delivery, block).ok_or_else(bad_directory)?;
        let mut query = self.transaction.prepare_cached("SELECT data FROM block WHERE id = ?")?;
        let unpacked = query.query_row([id], |row| {
            let mut raw = Vec::new();
            let unpacked = blob(row, 0).and_then(|packed| Ok(pack::unpack(packed, &mut raw)?));
            Ok(unpacked.map(|()| raw))
        });
        unpacked.optional()?.ok_or_else(missing_block)?
    }

    /// What was read of a delivery. `None` if that is damaged, which is remembered. Every other error stays one.
    pub(super) fn skip_damaged<T>(&self, delivery: i64, read: Result<T>) -> Result<Option<T>> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error) if is_one_row(&error) => {
                self.damaged.borrow_mut().entry(delivery).or_insert_with(|| error.to_string());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What was skipped so far.
    pub(super) fn damaged(&self) -> Vec<Damaged> {
        let damaged = self.damaged.borrow();
        damaged.iter().map(|(delivery, why)| Damaged::new(format!("delivery {delivery}"), why)).collect()
    }
}

/// Whether only a row is damaged: SQLite can read the file.
fn is_one_row(error: &Error) -> bool {
    let by_sqlite = error.cause().and_then(|e| e.downcast_ref::<rusqlite::Error>());
    error.kind() == ErrorKind::Corrupt && by_sqlite.is_none_or(|e| e.sqlite_error_code().is_none())
}
