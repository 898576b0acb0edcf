//! Which tables rows were changed of, as far as the newest records say.

use crate::engine::{Order, Snapshot};
use crate::state::ChangedTable;
use crate::{Error, ErrorKind, Result};
use spanbridge::RunId;
use spanbridge::record::{Body, MutationOp, Record};
use spanbridge_graph::Mutation;
use std::collections::BTreeSet;

/// So many of the newest runs are read, and so many spans of them, and so many records without a run.
const MAX_RUNS: usize = 500;
const MAX_SPANS: u64 = 100_000;
const MAX_UNKNOWN: usize = 50_000;

/// The tables, by name.
pub(crate) fn changed_tables(snapshot: &dyn Snapshot) -> Result<Vec<ChangedTable>> {
    let newest = snapshot.started(0..=u64::MAX, Order::NewestFirst, MAX_RUNS)?;
    let (mut runs, mut spans): (Vec<RunId>, u64) = (Vec::new(), 0);
    for (_, run) in newest {
        spans += snapshot.size(run)?;
        if spans > MAX_SPANS {
            break;
        }
        runs.push(run);
    }
    let mut found = BTreeSet::new();
    snapshot.pieces(&runs, &mut |_, records| {
        records.iter().for_each(|record| found.extend(table(record)));
        Ok(())
    })?;
    let (mut read, mut is_enough) = (0, false);
    let result = snapshot.records_of_no_run(0..=u64::MAX, &mut |records| {
        records.iter().for_each(|record| found.extend(table(record)));
        read += records.len();
        is_enough = read > MAX_UNKNOWN;
        if is_enough { Err(Error::new(ErrorKind::Stopped, "enough was read")) } else { Ok(()) }
    });
    result.or_else(|error| if is_enough { Ok(()) } else { Err(error) })?;
    Ok(found.into_iter().collect())
}

fn table(record: &Record<'_>) -> Option<ChangedTable> {
    let Body::Mutation(said) = &record.body else { return None };
    let m = Some(Mutation::of(said)).filter(|m| m.op != MutationOp::Truncate)?;
    let key = m.key.into_iter().map(|(column, _)| column).collect();
    Some(ChangedTable { table: m.table, database: m.database, key })
}
