//! The command line: what may be asked.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use spanbridge_store::graph::RunStatus;
use std::path::PathBuf;
use std::time::Duration;

/// See what happened: runs over queues and services, as they were recorded.
#[derive(Debug, Parser)]
#[command(name = "spanbridge", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// The store [default: $SPANBRIDGE_DB, else spanbridge/spanbridge.db in the user's data directory]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Everywhere")]
    pub(crate) db: Option<PathBuf>,
    /// Text for people, or JSON for programs
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, help_heading = "Everywhere")]
    pub(crate) format: Format,
    /// When to colour; `auto` means on a terminal, and heeds NO_COLOR and CLICOLOR_FORCE
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto, help_heading = "Everywhere")]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "An ID is that of a run, a trace or a span, or its first digits, at least 4.

Exit codes: 0 done, 1 not found or found wanting, 2 usage, 3 the store cannot be used.";

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
    /// Show a run as a tree of spans, over every service and hop
    Trace(Trace),
    /// List what is missing in runs, why that is likely so, and what to change
    #[command(after_help = DOCTOR)]
    Doctor(Doctor),
    /// Read records, one JSON object a line, into the store
    Import(Import),
    /// Write records, one JSON object a line
    Export(Export),
}

#[derive(Args, Debug)]
pub(crate) struct Runs {
    /// Only runs in this state
    #[arg(long, value_parser = statuses())]
    pub(crate) status: Option<RunStatus>,
    /// Only runs that this service worked on
    #[arg(long)]
    pub(crate) service: Option<String>,
    /// Only runs with this text in their name
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// Only runs that began since then: `90s`, `15m`, `1h`, `2d`, `1w` ago, a date or an RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub(crate) since: Option<u64>,
    /// At most so many runs
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// Print run ids in full
    #[arg(long)]
    pub(crate) full_ids: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Trace {
    /// A run, a trace or a span
    pub(crate) id: String,
}

#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// A run, a trace or a span [default: all runs]
    pub(crate) id: Option<String>,
    /// Only runs that began since then: `90s`, `15m`, `1h`, `2d`, `1w` ago, a date or an RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = since, conflicts_with = "id")]
    pub(crate) since: Option<u64>,
    /// Only the newest runs, so many at most [default: all of them]
    #[arg(long, value_name = "N", conflicts_with = "id")]
    pub(crate) limit: Option<usize>,
    /// How long a message may take to be received, and to be settled: `90s`, `15m`, `1h`
    #[arg(long, value_name = "TIME", value_parser = length, default_value = "60s")]
    pub(crate) grace: Duration,
    /// How long a run, or the work on a message, may be silent before its end is missed
    #[arg(long, value_name = "TIME", value_parser = length, default_value = "1h")]
    pub(crate) silence: Duration,
}

const DOCTOR: &str = "It looks for messages that were sent and never received, or received and never settled, and for consumers \
that settle nothing; for contexts that were lost, dropped or cannot be read; for missing parents, clocks that are \
behind, records that contradict each other or were lost, payloads whose redaction failed, and runs without an end; and for \
functions that were stopped by their time limit, whose answer was lost, or that could not deliver their records in time.

The exit code is 1 when something was found, and when there is no run to look at. As JSON: {schemaVersion, runs, runsFound, \
gaps[] {kind, what, likelyCause, fix, runId?, runName?, spanId?}}, where `runs` says how many were looked at, of how many that were \
asked about; `diagnostics[]` is there where a part of the store is damaged.";

#[derive(Args, Debug)]
pub(crate) struct Import {
    /// Files of records; `-`, or none, is standard input
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// Only the records of this run, or of the runs of this trace or span [default: all records]
    pub(crate) id: Option<String>,
    /// Write to this file rather than to standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

const STATUSES: [(&str, RunStatus); 6] = [
    ("ok", RunStatus::Ok),
    ("error", RunStatus::Error),
    ("open", RunStatus::Open),
    ("suspended", RunStatus::Suspended),
    ("cancelled", RunStatus::Cancelled),
    ("conflicted", RunStatus::Conflicted),
];

fn statuses() -> impl TypedValueParser<Value = RunStatus> {
    PossibleValuesParser::new(STATUSES.map(|(name, _)| name))
        .map(|given| STATUSES.iter().find(|(name, _)| *name == given).map_or(RunStatus::Ok, |(_, status)| *status))
}

/// Nanoseconds, from a length of time as jiff reads it: `1h 30m`, `90s`, `2d`. A day has 24 hours; months differ, so they
/// are no length.
fn nanos(text: &str) -> Option<u64> {
    let span: jiff::Span = text.parse().ok()?;
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    u64::try_from(length.as_nanos()).ok()
}

fn length(text: &str) -> Result<Duration, String> {
    nanos(text).map(Duration::from_nanos).ok_or_else(|| "expected 90s, 15m, 1h, 2d or 1w".into())
}

/// Nanoseconds since the epoch, from a time or from how long ago it was.
fn since(text: &str) -> Result<u64, String> {
    if let Some(ago) = nanos(text) {
        return Ok(crate::commands::now().saturating_sub(ago));
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
        let before = crate::commands::now();
        let since_an_hour = since("1h").unwrap();
        let after = crate::commands::now();
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
    fn lengths_are_what_their_units_say() {
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
            assert_eq!(length(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(length("250ms"), Ok(Duration::from_millis(250)));
        for bad in ["", "1", "h", "-1h", "1h -30m", "1y", "1mo", "600y", "+", "99999999999999999999s"] {
            assert!(length(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_command_is_sound() {
        Cli::command().debug_assert();
    }
}
