//! `spanbridge trace`: a run as a tree.

use crate::args::{Cli, Format, Trace};
use crate::failure::Failure;
use crate::stream;
use spanbridge::RunId;
use spanbridge_cli::answers::{GraphOptions, find, follow, runs_of_trace};
use spanbridge_cli::render::{self, View};
use spanbridge_graph::RunSummary;
use spanbridge_query::Store;
use std::collections::BTreeSet;

/// How many runs of a trace are shown. The others are listed.
const MAX_RUNS: usize = 10;

pub(super) fn run(cli: &Cli, args: &Trace, store: &Store) -> Result<(), Failure> {
    let beside = GraphOptions { follow_children: args.follow_children, critical_path: args.critical_path };
    let (what, run_ids) = find(store, &args.id)?;
    let gone = || Failure::NotFound(format!("read the run of {}: it is no longer in the store", args.id));
    let first = run_ids.first().copied().ok_or_else(gone)?;
    let within = store.within(args.large.limit(args.all));
    let mut first = within.graph(first)?.ok_or_else(gone)?;
    let run_ids = runs_of_trace(what, &run_ids, &first, MAX_RUNS);
    follow(store, &mut first, beside)?;
    if cli.format == Format::Json {
        return stream::print_json(&first.to_json());
    }
    let mut graphs = vec![first];
    for id in &run_ids[1..] {
        let is_shown = graphs.iter().any(|graph| graph.spans.iter().any(|span| span.run_id == *id));
        if let Some(mut graph) = if is_shown { None } else { within.graph(*id)? } {
            follow(store, &mut graph, beside)?;
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
