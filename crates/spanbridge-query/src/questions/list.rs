//! Lists of runs: by what only their records say, and in other orders than that of their starts.
//!
//! The engine lists by what is in the rows of runs, newest first, in pages. The records of a run are read only if the rows cannot
//! tell, and few runs are in memory at a time.

use crate::Result;
use crate::engine::{Snapshot, parts::parts};
use crate::runs::{RunFilter, RunQuery, RunRow, RunSort};
use crate::search::has_text;
use spanbridge::RunId;
use spanbridge_graph::hash::{Map, Set};
use spanbridge_graph::{Graph, RunStatus};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How many rows are asked for at once.
const PAGE: usize = 1024;

/// How many of them if their records are read.
const PAGE_WITH_RECORDS: usize = 64;

/// The runs that match, in their order, without the first `skip`, at most `limit`.
pub(crate) fn list(snapshot: &dyn Snapshot, query: &RunQuery, limit: usize) -> Result<Vec<RunRow>> {
    let wanted = query.skip.saturating_add(limit);
    let mut rows = match query.sort {
        RunSort::Newest => newest(snapshot, query, wanted)?,
        _ => first(snapshot, query, wanted)?,
    };
    rows.drain(..query.skip.min(rows.len()));
    Ok(rows)
}

/// How many runs match.
pub(crate) fn count(snapshot: &dyn Snapshot, query: &RunQuery) -> Result<u64> {
    let mut count = 0;
    each_page(snapshot, query, usize::MAX, |rows| {
        count += rows.len() as u64;
        true
    })?;
    Ok(count)
}

fn newest(snapshot: &dyn Snapshot, query: &RunQuery, wanted: usize) -> Result<Vec<RunRow>> {
    let mut found = Vec::new();
    each_page(snapshot, query, wanted, |rows| {
        found.extend(rows);
        found.len() < wanted
    })?;
    found.truncate(wanted);
    Ok(found)
}

/// The first ones in an order that the engine does not know. No more are kept than are wanted.
fn first(snapshot: &dyn Snapshot, query: &RunQuery, wanted: usize) -> Result<Vec<RunRow>> {
    if wanted == 0 {
        return Ok(Vec::new());
    }
    type Key = (u64, u64, RunId);
    let key = |row: &RunRow| -> Key {
        let by = match query.sort {
            RunSort::Newest => 0,
            RunSort::Oldest => u64::MAX - row.started_at,
            RunSort::Longest => row.duration().map_or(0, |took| took.saturating_add(1)),
            RunSort::MostErrors => row.errors,
            RunSort::MostSpans => row.spans,
        };
        (by, row.started_at, row.run_id)
    };
    let mut kept: BTreeMap<Reverse<Key>, RunRow> = BTreeMap::new();
    each_page(snapshot, query, usize::MAX, |rows| {
        for row in rows {
            kept.insert(Reverse(key(&row)), row);
            if kept.len() > wanted {
                kept.pop_last();
            }
        }
        true
    })?;
    Ok(kept.into_values().collect())
}

/// Calls `each` with the runs or operations that match, newest first, until it returns `false`. So many are wanted at most.
fn each_page(
    snapshot: &dyn Snapshot,
    query: &RunQuery,
    wanted: usize,
    mut each: impl FnMut(Vec<RunRow>) -> bool,
) -> Result<()> {
    let reads_records = query.error.is_some() || !query.attributes.is_empty();
    let page = if reads_records { PAGE_WITH_RECORDS } else { PAGE.min(wanted) };
    let mut filter = query.filter.clone();
    if page == 0 {
        return Ok(());
    }
    loop {
        let mut rows = match query.each_run {
            true => snapshot.runs(&filter, page)?,
            false => snapshot.operations(&filter, page)?,
        };
        let is_last = rows.len() < page;
        filter = match rows.last() {
            Some(last) => RunFilter { before: Some((last.started_at, last.run_id)), ..filter },
            None => return Ok(()),
        };
        if reads_records {
            let matching = matching(snapshot, query, &rows)?;
            rows.retain(|row| matching.contains(&row.run_id));
        }
        if !each(rows) || is_last {
            return Ok(());
        }
    }
}

/// Those of these runs or operations of which the records match.
fn matching(snapshot: &dyn Snapshot, query: &RunQuery, rows: &[RunRow]) -> Result<Set<RunId>> {
    let one = query.filter.of_one_run();
    let may_match =
        |row: &RunRow| one.matches(row) && (query.error.is_none() || row.errors > 0 || row.status != RunStatus::Ok);
    let mut found = Set::default();
    let mut operations: Map<RunId, RunId> = Map::default();
    for row in rows {
        if query.each_run || may_match(row) {
            operations.insert(row.run_id, row.run_id);
        }
        if row.descendants > 0 {
            for part in parts(snapshot, row.run_id)?.iter().filter(|part| may_match(part)) {
                operations.insert(part.run_id, row.run_id);
            }
        }
    }
    let runs: Vec<RunId> = operations.keys().copied().collect();
    snapshot.records(&runs, &mut |run, records| {
        let operation = operations.get(&run).copied().unwrap_or(run);
        if found.contains(&operation) {
            return Ok(());
        }
        let graph = Graph::build(run, &records);
        let has_error = |text: &str| errors(&graph).any(|error| has_text(error, text));
        let is_match = query.error.as_deref().is_none_or(has_error)
            && query.attributes.iter().all(|(key, value)| has_attribute(&graph, key, value.as_deref()));
        if is_match {
            found.insert(operation);
        }
        Ok(())
    })?;
    Ok(found)
}

fn errors(graph: &Graph) -> impl Iterator<Item = &str> {
    graph.spans.iter().filter_map(|span| span.error.as_deref()).chain(graph.run.error.as_deref())
}

/// Whether the run, one of its spans or a process that worked on it has this attribute, with this value if there is one.
fn has_attribute(graph: &Graph, key: &str, value: Option<&str>) -> bool {
    let of_spans = graph.spans.iter().flat_map(|span| &span.attributes);
    let of_processes = graph.run.segments.iter().flat_map(|segment| &segment.resource);
    let mut all = graph.run.attributes.iter().chain(of_spans).chain(of_processes);
    all.any(|(known, found)| {
        known == key
            && value.is_none_or(|value| match found.as_str() {
                Some(text) => text == value,
                None => {
                    let json = found.to_string();
                    json == value
                }
            })
    })
}
