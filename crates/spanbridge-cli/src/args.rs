//! The command line: what you can ask for.

use crate::clock::now;
use crate::size;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use spanbridge_graph::RunStatus;
use spanbridge_query::Error;
use spanbridge_store::default_path;
use std::path::PathBuf;
use std::time::Duration;

/// Show what happened: runs across queues and services, as they were recorded.
#[derive(Debug, Parser)]
#[command(name = "spanbridge", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// The directory of the store [default: $SPANBRIDGE_DB, or spanbridge/store in your data directory]
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
    /// The path of the store.
    pub(crate) fn store_path(&self) -> Result<PathBuf, Error> {
        self.db.clone().map_or_else(|| Ok(default_path()?), Ok)
    }
}

const AFTER_HELP: &str =
    "An ID is the id of a run, a trace or a span, or its first 4 or more digits. It may also be a UUID with dashes, \
an X-Ray id, or a traceparent.

Exit codes:
  0  success
  1  not found, a file could not be read or written, or diff, doctor or check found something
  2  wrong usage, or an ID that matches several things
  3  the store cannot be used

Schemas of the JSON: https://github.com/spanbridge/spanbridge/tree/main/docs/schema";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    #[value(alias = "records")]
    Lines,
    Otlp,
    Crux,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Lines,
    Otlp,
    OtlpProtobuf,
    Mermaid,
    Dot,
    Perfetto,
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
    #[command(after_help = RUNS)]
    Runs(Runs),
    /// Show a run as a tree of spans, across all services and queues
    Trace(Trace),
    /// Show everything that is recorded of each step: input, output, HTTP, SQL, attributes, events
    #[command(after_help = DEBUG)]
    Debug(Debug),
    /// Show what happens, while it happens
    #[command(after_help = TAIL)]
    Tail(Tail),
    /// Say why a run failed: where it began, the path to it, and what it took down
    #[command(after_help = WHY)]
    Why(WhyArgs),
    /// Compare two runs by structure: added, removed, changed and slower steps
    #[command(after_help = DIFF)]
    Diff(DiffArgs),
    /// Find what is missing in runs, with the likely cause and the fix
    #[command(after_help = DOCTOR)]
    Doctor(Doctor),
    /// Read records into the store, from files, logs, OTLP or other stores
    #[command(after_help = IMPORT)]
    Import(Import),
    /// Write runs for other programs: lines, OTLP, Mermaid, Graphviz or Perfetto
    #[command(after_help = EXPORT)]
    Export(Export),
    /// Fold what applications have written into the index, so that every answer is fast
    #[command(after_help = COMPACT)]
    Compact(Compact),
    /// Remove old runs, and free their space
    #[command(after_help = PRUNE)]
    Prune(Prune),
    /// Read everything that is stored, and say what is damaged
    #[command(after_help = CHECK)]
    Check(Check),
    /// Copy the store, while it is in use
    #[command(after_help = BACKUP)]
    Backup(Backup),
    /// Print a script that makes a shell complete commands and options
    #[command(after_help = COMPLETIONS)]
    Completions(Completions),
    /// Write man pages
    #[command(after_help = MAN)]
    Man(Man),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    Newest,
    Oldest,
    Longest,
    Errors,
    Spans,
}

const RUNS: &str = "--attribute and --error read the records of each run that the other options leave; --since makes that quick.

Examples:
  spanbridge runs --status error --since 1h
  spanbridge runs --attribute order.id=17
  spanbridge runs --error 'card declined' --since 2d
  spanbridge runs --service billing --sort longest --limit 5
  spanbridge runs --status error --count

The JSON is {schemaVersion, runs[], more, diagnostics[]?}; with --count, {schemaVersion, count, diagnostics[]?}. Its fields are in \
docs/schema/runs.json.";

#[derive(Args, Debug)]
pub(crate) struct Runs {
    /// Only runs with this status
    #[arg(long, value_parser = statuses())]
    pub(crate) status: Option<RunStatus>,
    /// Only runs that this service worked on
    #[arg(long)]
    pub(crate) service: Option<String>,
    /// Only runs with this text in their name
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// Only runs that began within this time (`90s`, `15m`, `1h`, `2d`, `1w`), or since a date or RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub(crate) since: Option<u64>,
    /// Only runs that began before this: as for --since
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub(crate) until: Option<u64>,
    /// Only runs that have ended and took this long or longer: `250ms`, `90s`, `15m`
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) min_duration: Option<Duration>,
    /// Only runs with this attribute, of themselves, of a span or of a process; may be given several times
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub(crate) attribute: Vec<String>,
    /// Only runs with this text in an error
    #[arg(long, value_name = "TEXT")]
    pub(crate) error: Option<String>,
    /// What comes first
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = Sort::Newest)]
    pub(crate) sort: Sort,
    /// Maximum number of runs
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Which page of so many runs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) page: u32,
    /// Print only how many runs match
    #[arg(long, conflicts_with_all = ["limit", "page", "sort"])]
    pub(crate) count: bool,
    /// Print run ids in full
    #[arg(long)]
    pub(crate) full_ids: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Trace {
    /// A run, a trace or a span
    pub(crate) id: String,
    /// Only spans of this service, and what stands above them; repeat it for several
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Vec<String>,
    /// Only spans that failed, and what stands above them
    #[arg(long)]
    pub(crate) errors: bool,
    /// Only this many levels; what is below is counted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) depth: Option<u32>,
    /// Show runs that this run started below the spans that started them
    #[arg(long)]
    pub(crate) follow_children: bool,
    /// Mark what the duration consists of, through queues and child runs, and list it
    #[arg(long)]
    pub(crate) critical_path: bool,
    /// Show every span, instead of one line for equal siblings
    #[arg(long, visible_alias = "expand")]
    pub(crate) all: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Debug {
    /// A run or a trace; or a span, for that step and those below it
    pub(crate) id: String,
    /// Show payloads in full, not only their first 40 lines
    #[arg(long)]
    pub(crate) full: bool,
}

const DEBUG: &str =
    "Payloads are there if they were captured: `ReceiveOptions::capture`, and `capture` of producers and calls.

Examples:
  spanbridge debug 4bf92f35
  spanbridge debug --full 00f067aa0ba902b7 | less -R

The JSON is that of `trace`: it has everything.";

#[derive(Args, Debug)]
pub(crate) struct Tail {
    /// Only what this service does; may be given several times
    #[arg(long)]
    pub(crate) service: Vec<String>,
    /// Only spans and runs with this text in their name
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// Only this run, which must be stored already
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
    /// Only failures
    #[arg(long)]
    pub(crate) errors: bool,
    /// Also show what begins, and events
    #[arg(long)]
    pub(crate) all: bool,
}

const TAIL: &str =
    "A span is shown when it has ended, at most a moment after it was delivered. Each is shown once, whatever \
is folded, compacted or pruned meanwhile. Ctrl-C ends it.

Examples:
  spanbridge tail --errors
  spanbridge tail --service orders --name charge

The JSON is the records themselves, one in a line, as `export` writes them.";

#[derive(Args, Debug)]
pub(crate) struct WhyArgs {
    /// A run or a trace; or a span, for the run that has it
    pub(crate) id: String,
}

const WHY: &str =
    "The first failure is the first by cause, not by the clock: a caller that timed out is explained by what it \
waited for. A failure that was handled, and one after which another attempt succeeded, is listed apart.

Example:
  spanbridge why $(spanbridge runs --status error --limit 1 --format json | jq -r '.runs[0].runId')

The exit code is 0 whenever the run exists. In JSON, `outcome` is failed, cancelled, unfinished or ok, and \
`failures` has the failures in causal order. All fields are in docs/schema/why.json.";

#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// The run that the other is compared with; with --last-good, the run that is compared
    #[arg(value_name = "A")]
    pub(crate) left: String,
    /// The other run
    #[arg(value_name = "B", required_unless_present = "last_good", conflicts_with = "last_good")]
    pub(crate) right: Option<String>,
    /// Compare A with the last run of its kind in which nothing failed
    #[arg(long)]
    pub(crate) last_good: bool,
    /// By how many percent a step must be slower to count
    #[arg(long, value_name = "N", value_parser = percent, default_value_t = 20.0)]
    pub(crate) percent: f64,
    /// By how long a step must be slower to count, as well
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "100ms")]
    pub(crate) least: Duration,
}

const DIFF: &str = "Steps are matched by name, kind and position; concurrent steps may come in any order. Ids, times, ports, \
addresses, offsets and sizes are no differences. The time of a step is its own, without the steps that it waited for.

Examples:
  spanbridge diff 4bf92f35 9a3c1d20
  spanbridge diff 9a3c1d20 --last-good

The verdict is the first that holds: regressed (something failed that did not before), fixed, changed, slower, faster, identical. \
The exit code is 1 if there is a difference. In JSON, the `kind` of a difference is added, removed, status, attributes, \
slower or faster. All fields are in docs/schema/diff.json.";

#[derive(Args, Debug)]
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

Where records do not say whether all is well, doctor does not guess: it lists what it could not judge, how much, and why.

The exit code is 1 if doctor finds a gap, or has no run to check; with --strict, also if something could not be judged. The JSON \
is {schemaVersion, runs, runsFound, gaps[] {kind, what, likelyCause, fix, runId?, runName?, spanId?}, notJudged[] {reason, why, \
count, example?, runId?, spanId?}, diagnostics[]?}: `runs` is the number of runs that were checked, `runsFound` the number that \
matched, `notJudged` has one item for each reason, and `diagnostics` is present if a part of the store is damaged.";

#[derive(Args, Debug)]
pub(crate) struct Import {
    /// What the files are: records of spanbridge, spans in OTLP, or records of Crux [default: what their content says]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) from: Option<ImportFormat>,
    /// Files, or other stores; `-` is standard input [default: standard input]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

const IMPORT: &str = "Examples:
  spanbridge import run.jsonl.gz other-store/
  aws logs tail /aws/lambda/orders --since 1h | spanbridge import -
  spanbridge import --from otlp traces.pb

Files may be compressed with gzip or zstd. Text is read as lines, as documents {records: […]}, as the output of `aws logs tail` \
and `aws logs filter-log-events`; records of Crux are known by their ids. Importing the same file again changes nothing.

Standard error names the first lines that could not be read, and why. The exit code is 1 if something was left out; everything \
else is imported. In JSON, `read` is stored + repeated + unknown, and records in conflict are stored, too. All fields are in \
docs/schema/import.json.";

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// Only this run, or the runs of this trace or span [default: all runs]
    pub(crate) id: Option<String>,
    /// What to write: records, one JSON object a line; spans in OTLP, as JSON or protobuf; or a drawing for Mermaid, Graphviz or Perfetto
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ExportFormat::Lines)]
    pub(crate) to: ExportFormat,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Only runs with this status
    #[arg(long, value_parser = statuses(), conflicts_with = "id")]
    pub(crate) status: Option<RunStatus>,
    /// Only runs that this service worked on
    #[arg(long, conflicts_with = "id")]
    pub(crate) service: Option<String>,
    /// Only runs with this text in their name
    #[arg(long, value_name = "TEXT", conflicts_with = "id")]
    pub(crate) name: Option<String>,
    /// Only runs that began within this time (`90s`, `15m`, `1h`, `2d`, `1w`), or since a date or RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = since, conflicts_with = "id")]
    pub(crate) since: Option<u64>,
}

const EXPORT: &str = "Examples:
  spanbridge export --status error > failed.jsonl
  spanbridge export 5d81 --to perfetto -o trace.json
  spanbridge export 5d81 --to mermaid
  spanbridge export --since 1h --to otlp -o spans.json

`spanbridge import` reads lines and OTLP back, and loses nothing. What OTLP has no place for goes along in a scope without spans, \
`spanbridge.records`, which other programs step over. Drawings cut long names, and show control characters as escapes.";

#[derive(Args, Debug)]
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

The JSON is {schemaVersion, dryRun, runs, spans, bytes, bytesLeft, keptFailed, keptSuspended, keptOpen}. In a dry run, `bytes` is \
an estimate.";

#[derive(Args, Debug)]
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
pub(crate) struct Backup {
    /// Where to: a directory that does not exist, or is empty
    #[arg(value_name = "DIR")]
    pub(crate) target: PathBuf,
}

const BACKUP: &str = "The copy is a store: `spanbridge runs --db DIR` shows it.

The JSON is {schemaVersion, bytes, logs, notIncluded?}: `notIncluded` is the file of an old store, which is not copied.";

#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

const COMPLETIONS: &str = "Examples:
  spanbridge completions bash > ~/.local/share/bash-completion/completions/spanbridge
  spanbridge completions zsh > ~/.zfunc/_spanbridge     # a directory of $fpath
  spanbridge completions fish > ~/.config/fish/completions/spanbridge.fish";

#[derive(Args, Debug)]
pub(crate) struct Man {
    /// Write a page for each command into this directory, which is made if it does not exist [default: print the first page]
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

const MAN: &str = "Examples:
  spanbridge man ~/.local/share/man/man1    # then: man spanbridge, man spanbridge-trace
  spanbridge man | man -l -";

fn statuses() -> impl TypedValueParser<Value = RunStatus> {
    let by_name = |name: String| RunStatus::ALL.into_iter().find(|status| status.as_str() == name);
    PossibleValuesParser::new(RunStatus::ALL.map(RunStatus::as_str))
        .map(move |name| by_name(name).unwrap_or(RunStatus::Ok))
}

/// Nanoseconds, from a length of time as jiff reads it: `1h 30m`, `90s`, `2d`. A day has 24 hours. Months are refused,
/// since their length varies.
fn nanos(text: &str) -> Option<u64> {
    let span: jiff::Span = text.parse().ok()?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    u64::try_from(length.as_nanos()).ok()
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok().filter(|percent: &f64| percent.is_finite() && *percent >= 0.0);
    percent.ok_or_else(|| "expected a number of 0 or more".into())
}

fn duration(text: &str) -> Result<Duration, String> {
    nanos(text).map(Duration::from_nanos).ok_or_else(|| "expected 90s, 15m, 1h, 2d or 1w".into())
}

/// Nanoseconds since the epoch, from a time or from how long ago it was.
fn since(text: &str) -> Result<u64, String> {
    if let Some(ago) = nanos(text) {
        return Ok(now().saturating_sub(ago));
    }
    let date = || Some(text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp());
    let time = text.parse::<jiff::Timestamp>().ok().or_else(date);
    time.and_then(|t| u64::try_from(t.as_nanosecond()).ok())
        .ok_or_else(|| "expected 90s, 15m, 1h, 2d or 1w, a date or an RFC 3339 time".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn since_is_a_time_or_how_long_ago() {
        let hour = 3_600_000_000_000;
        let before = now();
        let since_an_hour = since("1h").unwrap();
        let after = now();
        assert!((before - hour..=after - hour).contains(&since_an_hour), "{since_an_hour}");
        assert_eq!(since("2026-11-20T09:25:46Z"), Ok(1_795_166_746_000_000_000));
        assert_eq!(since("2026-11-20T10:25:46.5+01:00"), Ok(1_795_166_746_500_000_000));
        assert_eq!(since("2026-11-20"), Ok(1_795_132_800_000_000_000));
        assert_eq!(since("18446744073709551615w").map_err(|_| ()), Err(()));
        for bad in ["", "h", "-1h", "1y", "1mo", "1", "1h ago", "yesterday", "1969-12-31", "\u{1f600}"] {
            assert!(since(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_are_what_their_units_say() {
        let seconds = [
            ("90s", 90),
            ("15m", 900),
            ("1h", 3600),
            ("2d", 172_800),
            ("1w", 604_800),
            ("0s", 0),
            ("1h30m", 5400),
            ("1h 30m", 5400),
        ];
        for (text, seconds) in seconds {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for bad in ["", "1", "h", "-1h", "1h -30m", "1y", "1mo", "600y", "+", "99999999999999999999s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_command_is_sound() {
        Cli::command().debug_assert();
    }
}
