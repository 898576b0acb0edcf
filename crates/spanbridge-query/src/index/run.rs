//! The row of a run in the index.

use super::order::{ordered, unordered};
use super::unsettled;
use crate::runs::RunRow;
use crate::{Error, Result};
use rusqlite::Row;
use spanbridge::RunId;
use spanbridge_graph::{FailedWork, RunStatus, Unsettled};
use spanbridge_store::codec::bytes::{Reader, put_varint};
use spanbridge_store::delivery::Aggregate;

/// The columns of a run, in the order in which [`FoldedRun::read`] reads them.
pub(super) const COLUMNS: &str = "run.id, run.head, run.tail, run.started_at, run.took, run.status, run.name, run.services, \
                                  run.totals, run.pieces, run.spans, run.errors, run.parent, run.root, \
                                  run.unsettled";

/// Totals, with texts by their numbers in the index.
pub(super) type Totals = Aggregate<u32>;

/// A run as it is in the index.
#[derive(Clone, Debug)]
pub(super) struct FoldedRun {
    pub(super) row: i64,
    pub(super) run_id: RunId,
    pub(super) started_at: u64,
    pub(super) ended_at: Option<u64>,
    pub(super) status: RunStatus,
    /// The number of its name. 0: it has none.
    pub(super) name: u32,
    pub(super) services: i64,
    pub(super) totals: Vec<u8>,
    pub(super) pieces: Vec<u8>,
    /// How many spans and errors it has, if that was counted in its records.
    pub(super) counted: Option<(u64, u64)>,
    pub(super) failed_work: FailedWork,
    pub(super) unsettled: Unsettled,
    pub(super) parent: Option<RunId>,
    /// The row of the run whose operation it is a part of.
    pub(super) root: Option<i64>,
}

/// Records of a run that follow each other in a block, and go on at the beginning of the next ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The first block.
    pub(super) block: i64,
    /// The place of the run in it. In the others it is 0.
    pub(super) place: usize,
    /// How many blocks.
    pub(super) blocks: u64,
    /// How many records.
    pub(super) records: u64,
}

impl Piece {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.block as u64);
        put_varint(out, self.place as u64);
        put_varint(out, self.blocks);
        put_varint(out, self.records);
    }

    fn read(r: &mut Reader<'_>) -> Option<Self> {
        let (block, place) = (r.varint()? as i64, usize::try_from(r.varint()?).ok()?);
        Some(Self { block, place, blocks: r.varint()?, records: r.varint()? })
    }

    /// The blocks, with the place of the run in each.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (i64, usize)> + use<> {
        let Self { block, place, blocks, .. } = *self;
        (0..blocks as i64).map(move |n| (block + n, if n == 0 { place } else { 0 }))
    }
}

/// The pieces in a column.
pub(super) fn pieces(bytes: &[u8]) -> Result<Vec<Piece>> {
    let (mut r, mut all) = (Reader(bytes), Vec::new());
    while !r.0.is_empty() {
        all.push(Piece::read(&mut r).ok_or_else(|| Error::corrupt("the pieces of a run do not fit together"))?);
    }
    Ok(all)
}

impl FoldedRun {
    /// Reads the [`COLUMNS`].
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        let (head, tail) = (unordered(row.get(1)?), row.get::<_, i64>(2)? as u64);
        let run_id = RunId::new(u128::from(head) << 64 | u128::from(tail));
        let started_at = unordered(row.get(3)?);
        let took: Option<i64> = row.get(4)?;
        Ok(Self {
            row: row.get(0)?,
            run_id: run_id.ok_or_else(|| Error::corrupt("a run has no id"))?,
            started_at,
            ended_at: took.map(|took| started_at.wrapping_add(took as u64)),
            status: status(row.get(5)?)?,
            failed_work: row.get::<_, Option<i64>>(11)?.map(failed_work).unwrap_or_default(),
            name: row.get(6)?,
            services: row.get(7)?,
            totals: row.get(8)?,
            pieces: row.get(9)?,
            parent: row.get::<_, Option<[u8; 16]>>(12)?.and_then(|id| RunId::new(u128::from_be_bytes(id))),
            root: row.get(13)?,
            unsettled: unsettled::read(row.get_ref(14)?.as_blob_or_null().ok().flatten())?,
            counted: row
                .get::<_, Option<i64>>(10)?
                .zip(row.get(11)?)
                .map(|(s, e): (i64, i64)| (s as u64, e as u64 & MAX_ERRORS)),
        })
    }

    /// When anything happened in it last. The owner may have ended it before that.
    pub(super) fn last_at(&self, totals: &Totals) -> u64 {
        let ranges = [totals.spans_at, totals.others_at].into_iter().flatten().map(|range| range.1);
        ranges.chain(self.ended_at).max().unwrap_or(0).max(self.started_at)
    }

    /// The totals, with the services of their set.
    pub(super) fn totals(&self, services: Vec<u32>) -> Result<Totals> {
        let totals = Totals::read(self.started_at, &mut Reader(&self.totals));
        Ok(Totals { services, ..totals.ok_or_else(|| Error::corrupt("the totals of a run cannot be read"))? })
    }
}

/// The halves of an id, as they are stored.
pub(super) fn halves(run_id: RunId) -> [i64; 2] {
    let id = run_id.get();
    [ordered((id >> 64) as u64), id as u64 as i64]
}

/// The errors of a run, as they are stored: below them is how much work failed although the run succeeded.
const MAX_ERRORS: u64 = (1 << 32) - 1;

/// The errors of a run and its failed work in one column.
pub(super) fn errors_column(row: &RunRow) -> i64 {
    let FailedWork { failed, dead_lettered, recovered, .. } = row.failed_work;
    let count = |n: u64, at: u32| n.min(RunRow::MAX_COUNTED) << at;
    (row.errors.min(MAX_ERRORS) | count(failed, 32) | count(dead_lettered, 42) | count(recovered, 52)) as i64
}

fn failed_work(column: i64) -> FailedWork {
    let count = |at: u32| column as u64 >> at & 0x3ff;
    let mut work = FailedWork::default();
    (work.failed, work.dead_lettered, work.recovered) = (count(32), count(42), count(52));
    work
}

/// The number of runs that are ok, and of which work failed.
const OK_WITH_FAILED_WORK: i64 = 6;

/// The number of runs that are ok, and of which messages have no settlement: whether these count as failed depends on the time.
pub(super) const OK_UNSETTLED: i64 = 7;

/// The number of the status of a row. Messages without a settlement that count at this time make no difference.
pub(super) fn status_of(status: RunStatus, work: &FailedWork, unsettled: &Unsettled) -> i64 {
    match status {
        RunStatus::Ok if work.failed > 0 || work.dead_lettered > 0 => OK_WITH_FAILED_WORK,
        RunStatus::Ok if !unsettled.messages.is_empty() => OK_UNSETTLED,
        other => status_number(other),
    }
}

/// The numbers that a filter for a status may show.
pub(super) fn statuses_shown(status: RunStatus) -> Vec<i64> {
    match status {
        RunStatus::Ok => vec![status_number(status), OK_UNSETTLED],
        RunStatus::Error => vec![status_number(status), OK_WITH_FAILED_WORK, OK_UNSETTLED],
        _ => vec![status_number(status)],
    }
}

/// The numbers of runs that failed, or of which work did: an operation with such a part is not simply ok. Of [`OK_UNSETTLED`], some did.
pub(super) const FAILED: [i64; 3] = [1, 5, OK_WITH_FAILED_WORK];

/// The number of a status. [`RunStatus::Ok`] is 0.
pub(super) fn status_number(status: RunStatus) -> i64 {
    match status {
        RunStatus::Ok => 0,
        RunStatus::Error => 1,
        RunStatus::Cancelled => 2,
        RunStatus::Suspended => 3,
        RunStatus::Open => 4,
        // This release knows no other.
        _ => 5,
    }
}

fn status(number: i64) -> Result<RunStatus> {
    Ok(match number {
        0 | OK_WITH_FAILED_WORK | OK_UNSETTLED => RunStatus::Ok,
        1 => RunStatus::Error,
        2 => RunStatus::Cancelled,
        3 => RunStatus::Suspended,
        4 => RunStatus::Open,
        5 => RunStatus::Conflicted,
        _ => return Err(Error::corrupt("a run has an unknown status")),
    })
}
