//! Records in and out.

use super::list::{FILTERS, Filters};
use clap::{ArgGroup, Args, ValueEnum};
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    #[value(alias = "records")]
    Lines,
    Otlp,
    Crux,
    Parquet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Lines,
    Otlp,
    OtlpProtobuf,
    Mermaid,
    #[value(alias = "graphviz")]
    Dot,
    Perfetto,
    Parquet,
}

#[derive(Args, Debug)]
#[command(after_help = IMPORT)]
pub(crate) struct Import {
    /// What the files are: records of spanbridge as lines or as Parquet, spans in OTLP, or records of Crux [default: what their content says]
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
and `aws logs filter-log-events`; records of Crux are known by their ids. Parquet files are known by their first bytes. Importing the same file again changes nothing.

Standard error names the first lines that could not be read, and why. The exit code is 1 if something was left out; everything \
else is imported. In JSON, `read` is stored + repeated + unknown, and records in conflict are stored, too. All fields are in \
docs/schema/import.json.";

#[derive(Args, Debug)]
#[command(after_help = EXPORT)]
#[command(group(ArgGroup::new("chosen").multiple(true).conflicts_with("id").args(FILTERS)))]
pub(crate) struct Export {
    /// Only this run, or the runs of this trace or span [default: all runs]
    pub(crate) id: Option<String>,
    /// What to write: records, one JSON object a line, or as Parquet; spans in OTLP, as JSON or protobuf; or a drawing for Mermaid, Graphviz or Perfetto
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ExportFormat::Lines)]
    pub(crate) to: ExportFormat,
    /// Write to this file instead of standard output; it has its name once it is whole
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) filters: Filters,
}

const EXPORT: &str = "Examples:
  spanbridge export --status error > failed.jsonl
  spanbridge export 5d81 --to perfetto -o trace.json
  spanbridge export 5d81 --to mermaid
  spanbridge export --since 1h --to otlp -o spans.json
  spanbridge export --since 1d --to parquet -o spans.parquet

The options choose runs as those of `spanbridge runs` do; with a run come the runs that it started, unless --children is given.

`spanbridge import` reads lines, OTLP and Parquet back, and loses nothing. What OTLP has no place for goes along in a scope without spans, \
`spanbridge.records`, which other programs step over. Drawings cut long names, and show control characters as escapes.";
