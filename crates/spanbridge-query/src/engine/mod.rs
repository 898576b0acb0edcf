//! What a question needs of the place where records are kept.
//!
//! A [`Store`](crate::Store) asks its questions through an [`Engine`], so each question is written once. To keep records in
//! another database, implement [`Engine`] and [`Snapshot`], and open the store with
//! [`Store::with_engine`](crate::Store::with_engine). Everything else is the same: graphs, lists, look-ups by the beginning of
//! an id, linked runs, gaps, export.
//!
//! Questions ask for many ids in one call, so that a remote database answers in few round trips. An engine returns what is
//! stored and does not interpret it: [`RunRow::of`](crate::RunRow::of) and [`RunFilter::matches`](crate::RunFilter::matches)
//! have the rules, for engines that do not keep rows of their own.

mod cursor;
mod damaged;
mod ids;
pub(crate) mod operations;
pub(crate) mod parts;
mod pasted;
mod prune;
pub(crate) mod recovered;
#[doc(hidden)]
pub mod row;
pub(crate) mod unsettled;

use crate::runs::{RunFilter, RunRow};
use crate::{Error, ErrorKind, Result};
use spanbridge::RunId;
use spanbridge::record::Record;
use std::ops::RangeInclusive;

pub use cursor::Cursor;
pub use damaged::Damaged;
pub use ids::{IdMatches, IdPrefix, SpanMatch};
pub use operations::operations;
pub use prune::{Old, Removed};
pub use recovered::ReadRuns;
pub use unsettled::{NeverSettled, now};

/// A place where records are kept.
pub trait Engine: Send {
    /// What is stored now. Keep it no longer than one question takes: it may hold back cleaning up.
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>>;

    /// Stores records. Once it returns, they are safe, and all but those that it [rejects](Stored::rejected) are in the next
    /// snapshot. If it fails, some of them may be stored.
    ///
    /// The same records may come again: after an error, from another process, or in other batches. Every answer must be as if
    /// they had come once. Records of one id with other content are all kept.
    ///
    /// Default: [`ErrorKind::ReadOnly`].
    fn store(&mut self, records: &[Record<'_>]) -> Result<Stored> {
        let _ = records;
        Err(Error::new(ErrorKind::ReadOnly, "store records: it can only be read from here"))
    }

    /// Removes old runs, whole: from all answers, and what is stored of them. Tells `after_step` what is gone so far, and ends early if
    /// that answers `false`. Whatever stops it, it may be begun again and goes on; a run that is left is whole.
    ///
    /// What comes later of a run that was removed is [late](Stored::late), and so are runs that would have been removed by now.
    ///
    /// Default: [`ErrorKind::ReadOnly`].
    fn prune(&mut self, old: &Old, after_step: &mut dyn FnMut(&Removed) -> bool) -> Result<Removed> {
        let _ = (old, after_step);
        Err(Error::new(ErrorKind::ReadOnly, "remove old runs: it can only be read from here"))
    }
}

/// What became of records that an [engine](Engine::store) was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// Records that can never be stored: their position among those that it was given, from 0, and the reason. All others are stored.
    pub rejected: Vec<(usize, String)>,
    /// Records that came too late: their run was [removed](Engine::prune), or would have been by now. Their positions among those that it
    /// was given, from 0. They are not stored.
    pub late: Vec<usize>,
}

impl Stored {
    /// Adds records that came too late.
    pub fn with_late(mut self, positions: impl IntoIterator<Item = usize>) -> Self {
        self.late.extend(positions);
        self
    }

    /// Adds a record that can never be stored. `why` continues "record 7: ".
    pub fn reject(mut self, position: usize, why: impl Into<String>) -> Self {
        self.rejected.push((position, why.into()));
        self
    }
}

/// One consistent state of the stored records. What others write meanwhile is in the next one.
///
/// A record belongs to its run, or to the run of its trace ([`run_of`](spanbridge_graph::run_of)); a few belong to no run.
/// A record that was delivered several times may be stored once or several times; readers do not depend on it.
///
/// What cannot be read because it is damaged is left out, and [`damaged`](Snapshot::damaged) says so. An error means that
/// there is no answer.
pub trait Snapshot {
    /// Calls `each` once for each of these runs that is stored, in any order, with all of its records. They are in the order
    /// in which they were stored. At most a few runs should be in memory at a time, however many are asked for.
    fn records(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()>;

    /// The same for reading a run of any size: `each` may be called several times for a run, with some of its records each
    /// time, so that few of them are in memory at once. Other runs may come in between. Default: by
    /// [`records`](Snapshot::records), which has all records of a run in memory.
    fn pieces(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        self.records(run_ids, each)
    }

    /// About how many spans a run has, from what is known without its records. 0: it is not stored. This decides whether a run
    /// is read whole or in pieces. Default: what its [row](Snapshot::rows) says.
    fn size(&self, run_id: RunId) -> Result<u64> {
        Ok(self.rows(&[run_id])?.first().map_or(0, |row| row.spans))
    }

    /// Calls `each` with the records of no run that came together with records of this time, in nanoseconds since the Unix
    /// epoch. These are what a process says about itself, such as what it had to drop. They have no time of their own, so
    /// "together" is as near as the engine knows: in the same delivery.
    fn records_of_no_run(&self, during: RangeInclusive<u64>, each: &mut EachBatch<'_>) -> Result<()>;

    /// The runs that match the filter, newest first, at most `limit` of them. Runs that began at the same time are in
    /// descending order of their ids.
    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>>;

    /// The first runs of the operations that match the filter, in the same order, each with the numbers of its
    /// [descendants](RunRow::descendants). See [`RunQuery`](crate::RunQuery). Default: by the rows of all runs.
    fn operations(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        let rows = self.runs(&RunFilter::default(), usize::MAX)?;
        operations(rows, filter, limit, &|runs, each| self.records(runs, each))
    }

    /// The rows of these runs, in any order. Runs that are not stored are left out.
    fn rows(&self, run_ids: &[RunId]) -> Result<Vec<RunRow>>;

    /// The runs that began at this time, in this order, at most `limit` of them, each with the time.
    fn started(&self, during: RangeInclusive<u64>, order: Order, limit: usize) -> Result<Vec<(u64, RunId)>>;

    /// The ids that begin with these digits. If there are more than `limit` runs, traces or spans, any `limit` of them, or
    /// more.
    fn ids(&self, prefix: &IdPrefix, limit: usize) -> Result<IdMatches>;

    /// The runs that mention one of these ids in this way, each with that id; sorted, and each pair once.
    fn mentions(&self, mention: Mention, ids: &[u128]) -> Result<Vec<(u128, RunId)>>;

    /// The runs that may have changed one of the rows with these [marks](spanbridge_graph::row_mark), in any order. Default: all
    /// runs.
    fn changed_by(&self, rows: &[u128]) -> Result<Vec<RunId>> {
        let _ = rows;
        Ok(self.started(0..=u64::MAX, Order::OldestFirst, usize::MAX)?.into_iter().map(|(_, run)| run).collect())
    }

    /// Calls `each` with records of no run, among which are all that may say that one of these rows was changed. Default: all
    /// records of no run.
    fn changed_by_unknown(&self, rows: &[u128], each: &mut EachBatch<'_>) -> Result<()> {
        let _ = rows;
        self.records_of_no_run(0..=u64::MAX, each)
    }

    /// The time up to which changes of rows may be missing, because the runs that made them are pruned. Default: none is missing.
    fn changes_forgotten(&self) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Which of these runs were stored and are [pruned](crate::keeping::prune), as far as the engine remembers: it need not
    /// remember those that no stored run is connected with. Default: none.
    fn pruned(&self, run_ids: &[RunId]) -> Result<Vec<RunId>> {
        let _ = run_ids;
        Ok(Vec::new())
    }

    /// The cursor for what comes after this snapshot.
    fn end(&self) -> Result<Cursor>;

    /// Calls `each` with every record after the cursor, up to the [end](Snapshot::end), in the order in which they were
    /// stored, in batches. From the beginning ([`Cursor::default`]), each stored record comes once. Otherwise none is left
    /// out, but some that were before the cursor may come again.
    fn follow(&self, after: &Cursor, each: &mut EachBatch<'_>) -> Result<()>;

    /// What was left out of the answers of this snapshot so far, because it is damaged. Each damaged part once.
    fn damaged(&self) -> Vec<Damaged>;
}

/// Takes the records of a run, or some of them. Its error ends the question, and is the question's.
pub type EachRun<'e> = dyn FnMut(RunId, Vec<Record<'_>>) -> Result<()> + 'e;

/// Takes some records. Its error ends the question, and is the question's.
pub type EachBatch<'e> = dyn FnMut(Vec<Record<'_>>) -> Result<()> + 'e;

/// How a run mentions an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mention {
    /// It has records of this trace, and that is not the run's own trace, which has the run's id.
    Trace,
    /// It was started by this run.
    Parent,
    /// A span of it links to this trace, and that is neither the run's own nor the span's.
    Link,
}

/// An order of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// By the time at which they began, ascending; then by id, ascending.
    OldestFirst,
    /// The reverse.
    NewestFirst,
}
