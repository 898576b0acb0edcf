//! One question.

use super::batches::Batches;
use super::receivers::Receivers;
use crate::client::Client;
use spanbridge::RunId;
use spanbridge_query::engine::{Cursor, Damaged, EachBatch, EachRun, IdMatches, IdPrefix, Mention, Order, Snapshot};
use spanbridge_query::{Error, RunFilter, RunRow};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

type Result<T> = std::result::Result<T, Error>;

const SECOND: u64 = 1_000_000_000;

/// The id of no run, as a literal.
const NO_RUN: &str = "unhex('00000000000000000000000000000000')";

/// The tables, as one question sees them.
pub(super) struct Asked<'c> {
    pub(super) client: &'c Client,
    damaged: RefCell<BTreeSet<Option<RunId>>>,
    /// In microseconds since the Unix epoch.
    end: OnceCell<u64>,
    /// The batches that were inserted from a time on.
    pub(super) seen: RefCell<Option<(u64, Rc<Batches>)>>,
    pub(super) receivers: Receivers,
}

impl<'c> Asked<'c> {
    pub(super) fn new(client: &'c Client, now: u64) -> Self {
        let (damaged, end, seen) = (RefCell::default(), OnceCell::new(), RefCell::default());
        Self { client, damaged, end, seen, receivers: Receivers::at(now) }
    }

    pub(super) fn note_damaged(&self, run: Option<RunId>) {
        self.damaged.borrow_mut().insert(run);
    }

    /// What is inserted from now on is after it.
    pub(super) fn now(&self) -> u64 {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
        *self.end.get_or_init(now)
    }
}

impl Snapshot for Asked<'_> {
    fn records(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        self.read_runs(run_ids, true, each)
    }

    fn pieces(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        self.read_runs(run_ids, false, each)
    }

    fn size(&self, run_id: RunId) -> Result<u64> {
        self.spans_of(run_id)
    }

    fn records_of_no_run(&self, during: RangeInclusive<u64>, each: &mut EachBatch<'_>) -> Result<()> {
        let (from, to) = (during.start() / SECOND, during.end() / SECOND);
        let condition = format!(
            "run = {NO_RUN} AND if(near_last > 0, near_last >= {from} AND near_first <= {to}, \
             at_high = 0 AND at_low = 0 OR intDiv(at, {SECOND}) >= {from} AND intDiv(at, {SECOND}) <= {to})"
        );
        self.read_where(&condition, "version DESC, segment, seq, hash", each)
    }

    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        self.list(filter, limit)
    }

    fn operations(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        self.list_operations(filter, limit)
    }

    fn rows(&self, run_ids: &[RunId]) -> Result<Vec<RunRow>> {
        self.rows_of(run_ids)
    }

    fn started(&self, during: RangeInclusive<u64>, order: Order, limit: usize) -> Result<Vec<(u64, RunId)>> {
        self.starts(during, order, limit)
    }

    fn ids(&self, prefix: &IdPrefix, limit: usize) -> Result<IdMatches> {
        self.look_up(prefix, limit)
    }

    fn mentions(&self, mention: Mention, ids: &[u128]) -> Result<Vec<(u128, RunId)>> {
        self.mentioning(mention, ids)
    }

    fn changed_by(&self, rows: &[u128]) -> Result<Vec<RunId>> {
        self.changing(rows)
    }

    fn changed_by_unknown(&self, rows: &[u128], each: &mut EachBatch<'_>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let condition = format!("run = {NO_RUN} AND type = 'mutation'");
        self.read_where(&condition, "version DESC, segment, seq, hash", each)
    }

    fn changes_forgotten(&self) -> Result<Option<u64>> {
        Ok(self.forgotten_up_to()?)
    }

    fn pruned(&self, run_ids: &[RunId]) -> Result<Vec<RunId>> {
        Ok(self.pruned_of(run_ids)?)
    }

    fn end(&self) -> Result<Cursor> {
        self.end_cursor()
    }

    fn follow(&self, after: &Cursor, each: &mut EachBatch<'_>) -> Result<()> {
        self.follow_from(after, each)
    }

    fn damaged(&self) -> Vec<Damaged> {
        let part = |run: &Option<RunId>| match run {
            Some(run) => format!("a record of run {run}"),
            None => "a record of no run".to_owned(),
        };
        let why = "its row is not what this release would have written";
        self.damaged.borrow().iter().map(|run| Damaged::new(part(run), why)).collect()
    }
}
