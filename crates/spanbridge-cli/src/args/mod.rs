//! The command line: what you can ask for.

mod address;
mod collect;
mod doctor;
mod list;
mod manual;
mod replay;
mod row;
mod run;
#[cfg(feature = "serve")]
mod serve;
mod ship;
mod state;
mod transfer;
#[cfg(feature = "tui")]
mod tui;
mod upkeep;

use clap::{Parser, Subcommand, ValueEnum};
pub(crate) use collect::Collect;
pub(crate) use doctor::Doctor;
pub(crate) use list::{Filters, Runs, Sort, Tail};
pub(crate) use manual::{Completions, Man};
pub(crate) use replay::Replay;
pub(crate) use row::{Blame, History};
pub(crate) use run::{Debug, DiffArgs, Trace, WhyArgs};
#[cfg(feature = "serve")]
pub(crate) use serve::{Keep, Serve};
pub(crate) use ship::Ship;
use spanbridge_cli::place::Place;
use spanbridge_query::Error;
use spanbridge_store::default_path;
#[cfg(feature = "postgres")]
pub(crate) use state::{Follow, Policy, Slot, Unfollow};
pub(crate) use state::{State, StateCommand};
use std::path::PathBuf;
pub(crate) use transfer::{Export, ExportFormat, Import, ImportFormat};
#[cfg(feature = "tui")]
pub(crate) use tui::Tui;
pub(crate) use upkeep::{Backup, Check, Compact, Prune};

/// Show what happened: runs across queues and services, as they were recorded.
#[derive(Debug, Parser)]
#[command(name = "spanbridge", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// The directory of the store, or the URL of a database, as clickhouse://USER@HOST/DATABASE [default: $SPANBRIDGE_DB, or spanbridge/store in your data directory]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Global options")]
    pub(crate) db: Option<PathBuf>,
    /// Print text for people or JSON for programs
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, help_heading = "Global options")]
    pub(crate) format: Format,
    /// When to use colour; `auto` uses it on a terminal and respects NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto, help_heading = "Global options")]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// What `--db` or the environment names.
    pub(crate) fn place(&self) -> Result<Place, Error> {
        Ok(Place::parse(self.db.clone().map_or_else(default_path, Ok)?))
    }
}

const AFTER_HELP: &str =
    "An ID is the id of a run, a trace or a span, or its first 4 or more digits. It may also be a UUID (with dashes, in braces, or as a URN), \
an X-Ray id, or a traceparent.

Exit codes:
  0  success
  1  not found, a file could not be read or written, or diff, doctor, replay or check found something
  2  wrong usage, or an ID that matches several things
  3  the store cannot be used

Schemas of the JSON: https://github.com/spanbridge/spanbridge/tree/main/docs/schema";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List recent runs
    Runs(Runs),
    /// Show a run as a tree of spans, across all services and queues
    Trace(Trace),
    /// Show everything that is recorded of each step: input, output, HTTP, SQL, attributes, events
    Debug(Debug),
    /// Show what happens, while it happens
    Tail(Tail),
    /// Say why a run failed: where it began, the path to it, and what it took down
    Why(WhyArgs),
    /// Compare two runs by structure: added, removed, changed and slower steps
    Diff(DiffArgs),
    /// Run the code of a recorded run again: same input, and calls answered from the record
    Replay(Replay),
    /// Find what is missing in runs, with the likely cause and the fix
    Doctor(Doctor),
    /// Show how rows of databases changed, and who changed them
    State(State),
    /// Show runs in the browser, answer programs, and collect records over HTTP
    #[cfg(feature = "serve")]
    Serve(Serve),
    /// Look at runs in the terminal: a live list, each run as a tree with a timeline
    #[cfg(feature = "tui")]
    Tui(Tui),
    /// Read records into the store, from files, logs, OTLP or other stores
    Import(Import),
    /// Write runs for other programs: lines, Parquet, OTLP, Mermaid, Graphviz or Perfetto
    Export(Export),
    /// Send what is recorded on this host to a server, Kafka, a database or another store
    Ship(Ship),
    /// Store the records of a topic in Kafka
    Collect(Collect),
    /// Fold what applications have written into the index, so that every answer is fast
    Compact(Compact),
    /// Remove old runs, and free their space
    Prune(Prune),
    /// Read everything that is stored, and say what is damaged
    Check(Check),
    /// Copy the store, while it is in use
    Backup(Backup),
    /// Print a script that makes a shell complete commands and options
    Completions(Completions),
    /// Write man pages
    Man(Man),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_is_sound() {
        Cli::command().debug_assert();
    }
}
