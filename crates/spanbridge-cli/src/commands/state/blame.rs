//! `spanbridge state blame`: who gave each column of a row the value that it has.

use crate::args::{Blame, Cli, Format};
use crate::failure::Failure;
use crate::stream;
use spanbridge_cli::{answers, render};
use spanbridge_query::Store;

pub(super) fn run(cli: &Cli, args: &Blame, store: &Store) -> Result<(), Failure> {
    let answer = answers::state(store, &args.row.query())?;
    if cli.format == Format::Json {
        let mut json = answer.blame_json();
        answers::add_damage(&mut json, store);
        return stream::print_json(&json);
    }
    let options = stream::options(cli);
    stream::print(&render::state_blame(&answer, &options), &options)
}
