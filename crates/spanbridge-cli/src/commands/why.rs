//! `spanbridge why`: where the failure of a run began.

use crate::args::{Cli, Format, WhyArgs};
use crate::failure::Failure;
use crate::stream;
use spanbridge_cli::{answers, render};
use spanbridge_query::Store;

pub(super) fn run(cli: &Cli, args: &WhyArgs, store: &Store) -> Result<(), Failure> {
    let why = answers::why(store.within(args.large.limit(false)), &args.id)?;
    if cli.format == Format::Json {
        let mut answer = why.to_json();
        answers::add_damage(&mut answer, store);
        return stream::print_json(&answer);
    }
    let options = stream::options(cli);
    stream::print(&render::why(&why, &options), &options)
}
