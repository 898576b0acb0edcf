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
use spanbridge_graph::{Checkup, Gap, NotJudged};
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
    let checkup = store.check_up(&selection.run_ids, checkup)?;
    let (gaps, not_judged) = (checkup.gaps(), checkup.not_judged());
    match cli.format {
        Format::Json => {
            let (runs, found) = (selection.run_ids.len(), selection.matching);
            let mut answer =
                json!({ "schemaVersion": 1, "runs": runs, "runsFound": found, "gaps": gaps, "notJudged": not_judged });
            damage::add_to(&mut answer, store);
            stream::print_json(&answer)?
        }
        Format::Text => print(cli, (&gaps, &not_judged), &selection, store.damage().is_some())?,
    }
    if selection.run_ids.is_empty() {
        return Err(Failure::NotFound(no_run(&selection)));
    }
    // What cannot be read is missing, too.
    let is_content = gaps.is_empty() && store.damage().is_none() && (not_judged.is_empty() || !args.strict);
    if is_content { Ok(()) } else { Err(Failure::FindingsReported) }
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

fn print(
    cli: &Cli,
    (gaps, not_judged): (&[Gap], &[NotJudged]),
    selection: &Selection,
    damaged: bool,
) -> Result<(), Failure> {
    let (options, runs, matching) = (stream::options(cli), selection.run_ids.len(), selection.matching);
    let ids = gaps.iter().map(|g| g.run_id).chain(not_judged.iter().map(|n| n.run_id));
    let digits = digits(ids.flatten());
    let mut text = match runs {
        0 => return Ok(()),
        _ if !gaps.is_empty() => render::gaps(gaps, runs, matching, digits, &options),
        _ => nothing_found((runs, matching), damaged, !not_judged.is_empty()),
    };
    if !not_judged.is_empty() {
        text.push('\n');
        text.push_str(&render::not_judged(not_judged, digits, &options));
    }
    stream::print(&text, &options)
}

/// That no gap was found in these runs: of how many, and whether everything is known of them.
fn nothing_found((runs, matching): (usize, usize), damaged: bool, is_part_unknown: bool) -> String {
    let what = match (damaged, is_part_unknown) {
        (_, true) => "no gap was found",
        (true, false) => "nothing else is missing",
        (false, false) => "nothing is missing",
    };
    let unknown = if is_part_unknown { ", but not everything could be judged" } else { "" };
    let others = matching.saturating_sub(runs);
    match (runs, others) {
        (1, 0) => format!("{what} in this run{unknown}\n"),
        (n, 0) => format!("{what} in these {n} runs{unknown}\n"),
        (1, others) => format!("{what} in the newest run{unknown}; {others} more were not checked\n"),
        (n, others) => format!("{what} in the newest {n} runs{unknown}; {others} more were not checked\n"),
    }
}
