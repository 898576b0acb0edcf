//! Runs in one line each, and which of them to list.

use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SpanId, Status};
use spanbridge_graph::hash::Set;
use spanbridge_graph::{FailedWork, Graph, Outline, RunStatus, RunSummary};
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

    /// Only runs with this text in their name. Upper and lower case differ.
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
        self.since.is_none_or(|since| row.started_at >= since)
            && self.before.is_none_or(|before| (row.started_at, row.run_id) < before)
            && self.min_duration.is_none_or(|least| row.duration().is_some_and(|took| took >= least))
            && self.status.is_none_or(|status| row.counts_as(status))
            && self.name.as_deref().is_none_or(|part| row.name.contains(part))
            && self.service.as_ref().is_none_or(|service| row.services.contains(service))
    }
}

/// Which runs to list and in which order, also by what only the records of a run say. The default lists all, newest first.
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

    /// Only runs with this text in the error of the run or of a span. Upper and lower case differ. The records of each candidate
    /// that may have an error are read.
    pub fn error(self, text: impl Into<String>) -> Self {
        Self { error: Some(text.into()), ..self }
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
    /// Messages that failed for good, although the run succeeded. Each number is at most [`RunRow::MAX_COUNTED`].
    pub failed_work: FailedWork,
    /// When it began, in nanoseconds since the Unix epoch.
    pub started_at: u64,
    /// When it ended. `None` while it is open or suspended.
    pub ended_at: Option<u64>,
}

impl RunRow {
    /// A run without spans that has not ended.
    pub fn new(run_id: RunId, name: impl Into<String>, status: RunStatus, started_at: u64) -> Self {
        let (services, spans, errors, ended_at) = (Vec::new(), 0, 0, None);
        let failed_work = FailedWork::default();
        Self { run_id, name: name.into(), status, services, spans, errors, failed_work, started_at, ended_at }
    }

    /// The row of a run with these records. It says the same as the run's graph.
    pub fn of(run_id: RunId, records: &[Record<'_>]) -> Self {
        let outline = Outline::of(run_id, records);
        let mut row = Self::new(run_id, outline.name(records), outline.status(records), outline.started_at(records));
        row.ended_at = outline.ended_at(records);
        let services: BTreeSet<&str> = records.iter().map(|record| &*record.service).collect();
        row.services = services.into_iter().map(str::to_owned).collect();
        let (mut started, mut ended, mut failed) = (Set::default(), Set::default(), Set::default());
        for record in records {
            if let Body::Span(span) = &record.body {
                started.insert(span.span_id);
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
        if row.status == RunStatus::Ok && row.errors > 0 {
            let mut work = Graph::build(run_id, records).run.failed_work;
            for count in [&mut work.failed, &mut work.dead_lettered, &mut work.recovered] {
                *count = (*count).min(Self::MAX_COUNTED);
            }
            row.failed_work = work;
        }
        row
    }

    /// How long it took, in nanoseconds. `None` while it is open or suspended.
    pub fn duration(&self) -> Option<u64> {
        Some(self.ended_at?.saturating_sub(self.started_at))
    }

    /// More failed messages of a kind are not counted.
    pub const MAX_COUNTED: u64 = 1000;

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
