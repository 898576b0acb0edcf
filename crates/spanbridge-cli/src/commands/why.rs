//! `spanbridge why`: where the failure of a run began.

use super::damage;
use super::lookup::find;
use crate::args::{Cli, Format, WhyArgs};
use crate::failure::Failure;
use crate::stream;
use spanbridge_cli::render;
use spanbridge_query::{Id, Store};

pub(super) fn run(cli: &Cli, args: &WhyArgs, store: &Store) -> Result<(), Failure> {
    let (what, mut run_ids) = find(store, &args.id)?;
    if !matches!(what, Id::Trace(_)) {
        run_ids.truncate(1);
    }
    let gone = || Failure::NotFound(format!("read the run of {}: it is no longer in the store", args.id));
    let why = store.why(&run_ids)?.ok_or_else(gone)?;
    if cli.format == Format::Json {
        let mut answer = why.to_json();
        damage::add_to(&mut answer, store);
        return stream::print_json(&answer);
    }
    let options = stream::options(cli);
    stream::print(&render::why(&why, &options), &options)
}
