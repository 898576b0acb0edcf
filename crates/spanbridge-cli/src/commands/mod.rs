//! What each command does.

mod backup;
mod check;
mod collect;
mod compact;
mod damage;
mod debug;
mod diff;
mod doctor;
mod export;
mod import;
mod lookup;
mod manual;
mod opening;
mod prune;
mod replay;
mod runs;
#[cfg(feature = "serve")]
mod serve;
mod ship;
mod state;
mod tail;
mod trace;
#[cfg(feature = "tui")]
mod tui;
mod why;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::stream;
use opening::open;
use spanbridge_query::index::FoldBudget;
use std::time::Duration;

/// How long a command folds after it has answered, so that the next answers come quicker.
const FOLD_TIME: Duration = Duration::from_millis(100);

/// Runs the command that was asked for.
pub(crate) fn run(cli: &Cli) -> Result<(), Failure> {
    let mut store = match &cli.command {
        Command::Import(args) => return import::run(cli, args),
        Command::Ship(args) => return ship::run(cli, args),
        Command::Collect(args) => return collect::run(cli, args),
        Command::Compact(args) => return compact::run(cli, args),
        Command::Prune(args) => return prune::run(cli, args),
        #[cfg(feature = "serve")]
        Command::Serve(args) => return serve::run(cli, args),
        #[cfg(feature = "tui")]
        Command::Tui(args) => return tui::run(cli, args),
        Command::State(args) if !args.is_question() => return state::run(cli, args),
        Command::Check(args) => return check::run(cli, args),
        Command::Backup(args) => return backup::run(cli, args),
        Command::Completions(args) => return manual::completions(args),
        Command::Man(args) => return manual::man(args),
        _ => open(cli)?,
    };
    store.notes().iter().for_each(|note| stream::note(note));
    let result = match &cli.command {
        Command::Runs(args) => runs::run(cli, args, &store),
        Command::Trace(args) => trace::run(cli, args, &store),
        Command::Debug(args) => debug::run(cli, args, &store),
        Command::Tail(args) => tail::run(cli, args, &mut store),
        Command::Diff(args) => diff::run(cli, args, &store),
        Command::Replay(args) => replay::run(cli, args, &mut store),
        Command::Why(args) => why::run(cli, args, &store),
        Command::Doctor(args) => doctor::run(cli, args, &store),
        Command::Export(args) => export::run(cli, args, &store),
        Command::State(args) => state::answer(cli, args, &store),
        _ => Ok(()),
    };
    damage::report(&store);
    // The answer was given. What goes wrong here is told by a command that folds on purpose.
    let _ = store.fold(FoldBudget::time(FOLD_TIME), |_| true);
    result
}
