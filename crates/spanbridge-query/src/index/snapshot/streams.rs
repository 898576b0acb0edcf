//! Rows of runs in the order of an index of their table, newest first.

use super::IndexSnapshot;
use super::wanted::Wanted;
use crate::Result;
use rusqlite::params;
use spanbridge_graph::hash::Set;
use std::collections::BinaryHeap;

/// How many values of a column are followed at once. If more match, runs are compared one by one.
const MAX_VALUES: usize = 64;

/// How many rows are read at once for each value.
const BATCH: usize = 64;

/// How many rows are counted to find the column that matches the fewest.
const COUNTED: i64 = 4096;

/// Which runs a stream has, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The first runs of operations.
    First,
    /// Other runs, by their own start.
    Others,
    /// Other runs, by the start of their operation.
    ByOperation,
}

impl Part {
    /// The condition and the columns of the order.
    fn columns(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Part::First => ("root IS NULL", "started_at", "id"),
            Part::Others => ("root IS NOT NULL", "started_at", "id"),
            Part::ByOperation => ("root IS NOT NULL", "root_at", "root"),
        }
    }
}

/// A row in a stream, in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The start by which it is in the stream, as it is stored.
    pub(super) at: i64,
    /// The row of the first run of its operation, if that is what the stream is about; or its own.
    pub(super) group: i64,
    pub(super) row: i64,
}

/// The rows with one of some values in a column, by descending start.
pub(super) struct Streams<'s> {
    snapshot: &'s IndexSnapshot<'s>,
    column: Option<&'static str>,
    since: i64,
    /// The next rows of each source.
    heap: BinaryHeap<(Place, usize)>,
    sources: Vec<Source>,
    /// Operations of which nothing more is wanted.
    done: Set<i64>,
}

/// The rows of one kind with one value.
struct Source {
    part: Part,
    value: i64,
    /// How many rows of its last batch are in the heap, and the last row of that. `None`: there is no other batch.
    pending: usize,
    last: Option<Place>,
}

impl<'s> Streams<'s> {
    /// The rows that may match, in the column that matches the fewest.
    pub(super) fn new(snapshot: &'s IndexSnapshot<'s>, wanted: &Wanted, parts: &[Part]) -> Result<Self> {
        let mut best: Option<(i64, &'static str, Vec<i64>)> = None;
        let columns = wanted.columns(MAX_VALUES);
        let is_choice = columns.len() > 1;
        for (column, values) in columns {
            let count = if is_choice { count(snapshot, parts, column, &values, wanted.since)? } else { 0 };
            if best.as_ref().is_none_or(|(least, ..)| count < *least) {
                best = Some((count, column, values));
            }
        }
        let (column, values) = best.map_or((None, vec![0]), |(_, column, values)| (Some(column), values));
        // Without a column, an operation is found by its first run.
        let parts = parts.iter().copied().filter(|part| column.is_some() || *part != Part::ByOperation);
        let start = Place { at: wanted.before, group: i64::MAX, row: i64::MAX };
        let source = |part, value| Source { part, value, pending: 0, last: Some(start) };
        let sources: Vec<Source> =
            parts.flat_map(|part| values.iter().map(move |value| source(part, *value))).collect();
        let (since, heap, done) = (wanted.since, BinaryHeap::new(), Set::default());
        let mut streams = Self { snapshot, column, since, heap, sources, done };
        for source in 0..streams.sources.len() {
            streams.fill(source)?;
        }
        Ok(streams)
    }

    /// The next row.
    pub(super) fn next(&mut self) -> Result<Option<Place>> {
        while let Some((place, source)) = self.heap.pop() {
            self.sources[source].pending -= 1;
            if self.sources[source].pending == 0 {
                self.fill(source)?;
            }
            if !self.done.contains(&place.group) {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// Goes on with the next operation.
    pub(super) fn pass(&mut self, group: i64) {
        self.done.insert(group);
    }

    /// Reads the next rows of a source.
    fn fill(&mut self, source: usize) -> Result<()> {
        let Source { part, value, last, .. } = self.sources[source];
        let Some(last) = last else { return Ok(()) };
        let which = match self.column {
            // A condition that is always true, so that all have the same parameters.
            None => "?1 = 0".to_owned(),
            Some("status") => "status = ?1 AND status <> 0".to_owned(),
            Some(column) => format!("{column} = ?1"),
        };
        let (part, at, group) = part.columns();
        let sql = format!(
            "SELECT {at}, {group}, id FROM run WHERE {which} AND {part} AND {at} >= ?2 AND ({at}, {group}, id) < (?3, ?4, ?5)
             ORDER BY {at} DESC, {group} DESC, id DESC LIMIT {BATCH}"
        );
        let least_row = if self.done.contains(&last.group) { i64::MIN } else { last.row };
        let mut query = self.snapshot.transaction.prepare_cached(&sql)?;
        let mut rows = query.query(params![value, self.since, last.at, last.group, least_row])?;
        let (mut count, mut last) = (0, None);
        while let Some(row) = rows.next()? {
            let place = Place { at: row.get(0)?, group: row.get(1)?, row: row.get(2)? };
            self.heap.push((place, source));
            (count, last) = (count + 1, Some(place));
        }
        self.sources[source].pending = count;
        self.sources[source].last = last.filter(|_| count == BATCH);
        Ok(())
    }
}

/// How many rows have one of these values, as far as counted.
fn count(snapshot: &IndexSnapshot<'_>, parts: &[Part], column: &str, values: &[i64], since: i64) -> Result<i64> {
    let also = if column == "status" { "AND status <> 0" } else { "" };
    let mut sum = 0;
    for part in parts {
        let (part, at, _) = part.columns();
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM run WHERE {column} = ? {also} AND {part} AND {at} >= ? LIMIT {COUNTED})"
        );
        let mut query = snapshot.transaction.prepare_cached(&sql)?;
        for value in values {
            sum += query.query_row([*value, since], |row| row.get::<_, i64>(0))?;
            if sum >= COUNTED {
                return Ok(sum);
            }
        }
    }
    Ok(sum)
}
