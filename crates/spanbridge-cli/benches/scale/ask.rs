//! What questions take.

use super::Outcome;
use super::workload::{T0, Workload, run_id};
use spanbridge_graph::RunStatus;
use spanbridge_query::{RunFilter, RunQuery, Store};
use std::time::{Duration, Instant};

/// How often each is asked. The median counts.
const TIMES: usize = 11;

/// Asks for a run, and for lists of 20.
pub(super) fn questions(place: &str, store: &Store, workload: &Workload) -> Outcome {
    println!("\n| {place} | median | found |\n|---|---|---|");
    let runs: Vec<_> = workload.some_runs(TIMES as u64).map(run_id).collect();
    let mut times = Vec::new();
    let mut spans = 0;
    for run in runs {
        let begun = Instant::now();
        spans += store.graph(run)?.map_or(0, |graph| graph.spans.len());
        times.push(begun.elapsed());
    }
    line("a run as a graph", times, spans / TIMES);
    let filter = RunFilter::default;
    let late = T0 + (workload.middle() - T0) / 2 * 3;
    for (name, filter) in [
        ("list, no filter", filter()),
        ("list, failed", filter().status(RunStatus::Error)),
        ("list, service", filter().service("payments")),
        ("list, name that is rare", filter().name("month end")),
        ("list, since", filter().since(late)),
        ("list, at least 5 s", filter().min_duration(Duration::from_secs(5))),
    ] {
        for (kind, query) in [("", RunQuery::new(filter.clone())), (", each run", RunQuery::new(filter).each_run())] {
            let mut times = Vec::new();
            let mut found = 0;
            for _ in 0..TIMES {
                let begun = Instant::now();
                found = store.list(&query, 20)?.len();
                times.push(begun.elapsed());
            }
            line(&format!("{name}{kind}"), times, found);
        }
    }
    Ok(())
}

fn line(what: &str, mut times: Vec<Duration>, found: usize) {
    times.sort_unstable();
    println!("| {what} | {:.1} ms | {found} |", times[times.len() / 2].as_secs_f64() * 1e3);
}
