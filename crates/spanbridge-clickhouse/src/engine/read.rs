//! Reading records.

use super::snapshot::Asked;
use crate::client::{Rows, broken};
use crate::error::Result;
use crate::row::{columns, read_row};
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_query::Error as QueryError;
use spanbridge_query::engine::{EachBatch, EachRun};
use std::fmt::Write;

/// How many runs are asked for in one query.
pub(super) const RUNS_AT_ONCE: usize = 1000;

/// How many records are in memory at once, where that is not a run.
const PIECE: usize = 1024;

/// These runs as a list for `IN`.
pub(super) fn ids(all: impl IntoIterator<Item = u128>) -> String {
    all.into_iter().map(literal).collect::<Vec<_>>().join(", ")
}

/// An id as a text of its bytes. A call of `unhex` would be worked out for each by itself, which takes longer than the query.
fn literal(id: u128) -> String {
    let mut text = String::with_capacity(2 + 4 * 16);
    text.push('\'');
    for byte in id.to_be_bytes() {
        let _ = write!(text, "\\x{byte:02x}");
    }
    text.push('\'');
    text
}

/// What comes twice is the same in all of these.
pub(super) const ONCE: &str = "LIMIT 1 BY run, segment, seq, hash";

impl Asked<'_> {
    /// Calls `each` with the records of each run, in the order in which they were stored: all of a run at once, or some of them.
    pub(super) fn read_runs(&self, runs: &[RunId], is_whole: bool, each: &mut EachRun<'_>) -> Result<(), QueryError> {
        let mut runs = runs.to_vec();
        runs.sort_unstable();
        runs.dedup();
        for some in runs.chunks(RUNS_AT_ONCE) {
            let query = format!(
                // So only the run is read of the rows beside it in its granules.
                "SELECT {} FROM record PREWHERE run IN ({}) ORDER BY run, version DESC, segment, seq, hash {ONCE}",
                columns::content(),
                ids(some.iter().map(|run| run.get())),
            );
            let mut rows = self.client.query(&query, &[])?;
            let mut now: Option<(RunId, Vec<Record<'static>>)> = None;
            while let Some((run, record)) = self.next(&mut rows)? {
                let Some(run) = run else { continue };
                let ends = now.as_ref().is_some_and(|(of, some)| *of != run || !is_whole && some.len() >= PIECE);
                if let Some((of, some)) = now.take_if(|_| ends) {
                    each(of, some)?;
                }
                now.get_or_insert_with(|| (run, Vec::new())).1.extend(record);
            }
            if let Some((of, some)) = now {
                each(of, some)?;
            }
        }
        Ok(())
    }

    /// Calls `each` with all records that match, in the order of the query.
    pub(super) fn read_where(&self, condition: &str, order: &str, each: &mut EachBatch<'_>) -> Result<(), QueryError> {
        let query = format!("SELECT {} FROM record FINAL WHERE {condition} ORDER BY {order}", columns::content());
        // A store is larger than the memory of its servers.
        let settings = [("max_bytes_before_external_sort", (256 << 20).to_string())];
        let mut rows = self.client.query(&query, &settings)?;
        let mut some = Vec::new();
        while let Some((_, record)) = self.next(&mut rows)? {
            some.extend(record);
            if some.len() >= PIECE {
                each(std::mem::take(&mut some))?;
            }
        }
        if some.is_empty() { Ok(()) } else { each(some) }
    }

    /// The next record. `None` for one that cannot be read, which is remembered.
    fn next(&self, rows: &mut Rows) -> Result<Option<(Option<RunId>, Option<Record<'static>>)>> {
        if rows.is_at_end().map_err(|error| broken(&error))? {
            return Ok(None);
        }
        let row = read_row(rows).map_err(|error| broken(&error))?;
        if row.record.is_none() {
            self.note_damaged(row.run);
        }
        Ok(Some((row.run, row.record)))
    }
}
