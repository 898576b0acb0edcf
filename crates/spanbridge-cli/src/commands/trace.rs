//! `spanbridge trace`: a run as a tree.

use super::find;
use crate::args::{Cli, Format, Trace};
use crate::failure::Failure;
use crate::stream;
use spanbridge::RunId;
use spanbridge_cli::render;
use spanbridge_store::graph::{Graph, RunSummary};
use spanbridge_store::{Id, Store};

/// Of a trace with many runs so many are shown; the others are listed.
const SHOWN: usize = 10;

pub(super) fn run(cli: &Cli, args: &Trace, store: &Store) -> Result<(), Failure> {
    let (what, run_ids) = find(store, &args.id)?;
    let gone = || Failure::NotFound(format!("read the run of {}: it is no longer there", args.id));
    let first = run_ids.first().copied().ok_or_else(gone)?;
    let first = store.graph(first)?.ok_or_else(gone)?;
    if cli.format == Format::Json {
        return stream::print_json(&first.to_json());
    }
    let further = runs_of_trace(what, &run_ids, &first, SHOWN);
    let mut graphs = vec![first];
    for id in &further[1..] {
        graphs.extend(store.graph(*id)?);
    }
    let shown: Vec<RunId> = graphs.iter().map(|g| g.run.run_id).collect();
    let options = stream::options(cli);
    let mut text = String::new();
    for graph in &mut graphs {
        // What is shown on the same page need not be pointed at.
        let elsewhere = |r: &RunSummary| !shown.contains(&r.run_id);
        graph.child_runs.retain(elsewhere);
        graph.related_runs.retain(elsewhere);
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&render::tree(graph, &options));
    }
    stream::print(&text, &options)
}

/// The runs of a whole trace where the id is that of one, in order of start after the first, so many at most; else those
/// that were found.
pub(super) fn runs_of_trace(what: Id, run_ids: &[RunId], first: &Graph, most: usize) -> Vec<RunId> {
    let is_trace = match what {
        Id::Trace(_) => true,
        // The id of the trace's own run is the trace's too.
        Id::Run(run) => first.run.trace_ids.iter().any(|t| RunId::of_trace(*t) == run),
        Id::Span(_) => false,
    };
    let mut ids = run_ids.to_vec();
    if is_trace {
        let mut runs: Vec<&RunSummary> = first.child_runs.iter().chain(&first.related_runs).collect();
        runs.sort_by_key(|r| (r.started_at, r.run_id));
        for run in runs {
            if !ids.contains(&run.run_id) && ids.len() < most {
                ids.push(run.run_id);
            }
        }
    }
    ids.truncate(most);
    ids
}
