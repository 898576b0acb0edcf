//! Lists of runs.

use super::damage::add_damage;
use serde_json::{Value, json};
use spanbridge::RunId;
use spanbridge_graph::RunStatus;
use spanbridge_query::{Error, RunFilter, RunQuery, RunRow, RunSort, Store};
use std::time::Duration;

/// How many runs a page has by default.
pub const DEFAULT_LIMIT: usize = 20;

/// The orders of runs, by their words.
pub const SORTS: [(&str, RunSort); 5] = [
    ("newest", RunSort::Newest),
    ("oldest", RunSort::Oldest),
    ("longest", RunSort::Longest),
    ("errors", RunSort::MostErrors),
    ("spans", RunSort::MostSpans),
];

/// Which runs are asked for, and which page of them.
#[derive(Clone, Debug)]
pub struct RunsQuestion {
    /// Only runs with this status.
    pub status: Option<RunStatus>,
    /// Only runs that this service worked on.
    pub service: Option<String>,
    /// Only runs with this text in their name.
    pub name: Option<String>,
    /// Only runs with all of these attributes, each `KEY` or `KEY=VALUE`.
    pub attributes: Vec<String>,
    /// Only runs with this text in an error.
    pub error: Option<String>,
    /// Only runs that began at this time or later, in nanoseconds since the Unix epoch.
    pub since: Option<u64>,
    /// Only runs that began before this time, in nanoseconds since the Unix epoch.
    pub until: Option<u64>,
    /// Only runs that have ended and took this long or longer.
    pub min_duration: Option<Duration>,
    /// Whether each run is listed by itself, also one that another run started.
    pub children: bool,
    /// What comes first.
    pub sort: RunSort,
    /// The maximum number of runs.
    pub limit: usize,
    /// Which page of so many runs, from 1.
    pub page: u32,
}

/// The first page of all runs, newest first.
impl Default for RunsQuestion {
    fn default() -> Self {
        Self {
            status: None,
            service: None,
            name: None,
            attributes: Vec::new(),
            error: None,
            since: None,
            until: None,
            min_duration: None,
            children: false,
            sort: RunSort::default(),
            limit: DEFAULT_LIMIT,
            page: 1,
        }
    }
}

impl RunsQuestion {
    /// The query that this asks.
    pub fn query(&self) -> RunQuery {
        let mut filter = RunFilter::default();
        filter.status = self.status;
        (filter.service, filter.name, filter.since) = (self.service.clone(), self.name.clone(), self.since);
        // No run has a smaller id, so those that began at that time are left out.
        filter.before = self.until.zip(RunId::new(1));
        if let Some(least) = self.min_duration {
            filter = filter.min_duration(least);
        }
        let skip = self.limit.saturating_mul((self.page as usize).saturating_sub(1));
        let mut query = RunQuery::new(filter).skip(skip).sort(self.sort);
        (query.error, query.each_run) = (self.error.clone(), self.children);
        for attribute in &self.attributes {
            query = match attribute.split_once('=') {
                Some((key, value)) => query.attribute(key, Some(value)),
                None => query.attribute(attribute, None),
            };
        }
        query
    }

    /// The runs, and whether there are more.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn rows(&self, store: &Store) -> Result<(Vec<RunRow>, bool), Error> {
        // One more than is shown says whether there are more.
        let mut rows = store.list(&self.query(), self.limit.saturating_add(1))?;
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        Ok((rows, more))
    }
}

/// A page of runs, as JSON.
pub fn runs(store: &Store, (rows, more): &(Vec<RunRow>, bool)) -> Value {
    let runs: Vec<_> = rows.iter().map(row).collect();
    let mut answer = json!({ "schemaVersion": 1, "runs": runs, "more": more });
    add_damage(&mut answer, store);
    answer
}

/// A number of runs, as JSON.
pub fn count(store: &Store, count: u64) -> Value {
    let mut answer = json!({ "schemaVersion": 1, "count": count });
    add_damage(&mut answer, store);
    answer
}

/// A run in a list, as JSON.
pub fn row(row: &RunRow) -> Value {
    let mut out = json!({
        "runId": row.run_id.to_string(),
        "name": row.name,
        "status": row.status,
        "services": row.services,
        "spans": row.spans,
        "errors": row.errors,
        "startedAt": rfc3339(row.started_at),
    });
    let work = &row.failed_work;
    let counts = [
        ("failedWork", work.total()),
        ("deadLettered", work.dead_lettered),
        ("neverSettled", work.never_settled),
        ("recoveredWork", work.recovered),
        ("descendants", row.descendants),
        ("failedDescendants", row.failed_descendants),
    ];
    for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        out[key] = count.into();
    }
    if let Some(parent) = row.parent_run_id {
        out["parentRunId"] = parent.to_string().into();
    }
    if let Some(end) = row.ended_at {
        out["endedAt"] = rfc3339(end).into();
        out["durationMs"] = (end.saturating_sub(row.started_at) as f64 / 1e6).into();
    }
    out
}

/// With nanoseconds, as in records.
fn rfc3339(nanos: u64) -> Option<String> {
    jiff::Timestamp::from_nanosecond(i128::from(nanos)).ok().map(|t| format!("{t:.9}"))
}
