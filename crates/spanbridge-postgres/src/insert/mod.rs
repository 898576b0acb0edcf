//! Storing records.
//!
//! A batch is one transaction. Runs that nobody has stored are inserted first, whole, and then their records without a look at what is
//! there. The rows of the other runs are locked, in the order of their ids; of their records, those that are stored already are left
//! out. What a list says of these runs is then made anew.

mod batch;
mod copy;
mod fold;
mod late;
mod mentions;
mod settlers;

use crate::error::{Error, ErrorKind, Result};
use crate::row::copy::CopyRows;
use crate::row::{INSERTED, Place};
use crate::run::{self, WRITTEN};
use crate::schema::{Days, NO_RUN};
use crate::session::{Pool, Session, Uuid};
use crate::shape::{Known, Numbers};
use crate::transaction::Transaction;
use batch::{Batch, OfRun};
use copy::copy;
use fold::Stored;
use late::Late;
use mentions::Mentions;
use settlers::Settlers;
use spanbridge::record::Record;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// So often a batch is tried if others were in the way.
const ATTEMPTS: usize = 8;

/// Stores records, and remembers what all batches need.
#[derive(Default)]
pub(crate) struct Writer {
    numbers: Numbers,
    shapes: Known,
    days: Days,
}

/// The records that were not stored, by their positions.
#[derive(Default)]
pub(crate) struct Refused {
    /// And why.
    pub(crate) rejected: Vec<(usize, &'static str)>,
    /// Their run was pruned.
    pub(crate) late: Vec<usize>,
}

impl Writer {
    /// Stores these records, as far as they are not stored yet.
    pub(crate) fn store(&mut self, pool: &Pool, records: &[Record<'_>]) -> Result<Refused> {
        let mut late = BTreeSet::new();
        let mut attempts = 1..=ATTEMPTS;
        loop {
            let batch = Batch::of(records.iter().enumerate().filter(|(at, _)| !late.contains(at)));
            let mut result = Ok(Late::default());
            if !batch.is_empty() {
                attempts.next();
                result = self.attempt(pool, &batch);
            }
            match result {
                Err(error) if error.is_passing() && !attempts.is_empty() => {
                    self.numbers.clear();
                    self.days.clear();
                }
                Err(error) => return Err(error),
                Ok(found) => {
                    let before = late.len();
                    late.extend(records.iter().enumerate().filter(|(_, one)| found.has(one)).map(|(at, _)| at));
                    if late.len() == before {
                        let why = "this release does not know what it says";
                        let rejected = batch.unknown.into_iter().map(|at| (at, why)).collect();
                        return Ok(Refused { rejected, late: late.into_iter().collect() });
                    }
                }
            }
        }
    }

    /// Stores a batch; or nothing of it, and returns what is late.
    fn attempt(&mut self, pool: &Pool, batch: &Batch<'_>) -> Result<Late> {
        // Before a partition is made for it.
        let late = Late::of(&pool.session()?, batch)?;
        if !late.is_empty_of(batch) {
            return Ok(late);
        }
        self.prepare(pool, batch)?;
        self.transact(pool, batch)
    }

    /// Stores what several may store at once, so that they do not wait for each other.
    fn prepare(&mut self, pool: &Pool, batch: &Batch<'_>) -> Result<()> {
        self.numbers.find(&pool.session()?, &batch.shapes())?;
        let days: BTreeSet<i32> = batch.runs.iter().map(|run| run.day).filter(|day| *day != NO_RUN).collect();
        self.days.ensure(pool, &days)
    }

    fn transact(&mut self, pool: &Pool, batch: &Batch<'_>) -> Result<Late> {
        let session = pool.session()?;
        run::temporary(&session)?;
        let transaction = Transaction::begin(session, "BEGIN")?;
        transaction.run("store records", "LOCK TABLE run IN ROW EXCLUSIVE MODE")?;
        let late = Late::of(&transaction, batch)?;
        if !late.is_empty_of(batch) {
            return Ok(late);
        }
        let tx: String = transaction.value("begin a transaction", "SELECT pg_current_xact_id()::text", &[])?;
        let tx = tx.parse().map_err(|_| Error::new(ErrorKind::Corrupt, "read the number of the transaction"))?;
        let mut settlers = Settlers::default();
        let new = insert_runs(&transaction, batch, &mut settlers)?;
        let others = || batch.of_runs().filter(|run| !new.contains(&run.run));
        let stored = fold::lock(&transaction, others().map(|run| run.run))?;
        if stored.len() != others().count() {
            return Err(Error::passing("store records: runs were pruned meanwhile"));
        }
        self.copy_new(&transaction, batch, &new, tx)?;
        let added = self.add(&transaction, batch, &stored, tx)?;
        fold::fold(&transaction, &mut self.shapes, batch, stored, &added, &mut settlers)?;
        Mentions::of(batch).store(&transaction)?;
        settlers.store(&transaction)?;
        transaction.commit()?;
        Ok(late)
    }

    /// Stores the records of new runs.
    fn copy_new(&self, session: &Session<'_>, batch: &Batch<'_>, new: &BTreeSet<u128>, tx: i64) -> Result<()> {
        let mut rows = CopyRows::new();
        for run in batch.of_runs().filter(|run| new.contains(&run.run)) {
            self.put(&mut rows, batch, run, run.day, tx)?;
        }
        copy(session, "record", INSERTED, rows)
    }

    /// Stores the records of other runs, and of none, as far as they are new. Returns how many are, by run.
    fn add(
        &self,
        session: &Session<'_>,
        batch: &Batch<'_>,
        stored: &BTreeMap<u128, Stored>,
        tx: i64,
    ) -> Result<HashMap<u128, i64>> {
        let mut rows = CopyRows::new();
        for run in &batch.runs {
            let day = match run.day {
                NO_RUN => NO_RUN,
                _ => match stored.get(&run.run) {
                    Some(stored) => stored.day,
                    None => continue,
                },
            };
            self.put(&mut rows, batch, run, day, tx)?;
        }
        let mut added = HashMap::new();
        if rows.is_empty() {
            return Ok(added);
        }
        copy(session, "new_record", INSERTED, rows)?;
        let doing = "store records";
        let statement = format!(
            "WITH added AS (INSERT INTO record ({INSERTED}) SELECT {INSERTED} FROM new_record ORDER BY run, id \
             ON CONFLICT DO NOTHING RETURNING run) SELECT run, count(*) FROM added GROUP BY run"
        );
        for row in session.query(doing, &statement, &[])? {
            let read = || Ok((row.try_get::<_, Uuid>(0)?.0, row.try_get(1)?));
            let (run, records) = read().map_err(|error| session.failed(doing, &error))?;
            added.insert(run, records);
        }
        Ok(added)
    }

    fn put(&self, rows: &mut CopyRows, batch: &Batch<'_>, run: &OfRun<'_>, day: i32, tx: i64) -> Result<()> {
        for record in &run.records {
            let shape = self.numbers.get(record.digest);
            let shape = shape.ok_or_else(|| Error::passing("store records: their names were removed meanwhile"))?;
            let near = (day == NO_RUN).then_some(batch.near);
            record.encoded.put(rows, &Place { day, tx, shape, near });
        }
        Ok(())
    }
}

/// Inserts the rows of runs that are not stored, and returns which these are. Others who insert the same wait until this transaction ends.
fn insert_runs(session: &Session<'_>, batch: &Batch<'_>, settlers: &mut Settlers) -> Result<BTreeSet<u128>> {
    let (mut rows, mut settling) = (CopyRows::new(), Vec::new());
    for summary in batch.of_runs().filter_map(OfRun::summary) {
        summary.put(&mut rows);
        let unsettled = summary.row.unsettled();
        if !unsettled.settle_others.is_empty() {
            settling.push((summary.row.run_id.get(), unsettled.clone()));
        }
    }
    let mut new = BTreeSet::new();
    if rows.is_empty() {
        return Ok(new);
    }
    copy(session, "new_run", WRITTEN, rows)?;
    let doing = "store runs";
    let statement = format!(
        "INSERT INTO run ({WRITTEN}) SELECT {WRITTEN} FROM new_run ORDER BY run ON CONFLICT DO NOTHING RETURNING run"
    );
    for row in session.query(doing, &statement, &[])? {
        new.insert(row.try_get::<_, Uuid>(0).map_err(|error| session.failed(doing, &error))?.0);
    }
    settling.iter().filter(|(run, _)| new.contains(run)).for_each(|(run, says)| settlers.are(*run, says));
    Ok(new)
}
