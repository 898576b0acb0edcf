//! The table `run`: a row for each run, which says what a list says of it.

mod row;
mod services;

use crate::error::Result;
use crate::row::copy::CopyRows;
use crate::session::Session;
use spanbridge_graph::RunStatus;
use spanbridge_query::RunRow;

pub(crate) use row::{SHOWN, read, read_unsettled};

/// The columns that are written, in the order of [`Summary::put`].
pub(crate) const WRITTEN: &str = "run, day, records, folded, is_current, last_at, started_at, ended_at, shown, status, name, \
                                  services, spans, errors, failed, dead_lettered, recovered, parent, unsettled";

/// A row of the table.
pub(crate) struct Summary {
    pub(crate) row: RunRow,
    /// Its partition of the table `record`, in days since 2000-01-01.
    pub(crate) day: i32,
    /// How many records it has.
    pub(crate) records: i64,
    /// The time of its last record.
    pub(crate) last_at: i64,
}

impl Summary {
    /// Appends the row, with the columns of [`WRITTEN`].
    pub(crate) fn put(&self, out: &mut CopyRows) {
        let row = &self.row;
        let time = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        out.row(19);
        out.uuid(row.run_id.get());
        out.i32(self.day);
        out.i64(self.records);
        out.i64(self.records);
        out.bytes(&[u8::from(row::can_hold(row))]);
        out.i64(self.last_at);
        out.i64(time(row.started_at));
        out.optional_i64(row.ended_at.map(time));
        out.i16(row::number(shown(row)));
        out.i16(row::number(row.status));
        out.bytes(crate::text::without_nul(&row.name).as_bytes());
        services::put(out, &row.services);
        out.i64(time(row.spans));
        out.i64(time(row.errors));
        for count in [row.failed_work.failed, row.failed_work.dead_lettered, row.failed_work.recovered] {
            out.i16(count.min(RunRow::MAX_COUNTED) as i16);
        }
        out.optional_uuid(row.parent_run_id.map(|parent| parent.get()));
        out.optional(row::unsettled(row).as_deref());
    }
}

/// The number in the column `shown` of runs that a filter for this status shows.
pub(crate) fn shown_number(status: RunStatus) -> i16 {
    row::number(status)
}

/// The status under which a filter shows a run.
fn shown(row: &RunRow) -> RunStatus {
    if row.counts_as(RunStatus::Error) { RunStatus::Error } else { row.status }
}

/// Makes the temporary tables of the connection, for rows that are copied and then stored where they may be already.
pub(crate) fn temporary(session: &Session<'_>) -> Result<()> {
    let make = |name: &str, table: &str| {
        format!("CREATE TEMPORARY TABLE IF NOT EXISTS {name} (LIKE {table} INCLUDING DEFAULTS) ON COMMIT DELETE ROWS")
    };
    let statements =
        [("new_record", "record"), ("new_run", "run"), ("changed_run", "run")].map(|(name, of)| make(name, of));
    session.run("make temporary tables", &statements.join("; "))
}
