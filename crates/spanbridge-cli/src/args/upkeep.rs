//! Looking after the store.

use crate::size;
use clap::{ArgGroup, Args};
use spanbridge_cli::values::duration;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(after_help = COMPACT)]
pub(crate) struct Compact {
    /// Go on until you press Ctrl-C, so that the store stays folded
    #[arg(long)]
    pub(crate) watch: bool,
}

const COMPACT: &str = "Every other command folds for a moment once it has answered, unless there is little. So you need this only for stores that grow fast, \
or that nobody looks at. Several processes may fold at once, and any of them may be stopped at any time.

The JSON is {schemaVersion, deliveries, spans, bytes, logsRemoved}; with --watch, one such object in a line for each time that \
something was folded.";

#[derive(Args, Debug)]
#[command(after_help = PRUNE)]
#[command(group(ArgGroup::new("criterion").required(true).multiple(true).args(["older_than", "max_size"])))]
pub(crate) struct Prune {
    /// Remove runs in which nothing happened for this long: `12h`, `30d`, `4w`
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) older_than: Option<Duration>,
    /// Remove the oldest runs until the store has this size or less: `500M`, `2GiB`
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub(crate) max_size: Option<u64>,
    /// Keep failed runs
    #[arg(long)]
    pub(crate) keep_failed: bool,
    /// Keep suspended runs
    #[arg(long)]
    pub(crate) keep_suspended: bool,
    /// Remove nothing, and say what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
}

const PRUNE: &str = "A run without an end stays for as long as something happened in it within the last hour. Where a run \
that stays is connected with one that is removed, `trace` says so, and `doctor` does not report what may be missing because of it.

A database drops whole days: a run goes once nothing happened in it since the beginning, in UTC, of the day that was so long ago. What \
comes later of such a run is not stored, but counted. It cannot go by size, so --max-size is for directories.

The JSON is {schemaVersion, dryRun, runs, spans, bytes, bytesLeft, keptFailed, keptSuspended, keptOpen}. In a dry run, `bytes` is \
an estimate.";

#[derive(Args, Debug)]
#[command(after_help = CHECK)]
pub(crate) struct Check {
    /// Make the index again from the logs that are left; needs --yes
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Confirm --rebuild: runs whose logs were removed are in the old index alone, which is put aside
    #[arg(long, requires = "rebuild")]
    pub(crate) yes: bool,
}

const CHECK: &str = "The exit code is 1 if anything is wrong. Records that are known to be lost, such as those that a process was \
writing when it was killed, are listed and do not count as wrong.

The JSON is {schemaVersion, logs {files, bytes, deliveries, records, unfoldedBytes}, index? {path?, bytes, blocks, runs, spans}, \
problems[] {kind, what, fix}, moreProblems, losses[]}. With --rebuild it is {schemaVersion, runs, spans, missingRuns?, putAside?}.";

#[derive(Args, Debug)]
#[command(after_help = BACKUP)]
pub(crate) struct Backup {
    /// Where to: a directory that does not exist, or is empty
    #[arg(value_name = "DIR")]
    pub(crate) target: PathBuf,
}

const BACKUP: &str = "The copy is a store: `spanbridge runs --db DIR` shows it.

The JSON is {schemaVersion, bytes, logs, notIncluded?}: `notIncluded` is the file of an old store, which is not copied.";
