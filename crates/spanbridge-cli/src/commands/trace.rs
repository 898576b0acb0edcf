//! `spanbridge trace`: a run as a tree.

use super::lookup::{find, runs_of_trace};
use crate::args::{Cli, Format, Trace};
use crate::failure::Failure;
use crate::stream;
use spanbridge::RunId;
use spanbridge_cli::render;
use spanbridge_graph::RunSummary;
use spanbridge_query::Store;

/// How many runs of a trace are shown. The others are listed.
const MAX_RUNS: usize = 10;

pub(super) fn run(cli: &Cli, args: &Trace, store: &Store) -> Result<(), Failure> {
    let (what, run_ids) = find(store, &args.id)?;
    let gone = || Failure::NotFound(format!("read the run of {}: it is no longer in the store", args.id));
    let first = run_ids.first().copied().ok_or_else(gone)?;
    let first = store.graph(first)?.ok_or_else(gone)?;
    if cli.format == Format::Json {
        return stream::print_json(&first.to_json());
    }
    let run_ids = runs_of_trace(what, &run_ids, &first, MAX_RUNS);
    let mut graphs = vec![first];
    for id in &run_ids[1..] {
        graphs.extend(store.graph(*id)?);
    }
    let shown: Vec<RunId> = graphs.iter().map(|g| g.run.run_id).collect();
    let options = stream::options(cli);
    let mut text = String::new();
    for graph in &mut graphs {
        // Runs on the same page need no reference.
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
