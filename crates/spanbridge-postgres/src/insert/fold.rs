//! Making the rows of runs anew that were stored before and have new records.

use super::batch::Batch;
use super::copy::copy;
use super::settlers::Settlers;
use crate::error::Result;
use crate::records::{self, Wanted};
use crate::row::copy::CopyRows;
use crate::run::{Summary, WRITTEN, read_unsettled};
use crate::session::{Session, Uuid};
use crate::shape::Known;
use spanbridge::RunId;
use spanbridge_graph::Unsettled;
use spanbridge_query::RunRow;
use std::collections::{BTreeMap, HashMap};

/// A run with more records is not read again for each batch, but whenever it has grown by a quarter. In between, questions read it.
const SMALL: i64 = 2_000;

/// A run that is stored, and locked.
pub(super) struct Stored {
    pub(super) day: i32,
    records: i64,
    folded: i64,
    last_at: i64,
    unsettled: Unsettled,
}

/// Locks the rows of these runs until the transaction ends. Those that are not stored are left out.
pub(super) fn lock(session: &Session<'_>, runs: impl Iterator<Item = u128>) -> Result<BTreeMap<u128, Stored>> {
    let runs: Vec<Uuid> = runs.map(Uuid).collect();
    let mut stored = BTreeMap::new();
    if runs.is_empty() {
        return Ok(stored);
    }
    let doing = "lock runs";
    let query = "SELECT run, day - date '2000-01-01', records, folded, last_at, unsettled FROM run WHERE run = ANY($1) \
                 ORDER BY run FOR UPDATE";
    for row in session.query(doing, query, &[&runs])? {
        let read = || {
            let (day, records, folded, last_at) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
            let unsettled = row.try_get::<_, Option<&[u8]>>(5)?.and_then(read_unsettled).unwrap_or_default();
            Ok((row.try_get::<_, Uuid>(0)?.0, Stored { day, records, folded, last_at, unsettled }))
        };
        let (run, one) = read().map_err(|error| session.failed(doing, &error))?;
        stored.insert(run, one);
    }
    Ok(stored)
}

/// Makes the rows of those that have new records, as many as `added` says.
pub(super) fn fold(
    session: &Session<'_>,
    shapes: &mut Known,
    batch: &Batch<'_>,
    mut stored: BTreeMap<u128, Stored>,
    added: &HashMap<u128, i64>,
    settlers: &mut Settlers,
) -> Result<()> {
    stored.retain(|run, _| added.get(run).is_some_and(|added| *added > 0));
    for run in batch.of_runs() {
        if let Some(one) = stored.get_mut(&run.run) {
            one.records += added.get(&run.run).copied().unwrap_or(0);
            one.last_at = one.last_at.max(run.last_at());
        }
    }
    let is_read = |one: &Stored| one.records <= SMALL || one.records / 5 * 4 >= one.folded;
    let (read, others): (BTreeMap<u128, Stored>, BTreeMap<u128, Stored>) =
        stored.into_iter().partition(|(_, one)| is_read(one));
    read_again(session, shapes, &read, settlers)?;
    grow(session, &others)
}

fn read_again(
    session: &Session<'_>,
    shapes: &mut Known,
    runs: &BTreeMap<u128, Stored>,
    settlers: &mut Settlers,
) -> Result<()> {
    let wanted = runs
        .iter()
        .filter_map(|(run, one)| Some(Wanted { run: RunId::new(*run)?, day: one.day, records: one.records }));
    let wanted: Vec<Wanted> = wanted.collect();
    let mut rows = CopyRows::new();
    records::read(session, shapes, &wanted, &mut |run, records, _| {
        if let Some(one) = runs.get(&run.get()) {
            let (day, last_at) = (one.day, one.last_at);
            let row = RunRow::of(run, &records);
            settlers.were(run.get(), &one.unsettled);
            settlers.are(run.get(), row.unsettled());
            Summary { row, day, records: one.records, last_at }.put(&mut rows);
        }
        Ok(())
    })?;
    if rows.is_empty() {
        return Ok(());
    }
    copy(session, "changed_run", WRITTEN, rows)?;
    let set: Vec<String> = WRITTEN.split(", ").map(|column| format!("{column} = c.{column}")).collect();
    let statement = format!("UPDATE run SET {} FROM changed_run c WHERE c.run = run.run", set.join(", "));
    session.execute("store runs", &statement, &[]).map(drop)
}

/// Says that these have more records than their rows were made of.
fn grow(session: &Session<'_>, runs: &BTreeMap<u128, Stored>) -> Result<()> {
    if runs.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = runs.keys().copied().map(Uuid).collect();
    let (records, last_at): (Vec<i64>, Vec<i64>) = runs.values().map(|one| (one.records, one.last_at)).unzip();
    let statement = "UPDATE run SET records = n.records, last_at = n.last_at, is_current = false \
                     FROM unnest($1::uuid[], $2::int8[], $3::int8[]) AS n (run, records, last_at) WHERE run.run = n.run";
    session.execute("store runs", statement, &[&ids, &records, &last_at]).map(drop)
}
