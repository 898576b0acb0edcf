//! `spanbridge trace`: a run as a tree.

use super::{find, open};
use crate::args::{Cli, Format, Trace};
use crate::failure::Failure;
use crate::stream;
use spanbridge::RunId;
use spanbridge_cli::render;
use spanbridge_store::graph::{Graph, RunSummary};
use spanbridge_store::{Id, Store};

/// Of a trace with many runs so many are shown; the others are listed.
const SHOWN: usize = 10;

pub(super) fn run(cli: &Cli, args: &Trace) -> Result<(), Failure> {
    let store = open(cli)?;
    let (what, run_ids) = find(&store, &args.id)?;
    let gone = || Failure::Wanting(format!("read the run of {}: it is no longer there", args.id));
    let first = run_ids.first().copied().ok_or_else(gone)?;
    let first = store.graph(first)?.ok_or_else(gone)?;
    if cli.format == Format::Json {
        return stream::print_json(&first.to_json());
    }
    let mut graphs = vec![first];
    graphs.extend(others(&store, what, &run_ids, &graphs[0])?);
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

/// The further runs to show where the id is that of a whole trace, in order of start.
fn others(store: &Store, what: Id, run_ids: &[RunId], first: &Graph) -> Result<Vec<Graph>, Failure> {
    let is_trace = match what {
        Id::Trace(_) => true,
        // The id of the trace's own run is the trace's too.
        Id::Run(run) => first.run.trace_ids.iter().any(|t| RunId::of_trace(*t) == run),
        Id::Span(_) => false,
    };
    if !is_trace {
        return Ok(Vec::new());
    }
    let mut runs: Vec<&RunSummary> = first.child_runs.iter().chain(&first.related_runs).collect();
    runs.sort_by_key(|r| (r.started_at, r.run_id));
    let mut ids: Vec<RunId> = run_ids[1..].to_vec();
    for run in runs {
        if run.run_id != first.run.run_id && !ids.contains(&run.run_id) && ids.len() < SHOWN - 1 {
            ids.push(run.run_id);
        }
    }
    ids.truncate(SHOWN - 1);
    let mut graphs = Vec::new();
    for id in ids {
        graphs.extend(store.graph(id)?);
    }
    Ok(graphs)
}
