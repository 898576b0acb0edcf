//! `spanbridge runs`: recent runs.

use super::{add_damage, digits, now};
use crate::args::{Cli, Format, Runs};
use crate::failure::Failure;
use crate::stream;
use serde_json::json;
use spanbridge_cli::render::{Align, Cell, Ink, ago, duration, escape, run_status, table};
use spanbridge_store::{RunFilter, RunRow, Store};

pub(super) fn run(cli: &Cli, args: &Runs, store: &Store) -> Result<(), Failure> {
    let filter =
        RunFilter { status: args.status, service: args.service.clone(), name: args.name.clone(), since: args.since };
    // One more than is shown: then it is known whether there are more.
    let mut rows = store.runs(&filter, args.limit.saturating_add(1))?;
    let more = rows.len() > args.limit;
    rows.truncate(args.limit);
    if cli.format == Format::Json {
        let runs: Vec<_> = rows.iter().map(to_json).collect();
        let mut answer = json!({ "schemaVersion": 1, "runs": runs, "more": more });
        add_damage(&mut answer, store);
        return stream::print_json(&answer);
    }
    if rows.is_empty() {
        let all = filter == RunFilter::default() && store.damage().is_none();
        stream::note(match (more, all) {
            (true, _) => "the limit leaves no run",
            (false, true) => "the store holds no runs yet",
            (false, false) => "no run is like that",
        });
        return Ok(());
    }
    let digits = if args.full_ids { 32 } else { digits(rows.iter().map(|r| r.run_id)) };
    let (now, options) = (now(), stream::options(cli));
    let mut heads = HEADS.to_vec();
    let mut lines: Vec<Vec<Cell>> = rows.iter().map(|r| line(r, digits, now)).collect();
    // Cut columns say little when every column is cut: on a narrow page the services go first, then the spans.
    for (column, least) in [(4, 66), (3, 80)] {
        if options.width < least {
            heads.remove(column);
            lines.iter_mut().for_each(|line| drop(line.remove(column)));
        }
    }
    let give: &[usize] = if heads.len() == HEADS.len() { &[3, 2] } else { &[2] };
    stream::print(&table(&heads, give, &lines, &options), &options)?;
    if more {
        stream::note("there are more runs; --limit shows more of them");
    }
    Ok(())
}

const HEADS: [(&str, Align); 8] = [
    ("run", Align::Left),
    ("status", Align::Left),
    ("name", Align::Left),
    ("services", Align::Left),
    ("spans", Align::Right),
    ("errors", Align::Right),
    ("took", Align::Right),
    ("began", Align::Right),
];

fn line(row: &RunRow, digits: usize, now: u64) -> Vec<Cell> {
    let (ink, status) = run_status(row.status);
    let services: Vec<_> = row.services.iter().map(|s| escape(s)).collect();
    // Clocks that contradict each other do not tell how long.
    let took = row.ended_at.and_then(|end| end.checked_sub(row.started_at)).map_or("–".into(), duration);
    let errors = if row.errors == 0 { (Ink::Dim, "–".into()) } else { (Ink::Bad, row.errors.to_string()) };
    vec![
        (Ink::Plain, format!("{:.digits$}", row.run_id)),
        (ink, status.to_owned()),
        (Ink::Bold, if row.name.is_empty() { "(no name)".into() } else { escape(&row.name).into_owned() }),
        (Ink::Plain, services.join(", ")),
        (Ink::Plain, row.spans.to_string()),
        errors,
        (Ink::Plain, took),
        (Ink::Dim, ago(row.started_at, now)),
    ]
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

/// With nanoseconds, as times stand in records.
fn rfc3339(nanos: u64) -> Option<String> {
    jiff::Timestamp::from_nanosecond(i128::from(nanos)).ok().map(|t| format!("{t:.9}"))
}
