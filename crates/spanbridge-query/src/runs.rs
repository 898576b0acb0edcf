//! Runs in one line each, and which of them to list.

use crate::search::has_text;
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SpanId, Status};
use spanbridge_graph::hash::Set;
use spanbridge_graph::{FailedWork, Graph, GraphLimit, Hints, Outline, RunStatus, RunSummary, Unsettled};
use std::collections::BTreeSet;
use std::time::Duration;

/// Which runs to list. The default lists all. A run must match everything that is set.
///
/// ```
/// use spanbridge_query::RunFilter;
/// use spanbridge_graph::RunStatus;
/// let filter = RunFilter::default().status(RunStatus::Error).service("billing");
/// # let _ = filter;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RunFilter {
    /// Only runs with this status. A run that is ok, but has [failed work](RunRow::failed_work), counts as an error here and not as
    /// ok.
    pub status: Option<RunStatus>,
    /// Only runs that this service worked on.
    pub service: Option<String>,
    /// Only runs with this text in their name.
    pub name: Option<String>,
    /// Only runs that began at this time or later, in nanoseconds since the Unix epoch.
    pub since: Option<u64>,
    /// Only runs that come after this one in a list that has the newest first: its start and its id. This is how a list is read in
    /// pages.
    pub before: Option<(u64, RunId)>,
    /// Only runs that have ended and took at least this long, in nanoseconds.
    pub min_duration: Option<u64>,
}

impl RunFilter {
    /// Only runs with this status. See [`RunFilter::status`](field@RunFilter::status).
    pub fn status(self, status: RunStatus) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Only runs that this service worked on. The name must match exactly.
    pub fn service(self, service: impl Into<String>) -> Self {
        Self { service: Some(service.into()), ..self }
    }

    /// Only runs with this text in their name. Upper and lower case are the same.
    pub fn name(self, text: impl Into<String>) -> Self {
        Self { name: Some(text.into()), ..self }
    }

    /// Only runs that began at this time or later, in nanoseconds since the Unix epoch.
    pub fn since(self, time: u64) -> Self {
        Self { since: Some(time), ..self }
    }

    /// Only runs that come after this one in a list that has the newest first.
    pub fn before(self, started_at: u64, run_id: RunId) -> Self {
        Self { before: Some((started_at, run_id)), ..self }
    }

    /// Only runs that have ended and took at least this long.
    pub fn min_duration(self, least: Duration) -> Self {
        Self { min_duration: Some(u64::try_from(least.as_nanos()).unwrap_or(u64::MAX)), ..self }
    }

    /// Whether a run matches all that is set.
    pub fn matches(&self, row: &RunRow) -> bool {
        self.matches_times(row)
            && self.status.is_none_or(|status| row.counts_as(status))
            && self.name.as_deref().is_none_or(|part| has_text(&row.name, part))
            && self.service.as_ref().is_none_or(|service| row.services.contains(service))
    }

    /// Whether an operation with this first run matches what is said of the operation as a whole: its times, and that nothing in it
    /// failed if that is asked for.
    pub(crate) fn matches_operation(&self, first: &RunRow) -> bool {
        let is_ok = || first.counts_as(RunStatus::Ok) && first.failed_descendants == 0;
        self.matches_times(first) && (self.status != Some(RunStatus::Ok) || is_ok())
    }

    /// Whether a run that failed does not match once a later attempt in another run has mended it.
    pub(crate) fn is_about_failures(&self) -> bool {
        self.status == Some(RunStatus::Error)
    }

    fn matches_times(&self, row: &RunRow) -> bool {
        self.since.is_none_or(|since| row.started_at >= since)
            && self.before.is_none_or(|before| (row.started_at, row.run_id) < before)
            && self.min_duration.is_none_or(|least| row.duration().is_some_and(|took| took >= least))
    }

    /// What at least one run of an operation is to match: all of it. See [`RunQuery`].
    pub fn of_one_run(&self) -> Self {
        let status = self.status.filter(|status| *status != RunStatus::Ok);
        Self { status, name: self.name.clone(), service: self.service.clone(), ..Self::default() }
    }
}

/// Which operations to list and in which order, also by what only the records of a run say. The default lists all, newest first.
///
/// An operation is a run that no stored run started, with all that it started, directly or through others. Its times are those of the
/// first run, and the order is by what the row of that says. The other filters are about its runs: one of them must match all that is
/// set. An operation is ok if its first run is and nothing in it failed. See [`RunQuery::each_run`].
///
/// ```
/// use spanbridge_query::{RunFilter, RunQuery, RunSort};
/// let query = RunQuery::new(RunFilter::default().service("billing"))
///     .attribute("order.id", Some("17"))
///     .error("declined")
///     .sort(RunSort::Longest);
/// # let _ = query;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct RunQuery {
    /// What the rows of runs say.
    pub filter: RunFilter,
    /// Only runs that have all of these attributes, with these values if they are given.
    pub attributes: Vec<(String, Option<String>)>,
    /// Only runs with this text in an error.
    pub error: Option<String>,
    /// The order.
    pub sort: RunSort,
    /// How many runs are left out at the beginning.
    pub skip: usize,
    /// Whether each run is listed by itself, also if another stored run started it.
    pub each_run: bool,
}

/// An order of runs. Among equal ones, the newest comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunSort {
    /// The one that began last comes first.
    #[default]
    Newest,
    /// The one that began first comes first.
    Oldest,
    /// The one that took longest comes first. Those that have not ended come last.
    Longest,
    /// The one with the most spans that failed comes first.
    MostErrors,
    /// The one with the most spans comes first.
    MostSpans,
}

impl RunQuery {
    /// The runs that match the filter, newest first.
    pub fn new(filter: RunFilter) -> Self {
        Self { filter, ..Self::default() }
    }

    /// Only runs with this attribute, and this value if there is one: of the run, of one of its spans, or of the resource of a
    /// process that worked on it. A value that is no text is compared as JSON. The records of each candidate are read.
    pub fn attribute(mut self, key: impl Into<String>, value: Option<&str>) -> Self {
        self.attributes.push((key.into(), value.map(str::to_owned)));
        self
    }

    /// Only runs with this text in the error of the run or of a span. Upper and lower case are the same. The records of each candidate
    /// that may have an error are read.
    pub fn error(self, text: impl Into<String>) -> Self {
        Self { error: Some(text.into()), ..self }
    }

    /// Each run by itself, instead of operations.
    pub fn each_run(self) -> Self {
        Self { each_run: true, ..self }
    }

    /// In this order. All but [`RunSort::Newest`] look at every run that matches.
    pub fn sort(self, sort: RunSort) -> Self {
        Self { sort, ..self }
    }

    /// Without so many runs at the beginning.
    pub fn skip(self, skip: usize) -> Self {
        Self { skip, ..self }
    }
}

/// A run in the list of runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunRow {
    /// Its id.
    pub run_id: RunId,
    /// The operation. For a run without an owner: the name of its first span.
    pub name: String,
    /// Its status.
    pub status: RunStatus,
    /// The services that worked on it, in alphabetical order.
    pub services: Vec<String>,
    /// How many spans it has.
    pub spans: u64,
    /// How many of them ended in an error or a panic.
    pub errors: u64,
    /// Messages that failed for good, although the run succeeded. Each number is at most [`RunRow::MAX_COUNTED`]. In a list of
    /// [operations](RunQuery), messages that were mended in runs that it started count as recovered, too.
    pub failed_work: FailedWork,
    /// When it began, in nanoseconds since the Unix epoch.
    pub started_at: u64,
    /// When it ended. `None` while it is open or suspended.
    pub ended_at: Option<u64>,
    /// The run that started it. It need not be stored.
    pub parent_run_id: Option<RunId>,
    /// In a list of [operations](RunQuery): how many stored runs it started, directly or through others. Elsewhere 0.
    pub descendants: u64,
    /// How many of those failed, or have failed work, and are not mended by a later attempt at the same message in another of them.
    pub failed_descendants: u64,
    /// Messages without a settlement, by its records. The store decides which of them count as failed work.
    pub(crate) unsettled: Unsettled,
}

impl RunRow {
    /// What its records say about messages without a settlement, for engines that keep rows.
    #[doc(hidden)]
    pub fn unsettled(&self) -> &Unsettled {
        &self.unsettled
    }

    /// The same row, with what its records say about messages without a settlement.
    #[doc(hidden)]
    pub fn with_unsettled(self, unsettled: Unsettled) -> Self {
        Self { unsettled, ..self }
    }

    /// A run without spans that has not ended.
    pub fn new(run_id: RunId, name: impl Into<String>, status: RunStatus, started_at: u64) -> Self {
        let (services, spans, errors, ended_at) = (Vec::new(), 0, 0, None);
        Self {
            run_id,
            name: name.into(),
            status,
            services,
            spans,
            errors,
            failed_work: FailedWork::default(),
            started_at,
            ended_at,
            parent_run_id: None,
            descendants: 0,
            failed_descendants: 0,
            unsettled: Unsettled::default(),
        }
    }

    /// The row of a run with these records. It says the same as [`Graph::build`].
    pub fn of(run_id: RunId, records: &[Record<'_>]) -> Self {
        let outline = Outline::of(run_id, records);
        let mut row = Self::new(run_id, outline.name(records), outline.status(records), outline.started_at(records));
        row.ended_at = outline.ended_at(records);
        row.parent_run_id = outline.parent_run_id(records);
        // Whoever reads what a database has logged did not work on the run.
        let workers = records.iter().filter(|record| !matches!(record.body, Body::Mutation(_)));
        let services: BTreeSet<&str> = workers.map(|record| &*record.service).collect();
        row.services = services.into_iter().map(str::to_owned).collect();
        let (mut started, mut ended, mut failed) = (Set::default(), Set::default(), Set::default());
        let mut hints = Hints::default();
        for record in records {
            match &record.body {
                Body::Span(span) if !started.insert(span.span_id) => {}
                _ => hints.add(&record.view().body()),
            }
            if let Some((span_id, status)) = end_of(&record.body)
                && ended.insert(span_id)
                && matches!(status, Status::Error | Status::Panicked)
            {
                failed.insert(span_id);
            }
        }
        row.spans = started.len().max(ended.len()) as u64;
        row.errors = failed.len() as u64;
        if row.status == RunStatus::Ok && row.errors > 0 || hints.is_set() {
            let graph = Graph::build(run_id, records);
            row.set_failed_work(graph.run.failed_work);
            // As of a very large run whose records are never all in memory.
            if row.spans <= GraphLimit::default().whole {
                row.unsettled = Unsettled::of(&graph);
            }
        }
        row
    }

    /// The row of a very large run, from a graph that does not show all of it.
    pub(crate) fn of_summary(graph: &Graph) -> Self {
        let run = &graph.run;
        let mut row = Self::new(run.run_id, &*run.name, run.status, run.started_at);
        (row.ended_at, row.parent_run_id) = (run.ended_at, run.parent_run_id);
        if let Some(all) = &graph.left_out {
            row.services.clone_from(&all.services);
            (row.spans, row.errors) = (all.listed, all.errors);
        }
        row.set_failed_work(run.failed_work);
        row
    }

    /// Counts messages that were mended in other runs, unless the owner said that the run is not ok.
    pub(crate) fn add_recovered(&mut self, messages: u64) {
        if self.status == RunStatus::Ok {
            let mut work = self.failed_work;
            work.recovered = work.recovered.saturating_add(messages);
            self.set_failed_work(work);
        }
    }

    fn set_failed_work(&mut self, mut work: FailedWork) {
        for count in [&mut work.failed, &mut work.dead_lettered, &mut work.recovered, &mut work.never_settled] {
            *count = (*count).min(Self::MAX_COUNTED);
        }
        self.failed_work = work;
    }

    /// Says how many messages were never settled.
    pub(crate) fn set_never_settled(&mut self, messages: u64) {
        self.failed_work.never_settled = messages.min(Self::MAX_COUNTED);
    }

    /// How long it took, in nanoseconds. `None` while it is open or suspended.
    pub fn duration(&self) -> Option<u64> {
        Some(self.ended_at?.saturating_sub(self.started_at))
    }

    /// More failed messages of a kind are not counted.
    pub const MAX_COUNTED: u64 = 1000;

    /// Whether an operation that it is a part of is not simply ok.
    pub(crate) fn is_failure(&self) -> bool {
        self.counts_as(RunStatus::Error) || self.status == RunStatus::Conflicted
    }

    /// Whether a filter for this status shows it: by its status, but a run with failed work is an error and not ok.
    pub fn counts_as(&self, status: RunStatus) -> bool {
        match self.status {
            RunStatus::Ok if self.failed_work.total() > 0 => status == RunStatus::Error,
            own => own == status,
        }
    }

    /// What the list of related runs says of it.
    pub fn summary(&self) -> RunSummary {
        let mut summary = RunSummary::new(self.run_id, &*self.name, self.status, self.started_at);
        (summary.errors, summary.failed_work) = (self.errors, self.failed_work);
        summary
    }
}

/// The end of a span that a record holds.
fn end_of(body: &Body<'_>) -> Option<(SpanId, Status)> {
    match body {
        Body::Span(span) => Some((span.span_id, span.end.as_ref()?.status)),
        Body::SpanEnd(s) => Some((s.span_id, s.end.status)),
        _ => None,
    }
}
