//! What each command does.

mod damage;
mod doctor;
mod export;
mod import;
mod lines;
mod lookup;
mod runs;
mod trace;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use spanbridge_query::Store;

/// Runs the command that was asked for.
pub(crate) fn run(cli: &Cli) -> Result<(), Failure> {
    let store = match &cli.command {
        Command::Import(args) => return import::run(cli, args),
        _ => Store::open(cli.store_path()?)?,
    };
    let result = match &cli.command {
        Command::Runs(args) => runs::run(cli, args, &store),
        Command::Trace(args) => trace::run(cli, args, &store),
        Command::Doctor(args) => doctor::run(cli, args, &store),
        Command::Export(args) => export::run(cli, args, &store),
        Command::Import(_) => Ok(()),
    };
    damage::report(&store);
    result
}
