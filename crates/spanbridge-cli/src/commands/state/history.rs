//! `spanbridge state history`: every recorded change of a row.

use crate::args::{Cli, Format, History};
use crate::failure::Failure;
use crate::stream;
use spanbridge_cli::answers::{self, ShownChanges};
use spanbridge_cli::render;
use spanbridge_query::Store;

pub(super) fn run(cli: &Cli, args: &History, store: &Store) -> Result<(), Failure> {
    let answer = answers::state(store, &args.row.query())?;
    let shown = ShownChanges { column: args.column.clone(), since: args.since };
    shown.check(&answer)?;
    if cli.format == Format::Json {
        let mut json = answer.history_json(|change| shown.has(change));
        answers::add_damage(&mut json, store);
        return stream::print_json(&json);
    }
    let options = stream::options(cli);
    stream::print(&render::state_history(&answer, &shown, &options), &options)
}
