//! Questions about runs that are named.

use clap::Args;
use spanbridge_cli::values::{duration, percent};
use spanbridge_graph::GraphLimit;
use std::time::Duration;

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
    /// Show every span, instead of one line for equal siblings, also of a very large run
    #[arg(long, visible_alias = "expand")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) large: Large,
}

/// What to do with very large runs.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Large {
    /// Summarise runs with more spans than this, in bounded memory
    #[arg(long, alias = "summarize-above", value_name = "SPANS", default_value_t = GraphLimit::default().whole)]
    pub(crate) summarise_above: u64,
}

impl Large {
    /// The limit for graphs. `all`: none.
    pub(crate) fn limit(&self, all: bool) -> GraphLimit {
        if all {
            return GraphLimit::none();
        }
        // A summary is not larger than a run that is shown whole.
        let limit = GraphLimit::default().whole(self.summarise_above);
        limit.shown(usize::try_from(self.summarise_above).map_or(limit.shown, |whole| limit.shown.min(whole)))
    }
}

#[derive(Args, Debug)]
#[command(after_help = DEBUG)]
pub(crate) struct Debug {
    /// A run or a trace; or a span, for that step and those below it
    pub(crate) id: String,
    /// Show payloads in full, not only their first 40 lines
    #[arg(long)]
    pub(crate) full: bool,
    #[command(flatten)]
    pub(crate) large: Large,
}

const DEBUG: &str =
    "Payloads are there if they were captured: `ReceiveOptions::capture`, and `capture` of producers and calls.

Examples:
  spanbridge debug 4bf92f35
  spanbridge debug --full 00f067aa0ba902b7 | less -R

The JSON is that of `trace`: it has everything.";

#[derive(Args, Debug)]
#[command(after_help = WHY)]
pub(crate) struct WhyArgs {
    /// A run or a trace; or a span, for the run that has it
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) large: Large,
}

const WHY: &str =
    "The first failure is the first by cause, not by the clock: a caller that timed out is explained by what it \
waited for. A failure that was handled, and one after which another attempt succeeded, is listed apart.

Example:
  spanbridge why $(spanbridge runs --status error --limit 1 --format json | jq -r '.runs[0].runId')

The exit code is 0 whenever the run exists. In JSON, `outcome` is failed, cancelled, unfinished or ok, and \
`failures` has the failures in causal order. All fields are in docs/schema/why.json.";

#[derive(Args, Debug)]
#[command(after_help = DIFF)]
pub(crate) struct DiffArgs {
    /// The run that the other is compared with; with --last-good, the run that is compared
    #[arg(value_name = "A")]
    pub(crate) left: String,
    /// The other run
    #[arg(value_name = "B", required_unless_present = "last_good", conflicts_with = "last_good")]
    pub(crate) right: Option<String>,
    /// Compare A with the last run of its kind that did not fail for good
    #[arg(long)]
    pub(crate) last_good: bool,
    /// By how many percent a step must be slower to count
    #[arg(long, value_name = "N", value_parser = percent, default_value_t = 20.0)]
    pub(crate) percent: f64,
    /// By how long a step must be slower to count, as well
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "100ms")]
    pub(crate) least: Duration,
    #[command(flatten)]
    pub(crate) large: Large,
}

const DIFF: &str = "Steps are matched by name, kind and position; concurrent steps may come in any order. Ids, times, ports, \
addresses, offsets and sizes are no differences. The time of a step is its own, without the steps that it waited for.

Examples:
  spanbridge diff 4bf92f35 9a3c1d20
  spanbridge diff 9a3c1d20 --last-good

The verdict is the first that holds: regressed (something failed that did not before), fixed, changed, slower, faster, identical. \
The exit code is 1 if there is a difference. In JSON, the `kind` of a difference is added, removed, status, attributes, \
slower or faster. All fields are in docs/schema/diff.json.";
