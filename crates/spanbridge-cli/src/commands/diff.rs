//! `spanbridge diff`: how two runs differ.

use crate::args::{Cli, DiffArgs, Format};
use crate::failure::Failure;
use crate::stream;
use spanbridge_cli::answers::{self, NoAnswer};
use spanbridge_cli::render;
use spanbridge_graph::{DiffOptions, Verdict};
use spanbridge_query::Store;

const LAST_GOOD: &str = "\n  Name the run to compare with: `spanbridge runs --status ok` lists some.";

pub(super) fn run(cli: &Cli, args: &DiffArgs, store: &Store) -> Result<(), Failure> {
    let within = store.within(args.large.limit(false));
    let first = answers::run_of(store, &args.left)?;
    let (left, right) = match &args.right {
        Some(right) => (first, answers::run_of(store, right)?),
        None => answers::last_good(within, &args.left).map_err(|e| match e {
            NoAnswer::NotFound(what) => Failure::NotFound(format!("{what}{LAST_GOOD}")),
            other => other.into(),
        })?,
    };
    let options = DiffOptions::default().percent(args.percent).least(args.least);
    let diff = answers::diff(within, left, right, &options)?;
    if cli.format == Format::Json {
        let mut answer = diff.to_json();
        answers::add_damage(&mut answer, store);
        stream::print_json(&answer)?;
    } else {
        let options = stream::options(cli);
        stream::print(&render::diff(&diff, &options), &options)?;
    }
    if diff.verdict == Verdict::Identical { Ok(()) } else { Err(Failure::FindingsReported) }
}
