//! `spanbridge diff`: how two runs differ.

use super::damage;
use super::lookup::find;
use crate::args::{Cli, DiffArgs, Format};
use crate::failure::Failure;
use crate::stream;
use spanbridge::RunId;
use spanbridge_cli::render;
use spanbridge_graph::{DiffOptions, Verdict};
use spanbridge_query::Store;

pub(super) fn run(cli: &Cli, args: &DiffArgs, store: &Store) -> Result<(), Failure> {
    let first = run_of(store, &args.left)?;
    let (left, right) = match &args.right {
        Some(right) => (first, run_of(store, right)?),
        None => (last_good(store, first, &args.left)?, first),
    };
    let options = DiffOptions::default().percent(args.percent).least(args.least);
    let gone = || Failure::NotFound("read the runs: one of them is no longer in the store".to_owned());
    let diff = store.diff(left, right, &options)?.ok_or_else(gone)?;
    if cli.format == Format::Json {
        let mut answer = diff.to_json();
        damage::add_to(&mut answer, store);
        stream::print_json(&answer)?;
    } else {
        let options = stream::options(cli);
        stream::print(&render::diff(&diff, &options), &options)?;
    }
    if diff.verdict == Verdict::Identical { Ok(()) } else { Err(Failure::FindingsReported) }
}

fn run_of(store: &Store, id: &str) -> Result<RunId, Failure> {
    let gone = || Failure::NotFound(format!("read the run of {id}: it is no longer in the store"));
    find(store, id)?.1.first().copied().ok_or_else(gone)
}

fn last_good(store: &Store, run: RunId, id: &str) -> Result<RunId, Failure> {
    let none = || {
        let hint = "\n  Name the run to compare with: `spanbridge runs --status ok` lists some.";
        Failure::NotFound(format!(
            "find a good run before {id}: no earlier run of its kind ended as ok without a failure{hint}"
        ))
    };
    store.last_good(run)?.ok_or_else(none)
}
