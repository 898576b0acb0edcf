//! Finding the changes of a row, over all runs.

use crate::Result;
use crate::engine::Snapshot;
use crate::state::{RowChange, RowHistory, RowQuery, StateAnswer};
use spanbridge::record::{Body, MutationOp, Record};
use spanbridge::{RunId, SpanId};
use spanbridge_graph::hash::{Map, Set};
use spanbridge_graph::{Mutation, StateWriter, run_of};
use std::collections::BTreeMap;

/// So many runs are read. A row that more of them changed has changes that are left out: the oldest.
const MAX_RUNS: usize = 20_000;

/// What is known of the row.
pub(crate) fn state(snapshot: &dyn Snapshot, query: &RowQuery) -> Result<StateAnswer> {
    let marks = query.marks();
    let (runs, left_out_until) = newest(snapshot, snapshot.changed_by(&marks)?)?;
    let mut found = Found { query, all: BTreeMap::new() };
    snapshot.pieces(&runs, &mut |_, records| {
        records.iter().for_each(|record| found.add(record));
        Ok(())
    })?;
    snapshot.changed_by_unknown(&marks, &mut |records| {
        records.iter().for_each(|record| found.add(record));
        Ok(())
    })?;
    let mut changes: Vec<RowChange> = found.all.into_values().collect();
    name_writers(snapshot, &mut changes)?;
    Ok(StateAnswer { rows: by_row(changes), known_since: snapshot.changes_forgotten()?.max(left_out_until) })
}

/// Those of these runs that ended last, and when the last of the others ended. One that is open may still write.
fn newest(snapshot: &dyn Snapshot, runs: Vec<RunId>) -> Result<(Vec<RunId>, Option<u64>)> {
    if runs.len() <= MAX_RUNS {
        return Ok((runs, None));
    }
    let mut rows = snapshot.rows(&runs)?;
    rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.ended_at.unwrap_or(u64::MAX), row.started_at, row.run_id)));
    let left_out = rows.split_off(MAX_RUNS.min(rows.len()));
    let until = left_out.iter().map(|row| row.ended_at.unwrap_or(row.started_at)).max();
    Ok((rows.into_iter().map(|row| row.run_id).collect(), until))
}

/// The changes, by database and id of the mutation: what was recorded several times counts once.
struct Found<'q> {
    query: &'q RowQuery,
    all: BTreeMap<(String, String), RowChange>,
}

impl Found<'_> {
    fn add(&mut self, record: &Record<'_>) {
        let Body::Mutation(said) = &record.body else { return };
        let mutation = Mutation::of(said);
        if !self.query.is_about(&mutation) {
            return;
        }
        let recorded = (record.segment_id, record.segment_seq);
        let writer =
            run_of(record).map(|run| StateWriter::new(run, "").with_span(record.trace_id, mutation.span_id, None));
        let id = (mutation.database.clone(), mutation.mutation_id.clone());
        let change = RowChange::new(mutation, writer, record.service.clone().into_owned(), recorded);
        // Of several with other content the one counts that was recorded first, as far as that can be told.
        let known = self.all.entry(id).or_insert_with(|| change.clone());
        if change.recorded < known.recorded {
            *known = change;
        }
    }
}

/// Says what the runs and the spans that wrote are called.
fn name_writers(snapshot: &dyn Snapshot, changes: &mut [RowChange]) -> Result<()> {
    let writers = || changes.iter().filter_map(|change| change.writer.as_ref());
    let wanted: Set<(RunId, SpanId)> = writers().filter_map(|writer| Some((writer.run_id, writer.span_id?))).collect();
    let mut runs: Vec<RunId> = writers().map(|writer| writer.run_id).collect();
    runs.sort_unstable();
    runs.dedup();
    let rows = snapshot.rows(&runs)?;
    let names: Map<RunId, String> = rows.into_iter().map(|row| (row.run_id, row.name)).collect();
    let mut spans: Map<(RunId, SpanId), String> = Map::default();
    let with_spans: Set<RunId> = wanted.iter().map(|(run, _)| *run).collect();
    runs.retain(|run| with_spans.contains(run));
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
    for writer in changes.iter_mut().filter_map(|change| change.writer.as_mut()) {
        writer.run_name = names.get(&writer.run_id).cloned().unwrap_or_default();
        writer.span_name = writer.span_id.and_then(|span| spans.get(&(writer.run_id, span)).cloned());
    }
    Ok(())
}

/// The rows, each with its changes, and with those of its whole table.
fn by_row(changes: Vec<RowChange>) -> Vec<RowHistory> {
    let (of_tables, of_rows): (Vec<_>, Vec<_>) =
        changes.into_iter().partition(|change| change.mutation.op == MutationOp::Truncate);
    let mut rows: BTreeMap<(String, String, String), Vec<RowChange>> = BTreeMap::new();
    for change in of_rows {
        let Mutation { database, table, key, .. } = &change.mutation;
        let mut key = key.clone();
        key.sort_by(|a, b| a.0.cmp(&b.0));
        // Whole, since long keys may begin alike.
        let key = serde_json::to_string(&key).unwrap_or_default();
        rows.entry((database.clone(), table.clone(), key)).or_default().push(change);
    }
    let history = |(place, mut changes): ((String, String, String), Vec<RowChange>)| {
        let of = changes.first()?.mutation.clone();
        let is_its_table =
            |change: &&RowChange| (&change.mutation.database, &change.mutation.table) == (&place.0, &place.1);
        changes.extend(of_tables.iter().filter(is_its_table).cloned());
        let mut history = RowHistory::new(&of, changes);
        history.work_out();
        Some(history)
    };
    rows.into_iter().filter_map(history).collect()
}
