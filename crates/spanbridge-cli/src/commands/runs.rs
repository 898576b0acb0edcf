//! `spanbridge runs`: recent runs.

use super::damage;
use super::lookup::digits;
use crate::args::{Cli, Format, Runs, Sort};
use crate::clock::now;
use crate::failure::Failure;
use crate::stream;
use serde_json::json;
use spanbridge::RunId;
use spanbridge_cli::render;
use spanbridge_graph::RunStatus;
use spanbridge_query::{RunFilter, RunQuery, RunRow, RunSort, Store};

pub(super) fn run(cli: &Cli, args: &Runs, store: &Store) -> Result<(), Failure> {
    let query = query(args);
    if args.count {
        let count = store.count(&query)?;
        return match cli.format {
            Format::Json => {
                let mut answer = json!({ "schemaVersion": 1, "count": count });
                damage::add_to(&mut answer, store);
                stream::print_json(&answer)
            }
            Format::Text => stream::print(&format!("{count}\n"), &stream::options(cli)),
        };
    }
    // One more than is shown says whether there are more.
    let mut rows = store.list(&query, args.limit.saturating_add(1))?;
    let more = rows.len() > args.limit;
    rows.truncate(args.limit);
    if cli.format == Format::Json {
        let runs: Vec<_> = rows.iter().map(to_json).collect();
        let mut answer = json!({ "schemaVersion": 1, "runs": runs, "more": more });
        damage::add_to(&mut answer, store);
        return stream::print_json(&answer);
    }
    if rows.is_empty() {
        let is_empty = query == RunQuery::default() && store.damage().is_none();
        stream::note(match (more, is_empty, args.page) {
            (true, ..) => "--limit 0 leaves no run to show",
            (false, true, _) => "the store has no runs yet",
            (false, false, 1) => "no run matches",
            (false, false, _) => "no run is on this page",
        });
        return Ok(());
    }
    let digits = if args.full_ids { 32 } else { digits(rows.iter().map(|r| r.run_id)) };
    let options = stream::options(cli);
    stream::print(&render::runs(&rows, digits, now(), &options), &options)?;
    if more {
        stream::note(&format!(
            "there are more runs; use --page {} or --limit to see them",
            args.page.saturating_add(1)
        ));
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

fn query(args: &Runs) -> RunQuery {
    let (status, service, name) = (args.status, args.service.as_deref(), args.name.as_deref());
    let mut filter = filter(&Criteria { status, service, name, since: args.since });
    // No run has a smaller id, so those that began at that time are left out.
    filter.before = args.until.zip(RunId::new(1));
    if let Some(least) = args.min_duration {
        filter = filter.min_duration(least);
    }
    let mut query =
        RunQuery::new(filter).skip(args.limit.saturating_mul(args.page as usize - 1)).sort(match args.sort {
            Sort::Newest => RunSort::Newest,
            Sort::Oldest => RunSort::Oldest,
            Sort::Longest => RunSort::Longest,
            Sort::Errors => RunSort::MostErrors,
            Sort::Spans => RunSort::MostSpans,
        });
    query.error = args.error.clone();
    for attribute in &args.attribute {
        query = match attribute.split_once('=') {
            Some((key, value)) => query.attribute(key, Some(value)),
            None => query.attribute(attribute, None),
        };
    }
    query
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
    let work = &row.failed_work;
    let counts =
        [("failedWork", work.total()), ("deadLettered", work.dead_lettered), ("recoveredWork", work.recovered)];
    for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        out[key] = count.into();
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
