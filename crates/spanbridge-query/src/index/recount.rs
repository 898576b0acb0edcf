//! Counting again what failed in runs that an earlier release folded.
//!
//! An upgrade notes which rows there were. A fold reads the records of those that are ok again, as far as its time goes.

use super::handle::Index;
use super::logs::begin;
use super::operations::Member;
use super::{fold::rows, folding};
use crate::Result;
use rusqlite::{OptionalExtension, params};
use std::time::Instant;

/// How many rows a transaction looks at.
const AT_ONCE: i64 = 1024;

impl Index {
    /// Goes on until this time, or until nothing is left. Ends early if somebody else writes.
    pub(super) fn recount(&self, until: Option<Instant>) -> Result<()> {
        while until.is_none_or(|until| Instant::now() < until) {
            let sql = "SELECT first, last FROM outdated ORDER BY first LIMIT 1";
            let next: Option<(i64, i64)> =
                self.connection.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((first, last)) = next else { break };
            if !begin(&self.connection)? {
                break;
            }
            let to = first.saturating_add(AT_ONCE - 1).min(last);
            let done = self.assert_in_place().and_then(|()| self.recount_rows(first, to, last));
            self.connection.execute_batch(if done.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
            self.reader.borrow_mut().forget();
            self.workshop.borrow_mut().begin(done.is_err());
            done?;
            self.is_stale.set(true);
        }
        Ok(())
    }

    fn recount_rows(&self, first: i64, to: i64, last: i64) -> Result<()> {
        let workshop = &mut *self.workshop.borrow_mut();
        let sql = "SELECT id FROM run WHERE id BETWEEN ? AND ? AND status IN (0, 1, 2, 3, 4, 6, 7)";
        let mut query = self.connection.prepare_cached(sql)?;
        let found = query.query_map([first, to], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
        for row in found {
            let Some(run) = Member::at(&self.connection, row)? else { continue };
            // What cannot be read stays as it was counted; `check` reports it.
            if let Some(row) = folding::row_of_records(&self.connection, workshop, run.run).unwrap_or(None) {
                rows::decide(&self.connection, &mut workshop.texts, &row)?;
            }
        }
        self.connection.prepare_cached("DELETE FROM outdated WHERE first = ?")?.execute([first])?;
        if to < last {
            let mut rest = self.connection.prepare_cached("INSERT INTO outdated(first, last) VALUES (?, ?)")?;
            rest.execute(params![to + 1, last])?;
        }
        Ok(())
    }
}
