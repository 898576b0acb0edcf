//! `spanbridge doctor`: what is missing in recorded runs, why, and what to change.

use super::trace::runs_of_trace;
use super::{add_damage, digits, find, now};
use crate::args::{Cli, Doctor, Format};
use crate::failure::Failure;
use crate::stream;
use serde_json::json;
use spanbridge::RunId;
use spanbridge_cli::render;
use spanbridge_store::Store;
use spanbridge_store::graph::{Checkup, Gap};

/// The runs that are looked at, of how many that were asked about, of how many in the store.
struct Asked {
    run_ids: Vec<RunId>,
    found: usize,
    stored: usize,
}

pub(super) fn run(cli: &Cli, args: &Doctor, store: &Store) -> Result<(), Failure> {
    let asked = asked(store, args)?;
    let checkup = Checkup::new(now()).grace(args.grace).silence(args.silence);
    let gaps = store.gaps(&asked.run_ids, checkup)?;
    match cli.format {
        Format::Json => {
            let (runs, found) = (asked.run_ids.len(), asked.found);
            let mut answer = json!({ "schemaVersion": 1, "runs": runs, "runsFound": found, "gaps": gaps });
            add_damage(&mut answer, store);
            stream::print_json(&answer)?
        }
        Format::Text => print(cli, &gaps, &asked, store.damage().is_some())?,
    }
    if asked.run_ids.is_empty() {
        return Err(Failure::NotFound(nothing(&asked)));
    }
    // What cannot be read is missing.
    if gaps.is_empty() && store.damage().is_none() { Ok(()) } else { Err(Failure::FindingsReported) }
}

/// The newest runs; the run of a span; of a trace all its runs.
fn asked(store: &Store, args: &Doctor) -> Result<Asked, Failure> {
    let Some(id) = &args.id else {
        let (mut run_ids, stored) = store.runs_since(args.since)?;
        let found = run_ids.len();
        run_ids.truncate(args.limit.unwrap_or(usize::MAX));
        return Ok(Asked { run_ids, found, stored });
    };
    let (what, mut run_ids) = find(store, id)?;
    if let Some(first) = run_ids.first()
        && let Some(graph) = store.graph(*first)?
    {
        run_ids = runs_of_trace(what, &run_ids, &graph, usize::MAX);
    }
    Ok(Asked { found: run_ids.len(), stored: run_ids.len(), run_ids })
}

/// Why there is nothing to look at: that is no sign of health.
fn nothing(asked: &Asked) -> String {
    let why = match asked {
        Asked { stored: 0, .. } => "the store holds no runs".to_owned(),
        Asked { found: 0, stored, .. } => format!("of the {stored} runs in the store none began since then"),
        Asked { found, .. } => format!("of {found} runs the limit leaves none"),
    };
    format!("find a run to look at: {why}")
}

fn print(cli: &Cli, gaps: &[Gap], asked: &Asked, damaged: bool) -> Result<(), Failure> {
    let (options, runs) = (stream::options(cli), asked.run_ids.len());
    if !gaps.is_empty() {
        let digits = digits(gaps.iter().filter_map(|g| g.run_id));
        return stream::print(&render::gaps(gaps, runs, asked.found, digits, &options), &options);
    }
    let what = if damaged { "nothing else is missing" } else { "nothing is missing" };
    let well = match (runs, asked.found) {
        (0, _) => return Ok(()),
        (1, 1) => format!("{what} in this run\n"),
        (n, found) if n == found => format!("{what} in these {n} runs\n"),
        (n, found) => format!("{what} in the newest {n} runs; {} more were not looked at\n", found.saturating_sub(n)),
    };
    stream::print(&well, &options)
}
