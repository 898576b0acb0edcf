//! Runs in one line each, and which of them to list.

use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SpanId, Status};
use spanbridge_graph::hash::Set;
use spanbridge_graph::{Outline, RunStatus, RunSummary};
use std::collections::BTreeSet;

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
    /// Only runs with this status.
    pub status: Option<RunStatus>,
    /// Only runs that this service worked on.
    pub service: Option<String>,
    /// Only runs with this text in their name.
    pub name: Option<String>,
    /// Only runs that began at this time or later, in nanoseconds since the Unix epoch.
    pub since: Option<u64>,
}

impl RunFilter {
    /// Only runs with this status.
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

    /// Whether a run matches all that is set.
    pub fn matches(&self, row: &RunRow) -> bool {
        self.since.is_none_or(|since| row.started_at >= since)
            && self.status.is_none_or(|status| row.status == status)
            && self.name.as_deref().is_none_or(|part| row.name.contains(part))
            && self.service.as_ref().is_none_or(|service| row.services.contains(service))
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
    /// When it began, in nanoseconds since the Unix epoch.
    pub started_at: u64,
    /// When it ended. `None` while it is open or suspended.
    pub ended_at: Option<u64>,
}

impl RunRow {
    /// A run without spans that has not ended.
    pub fn new(run_id: RunId, name: impl Into<String>, status: RunStatus, started_at: u64) -> Self {
        let (services, spans, errors, ended_at) = (Vec::new(), 0, 0, None);
        Self { run_id, name: name.into(), status, services, spans, errors, started_at, ended_at }
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
        row
    }

    /// What the list of related runs says of it.
    pub fn summary(&self) -> RunSummary {
        let mut summary = RunSummary::new(self.run_id, &*self.name, self.status, self.started_at);
        summary.errors = self.errors;
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
