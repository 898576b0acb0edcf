//! Who else wrote the rows that a failure had to do with: the last change before it by another run, or by an unknown writer.

use crate::engine::Snapshot;
use crate::{Error, ErrorKind, Result};
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SpanId, semconv};
use spanbridge_graph::hash::{Map, Set};
use spanbridge_graph::{
    Failure, Graph, Mutation, Note, StateChange, StateWriter, Why, row_mark, run_of, table_mark, without_schema,
};
use std::cmp::Ordering;

/// So many rows of a failure are looked up, and so many of all of them.
const MAX_ROWS: usize = 5;
const MAX_LOOKUPS: usize = 20;

/// A row that more runs than this changed is not looked up: to find the newest of them takes too long.
const MAX_CHANGERS: usize = 2_000;

/// So many of the newest runs that changed a row are read, and so many spans of them.
const MAX_READ: usize = 32;
const MAX_SPANS: u64 = 200_000;

/// So many records without a run are read.
const MAX_UNKNOWN: usize = 100_000;

/// Adds them to each failure. `graphs`: what the answer was made of.
pub(super) fn add_other_writers(snapshot: &dyn Snapshot, why: &mut Why, graphs: &[Graph]) -> Result<()> {
    let known: Set<RunId> = graphs.iter().map(|graph| graph.run.run_id).collect();
    let (mut lookups, mut not_read) = (0, Vec::new());
    for failure in &mut why.failures {
        let until = ended(failure);
        for row in rows_of(failure, graphs) {
            if lookups == MAX_LOOKUPS {
                break;
            }
            lookups += 1;
            let mut search = Search { row: &row, until, known: &known, last: None };
            if !search.over(snapshot)? {
                not_read.push(row.row());
            }
            failure.other_writers.extend(search.last);
        }
    }
    not_read.dedup();
    let note = |row: &String| {
        let message = format!("who else wrote {row} is not known: too much has been recorded of it");
        Note::new("writers_not_read", message)
    };
    why.notes.extend(not_read.iter().take(MAX_ROWS).map(note));
    name(snapshot, why)
}

/// When it was over. What is later has nothing to do with it.
fn ended(failure: &Failure) -> u64 {
    let end = failure.step().and_then(|step| Some(step.started_at.saturating_add(step.duration?)));
    end.unwrap_or(u64::MAX)
}

/// The rows that its service changed, or that are of the table of its statement; the last ones first.
fn rows_of(failure: &Failure, graphs: &[Graph]) -> Vec<Mutation> {
    let Some(step) = failure.step() else { return Vec::new() };
    let spans = graphs.iter().filter(|graph| graph.run.run_id == step.run_id).flat_map(|graph| &graph.spans);
    let span = spans.into_iter().find(|span| Some(span.span_id) == step.span_id);
    let table = span.and_then(|span| span.attribute(semconv::DB_COLLECTION_NAME)?.as_str()).map(without_schema);
    let concerned = failure
        .changes
        .iter()
        .rev()
        .filter(|change| change.service == step.service || table == Some(without_schema(&change.mutation.table)));
    let mut rows: Vec<Mutation> = Vec::new();
    for change in concerned.filter(|change| !change.mutation.key.is_empty()) {
        if rows.len() < MAX_ROWS && rows.iter().all(|row| !is_same_row(row, &change.mutation)) {
            rows.push(change.mutation.clone());
        }
    }
    rows
}

fn is_same_row(a: &Mutation, b: &Mutation) -> bool {
    let has = |column: &(String, serde_json::Value)| b.key.contains(column);
    (&a.database, &a.table) == (&b.database, &b.table) && a.key.len() == b.key.len() && a.key.iter().all(has)
}

/// Looks for the last change of a row that none of the known runs made.
struct Search<'s> {
    row: &'s Mutation,
    until: u64,
    known: &'s Set<RunId>,
    last: Option<StateChange>,
}

impl Search<'_> {
    /// `false`: not everything was read.
    fn over(&mut self, snapshot: &dyn Snapshot) -> Result<bool> {
        let marks = [row_mark(&self.row.table, &self.row.key), table_mark(&self.row.table)];
        let mut runs = snapshot.changed_by(&marks)?;
        runs.retain(|run| !self.known.contains(run));
        if runs.len() > MAX_CHANGERS {
            return Ok(false);
        }
        let mut rows = snapshot.rows(&runs)?;
        rows.retain(|row| row.started_at <= self.until);
        rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.started_at, row.run_id)));
        let mut spans = 0;
        let mut newest = Vec::new();
        for row in rows.iter().take(MAX_READ) {
            spans += row.spans;
            if spans > MAX_SPANS {
                break;
            }
            newest.push(row.run_id);
        }
        let is_all = rows.is_empty() || !newest.is_empty();
        snapshot.pieces(&newest, &mut |_, records| {
            records.iter().for_each(|record| self.look_at(record));
            Ok(())
        })?;
        Ok(self.over_unknown(snapshot, &marks)? && is_all)
    }

    fn over_unknown(&mut self, snapshot: &dyn Snapshot, marks: &[u128]) -> Result<bool> {
        let (mut read, mut is_enough) = (0, false);
        let result = snapshot.changed_by_unknown(marks, &mut |records| {
            records.iter().for_each(|record| self.look_at(record));
            read += records.len();
            is_enough = read > MAX_UNKNOWN;
            if is_enough { Err(Error::new(ErrorKind::Stopped, "enough was read")) } else { Ok(()) }
        });
        if is_enough { Ok(false) } else { result.map(|()| true) }
    }

    fn look_at(&mut self, record: &Record<'_>) {
        let Body::Mutation(said) = &record.body else { return };
        let is_table = said.table == self.row.table && said.database == self.row.database;
        if !is_table || said.committed_at.is_none_or(|at| at > self.until) {
            return;
        }
        let mutation = Mutation::of(said);
        let is_it = mutation.key.is_empty() || is_same_row(&mutation, self.row);
        let is_later = |last: &StateChange| mutation.order(&last.mutation) == Ordering::Greater;
        if !is_it || !self.last.as_ref().is_none_or(is_later) {
            return;
        }
        let span = mutation.span_id;
        let writer = run_of(record).map(|run| StateWriter::new(run, "").with_span(record.trace_id, span, None));
        self.last = Some(StateChange::new(mutation, &*record.service).by(writer));
    }
}

/// Says what the runs and the spans that wrote are called.
fn name(snapshot: &dyn Snapshot, why: &mut Why) -> Result<()> {
    let writers = || why.failures.iter().flat_map(|failure| &failure.other_writers).filter_map(|c| c.writer.as_ref());
    let wanted: Set<(RunId, SpanId)> = writers().filter_map(|writer| Some((writer.run_id, writer.span_id?))).collect();
    let mut runs: Vec<RunId> = writers().map(|writer| writer.run_id).collect();
    runs.sort_unstable();
    runs.dedup();
    if runs.is_empty() {
        return Ok(());
    }
    let names: Map<RunId, String> = snapshot.rows(&runs)?.into_iter().map(|row| (row.run_id, row.name)).collect();
    let mut spans: Map<(RunId, SpanId), String> = Map::default();
    snapshot.pieces(&runs, &mut |run, records| {
        for record in &records {
            if let Body::Span(span) = &record.body
                && wanted.contains(&(run, span.span_id))
            {
                spans.insert((run, span.span_id), span.name.clone().into_owned());
            }
        }
        Ok(())
    })?;
    let changes = why.failures.iter_mut().flat_map(|failure| &mut failure.other_writers);
    for writer in changes.filter_map(|change| change.writer.as_mut()) {
        writer.run_name = names.get(&writer.run_id).cloned().unwrap_or_default();
        writer.span_name = writer.span_id.and_then(|span| spans.get(&(writer.run_id, span)).cloned());
    }
    Ok(())
}
