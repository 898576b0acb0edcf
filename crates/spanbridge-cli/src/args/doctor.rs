//! `spanbridge doctor`.

use clap::Args;
use spanbridge_cli::values::{duration, since};
use std::time::Duration;

#[derive(Args, Debug)]
#[command(after_help = DOCTOR)]
pub(crate) struct Doctor {
    /// A run, a trace or a span [default: all runs]
    pub(crate) id: Option<String>,
    /// Only runs that began within this time (`90s`, `15m`, `1h`, `2d`, `1w`), or since a date or RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = since, conflicts_with = "id")]
    pub(crate) since: Option<u64>,
    /// Maximum number of runs, newest first [default: all]
    #[arg(long, value_name = "N", conflicts_with = "id")]
    pub(crate) limit: Option<usize>,
    /// How long a message may take to be received, and then to be settled: `90s`, `15m`, `1h`
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s")]
    pub(crate) grace: Duration,
    /// How long a run or a message's work may be silent before its missing end counts as a gap
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1h")]
    pub(crate) silence: Duration,
    /// Ask this server how much of its log it keeps for the slots of `state follow`
    #[arg(long, value_name = "URL", conflicts_with = "id")]
    pub(crate) postgres: Option<String>,
    /// Also exit with 1 if something could not be judged
    #[arg(long)]
    pub(crate) strict: bool,
}

const DOCTOR: &str = "doctor finds:
  - messages that were sent but never received, or received but never settled
  - messages in an outbox that were never sent
  - consumers that never settle
  - contexts that were lost, dropped or unreadable
  - missing parents and starts, clocks that disagree, impossible times and parents, contradictory records, dropped records
  - payloads whose redaction failed
  - runs without an end
  - functions stopped by their time limit, with a lost response, or with undelivered records
  - replication slots of `state follow` that nobody follows any more: their server keeps its log until somebody does

Where records do not say whether all is well, doctor does not guess: it lists what it could not judge, how much, and why.

The exit code is 1 if doctor finds a gap, or has no run to check; with --strict, also if something could not be judged. The JSON \
is {schemaVersion, runs, runsFound, gaps[] {kind, what, likelyCause, fix, runId?, runName?, spanId?}, notJudged[] {reason, why, \
count, example?, runId?, spanId?}, slots[]?, diagnostics[]?}: `runs` is the number of runs that were checked, `runsFound` the number that \
matched, `notJudged` has one item for each reason, `slots` has the replication slots, and `diagnostics` is present if a part of the store is damaged.";
