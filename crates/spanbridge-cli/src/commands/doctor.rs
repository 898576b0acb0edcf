//! `spanbridge doctor`: what is missing in recorded runs, why, and what to change.

use super::damage;
use super::lookup::{digits, find, runs_of_trace};
use crate::args::{Cli, Doctor, Format};
use crate::clock::now;
use crate::failure::Failure;
use crate::stream;
use serde_json::json;
use spanbridge::RunId;
use spanbridge_cli::render;
use spanbridge_graph::{Checkup, Gap};
use spanbridge_query::Store;

/// The runs to check.
struct Selection {
    run_ids: Vec<RunId>,
    /// How many runs matched, before the limit.
    matching: usize,
    /// How many runs the store has.
    stored: usize,
}

pub(super) fn run(cli: &Cli, args: &Doctor, store: &Store) -> Result<(), Failure> {
    let selection = select(store, args)?;
    let checkup = Checkup::new(now()).grace(args.grace).silence(args.silence);
    let gaps = store.gaps(&selection.run_ids, checkup)?;
    match cli.format {
        Format::Json => {
            let (runs, found) = (selection.run_ids.len(), selection.matching);
            let mut answer = json!({ "schemaVersion": 1, "runs": runs, "runsFound": found, "gaps": gaps });
            damage::add_to(&mut answer, store);
            stream::print_json(&answer)?
        }
        Format::Text => print(cli, &gaps, &selection, store.damage().is_some())?,
    }
    if selection.run_ids.is_empty() {
        return Err(Failure::NotFound(no_run(&selection)));
    }
    // What cannot be read is missing, too.
    if gaps.is_empty() && store.damage().is_none() { Ok(()) } else { Err(Failure::FindingsReported) }
}

/// Without an id: the newest runs. For a span: its run. For a trace: all its runs.
fn select(store: &Store, args: &Doctor) -> Result<Selection, Failure> {
    let Some(id) = &args.id else {
        let (mut run_ids, stored) = store.runs_since(args.since)?;
        let matching = run_ids.len();
        run_ids.truncate(args.limit.unwrap_or(usize::MAX));
        return Ok(Selection { run_ids, matching, stored });
    };
    let (what, mut run_ids) = find(store, id)?;
    if let Some(first) = run_ids.first()
        && let Some(graph) = store.graph(*first)?
    {
        run_ids = runs_of_trace(what, &run_ids, &graph, usize::MAX);
    }
    Ok(Selection { matching: run_ids.len(), stored: run_ids.len(), run_ids })
}

/// Why there is no run to check. That must not pass as healthy.
fn no_run(selection: &Selection) -> String {
    let why = match selection {
        Selection { stored: 0, .. } => "the store has no runs".to_owned(),
        Selection { matching: 0, stored, .. } => format!("none of the {stored} runs in the store began since then"),
        Selection { matching, .. } => format!("--limit leaves none of {matching} runs"),
    };
    format!("find a run to check: {why}")
}

fn print(cli: &Cli, gaps: &[Gap], selection: &Selection, damaged: bool) -> Result<(), Failure> {
    let (options, runs, matching) = (stream::options(cli), selection.run_ids.len(), selection.matching);
    if !gaps.is_empty() {
        let digits = digits(gaps.iter().filter_map(|g| g.run_id));
        return stream::print(&render::gaps(gaps, runs, matching, digits, &options), &options);
    }
    let what = if damaged { "nothing else is missing" } else { "nothing is missing" };
    let text = match (runs, matching) {
        (0, _) => return Ok(()),
        (1, 1) => format!("{what} in this run\n"),
        (n, matching) if n == matching => format!("{what} in these {n} runs\n"),
        (1, matching) => format!("{what} in the newest run; {} more were not checked\n", matching.saturating_sub(1)),
        (n, matching) => {
            format!("{what} in the newest {n} runs; {} more were not checked\n", matching.saturating_sub(n))
        }
    };
    stream::print(&text, &options)
}
