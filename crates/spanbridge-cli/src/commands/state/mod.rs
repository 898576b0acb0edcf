//! `spanbridge state`: how rows of databases changed.

mod blame;
#[cfg(feature = "postgres")]
mod follow;
mod history;

use crate::args::{Cli, State, StateCommand};
use crate::failure::Failure;
#[cfg(feature = "postgres")]
pub(super) use follow::ask;
#[cfg(not(feature = "postgres"))]
use spanbridge_cli::answers::SlotAnswer;
use spanbridge_query::Store;

pub(super) fn run(cli: &Cli, args: &State) -> Result<(), Failure> {
    #[cfg(not(feature = "postgres"))]
    let _ = cli;
    match &args.command {
        #[cfg(feature = "postgres")]
        StateCommand::Follow(args) => follow::follow(cli, args),
        #[cfg(feature = "postgres")]
        StateCommand::Unfollow(args) => follow::unfollow(cli, args),
        #[cfg(not(feature = "postgres"))]
        StateCommand::Follow(_) | StateCommand::Unfollow(_) => Err(not_built_in()),
        StateCommand::History(_) | StateCommand::Blame(_) => Ok(()),
    }
}

/// What the store answers.
pub(super) fn answer(cli: &Cli, args: &State, store: &Store) -> Result<(), Failure> {
    match &args.command {
        StateCommand::History(args) => history::run(cli, args, store),
        StateCommand::Blame(args) => blame::run(cli, args, store),
        _ => Ok(()),
    }
}

/// Asks a server about slots, as far as they are its own.
#[cfg(not(feature = "postgres"))]
pub(super) fn ask(_: &str, _: &mut [SlotAnswer]) -> Result<(), Failure> {
    Err(not_built_in())
}

/// The commands are there in every build, so that their help is.
#[cfg(not(feature = "postgres"))]
fn not_built_in() -> Failure {
    let advice = "  Install one that was: cargo install spanbridge-cli --features postgres";
    Failure::Usage(format!("connect to PostgreSQL: this spanbridge was built without the feature postgres\n{advice}"))
}
