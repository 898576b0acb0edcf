//! The help texts. Users read them first, so they are reviewed like code.

use insta::assert_snapshot;
use std::process::Command;

fn help(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    let output = command.args(args).arg("--help").env("COLUMNS", "100").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    let text = String::from_utf8(output.stdout).unwrap();
    // Every command repeats the global options. They are shown once, for the command without arguments.
    match (args, text.split_once("\nGlobal options:")) {
        ([_, ..], Some((own, rest))) => match rest.split_once("\n\n") {
            Some((_, notes)) => format!("{own}\n{notes}"),
            None => own.to_owned(),
        },
        _ => text,
    }
}

#[test]
fn of_spanbridge() {
    assert_snapshot!(help(&[]), @r##"
Show what happened: runs across queues and services, as they were recorded

Usage: spanbridge [OPTIONS] <COMMAND>

Commands:
  runs    List recent runs
  trace   Show a run as a tree of spans, across all services and queues
  doctor  Find what is missing in runs, with the likely cause and the fix
  import  Read records into the store, from files with one JSON object per line or from other stores
  export  Write records, one JSON object per line
  help    Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help
  -V, --version  Print version

Global options:
      --db <PATH>        The store [default: $SPANBRIDGE_DB, or spanbridge/spanbridge.db in your
                         data directory]
      --format <FORMAT>  Print text for people or JSON for programs [default: text] [possible
                         values: text, json]
      --color <WHEN>     When to use colour; `auto` uses it on a terminal and respects NO_COLOR and
                         CLICOLOR_FORCE [default: auto] [possible values: auto, always, never]

An ID is the id of a run, a trace or a span, or its first 4 or more digits.

Exit codes:
  0  success
  1  nothing was found, a file could not be read or written, or doctor found gaps
  2  wrong usage, or an ID that matches several things
  3  the store cannot be used
"##);
}

#[test]
fn of_runs() {
    assert_snapshot!(help(&["runs"]), @r##"
List recent runs

Usage: spanbridge runs [OPTIONS]

Options:
      --status <STATUS>    Only runs with this status [possible values: ok, error, open, suspended,
                           cancelled, conflicted]
      --service <SERVICE>  Only runs that this service worked on
      --name <TEXT>        Only runs with this text in their name
      --since <WHEN>       Only runs that began within this time (`90s`, `15m`, `1h`, `2d`, `1w`),
                           or since a date or RFC 3339 time
      --limit <N>          Maximum number of runs [default: 20]
      --full-ids           Print run ids in full
  -h, --help               Print help
"##);
}

#[test]
fn of_trace() {
    assert_snapshot!(help(&["trace"]), @r##"
Show a run as a tree of spans, across all services and queues

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
Find what is missing in runs, with the likely cause and the fix

Usage: spanbridge doctor [OPTIONS] [ID]

Arguments:
  [ID]  A run, a trace or a span [default: all runs]

Options:
      --since <WHEN>    Only runs that began within this time (`90s`, `15m`, `1h`, `2d`, `1w`), or
                        since a date or RFC 3339 time
      --limit <N>       Maximum number of runs, newest first [default: all]
      --grace <TIME>    How long a message may take to be received, and then to be settled: `90s`,
                        `15m`, `1h` [default: 60s]
      --silence <TIME>  How long a run or a message's work may be silent before its missing end
                        counts as a gap [default: 1h]
  -h, --help            Print help

doctor finds:
  - messages that were sent but never received, or received but never settled
  - consumers that never settle
  - contexts that were lost, dropped or unreadable
  - missing parents, clocks that disagree, contradictory records, dropped records
  - payloads whose redaction failed
  - runs without an end
  - functions stopped by their time limit, with a lost response, or with undelivered records

The exit code is 1 if doctor finds a gap, or has no run to check. The JSON is {schemaVersion, runs,
runsFound, gaps[] {kind, what, likelyCause, fix, runId?, runName?, spanId?}, diagnostics[]?}: `runs`
is the number of runs that were checked, `runsFound` the number that matched, and `diagnostics` is
present if a part of the store is damaged.
"##);
}

#[test]
fn of_import() {
    assert_snapshot!(help(&["import"]), @r##"
Read records into the store, from files with one JSON object per line or from other stores

Usage: spanbridge import [OPTIONS] [FILE]...

Arguments:
  [FILE]...  Files of records, or other stores; `-` is standard input [default: standard input]

Options:
  -h, --help  Print help
"##);
}

#[test]
fn of_export() {
    assert_snapshot!(help(&["export"]), @r##"
Write records, one JSON object per line

Usage: spanbridge export [OPTIONS] [ID]

Arguments:
  [ID]  Only the records of this run, or of the runs of this trace or span [default: all records]

Options:
  -o, --output <FILE>  Write to this file instead of standard output
  -h, --help           Print help
"##);
}
