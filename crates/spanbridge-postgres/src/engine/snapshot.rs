//! One question: a transaction that only reads.

use super::prune;
use crate::records::{self, ORDER, Wanted};
use crate::row::{COLUMNS, near};
use crate::schema::NO_RUN;
use crate::session::Session;
use crate::shape::Known;
use crate::transaction::Transaction;
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_query::engine::{
    Cursor, Damaged, EachBatch, EachRun, IdMatches, IdPrefix, Mention, NeverSettled, Order, Snapshot,
};
use spanbridge_query::{Error, RunFilter, RunRow};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

pub(super) type Result<T> = std::result::Result<T, Error>;

/// A run with more records is read in pieces if that is asked for.
const MANY: i64 = 20_000;

/// How many records are in memory at once, where that is not a run.
const PIECE: usize = 2_000;

/// The tables, as one question sees them.
pub(super) struct Asked<'p> {
    pub(super) transaction: Transaction<'p>,
    /// Which transactions it sees, as PostgreSQL writes it.
    pub(super) end: String,
    shapes: &'p RefCell<Known>,
    /// The rows of runs of which the table does not say everything.
    pub(super) not_current: OnceCell<Vec<RunRow>>,
    damaged: RefCell<BTreeSet<Option<RunId>>>,
    cursors: Cell<u64>,
    pub(super) never_settled: NeverSettled,
}

impl<'p> Asked<'p> {
    pub(super) fn begin(session: Session<'p>, shapes: &'p RefCell<Known>, now: u64) -> Result<Self> {
        let transaction = Transaction::begin(session, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        // What it sees is decided by the first query.
        let end = transaction.value("look how far the records go", "SELECT pg_current_snapshot()::text", &[])?;
        let (not_current, damaged, cursors) = (OnceCell::new(), RefCell::default(), Cell::new(0));
        let never_settled = NeverSettled::at(now);
        Ok(Self { transaction, end, shapes, not_current, damaged, cursors, never_settled })
    }

    /// With the shapes that are known. Whoever is called may ask again meanwhile, and then knows none.
    pub(super) fn with_shapes<T>(&self, read: impl FnOnce(&mut Known) -> T) -> T {
        let mut shapes = self.shapes.take();
        let result = read(&mut shapes);
        self.shapes.replace(shapes);
        result
    }

    fn note_damaged(&self, run: Option<RunId>) {
        self.damaged.borrow_mut().insert(run);
    }

    /// Reads the records of these runs, of each at once.
    pub(super) fn read(&self, wanted: &[Wanted], each: &mut EachRun<'_>) -> Result<()> {
        self.with_shapes(|shapes| {
            records::read(&self.transaction, shapes, wanted, &mut |run, records, damaged| {
                if damaged > 0 {
                    self.note_damaged(Some(run));
                }
                each(run, records)
            })
        })
    }

    /// Calls `each` with what the rows of a query say. It selects the [`COLUMNS`].
    pub(super) fn scroll(&self, query: &str, each: &mut EachBatch<'_>) -> Result<()> {
        let doing = "read records";
        let name = format!("c{}", self.cursors.replace(self.cursors.get() + 1));
        self.transaction.run(doing, &format!("DECLARE {name} NO SCROLL CURSOR FOR {query}"))?;
        loop {
            let rows = self.transaction.query(doing, &format!("FETCH {PIECE} FROM {name}"), &[])?;
            if rows.is_empty() {
                break;
            }
            let read = self.with_shapes(|shapes| records::decode(&self.transaction, shapes, &rows))?;
            let mut records: Vec<Record<'static>> = Vec::with_capacity(read.len());
            for row in read {
                match row.record {
                    Some(record) => records.push(record),
                    None => self.note_damaged(row.run),
                }
            }
            each(records)?;
        }
        Ok(self.transaction.run(doing, &format!("CLOSE {name}"))?)
    }

    /// Calls `each` with records of no run, in the order in which they were stored.
    fn read_of_no_run(&self, condition: &str, each: &mut EachBatch<'_>) -> Result<()> {
        let query = format!(
            "SELECT {COLUMNS} FROM record WHERE day = date '2000-01-01' + {NO_RUN} AND ({condition}) ORDER BY {ORDER}"
        );
        self.scroll(&query, each)
    }
}

impl Snapshot for Asked<'_> {
    fn records(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        self.read(&records::find(&self.transaction, run_ids)?, each)
    }

    fn pieces(&self, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
        let wanted = records::find(&self.transaction, run_ids)?;
        let (large, others): (Vec<Wanted>, Vec<Wanted>) = wanted.into_iter().partition(|one| one.records > MANY);
        self.read(&others, each)?;
        for one in large {
            let query = format!(
                "SELECT {COLUMNS} FROM record WHERE day = date '2000-01-01' + {} AND run = '{}' ORDER BY {ORDER}",
                one.day, one.run
            );
            self.scroll(&query, &mut |records| each(one.run, records))?;
        }
        Ok(())
    }

    fn size(&self, run_id: RunId) -> Result<u64> {
        self.spans_of(run_id)
    }

    fn records_of_no_run(&self, during: RangeInclusive<u64>, each: &mut EachBatch<'_>) -> Result<()> {
        let (from, to) = (near(*during.start()), near(*during.end()));
        // What has no time came with others, or alone. A time after 2262 is below zero.
        let condition = format!(
            "CASE WHEN at IS NOT NULL THEN at < 0 OR at >= {from} AND at <= {to} \
             ELSE near_last = 0 OR near_last >= {from} AND near_first <= {to} END"
        );
        self.read_of_no_run(&condition, each)
    }

    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        self.list(filter, limit)
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
        match rows.is_empty() {
            true => Ok(()),
            false => self.read_of_no_run("shape IN (SELECT id FROM shape WHERE type = 'mutation')", each),
        }
    }

    fn changes_forgotten(&self) -> Result<Option<u64>> {
        Ok(prune::changes_forgotten(&self.transaction)?)
    }

    fn pruned(&self, run_ids: &[RunId]) -> Result<Vec<RunId>> {
        Ok(prune::pruned(&self.transaction, run_ids)?)
    }

    fn end(&self) -> Result<Cursor> {
        Ok(Cursor::from_bytes(self.end.as_bytes()))
    }

    fn follow(&self, after: &Cursor, each: &mut EachBatch<'_>) -> Result<()> {
        self.follow_after(after, each)
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
