//! The help texts: what a user reads first is reviewed like code.

use insta::assert_snapshot;
use std::process::Command;

fn help(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    let output = command.args(args).arg("--help").env("COLUMNS", "100").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    let text = String::from_utf8(output.stdout).unwrap();
    // Every command repeats what can be given everywhere.
    match (args, text.split_once("\nEverywhere:")) {
        ([_, ..], Some((own, _))) => own.to_owned(),
        _ => text,
    }
}

#[test]
fn of_spanbridge() {
    assert_snapshot!(help(&[]), @r##"
See what happened: runs over queues and services, as they were recorded

Usage: spanbridge [OPTIONS] <COMMAND>

Commands:
  runs    List recent runs
  trace   Show a run as a tree of spans, over every service and hop
  doctor  List what is missing in runs, why that is likely so, and what to change
  import  Read records, one JSON object a line, into the store
  export  Write records, one JSON object a line
  help    Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help
  -V, --version  Print version

Everywhere:
      --db <PATH>        The store [default: $SPANBRIDGE_DB, else spanbridge/spanbridge.db in the
                         user's data directory]
      --format <FORMAT>  Text for people, or JSON for programs [default: text] [possible values:
                         text, json]
      --color <WHEN>     When to colour; `auto` means on a terminal, and heeds NO_COLOR and
                         CLICOLOR_FORCE [default: auto] [possible values: auto, always, never]

An ID is that of a run, a trace or a span, or its first digits, at least 4.

Exit codes: 0 done, 1 not found or found wanting, 2 usage, 3 the store cannot be used.
"##);
}

#[test]
fn of_runs() {
    assert_snapshot!(help(&["runs"]), @r##"
List recent runs

Usage: spanbridge runs [OPTIONS]

Options:
      --status <STATUS>    Only runs in this state [possible values: ok, error, open, suspended,
                           cancelled, conflicted]
      --service <SERVICE>  Only runs that this service worked on
      --name <TEXT>        Only runs with this text in their name
      --since <WHEN>       Only runs that began since then: `90s`, `15m`, `1h`, `2d`, `1w` ago, a
                           date or an RFC 3339 time
      --limit <N>          At most so many runs [default: 20]
      --full-ids           Print run ids in full
  -h, --help               Print help
"##);
}

#[test]
fn of_trace() {
    assert_snapshot!(help(&["trace"]), @r##"
Show a run as a tree of spans, over every service and hop

Usage: spanbridge trace [OPTIONS] <ID>

Arguments:
  <ID>  A run, a trace or a span

Options:
  -h, --help  Print help
"##);
}

#[test]
fn of_doctor() {
    assert_snapshot!(help(&["doctor"]), @r##"
List what is missing in runs, why that is likely so, and what to change

Usage: spanbridge doctor [OPTIONS] [ID]

Arguments:
  [ID]  A run, a trace or a span [default: all runs]

Options:
      --since <WHEN>    Only runs that began since then: `90s`, `15m`, `1h`, `2d`, `1w` ago, a date
                        or an RFC 3339 time
      --limit <N>       Only the newest runs, so many at most [default: all of them]
      --grace <TIME>    How long a message may take to be received, and to be settled: `90s`, `15m`,
                        `1h` [default: 60s]
      --silence <TIME>  How long a run, or the work on a message, may be silent before its end is
                        missed [default: 1h]
  -h, --help            Print help
"##);
}

#[test]
fn of_import() {
    assert_snapshot!(help(&["import"]), @r##"
Read records, one JSON object a line, into the store

Usage: spanbridge import [OPTIONS] [FILE]...

Arguments:
  [FILE]...  Files of records; `-`, or none, is standard input

Options:
  -h, --help  Print help
"##);
}

#[test]
fn of_export() {
    assert_snapshot!(help(&["export"]), @r##"
Write records, one JSON object a line

Usage: spanbridge export [OPTIONS] [ID]

Arguments:
  [ID]  Only the records of this run, or of the runs of this trace or span [default: all records]

Options:
  -o, --output <FILE>  Write to this file rather than to standard output
  -h, --help           Print help
"##);
}
