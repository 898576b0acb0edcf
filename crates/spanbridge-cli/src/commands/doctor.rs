//! `spanbridge doctor`: what is missing in recorded runs, why, and what to change.

use super::trace::runs_of_trace;
use super::{add_damage, digits, find, now};
use crate::args::{Cli, Doctor, Format};
use crate::failure::Failure;
use crate::stream;
use serde_json::json;
use spanbridge::RunId;
use spanbridge_cli::render;
use spanbridge_store::graph::{Checkup, Gap};
use spanbridge_store::{RunFilter, Store};

/// Of a trace with many runs so many are looked at.
const MOST: usize = 1000;

pub(super) fn run(cli: &Cli, args: &Doctor, store: &Store) -> Result<(), Failure> {
    let run_ids = match &args.id {
        Some(id) => asked(store, id)?,
        None => {
            let filter = RunFilter { since: args.since, ..RunFilter::default() };
            store.runs(&filter, args.limit)?.iter().map(|row| row.run_id).collect()
        }
    };
    let checkup = Checkup::new(now()).grace(args.grace).silence(args.silence);
    let gaps = store.gaps(&run_ids, checkup)?;
    match cli.format {
        Format::Json => {
            let mut answer = json!({ "schemaVersion": 1, "runs": run_ids.len(), "gaps": gaps });
            add_damage(&mut answer, store);
            stream::print_json(&answer)?
        }
        Format::Text => print(cli, &gaps, &run_ids, store.damage().is_some())?,
    }
    // What cannot be read is missing.
    if gaps.is_empty() && store.damage().is_none() { Ok(()) } else { Err(Failure::Told) }
}

/// The run of a span; of a trace all its runs.
fn asked(store: &Store, id: &str) -> Result<Vec<RunId>, Failure> {
    let (what, run_ids) = find(store, id)?;
    let Some(first) = run_ids.first() else { return Ok(run_ids) };
    match store.graph(*first)? {
        Some(graph) => Ok(runs_of_trace(what, &run_ids, &graph, MOST)),
        None => Ok(run_ids),
    }
}

fn print(cli: &Cli, gaps: &[Gap], run_ids: &[RunId], damaged: bool) -> Result<(), Failure> {
    let options = stream::options(cli);
    if !gaps.is_empty() {
        let digits = digits(gaps.iter().filter_map(|g| g.run_id));
        return stream::print(&render::gaps(gaps, run_ids.len(), digits, &options), &options);
    }
    let what = if damaged { "nothing else is missing" } else { "nothing is missing" };
    let well = match run_ids.len() {
        0 => {
            stream::note("there is no run to look at");
            return Ok(());
        }
        1 => format!("{what} in this run\n"),
        n => format!("{what} in these {n} runs\n"),
    };
    stream::print(&well, &options)
}
