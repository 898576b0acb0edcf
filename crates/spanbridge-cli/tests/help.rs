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
  runs         List recent runs
  trace        Show a run as a tree of spans, across all services and queues
  debug        Show everything that is recorded of each step: input, output, HTTP, SQL, attributes,
               events
  tail         Show what happens, while it happens
  why          Say why a run failed: where it began, the path to it, and what it took down
  diff         Compare two runs by structure: added, removed, changed and slower steps
  replay       Run the code of a recorded run again: same input, and calls answered from the record
  doctor       Find what is missing in runs, with the likely cause and the fix
  state        Show how rows of databases changed, and who changed them
  serve        Show runs in the browser, answer programs, and collect records over HTTP
  tui          Look at runs in the terminal: a live list, each run as a tree with a timeline
  import       Read records into the store, from files, logs, OTLP or other stores
  export       Write runs for other programs: lines, Parquet, OTLP, Mermaid, Graphviz or Perfetto
  ship         Send what is recorded on this host to a server, Kafka, a database or another store
  collect      Store the records of a topic in Kafka
  compact      Fold what applications have written into the index, so that every answer is fast
  prune        Remove old runs, and free their space
  check        Read everything that is stored, and say what is damaged
  backup       Copy the store, while it is in use
  completions  Print a script that makes a shell complete commands and options
  man          Write man pages
  help         Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help
  -V, --version  Print version

Global options:
      --db <PATH>        The directory of the store, or the URL of a database, as
                         clickhouse://USER@HOST/DATABASE [default: $SPANBRIDGE_DB, or
                         spanbridge/store in your data directory]
      --format <FORMAT>  Print text for people or JSON for programs [default: text] [possible
                         values: text, json]
      --color <WHEN>     When to use colour; `auto` uses it on a terminal and respects NO_COLOR and
                         CLICOLOR_FORCE [default: auto] [possible values: auto, always, never]

An ID is the id of a run, a trace or a span, or its first 4 or more digits. It may also be a UUID
(with dashes, in braces, or as a URN), an X-Ray id, or a traceparent.

Exit codes:
  0  success
  1  not found, a file could not be read or written, or diff, doctor, replay or check found
  something
  2  wrong usage, or an ID that matches several things
  3  the store cannot be used

Schemas of the JSON: https://github.com/spanbridge/spanbridge/tree/main/docs/schema
"##);
}

#[test]
fn of_runs() {
    assert_snapshot!(help(&["runs"]), @r##"
List recent runs

Usage: spanbridge runs [OPTIONS]

Options:
      --status <STATUS>          Only runs with this status [possible values: ok, error, open,
                                 suspended, cancelled, conflicted]
      --service <SERVICE>        Only runs that this service worked on
      --name <TEXT>              Only runs with this text in their name
      --since <WHEN>             Only runs that began within this time (`90s`, `15m`, `1h`, `2d`,
                                 `1w`), or since a date or RFC 3339 time
      --until <WHEN>             Only runs that began before this: as for --since
      --min-duration <TIME>      Only runs that have ended and took this long or longer: `250ms`,
                                 `90s`, `15m`
      --attribute <KEY[=VALUE]>  Only runs with this attribute, of themselves, of a span or of a
                                 process; may be given several times
      --error <TEXT>             Only runs with this text in an error
      --children                 Take each run by itself, also one that another run started
      --sort <ORDER>             What comes first [default: newest] [possible values: newest,
                                 oldest, longest, errors, spans]
      --limit <N>                Maximum number of runs [default: 20]
      --page <N>                 Which page of so many runs [default: 1]
      --count                    Print only how many runs match
      --full-ids                 Print run ids in full
  -h, --help                     Print help

A run is listed with the runs that it started, in one line: `+3 runs`. The times are its own; of
--status, --service, --name, --attribute and --error, all must be true of one of these runs. It is
ok if nothing in them failed. With --children, each run has a line.

--attribute and --error read the records of each run that the other options leave; --since makes
that quick.

Examples:
  spanbridge runs --status error --since 1h
  spanbridge runs --attribute order.id=17
  spanbridge runs --error 'card declined' --since 2d
  spanbridge runs --service billing --sort longest --limit 5
  spanbridge runs --status error --count

The JSON is {schemaVersion, runs[], more, diagnostics[]?}; with --count, {schemaVersion, count,
diagnostics[]?}. Its fields are in docs/schema/runs.json.
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
      --service <NAME>           Only spans of this service, and what stands above them; repeat it
                                 for several
      --errors                   Only spans that failed, and what stands above them
      --depth <N>                Only this many levels; what is below is counted
      --follow-children          Show runs that this run started below the spans that started them
      --critical-path            Mark what the duration consists of, through queues and child runs,
                                 and list it
      --all                      Show every span, instead of one line for equal siblings, also of a
                                 very large run [alias: --expand]
      --summarise-above <SPANS>  Summarise runs with more spans than this, in bounded memory
                                 [default: 50000]
  -h, --help                     Print help
"##);
}

#[test]
fn of_questions_about_rows() {
    assert_snapshot!(help(&["state", "history"]), @r##"
Show every recorded change of a row: before and after, and who wrote it

Usage: spanbridge state history [OPTIONS] <TABLE> <KEY>

Arguments:
  <TABLE>  The table; `orders` means it in every schema
  <KEY>    The key of the row: 1, or a=1,b=2, or a JSON object

Options:
      --database <DATABASE>  Only this database
      --column <COLUMN>      Only changes of this column
      --since <WHEN>         Only changes within this time (`90s`, `15m`, `1h`, `2d`, `1w`), or
                             since a date or RFC 3339 time
  -h, --help                 Print help

Changes are in the order of their commits. Where two processes committed at the same time and
nothing says which was first, that is said. A writer is unknown if it did not say who it is: another
program, or a connection without a context.

Examples:
  spanbridge state history orders 1
  spanbridge state history orders 1 --column status --since 2d
  spanbridge state history order_lines order_id=1,line=2

The exit code is 1 if no change of the row is recorded, or no change names the column.
"##);
    assert_snapshot!(help(&["state", "blame"]), @r##"
Say who gave each column of a row the value that it has

Usage: spanbridge state blame [OPTIONS] <TABLE> <KEY>

Arguments:
  <TABLE>  The table; `orders` means it in every schema
  <KEY>    The key of the row: 1, or a=1,b=2, or a JSON object

Options:
      --database <DATABASE>  Only this database
  -h, --help                 Print help

Whoever writes a column with the value that it has already is not named.

Examples:
  spanbridge state blame orders 1
  spanbridge state blame customers email=ada@example.com --database crm

The exit code is 1 if no change of the row is recorded.
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
      --postgres <URL>  Ask this server how much of its log it keeps for the slots of `state follow`
      --strict          Also exit with 1 if something could not be judged
  -h, --help            Print help

doctor finds:
  - messages that were sent but never received, or received but never settled
  - messages in an outbox that were never sent
  - consumers that never settle
  - contexts that were lost, dropped or unreadable
  - missing parents and starts, clocks that disagree, impossible times and parents, contradictory
  records, dropped records
  - payloads whose redaction failed
  - runs without an end
  - functions stopped by their time limit, with a lost response, or with undelivered records
  - replication slots of `state follow` that nobody follows any more: their server keeps its log
  until somebody does

Where records do not say whether all is well, doctor does not guess: it lists what it could not
judge, how much, and why.

The exit code is 1 if doctor finds a gap, or has no run to check; with --strict, also if something
could not be judged. The JSON is {schemaVersion, runs, runsFound, gaps[] {kind, what, likelyCause,
fix, runId?, runName?, spanId?}, notJudged[] {reason, why, count, example?, runId?, spanId?},
slots[]?, diagnostics[]?}: `runs` is the number of runs that were checked, `runsFound` the number
that matched, `notJudged` has one item for each reason, `slots` has the replication slots, and
`diagnostics` is present if a part of the store is damaged.
"##);
}

#[test]
fn of_serve() {
    assert_snapshot!(help(&["serve"]), @r##"
Show runs in the browser, answer programs, and collect records over HTTP

Usage: spanbridge serve [OPTIONS]

Options:
      --listen <ADDRESS>   The address and port to listen on, or a port of this machine alone; port
                           0 is any that is free [default: 127.0.0.1:4318]
      --token-file <FILE>  A file with the token that clients must send [default: $SPANBRIDGE_TOKEN]
      --keep <TIME|SIZE>   Remove runs in which nothing happened for this long (`12h`, `30d`), or
                           the oldest while the store is larger (`2GiB`), not of a database; may be
                           given for both [default: remove nothing]
  -h, --help               Print help

Examples:
  spanbridge serve
  spanbridge serve --listen 8080
  spanbridge serve --keep 7d --keep 2GiB
  SPANBRIDGE_TOKEN=$(openssl rand -hex 32) spanbridge serve --listen 0.0.0.0:4318

Only this machine can connect, unless you choose another address. Then a token is needed: clients
send it as `Authorization: Bearer TOKEN`, and the page asks for it.
"##);
}

#[test]
fn of_tui() {
    assert_snapshot!(help(&["tui"]), @r##"
Look at runs in the terminal: a live list, each run as a tree with a timeline

Usage: spanbridge tui [OPTIONS] [ID]

Arguments:
  [ID]  A run, a trace or a span to open [default: the list of runs]

Options:
      --ascii  Draw with ASCII characters alone; the default if the locale is not UTF-8
  -h, --help   Print help

Press ? for the keys that work where you are. The most important ones:
  enter  open a run, follow a link  ]  the next failure        c  the critical path
  esc    back to where you were     /  search, or paste an id  w  why it failed
  tab    the details of a step      f  only what failed        d  what doctor finds
  space  hold the screen still      q  quit

The search of the list takes the options of `spanbridge runs`: `status=error service=billing
since=1h charge`, and attributes, such as `order.id=17`.

Examples:
  spanbridge tui
  spanbridge tui 4bf92f35
  spanbridge tui --ascii --color never
"##);
}

#[test]
fn of_import() {
    assert_snapshot!(help(&["import"]), @r##"
Read records into the store, from files, logs, OTLP or other stores

Usage: spanbridge import [OPTIONS] [FILE]...

Arguments:
  [FILE]...  Files, or other stores; `-` is standard input [default: standard input]

Options:
      --from <FORMAT>  What the files are: records of spanbridge as lines or as Parquet, spans in
                       OTLP, or records of Crux [default: what their content says] [possible values:
                       lines, otlp, crux, parquet]
  -h, --help           Print help

Examples:
  spanbridge import run.jsonl.gz other-store/
  aws logs tail /aws/lambda/orders --since 1h | spanbridge import -
  spanbridge import --from otlp traces.pb

Files may be compressed with gzip or zstd. Text is read as lines, as documents {records: […]}, as
the output of `aws logs tail` and `aws logs filter-log-events`; records of Crux are known by their
ids. Parquet files are known by their first bytes. Importing the same file again changes nothing.

Standard error names the first lines that could not be read, and why. The exit code is 1 if
something was left out; everything else is imported. In JSON, `read` is stored + repeated + unknown,
and records in conflict are stored, too. All fields are in docs/schema/import.json.
"##);
}

#[test]
fn of_export() {
    assert_snapshot!(help(&["export"]), @r##"
Write runs for other programs: lines, Parquet, OTLP, Mermaid, Graphviz or Perfetto

Usage: spanbridge export [OPTIONS] [ID]

Arguments:
  [ID]  Only this run, or the runs of this trace or span [default: all runs]

Options:
      --to <FORMAT>              What to write: records, one JSON object a line, or as Parquet;
                                 spans in OTLP, as JSON or protobuf; or a drawing for Mermaid,
                                 Graphviz or Perfetto [default: lines] [possible values: lines,
                                 otlp, otlp-protobuf, mermaid, dot, perfetto, parquet]
  -o, --output <FILE>            Write to this file instead of standard output; it has its name once
                                 it is whole
      --status <STATUS>          Only runs with this status [possible values: ok, error, open,
                                 suspended, cancelled, conflicted]
      --service <SERVICE>        Only runs that this service worked on
      --name <TEXT>              Only runs with this text in their name
      --since <WHEN>             Only runs that began within this time (`90s`, `15m`, `1h`, `2d`,
                                 `1w`), or since a date or RFC 3339 time
      --until <WHEN>             Only runs that began before this: as for --since
      --min-duration <TIME>      Only runs that have ended and took this long or longer: `250ms`,
                                 `90s`, `15m`
      --attribute <KEY[=VALUE]>  Only runs with this attribute, of themselves, of a span or of a
                                 process; may be given several times
      --error <TEXT>             Only runs with this text in an error
      --children                 Take each run by itself, also one that another run started
  -h, --help                     Print help

Examples:
  spanbridge export --status error > failed.jsonl
  spanbridge export 5d81 --to perfetto -o trace.json
  spanbridge export 5d81 --to mermaid
  spanbridge export --since 1h --to otlp -o spans.json
  spanbridge export --since 1d --to parquet -o spans.parquet

The options choose runs as those of `spanbridge runs` do; with a run come the runs that it started,
unless --children is given.

`spanbridge import` reads lines, OTLP and Parquet back, and loses nothing. What OTLP has no place
for goes along in a scope without spans, `spanbridge.records`, which other programs step over.
Drawings cut long names, and show control characters as escapes.
"##);
}

#[test]
fn of_ship() {
    assert_snapshot!(help(&["ship"]), @r##"
Send what is recorded on this host to a server, Kafka, a database or another store

Usage: spanbridge ship [OPTIONS] --to <PLACE>

Options:
      --to <PLACE>          Where the records go: http(s)://HOST:4318 of a `spanbridge serve`,
                            kafka://HOST/TOPIC, clickhouse://HOST/DATABASE,
                            postgres://HOST/DATABASE, or the directory of another store
      --interval <TIME>     How long a record waits at most before it is sent [default: 1s]
      --batch-bytes <SIZE>  Bytes of records that are sent together [default: 8MiB]
      --batch-records <N>   Records that are sent together [default: 50000]
      --once                Send what is there, and end
      --from-start          The first time, send everything that is stored, not only what the logs
                            still have
      --metrics <ADDRESS>   Answer GET /metrics at this address
      --forget              Forget how far this place has got, and end: the logs wait for it no more
  -h, --help                Print help

Examples:
  spanbridge ship --to http://10.0.0.7:4318
  spanbridge ship --to kafka://kafka1,kafka2/spanbridge-records --metrics 9418
  spanbridge ship --to clickhouse://writer@db/spans --from-start --once

It follows the logs of the store on this host, and goes on where it was after it was stopped or
killed. While the place is away, the logs wait on the disk, within the limits of the applications
(SPANBRIDGE_MAX_BYTES, SPANBRIDGE_MAX_AGE). What these remove before it was sent is told.

When it ends, it says what was done: in a line, or with --format json in an object
(docs/schema/ship.json).

A token comes from SPANBRIDGE_TOKEN, and passwords from KAFKA_PASSWORD, CLICKHOUSE_PASSWORD or
PGPASSWORD.
"##);
}

#[test]
fn of_compact() {
    assert_snapshot!(help(&["compact"]), @r##"
Fold what applications have written into the index, so that every answer is fast

Usage: spanbridge compact [OPTIONS]

Options:
      --watch  Go on until you press Ctrl-C, so that the store stays folded
  -h, --help   Print help

Every other command folds for a moment once it has answered, unless there is little. So you need
this only for stores that grow fast, or that nobody looks at. Several processes may fold at once,
and any of them may be stopped at any time.

The JSON is {schemaVersion, deliveries, spans, bytes, logsRemoved}; with --watch, one such object in
a line for each time that something was folded.
"##);
}

#[test]
fn of_prune() {
    assert_snapshot!(help(&["prune"]), @r##"
Remove old runs, and free their space

Usage: spanbridge prune [OPTIONS] <--older-than <TIME>|--max-size <SIZE>>

Options:
      --older-than <TIME>  Remove runs in which nothing happened for this long: `12h`, `30d`, `4w`
      --max-size <SIZE>    Remove the oldest runs until the store has this size or less: `500M`,
                           `2GiB`
      --keep-failed        Keep failed runs
      --keep-suspended     Keep suspended runs
      --dry-run            Remove nothing, and say what would be removed
  -h, --help               Print help

A run without an end stays for as long as something happened in it within the last hour. Where a run
that stays is connected with one that is removed, `trace` says so, and `doctor` does not report what
may be missing because of it.

A database drops whole days: a run goes once nothing happened in it since the beginning, in UTC, of
the day that was so long ago. What comes later of such a run is not stored, but counted. It cannot
go by size, so --max-size is for directories.

The JSON is {schemaVersion, dryRun, runs, spans, bytes, bytesLeft, keptFailed, keptSuspended,
keptOpen}. In a dry run, `bytes` is an estimate.
"##);
}

#[test]
fn of_check() {
    assert_snapshot!(help(&["check"]), @r##"
Read everything that is stored, and say what is damaged

Usage: spanbridge check [OPTIONS]

Options:
      --rebuild  Make the index again from the logs that are left; needs --yes
      --yes      Confirm --rebuild: runs whose logs were removed are in the old index alone, which
                 is put aside
  -h, --help     Print help

The exit code is 1 if anything is wrong. Records that are known to be lost, such as those that a
process was writing when it was killed, are listed and do not count as wrong.

The JSON is {schemaVersion, logs {files, bytes, deliveries, records, unfoldedBytes}, index? {path?,
bytes, blocks, runs, spans}, problems[] {kind, what, fix}, moreProblems, losses[]}. With --rebuild
it is {schemaVersion, runs, spans, missingRuns?, putAside?}.
"##);
}

#[test]
fn of_backup() {
    assert_snapshot!(help(&["backup"]), @r##"
Copy the store, while it is in use

Usage: spanbridge backup [OPTIONS] <DIR>

Arguments:
  <DIR>  Where to: a directory that does not exist, or is empty

Options:
  -h, --help  Print help

The copy is a store: `spanbridge runs --db DIR` shows it.

The JSON is {schemaVersion, bytes, logs, notIncluded?}: `notIncluded` is the file of an old store,
which is not copied.
"##);
}

#[test]
fn of_completions() {
    assert_snapshot!(help(&["completions"]), @r##"
Print a script that makes a shell complete commands and options

Usage: spanbridge completions [OPTIONS] <SHELL>

Arguments:
  <SHELL>  The shell [possible values: bash, elvish, fish, powershell, zsh]

Options:
  -h, --help  Print help

Examples:
  spanbridge completions bash > ~/.local/share/bash-completion/completions/spanbridge
  spanbridge completions zsh > ~/.zfunc/_spanbridge     # a directory of $fpath
  spanbridge completions fish > ~/.config/fish/completions/spanbridge.fish
"##);
}

#[test]
fn of_man() {
    assert_snapshot!(help(&["man"]), @r##"
Write man pages

Usage: spanbridge man [OPTIONS] [DIR]

Arguments:
  [DIR]  Write a page for each command into this directory, which is made if it does not exist
         [default: print the first page]

Options:
  -h, --help  Print help

Examples:
  spanbridge man ~/.local/share/man/man1    # then: man spanbridge, man spanbridge-trace
  spanbridge man | man -l -
"##);
}

#[test]
fn of_debug() {
    assert_snapshot!(help(&["debug"]), @r##"
Show everything that is recorded of each step: input, output, HTTP, SQL, attributes, events

Usage: spanbridge debug [OPTIONS] <ID>

Arguments:
  <ID>  A run or a trace; or a span, for that step and those below it

Options:
      --full                     Show payloads in full, not only their first 40 lines
      --summarise-above <SPANS>  Summarise runs with more spans than this, in bounded memory
                                 [default: 50000]
  -h, --help                     Print help

Payloads are there if they were captured: `ReceiveOptions::capture`, and `capture` of producers and
calls.

Examples:
  spanbridge debug 4bf92f35
  spanbridge debug --full 00f067aa0ba902b7 | less -R

The JSON is that of `trace`: it has everything.
"##);
}

#[test]
fn of_tail() {
    assert_snapshot!(help(&["tail"]), @r##"
Show what happens, while it happens

Usage: spanbridge tail [OPTIONS]

Options:
      --service <SERVICE>  Only what this service does; may be given several times
      --name <TEXT>        Only spans and runs with this text in their name
      --run <ID>           Only this run, which must be stored already
      --errors             Only failures
      --all                Also show what begins, and events
  -h, --help               Print help

A span is shown when it has ended, at most a moment after it was delivered. Each is shown once,
whatever is folded, compacted or pruned meanwhile. Ctrl-C ends it.

Examples:
  spanbridge tail --errors
  spanbridge tail --service orders --name charge

The JSON is the records themselves, one in a line, as `export` writes them.
"##);
}

#[test]
fn of_why() {
    assert_snapshot!(help(&["why"]), @r##"
Say why a run failed: where it began, the path to it, and what it took down

Usage: spanbridge why [OPTIONS] <ID>

Arguments:
  <ID>  A run or a trace; or a span, for the run that has it

Options:
      --summarise-above <SPANS>  Summarise runs with more spans than this, in bounded memory
                                 [default: 50000]
  -h, --help                     Print help

The first failure is the first by cause, not by the clock: a caller that timed out is explained by
what it waited for. A failure that was handled, and one after which another attempt succeeded, is
listed apart.

Example:
  spanbridge why $(spanbridge runs --status error --limit 1 --format json | jq -r '.runs[0].runId')

The exit code is 0 whenever the run exists. In JSON, `outcome` is failed, cancelled, unfinished or
ok, and `failures` has the failures in causal order. All fields are in docs/schema/why.json.
"##);
}

#[test]
fn of_replay() {
    assert_snapshot!(help(&["replay"]), @r##"
Run the code of a recorded run again: same input, and calls answered from the record

Usage: spanbridge replay [OPTIONS] <ID> [-- <COMMAND>...]

Arguments:
  <ID>          A run or a trace; or a span, for the handler around it
  [COMMAND]...  The worker, and its arguments

Options:
      --span <ID>                  The handler around this span [default: the one around the first
                                   failure, else the only one whose input was recorded whole]
      --live <OPERATION[ TARGET]>  Let these calls reach the outside: all of http.client,
                                   messaging.publish or function.invoke, or those to one target; may
                                   be given several times
      --scratch <DATABASE>         Let queries of the database of this name through; without it, all
                                   are refused
      --ignore <FIELD>             Do not show this difference: header:NAME or body:/POINTER; it
                                   counts all the same; may be given several times
      --save <FILE>                Write the case to this file, for a test with
                                   `spanbridge_replay::case!`
  -h, --help                       Print help

Hands a handler the input that was recorded, and answers its calls from the record. COMMAND starts
the worker; there, `spanbridge_replay::Replayer::from_environment` takes what is replayed. Without
COMMAND, it shows what would be done.

Each step of the report is `recorded` (answered from the record), `re-executed` (your code ran),
`live` (it left the process: you asked for it), `refused` (it is not recorded, and nothing left),
`diverged` or `not compared`. Nothing is settled. Calls that are not wrapped by an adapter cannot be
stopped.

Examples:
  spanbridge replay 4bf92f35
  spanbridge replay 4bf92f35 -- cargo run --bin worker
  spanbridge replay 4bf92f35 --scratch orders_test --ignore header:x-request-id -- ./worker
  spanbridge replay 4bf92f35 --live 'http.client GET http://localhost:8080/rates' -- ./worker
  spanbridge replay 4bf92f35 --save tests/cases/order.json

The exit code is 0 if the handler did the same, 1 if something differs or it is not possible, 2 if
it has to be said which handler. What the replay did is a run in the store, and the report names it.
All fields of the JSON are in docs/schema/replay.json.
"##);
}

#[test]
fn of_diff() {
    assert_snapshot!(help(&["diff"]), @r##"
Compare two runs by structure: added, removed, changed and slower steps

Usage: spanbridge diff [OPTIONS] <A> [B]

Arguments:
  <A>  The run that the other is compared with; with --last-good, the run that is compared
  [B]  The other run

Options:
      --last-good                Compare A with the last run of its kind that did not fail for good
      --percent <N>              By how many percent a step must be slower to count [default: 20]
      --least <TIME>             By how long a step must be slower to count, as well [default:
                                 100ms]
      --summarise-above <SPANS>  Summarise runs with more spans than this, in bounded memory
                                 [default: 50000]
  -h, --help                     Print help

Steps are matched by name, kind and position; concurrent steps may come in any order. Ids, times,
ports, addresses, offsets and sizes are no differences. The time of a step is its own, without the
steps that it waited for.

Examples:
  spanbridge diff 4bf92f35 9a3c1d20
  spanbridge diff 9a3c1d20 --last-good

The verdict is the first that holds: regressed (something failed that did not before), fixed,
changed, slower, faster, identical. The exit code is 1 if there is a difference. In JSON, the `kind`
of a difference is added, removed, status, attributes, slower or faster. All fields are in
docs/schema/diff.json.
"##);
}

#[test]
fn of_state() {
    assert_snapshot!(help(&["state"]), @r##"
Show how rows of databases changed, and who changed them

Usage: spanbridge state [OPTIONS] <COMMAND>

Commands:
  history   Show every recorded change of a row: before and after, and who wrote it
  blame     Say who gave each column of a row the value that it has
  follow    Record the changes of a PostgreSQL database, from its log
  unfollow  Drop what `follow` created on the server: the replication slot and the publications
  help      Print this message or the help of the given subcommand(s)

Options:
  -h, --help  Print help
"##);
}

#[test]
fn of_state_follow() {
    assert_snapshot!(help(&["state", "follow"]), @r##"
Record the changes of a PostgreSQL database, from its log

Usage: spanbridge state follow [OPTIONS] --postgres <URL>

Options:
      --postgres <URL>         The database: postgres://USER@HOST:PORT/DATABASE, or key=value pairs;
                               put the password into PGPASSWORD [env: DATABASE_URL]
      --slot <NAME>            The name of the replication slot [default: spanbridge]
      --publication <NAME>     The name of the publication [default: spanbridge]
      --create                 Create the slot and the publications if they are missing, and publish
                               tables that are not published yet
      --tables <TABLE,…>       Only these tables; `orders` means it in every schema
      --policy <POLICY>        What to record of a row: its key and the names of the columns that
                               changed, or also values [default: keys] [possible values: keys,
                               values]
      --redact <TABLE.COLUMN>  Never record values of this column; may be given several times
      --max-bytes <BYTES>      Record at most so much of a text [default: 256]
      --once                   End when everything is read that was there at the beginning
      --max-lag <SIZE>         Drop the slot and end if, after having caught up, it makes the server
                               keep more of its log than this: `10GiB`
      --interval <TIME>        How often to look for changes [default: 1s]
  -h, --help                   Print help

This needs wal_level = logical, PostgreSQL 14 or newer, and a role with REPLICATION. Without
--create, it prints the SQL that is missing.

A writer is known if it says so in its transaction: SELECT pg_logical_emit_message(true,
'spanbridge', <traceparent>), which `spanbridge_db::EMIT_CONTEXT` does. Without that, it is an
unknown writer.

As long as the slot exists, the server keeps its log until it is followed. Bound that with
max_slot_wal_keep_size on the server; `doctor` shows how long each slot was not followed, and `state
unfollow` drops it.

Examples:
  spanbridge state follow --postgres postgres://app@db/shop --create
  spanbridge state follow --create --tables orders,customers --policy values --redact customers.iban

Ctrl-C ends it, when what was read is stored. It waits while the server restarts, the disk is full,
or somebody else follows the slot.
"##);
}

#[test]
fn of_state_unfollow() {
    assert_snapshot!(help(&["state", "unfollow"]), @r##"
Drop what `follow` created on the server: the replication slot and the publications

Usage: spanbridge state unfollow [OPTIONS] --postgres <URL>

Options:
      --postgres <URL>      The database: postgres://USER@HOST:PORT/DATABASE, or key=value pairs;
                            put the password into PGPASSWORD [env: DATABASE_URL]
      --slot <NAME>         The name of the replication slot [default: spanbridge]
      --publication <NAME>  The name of the publication [default: spanbridge]
  -h, --help                Print help

What was not read until now is not recorded. Stop the follower before; the server does not drop a
slot that is in use.
"##);
}
