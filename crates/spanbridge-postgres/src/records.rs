//! Reading the records of runs.

use crate::error::{Error, Result};
use crate::row::{self, COLUMNS, ReadRow};
use crate::session::{Session, Uuid};
use crate::shape::Known;
use spanbridge::RunId;
use spanbridge::record::Record;
use std::collections::BTreeSet;

/// How many runs, and about how many records, are asked for in one query.
const RUNS_AT_ONCE: usize = 1_000;
const RECORDS_AT_ONCE: i64 = 20_000;

/// The order of records in a run: that in which they were stored. Numbers of 64 bits without a sign are below zero from the half on.
pub(crate) const ORDER: &str = "tx, segment < 0, segment, seq < 0, seq, id";

/// A run that is stored.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) run: RunId,
    /// Its partition, in days since 2000-01-01.
    pub(crate) day: i32,
    pub(crate) records: i64,
}

/// Takes all records of a run, and how many of them cannot be read.
pub(crate) type EachRead<'e, E> = dyn FnMut(RunId, Vec<Record<'static>>, usize) -> Result<(), E> + 'e;

/// Those of these runs that are stored.
pub(crate) fn find(session: &Session<'_>, runs: &[RunId]) -> Result<Vec<Wanted>> {
    let doing = "look for runs";
    let query = "SELECT run, day - date '2000-01-01', records FROM run WHERE run = ANY($1)";
    let mut found = Vec::new();
    for some in runs.chunks(RUNS_AT_ONCE) {
        let ids: Vec<Uuid> = some.iter().map(|run| Uuid(run.get())).collect();
        for row in session.query(doing, query, &[&ids])? {
            let read = || Ok((row.try_get::<_, Uuid>(0)?.0, row.try_get(1)?, row.try_get(2)?));
            let (run, day, records) = read().map_err(|error| session.failed(doing, &error))?;
            found.extend(RunId::new(run).map(|run| Wanted { run, day, records }));
        }
    }
    Ok(found)
}

/// Calls `each` with each of these runs, in the order of their ids.
pub(crate) fn read<E: From<Error>>(
    session: &Session<'_>,
    shapes: &mut Known,
    wanted: &[Wanted],
    each: &mut EachRead<'_, E>,
) -> Result<(), E> {
    let mut runs = wanted.to_vec();
    runs.sort_by_key(|one| one.run);
    let mut rest = &runs[..];
    while !rest.is_empty() {
        let (some, behind) = rest.split_at(together(rest));
        let ids: Vec<Uuid> = some.iter().map(|one| Uuid(one.run.get())).collect();
        // Written out, so that the server looks into no other partition.
        let days: BTreeSet<String> = some.iter().map(|one| format!("date '2000-01-01' + {}", one.day)).collect();
        let days = days.into_iter().collect::<Vec<_>>().join(", ");
        let query =
            format!("SELECT {COLUMNS} FROM record WHERE day IN ({days}) AND run = ANY($1) ORDER BY run, {ORDER}");
        let rows = session.query("read records", &query, &[&ids])?;
        by_run(decode(session, shapes, &rows)?, each)?;
        rest = behind;
    }
    Ok(())
}

/// How many of the first of these runs are read together.
fn together(runs: &[Wanted]) -> usize {
    let mut records = 0;
    let few = runs.iter().take(RUNS_AT_ONCE).take_while(|one| {
        let fits = records < RECORDS_AT_ONCE;
        records += one.records;
        fits
    });
    few.count()
}

/// What rows say that have the [`COLUMNS`].
pub(crate) fn decode(session: &Session<'_>, shapes: &mut Known, rows: &[tokio_postgres::Row]) -> Result<Vec<ReadRow>> {
    let failed = |error: tokio_postgres::Error| session.failed("read records", &error);
    let numbers = rows.iter().map(|row| row.try_get::<_, i32>(3)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    shapes.read(session, numbers.into_iter())?;
    rows.iter().map(|row| row::read(row, shapes)).collect::<Result<_, _>>().map_err(failed)
}

fn by_run<E>(rows: Vec<ReadRow>, each: &mut EachRead<'_, E>) -> Result<(), E> {
    let mut now: Option<(RunId, Vec<Record<'static>>, usize)> = None;
    for row in rows {
        let Some(run) = row.run else { continue };
        if let Some((of, records, damaged)) = now.take_if(|now| now.0 != run) {
            each(of, records, damaged)?;
        }
        let (_, records, damaged) = now.get_or_insert_with(|| (run, Vec::new(), 0));
        match row.record {
            Some(record) => records.push(record),
            None => *damaged += 1,
        }
    }
    now.map_or(Ok(()), |(run, records, damaged)| each(run, records, damaged))
}
