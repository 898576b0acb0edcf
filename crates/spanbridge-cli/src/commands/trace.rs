//! `spanbridge trace`: a run as a tree.

use super::lookup::{find, runs_of_trace};
use crate::args::{Cli, Format, Trace};
use crate::failure::Failure;
use crate::stream;
use spanbridge::RunId;
use spanbridge_cli::render::{self, View};
use spanbridge_graph::{CriticalPath, Diagnostic, Graph, RunSummary};
use spanbridge_query::Store;
use std::collections::BTreeSet;

/// How many runs of a trace are shown. The others are listed.
const MAX_RUNS: usize = 10;

/// How many child runs are followed, and how many spans they may have together.
const MAX_CHILD_RUNS: usize = 500;
const MAX_CHILD_SPANS: u64 = 100_000;

pub(super) fn run(cli: &Cli, args: &Trace, store: &Store) -> Result<(), Failure> {
    let (what, run_ids) = find(store, &args.id)?;
    let gone = || Failure::NotFound(format!("read the run of {}: it is no longer in the store", args.id));
    let first = run_ids.first().copied().ok_or_else(gone)?;
    let mut first = store.graph(first)?.ok_or_else(gone)?;
    let run_ids = runs_of_trace(what, &run_ids, &first, MAX_RUNS);
    follow(store, &mut first, args)?;
    if cli.format == Format::Json {
        return stream::print_json(&first.to_json());
    }
    let mut graphs = vec![first];
    for id in &run_ids[1..] {
        let is_shown = graphs.iter().any(|graph| graph.spans.iter().any(|span| span.run_id == *id));
        if let Some(mut graph) = if is_shown { None } else { store.graph(*id)? } {
            follow(store, &mut graph, args)?;
            graphs.push(graph);
        }
    }
    let shown: BTreeSet<RunId> = graphs.iter().map(|g| g.run.run_id).collect();
    let options = stream::options(cli);
    let view = view(args);
    let mut text = String::new();
    for graph in &mut graphs {
        // Runs on the same page need no reference.
        let elsewhere = |r: &RunSummary| !shown.contains(&r.run_id);
        graph.child_runs.retain(elsewhere);
        graph.related_runs.retain(elsewhere);
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&render::tree_of(graph, &view, &options));
    }
    stream::print(&text, &options)
}

fn view(args: &Trace) -> View {
    let view = args.service.iter().fold(View::default(), View::service);
    view.errors(args.errors).depth(args.depth.map(|depth| depth as usize)).expand(args.all)
}

/// Adds what was asked for beside the run itself.
fn follow(store: &Store, graph: &mut Graph, args: &Trace) -> Result<(), Failure> {
    if !args.follow_children && !args.critical_path {
        return Ok(());
    }
    let children = store.descendants(graph.run.run_id, MAX_CHILD_RUNS, MAX_CHILD_SPANS)?;
    if args.critical_path {
        graph.critical_path = Some(CriticalPath::with_children(graph, &children.graphs));
    }
    if args.follow_children {
        graph.inline(children.graphs);
    }
    if children.left_out > 0 {
        let mut left_out = Diagnostic::new("children_left_out", "child runs that are not followed: there are too many");
        left_out.count = Some(children.left_out as u64);
        graph.diagnostics.push(left_out);
    }
    Ok(())
}
