//! Which runs, and lists of them.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use spanbridge_cli::values::{duration, since};
use spanbridge_graph::RunStatus;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    Newest,
    Oldest,
    Longest,
    Errors,
    Spans,
}

/// The options of [`Filters`].
pub(super) const FILTERS: [&str; 9] =
    ["status", "service", "name", "since", "until", "min_duration", "attribute", "error", "children"];

/// Which runs: the same for every command that takes several.
#[derive(Args, Debug)]
pub(crate) struct Filters {
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
    /// Take each run by itself, also one that another run started
    #[arg(long)]
    pub(crate) children: bool,
}

#[derive(Args, Debug)]
#[command(after_help = RUNS)]
pub(crate) struct Runs {
    #[command(flatten)]
    pub(crate) filters: Filters,
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

const RUNS: &str = "A run is listed with the runs that it started, in one line: `+3 runs`. The times are its own; of --status, --service, \
--name, --attribute and --error, all must be true of one of these runs. It is ok if nothing in them failed. With --children, each run \
has a line.

--attribute and --error read the records of each run that the other options leave; --since makes that quick.

Examples:
  spanbridge runs --status error --since 1h
  spanbridge runs --attribute order.id=17
  spanbridge runs --error 'card declined' --since 2d
  spanbridge runs --service billing --sort longest --limit 5
  spanbridge runs --status error --count

The JSON is {schemaVersion, runs[], more, diagnostics[]?}; with --count, {schemaVersion, count, diagnostics[]?}. Its fields are in \
docs/schema/runs.json.";

#[derive(Args, Debug)]
#[command(after_help = TAIL)]
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

fn statuses() -> impl TypedValueParser<Value = RunStatus> {
    let by_name = |name: String| RunStatus::ALL.into_iter().find(|status| status.as_str() == name);
    PossibleValuesParser::new(RunStatus::ALL.map(RunStatus::as_str))
        .map(move |name| by_name(name).unwrap_or(RunStatus::Ok))
}
