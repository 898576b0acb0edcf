//! `spanbridge runs`: recent runs.

use super::damage;
use super::lookup::digits;
use crate::args::{Cli, Format, Runs};
use crate::clock::now;
use crate::failure::Failure;
use crate::stream;
use serde_json::json;
use spanbridge_cli::render;
use spanbridge_graph::RunStatus;
use spanbridge_query::{RunFilter, RunRow, Store};

pub(super) fn run(cli: &Cli, args: &Runs, store: &Store) -> Result<(), Failure> {
    let (status, service, name) = (args.status, args.service.as_deref(), args.name.as_deref());
    let filter = filter(&Criteria { status, service, name, since: args.since });
    // One more than is shown says whether there are more.
    let mut rows = store.runs(&filter, args.limit.saturating_add(1))?;
    let more = rows.len() > args.limit;
    rows.truncate(args.limit);
    if cli.format == Format::Json {
        let runs: Vec<_> = rows.iter().map(to_json).collect();
        let mut answer = json!({ "schemaVersion": 1, "runs": runs, "more": more });
        damage::add_to(&mut answer, store);
        return stream::print_json(&answer);
    }
    if rows.is_empty() {
        let is_empty = filter == RunFilter::default() && store.damage().is_none();
        stream::note(match (more, is_empty) {
            (true, _) => "--limit 0 leaves no run to show",
            (false, true) => "the store has no runs yet",
            (false, false) => "no run matches",
        });
        return Ok(());
    }
    let digits = if args.full_ids { 32 } else { digits(rows.iter().map(|r| r.run_id)) };
    let options = stream::options(cli);
    stream::print(&render::runs(&rows, digits, now(), &options), &options)?;
    if more {
        stream::note("there are more runs; use --limit to see them");
    }
    Ok(())
}

/// Which runs were asked for.
pub(super) struct Criteria<'a> {
    pub(super) status: Option<RunStatus>,
    pub(super) service: Option<&'a str>,
    pub(super) name: Option<&'a str>,
    pub(super) since: Option<u64>,
}

pub(super) fn filter(criteria: &Criteria<'_>) -> RunFilter {
    let mut filter = RunFilter::default();
    if let Some(status) = criteria.status {
        filter = filter.status(status);
    }
    if let Some(service) = criteria.service {
        filter = filter.service(service);
    }
    if let Some(text) = criteria.name {
        filter = filter.name(text);
    }
    if let Some(time) = criteria.since {
        filter = filter.since(time);
    }
    filter
}

fn to_json(row: &RunRow) -> serde_json::Value {
    let mut out = json!({
        "runId": row.run_id.to_string(),
        "name": row.name,
        "status": row.status,
        "services": row.services,
        "spans": row.spans,
        "errors": row.errors,
        "startedAt": rfc3339(row.started_at),
    });
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
