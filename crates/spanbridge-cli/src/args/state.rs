//! `spanbridge state`.

use super::row::{Blame, History};
use crate::size;
use clap::{Args, Subcommand, ValueEnum};
use spanbridge_cli::values::duration;
use std::time::Duration;

#[derive(Args, Debug)]
pub(crate) struct State {
    #[command(subcommand)]
    pub(crate) command: StateCommand,
}

impl State {
    /// Whether the store has the answer.
    pub(crate) fn is_question(&self) -> bool {
        matches!(self.command, StateCommand::History(_) | StateCommand::Blame(_))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Show every recorded change of a row: before and after, and who wrote it
    History(History),
    /// Say who gave each column of a row the value that it has
    Blame(Blame),
    /// Record the changes of a PostgreSQL database, from its log
    Follow(Follow),
    /// Drop what `follow` created on the server: the replication slot and the publications
    Unfollow(Unfollow),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Policy {
    Keys,
    Values,
}

/// Which slot of which server.
#[derive(Args, Debug)]
pub(crate) struct Slot {
    /// The database: postgres://USER@HOST:PORT/DATABASE, or key=value pairs; put the password into PGPASSWORD
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub(crate) postgres: String,
    /// The name of the replication slot
    #[arg(long, value_name = "NAME", default_value = "spanbridge")]
    pub(crate) slot: String,
    /// The name of the publication
    #[arg(long, value_name = "NAME", default_value = "spanbridge")]
    pub(crate) publication: String,
}

#[derive(Args, Debug)]
#[command(after_help = FOLLOW)]
pub(crate) struct Follow {
    #[command(flatten)]
    pub(crate) slot: Slot,
    /// Create the slot and the publications if they are missing, and publish tables that are not published yet
    #[arg(long)]
    pub(crate) create: bool,
    /// Only these tables; `orders` means it in every schema
    #[arg(long, value_name = "TABLE,…", value_delimiter = ',')]
    pub(crate) tables: Vec<String>,
    /// What to record of a row: its key and the names of the columns that changed, or also values
    #[arg(long, value_enum, default_value_t = Policy::Keys)]
    pub(crate) policy: Policy,
    /// Never record values of this column; may be given several times
    #[arg(long, value_name = "TABLE.COLUMN", value_parser = column)]
    pub(crate) redact: Vec<(String, String)>,
    /// Record at most so much of a text
    #[arg(long, value_name = "BYTES", value_parser = size::parse, default_value = "256")]
    pub(crate) max_bytes: u64,
    /// End when everything is read that was there at the beginning
    #[arg(long)]
    pub(crate) once: bool,
    /// Drop the slot and end if, after having caught up, it makes the server keep more of its log than this: `10GiB`
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub(crate) max_lag: Option<u64>,
    /// How often to look for changes
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    pub(crate) interval: Duration,
}

const FOLLOW: &str = "\
This needs wal_level = logical, PostgreSQL 14 or newer, and a role with REPLICATION. Without --create, it prints the SQL that is missing.

A writer is known if it says so in its transaction: SELECT pg_logical_emit_message(true, 'spanbridge', <traceparent>), which \
`spanbridge_db::EMIT_CONTEXT` does. Without that, it is an unknown writer.

As long as the slot exists, the server keeps its log until it is followed. Bound that with max_slot_wal_keep_size on the server; `doctor` \
shows how long each slot was not followed, and `state unfollow` drops it.

Examples:
  spanbridge state follow --postgres postgres://app@db/shop --create
  spanbridge state follow --create --tables orders,customers --policy values --redact customers.iban

Ctrl-C ends it, when what was read is stored. It waits while the server restarts, the disk is full, or somebody else follows the slot.";

#[derive(Args, Debug)]
#[command(after_help = UNFOLLOW)]
pub(crate) struct Unfollow {
    #[command(flatten)]
    pub(crate) slot: Slot,
}

const UNFOLLOW: &str = "What was not read until now is not recorded. Stop the follower before; the server does not drop a slot that is in use.";

/// A table, perhaps with its schema, and a column.
fn column(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('.') {
        Some((table, column)) if !table.is_empty() && !column.is_empty() => Ok((table.to_owned(), column.to_owned())),
        _ => Err("expected TABLE.COLUMN".to_owned()),
    }
}
