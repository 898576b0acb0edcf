//! What is new, for all readers at once.

use super::event::{event, resync};
use crate::answers;
use bytes::Bytes;
use spanbridge::record::Record;
use spanbridge::{RunId, TraceId};
use spanbridge_graph::{links_of, run_of};
use spanbridge_query::{Error, Found, RunRow, Store};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// How many runs one update may have. Whoever has to look at more had better load the list.
pub(super) const MAX_RUNS: usize = 1000;

/// How many bytes of records one update may have.
pub(super) const MAX_RECORD_BYTES: usize = 1 << 20;

/// What a reader wants to know.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Interest {
    /// Only this run.
    pub(super) run: Option<RunId>,
    /// Each run by itself, instead of the lines of the list.
    pub(super) children: bool,
    /// The records, instead of the rows of runs.
    pub(super) records: bool,
}

/// A row, as JSON.
#[derive(Debug)]
struct Row {
    run: RunId,
    json: String,
    /// It is a line of the list.
    is_operation: bool,
    /// Something is new of the run itself, and not only of what it started.
    is_new: bool,
}

/// What is new.
#[derive(Debug, Default)]
pub(super) struct Update {
    /// Whoever comes back with it gets what comes after this update.
    pub(super) id: Option<String>,
    /// The rows of new and changed runs, of those that started them, directly or through others, of their operations, and of runs to
    /// which something new links.
    runs: Vec<Row>,
    /// The records, as JSON, each with its run.
    records: Vec<(Option<RunId>, String)>,
    /// There were more runs, or more records, than one update may have.
    more_runs: bool,
    more_records: bool,
    /// The events of those who want everything, made once for all of them: lines of the list, each run, records.
    whole: [OnceLock<Option<Bytes>>; 3],
}

impl Update {
    /// An update that says no more than that something was missed.
    pub(super) fn missed() -> Self {
        Self { more_runs: true, more_records: true, ..Self::default() }
    }

    /// The event for a reader with this interest. `None` if there is nothing for it.
    pub(super) fn event(&self, interest: Interest) -> Option<Bytes> {
        let kind = if interest.records { 2 } else { usize::from(interest.children) };
        match interest.run {
            Some(_) => self.make_event(interest),
            None => self.whole[kind].get_or_init(|| self.make_event(interest)).clone(),
        }
    }

    fn make_event(&self, interest: Interest) -> Option<Bytes> {
        let is_more = if interest.records { self.more_records } else { self.more_runs };
        if is_more {
            return Some(resync(self.id.as_deref()));
        }
        let of_interest = |run: Option<RunId>| interest.run.is_none_or(|wanted| run == Some(wanted));
        let is_shown = |row: &&Row| match interest {
            Interest { run: Some(_), .. } => of_interest(Some(row.run)),
            Interest { children: true, .. } => row.is_new,
            _ => row.is_operation,
        };
        let runs = self.runs.iter().filter(is_shown).map(|row| row.json.as_str());
        let records = self.records.iter().filter(|(run, _)| of_interest(*run)).map(|(_, json)| json.as_str());
        let id = self.id.as_deref();
        match interest.records {
            true => records.clone().next().is_some().then(|| event("records", id, records)),
            false => runs.clone().next().is_some().then(|| event("runs", id, runs)),
        }
    }
}

/// The runs that started these, as far as they are not among the rows.
fn parents_of<'r>(of: impl Iterator<Item = &'r RunRow>, rows: &BTreeMap<RunId, (RunRow, bool)>) -> Vec<RunId> {
    let parents: BTreeSet<RunId> = of.filter_map(|row| row.parent_run_id).collect();
    parents.into_iter().filter(|parent| !rows.contains_key(parent)).collect()
}

/// The rows of the runs with these traces. Links may lead to what is not recorded, or not here.
fn linked_rows(store: &Store, traces: &BTreeSet<TraceId>) -> Result<Vec<RunRow>, Error> {
    let mut runs: BTreeSet<RunId> = BTreeSet::new();
    for trace in traces {
        if let Found::One { run_ids, .. } = store.find(&trace.to_string())? {
            runs.extend(run_ids.into_iter().take(MAX_RUNS));
        }
    }
    store.rows(&runs.into_iter().collect::<Vec<_>>())
}

/// Gathers what is new.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    runs: BTreeSet<RunId>,
    /// Where the links of what is new lead to.
    linked: BTreeSet<TraceId>,
    records: Vec<(Option<RunId>, String)>,
    record_bytes: usize,
    with_records: bool,
}

impl Gathering {
    /// With the records themselves, or only their runs.
    pub(super) fn new(with_records: bool) -> Self {
        Self { with_records, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.records.is_empty()
    }

    /// Whether more came than an update may have.
    pub(super) fn is_full(&self) -> bool {
        self.runs.len() > MAX_RUNS || self.record_bytes > MAX_RECORD_BYTES
    }

    pub(super) fn add(&mut self, record: &Record<'_>) {
        let run = run_of(record);
        if self.runs.len() <= MAX_RUNS {
            self.runs.extend(run);
        }
        if self.linked.len() <= MAX_RUNS {
            self.linked.extend(links_of(&record.body).map(|(trace, _)| trace));
        }
        if self.with_records && self.record_bytes <= MAX_RECORD_BYTES {
            let json = record.to_json();
            self.record_bytes += json.len();
            self.records.push((run, json));
        }
    }

    /// The update, with the rows of the runs as they are now.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(super) fn finish(self, store: &Store, id: Option<String>) -> Result<Update, Error> {
        let (more_runs, more_records) = (self.runs.len() > MAX_RUNS, self.record_bytes > MAX_RECORD_BYTES);
        let changed: Vec<RunId> = if more_runs { Vec::new() } else { self.runs.iter().copied().collect() };
        let mut rows: BTreeMap<RunId, (RunRow, bool)> = BTreeMap::new();
        rows.extend(store.rows(&changed)?.into_iter().map(|row| (row.run_id, (row, false))));
        let mut above = parents_of(rows.values().map(|(row, _)| row), &rows);
        while !above.is_empty() {
            let found = store.rows(&above)?;
            rows.extend(found.iter().map(|row| (row.run_id, (row.clone(), false))));
            above = parents_of(found.iter(), &rows);
        }
        rows.extend(store.operations_of(&changed)?.into_iter().map(|row| (row.run_id, (row, true))));
        if !more_runs {
            for row in linked_rows(store, &self.linked)? {
                rows.entry(row.run_id).or_insert((row, false));
            }
        }
        let mut rows: Vec<(RunRow, bool)> = rows.into_values().collect();
        // As in the list.
        rows.sort_by_key(|(row, _)| Reverse((row.started_at, row.run_id)));
        let to_row = |(row, is_operation): &(RunRow, bool)| Row {
            run: row.run_id,
            json: answers::row(row).to_string(),
            is_operation: *is_operation,
            is_new: self.runs.contains(&row.run_id),
        };
        let runs = rows.iter().map(to_row).collect();
        let records = if more_records { Vec::new() } else { self.records };
        Ok(Update { id, runs, records, more_runs, more_records, whole: Default::default() })
    }
}
