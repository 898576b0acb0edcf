//! The binary with real stores: exit codes, streams, import and export.

use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const RUN: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER: &str = "4bf92f3577b300000000000000000001";
const CHILD: &str = "c0ffee00000000000000000000000001";

/// A directory with a store.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// A store with the records of [`records`].
    fn filled() -> Self {
        let place = Self::new();
        let output = place.import(&lines(&records()));
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        place
    }

    fn db(&self) -> PathBuf {
        self.dir.path().join("runs.db")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
        command.args(args).arg("--db").arg(self.db());
        for name in ["SPANBRIDGE_DB", "COLUMNS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn import(&self, text: &str) -> Output {
        let mut command = self.command(&["import", "-"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn parsed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn lines(records: &[Value]) -> String {
    records.iter().map(|r| format!("{r}\n")).collect()
}

/// Two runs whose ids begin with the same digits, and a child run of the first.
fn records() -> Vec<Value> {
    let mut out = Vec::new();
    let mut seq = 0;
    let mut add = |run: &str, trace: &str, service: &str, mut fields: Value| {
        seq += 1;
        let segment = if service == "gateway" { "5e90000000000001" } else { "5e90000000000002" };
        fields["schemaVersion"] = 1.into();
        fields["recordId"] = format!("{segment}-{seq}").into();
        fields["runId"] = run.into();
        fields["traceId"] = trace.into();
        fields["segmentId"] = segment.into();
        fields["segmentSeq"] = seq.into();
        fields["service"] = service.into();
        out.push(fields);
    };
    let span = |id: &str, parent: Option<&str>, name: &str, primitive: &str, kind: &str, from: u32, to: u32| {
        let time = |ms: u32| format!("2026-11-20T09:25:{:02}.{:03}000000Z", 46 + ms / 1000, ms % 1000);
        let mut span = json!({
            "type": "span", "spanId": id, "name": name, "primitive": primitive, "kind": kind, "status": "ok",
            "family": primitive.split('.').next(), "startedAt": time(from), "endedAt": time(to),
        });
        if let Some(parent) = parent {
            span["parentSpanId"] = parent.into();
        }
        span
    };
    let publish = "00f067aa0ba90002";
    let mut root = span("00f067aa0ba90001", None, "POST /orders", "http.server", "server", 0, 90);
    root["status"] = "error".into();
    root["error"] = "the order was not paid".into();
    add(RUN, RUN, "gateway", root);
    let mut sent =
        span(publish, Some("00f067aa0ba90001"), "publish orders:created", "messaging.publish", "producer", 10, 14);
    sent["attributes"] = json!({ "spanbridge.handoff.status": "confirmed" });
    add(RUN, RUN, "gateway", sent);
    let process = |id| span(id, Some(publish), "process billing", "messaging.process", "consumer", 30, 70);
    let mut failed = process("00f067aa0ba90003");
    failed["status"] = "error".into();
    failed["error"] = "card declined".into();
    add(RUN, RUN, "billing", failed);
    add(OTHER, OTHER, "gateway", span("00a0000000000001", None, "GET /orders", "http.server", "server", 200, 203));
    add(
        CHILD,
        RUN,
        "billing",
        json!({
            "type": "run:start", "name": "ship parcel", "startedAt": "2026-11-20T09:25:46.100000000Z",
            "parentRunId": RUN, "triggeredBySpanId": publish,
        }),
    );
    add(CHILD, RUN, "billing", process("00f067aa0ba90004"));
    add(
        CHILD,
        RUN,
        "billing",
        json!({
            "type": "run:end", "endedAt": "2026-11-20T09:25:46.200000000Z", "status": "ok",
        }),
    );
    out
}

#[test]
fn an_unusable_store_is_code_3_with_advice() {
    let place = Place::new();
    for args in [&["runs"][..], &["trace", "4bf9"], &["export"]] {
        let output = place.run(args);
        assert_eq!(code(&output), 3);
        assert!(stderr(&output).starts_with("spanbridge: failed to "), "{}", stderr(&output));
        assert!(stderr(&output).contains("runs.db") && stderr(&output).contains("--db"), "{}", stderr(&output));
        assert!(output.stdout.is_empty());
        assert!(!place.db().exists(), "reading makes no store");
    }
    std::fs::write(place.db(), "this is no database, and long enough to be looked at twice ".repeat(40)).unwrap();
    let before = std::fs::read(place.db()).unwrap();
    for args in [&["runs"][..], &["trace", "4bf9"], &["export"], &["import", "/dev/null"]] {
        let output = place.run(args);
        assert_eq!(code(&output), 3, "{args:?}");
        assert!(stderr(&output).starts_with("spanbridge: failed to "), "{}", stderr(&output));
    }
    assert_eq!(std::fs::read(place.db()).unwrap(), before, "a file of others stays as it is");
}

#[test]
fn a_newer_store_is_refused() {
    let place = Place::filled();
    assert_eq!(code(&place.run(&["runs"])), 0);
    newer(&place.db().join("index.db"));
    let output = place.run(&["runs"]);
    assert_eq!(code(&output), 3);
    assert!(stderr(&output).contains("newer"), "{}", stderr(&output));
}

fn newer(index: &Path) {
    let connection = rusqlite::Connection::open(index).unwrap();
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert!(version > 0);
    connection.pragma_update(None, "user_version", version + 1_000).unwrap();
}

#[test]
fn ids_that_are_unknown_ambiguous_or_none() {
    let place = Place::filled();
    let output = place.run(&["trace", "dead"]);
    assert_eq!((code(&output), stdout(&output)), (1, String::new()));
    assert!(stderr(&output).starts_with("spanbridge: failed to find dead: "), "{}", stderr(&output));
    let output = place.run(&["trace", "4bf92f3577b3"]);
    assert_eq!((code(&output), stdout(&output)), (2, String::new()));
    for candidate in [RUN, OTHER, "POST /orders", "GET /orders"] {
        assert!(stderr(&output).contains(candidate), "{}", stderr(&output));
    }
    for bad in ["4bf", "not an id", "", "4bf92f3577b34da6a3ce929d0e0e47361", "\u{1b}[31m"] {
        let output = place.run(&["trace", bad]);
        assert_eq!(code(&output), 2, "{bad}: {}", stderr(&output));
        assert!(!stderr(&output).contains('\u{1b}'));
    }
}

#[test]
fn wrong_usage_is_code_2() {
    let place = Place::new();
    for args in [
        &["trace"][..],
        &["nonsense"],
        &["runs", "--status", "great"],
        &["runs", "--since", "yesterday"],
        &["runs", "--limit", "-1"],
        &["runs", "--page", "0"],
        &["diff", "4bf9", "c0ff", "--percent", "nan"],
        &["diff", "4bf9", "c0ff", "--percent=-1"],
        &["runs", "--count", "--limit", "3"],
        &["runs", "--format", "xml"],
    ] {
        let output = place.run(args);
        assert_eq!(code(&output), 2, "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    let output = Command::new(env!("CARGO_BIN_EXE_spanbridge")).output().unwrap();
    assert_eq!(code(&output), 2, "no command at all");
}

#[test]
fn a_trace_is_a_tree_of_all_its_runs() {
    let place = Place::filled();
    let output = place.run(&["trace", &RUN[..16]]);
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
    insta::assert_snapshot!(stdout(&output), @r##"
POST /orders  4bf92f35  ✗ error  90.0 ms
gateway · billing · 3 spans · 2 errors · 2026-11-20 09:25:46.000 UTC
                                                            0                                90.0 ms
✗ gateway ▸ POST /orders  gateway                  90.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
│ the order was not paid
└─ publish orders:created  confirmed  hand-off     4.00 ms      ━━
   └⇢ ✗ billing ▸ process billing  queued 16.0 ms  40.0 ms               ━━━━━━━━━━━━━━━━━━
        card declined

ship parcel  c0ffee00  ✓ ok  100 ms
billing · 1 span · 2026-11-20 09:25:46.100 UTC
child of POST /orders 4bf92f35, triggered by publish orders:created in gateway
                                                    0                                40.0 ms
billing ▸ process billing  queued 16.0 ms  40.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
"##);
    let output = place.command(&["trace", "00f067aa0ba90004"]).env("COLUMNS", "60").output().unwrap();
    insta::assert_snapshot!(stdout(&output), @r##"
ship parcel  c0ffee00  ✓ ok  100 ms
billing · 1 span · 2026-11-20 09:25:46.100 UTC
child of POST /orders 4bf92f35, triggered by publish
orders:created in gateway

billing ▸ process billing  queued 16.0 ms  40.0 ms

parent run   POST /orders  ✗ error  4bf92f35
"##);
}

#[test]
fn json_is_json_and_nothing_else() {
    let place = Place::filled();
    let output = place.run(&["trace", &RUN[..16], "--format", "json"]);
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
    let graph = parsed(&output);
    assert_eq!(graph["schemaVersion"], 1);
    assert_eq!(graph["run"]["runId"], RUN);
    assert_eq!(graph["spans"].as_array().unwrap().len(), 3);
    let output = place.run(&["runs", "--format", "json", "--color", "always"]);
    let listed = parsed(&output);
    assert_eq!(listed["schemaVersion"], 1);
    let runs = listed["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2, "one of three was started by another");
    let each = parsed(&place.run(&["runs", "--children", "--format", "json"]));
    let part = each["runs"].as_array().unwrap().iter().find(|run| run["parentRunId"] == RUN).unwrap();
    assert_eq!((each["runs"].as_array().unwrap().len(), &part["name"]), (3, &"ship parcel".into()));
    let own = runs.iter().find(|r| r["runId"] == RUN).unwrap();
    assert_eq!(
        *own,
        json!({
            "runId": RUN, "name": "POST /orders", "status": "error", "services": ["billing", "gateway"], "spans": 3,
            "errors": 2, "startedAt": "2026-11-20T09:25:46.000000000Z", "endedAt": "2026-11-20T09:25:46.090000000Z",
            "durationMs": 90.0, "descendants": 1,
        })
    );
    let none = place.run(&["runs", "--format", "json", "--name", "nothing is called so"]);
    assert_eq!((code(&none), parsed(&none)["runs"].clone()), (0, json!([])));
    let again = place.run(&["import", "/dev/null", "--format", "json"]);
    assert_eq!(parsed(&again)["stored"], 0);
}

#[test]
fn runs_are_listed_and_filtered() {
    let place = Place::filled();
    let output = place.run(&["runs"]);
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
    // How long ago that was depends on the time of the test.
    let without_age = |shown: String| -> String {
        shown.lines().filter_map(|l| Some(l.rsplit_once("  ")?.0.trim_end().to_owned() + "\n")).collect()
    };
    insta::assert_snapshot!(without_age(stdout(&output)), @r##"
run            status   name                 services          spans  errors     took
4bf92f3577b30  ✓ ok     GET /orders          gateway               1       –  3.00 ms
4bf92f3577b34  ✗ error  POST /orders +1 run  billing, gateway      3       2  90.0 ms
"##);
    insta::assert_snapshot!(without_age(stdout(&place.run(&["runs", "--children"]))), @r##"
run            status   name           services          spans  errors     took
4bf92f3577b30  ✓ ok     GET /orders    gateway               1       –  3.00 ms
c0ffee0000000  ✓ ok     ↳ ship parcel  billing               1       –   100 ms
4bf92f3577b34  ✗ error  POST /orders   billing, gateway      3       2  90.0 ms
"##);
    let names = |args: &[&str]| -> Vec<String> {
        let output = place.run(&[&["runs", "--children", "--format", "json"], args].concat());
        let runs = parsed(&output)["runs"].as_array().unwrap().clone();
        runs.iter().map(|r| r["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&[]), ["GET /orders", "ship parcel", "POST /orders"]);
    assert_eq!(names(&["--limit", "1"]), ["GET /orders"]);
    assert_eq!(names(&["--status", "error"]), ["POST /orders"]);
    assert_eq!(names(&["--service", "billing"]), ["ship parcel", "POST /orders"]);
    assert_eq!(names(&["--name", "orders"]), ["GET /orders", "POST /orders"]);
    assert_eq!(names(&["--since", "2026-11-20T09:25:46.15Z"]), ["GET /orders"]);
    assert_eq!(names(&["--until", "2026-11-20T09:25:46.1Z"]), ["POST /orders"]);
    assert_eq!(names(&["--min-duration", "50ms"]), ["ship parcel", "POST /orders"]);
    assert_eq!(names(&["--error", "card decl"]), ["POST /orders"]);
    assert_eq!(names(&["--attribute", "spanbridge.handoff.status=confirmed"]), ["POST /orders"]);
    assert_eq!(names(&["--attribute", "spanbridge.handoff.status=conf"]), [""; 0]);
    assert_eq!(names(&["--attribute", "spanbridge.handoff.status", "--error", "x y"]), [""; 0]);
    assert_eq!(names(&["--sort", "longest"]), ["ship parcel", "POST /orders", "GET /orders"]);
    assert_eq!(names(&["--sort", "oldest", "--limit", "2"]), ["POST /orders", "ship parcel"]);
    assert_eq!(names(&["--sort", "errors", "--limit", "1"]), ["POST /orders"]);
    assert_eq!(names(&["--limit", "2", "--page", "2"]), ["POST /orders"]);
    assert_eq!(names(&["--page", "3"]), [""; 0]);
    assert_eq!(stdout(&place.run(&["runs", "--count", "--name", "orders"])), "2\n");
    let counted = parsed(&place.run(&["runs", "--children", "--count", "--format", "json"]));
    assert_eq!(counted, json!({ "schemaVersion": 1, "count": 3 }));
    // A note says that there are more.
    let is_more = |args: &[&str]| {
        let said = stderr(&place.run(&[&["runs", "--children"], args].concat()));
        let more = parsed(&place.run(&[&["runs", "--children", "--format", "json"], args].concat()))["more"]
            .as_bool()
            .unwrap();
        assert_eq!(
            said,
            if more { "spanbridge: there are more runs; use --page 2 or --limit to see them\n" } else { "" }
        );
        more
    };
    assert!(is_more(&["--limit", "2"]) && !is_more(&["--limit", "3"]));
    assert!(!is_more(&["--limit", "1", "--status", "error"]));
    let output = place.run(&["runs", "--full-ids"]);
    assert!(stdout(&output).contains(OTHER));
    let output = place.run(&["runs", "--service", "nobody"]);
    assert_eq!(
        (code(&output), stdout(&output), stderr(&output)),
        (0, String::new(), "spanbridge: no run matches\n".into())
    );
}

#[test]
fn each_command_says_that_a_store_is_empty() {
    let (place, nowhere) = (Place::new(), Place::new());
    let empty = place.import("");
    assert_eq!((code(&empty), stdout(&empty)), (0, "0 records read\n".into()));
    for (args, expected, said) in [
        (&["runs"][..], 0, "the store has no runs yet"),
        (&["doctor"], 1, "failed to find a run to check: the store has no runs"),
        (&["export"], 0, "there are no records to write"),
        (&["trace", "abcd"], 1, "failed to find abcd: no run, trace or span has an id that begins with it"),
        (&["export", "abcd"], 1, "failed to find abcd: no run, trace or span has an id that begins with it"),
        (&["doctor", "abcd"], 1, "failed to find abcd: no run, trace or span has an id that begins with it"),
    ] {
        let output = place.run(args);
        assert_eq!((code(&output), stderr(&output)), (expected, format!("spanbridge: {said}\n")), "{args:?}");
        assert_eq!(stdout(&output), "", "{args:?}");
        let output = nowhere.run(args);
        assert_eq!((code(&output), stdout(&output)), (3, String::new()), "{args:?}");
    }
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    let place = Place::filled();
    let colored = |args: &[&str], env: &[(&str, &str)]| {
        let output = place.command(args).envs(env.iter().copied()).output().unwrap();
        assert_eq!(code(&output), 0);
        stdout(&output).contains('\u{1b}')
    };
    assert!(!colored(&["runs"], &[]));
    assert!(colored(&["runs", "--color", "always"], &[("NO_COLOR", "1")]));
    assert!(colored(&["runs"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&["runs"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!colored(&["runs", "--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn good_lines_are_stored_bad_ones_are_named() {
    let place = Place::new();
    let mut text = lines(&records());
    text.insert_str(0, "{\"schemaVersion\":1,\n\n");
    text.push_str("nonsense \u{1b}[31m\n");
    text.push_str(&format!("{{\"schemaVersion\":1,\"recordId\":\"x-1\",\"type\":\"weather\",\"runId\":\"{RUN}\",\"traceId\":\"{RUN}\",\"segmentId\":\"5e90000000000009\",\"segmentSeq\":1,\"service\":\"x\"}}\n"));
    text.push_str(&"[]\n".repeat(7));
    let output = place.import(&text);
    assert_eq!(code(&output), 1);
    assert_eq!(stdout(&output), "8 records read: 7 new, 1 of unknown type (weather), 9 bad lines\n");
    let said = stderr(&output);
    assert!(said.contains("line 1 of standard input: failed to read a record: "), "{said}");
    assert!(said.contains("line 10 of") && said.contains("… and 4 more bad lines"), "{said}");
    assert!(
        said.ends_with(
            "spanbridge: failed to read 9 bad lines, 1 record of unknown type; everything else was imported\n"
        ),
        "{said}"
    );
    assert!(!said.contains('\u{1b}'));
    let again = place.import(&lines(&records()));
    assert_eq!((code(&again), stdout(&again)), (0, "7 records read: 0 new, 7 already stored\n".into()));
}

#[test]
fn a_missing_file_does_not_stop_the_others() {
    let place = Place::new();
    let there = place.dir.path().join("there.jsonl");
    std::fs::write(&there, lines(&records())).unwrap();
    let output = place.run(&["import", "not-there.jsonl", there.to_str().unwrap()]);
    assert_eq!((code(&output), stdout(&output)), (1, "7 records read: 7 new\n".into()));
    assert!(stderr(&output).starts_with("spanbridge: failed to read not-there.jsonl: "), "{}", stderr(&output));
}

#[test]
fn what_was_exported_can_be_imported() {
    let place = Place::filled();
    let all = stdout(&place.run(&["export"]));
    assert_eq!(all.lines().count(), 7);
    let elsewhere = Place::new();
    assert_eq!(code(&elsewhere.import(&all)), 0);
    let sorted = |text: String| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(stdout(&elsewhere.run(&["export"]))), sorted(all.clone()));
    let file = place.dir.path().join("one.jsonl");
    let output = place.run(&["export", CHILD, "-o", file.to_str().unwrap()]);
    assert_eq!((code(&output), stdout(&output)), (0, String::new()));
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 3);
    let output = place.run(&["export", "-o", place.db().to_str().unwrap()]);
    assert_eq!(code(&output), 2, "the store is not overwritten");
    assert_eq!(stdout(&place.run(&["export"])), all);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let place = Place::new();
    let mut many = Vec::new();
    for n in 0..5_000 {
        let mut record = records().swap_remove(0);
        record["spanId"] = format!("{:016x}", n + 1).into();
        record["recordId"] = format!("5e90000000000001-{}", n + 1).into();
        record["segmentSeq"] = (n + 1).into();
        record["name"] = format!("span {n}").into();
        many.push(record);
    }
    assert_eq!(code(&place.import(&lines(&many))), 0);
    for args in [&["export"][..], &["trace", RUN], &["trace", RUN, "--format", "json"]] {
        let mut child = place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((code(&output), stderr(&output)), (0, String::new()), "{args:?}");
    }
}

#[test]
fn the_named_store_is_used() {
    let place = Place::filled();
    let runs = |named: Option<&Path>, variable: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
        command.args(["runs", "--format", "json"]).env("SPANBRIDGE_DB", variable);
        if let Some(path) = named {
            command.arg("--db").arg(path);
        }
        code(&command.output().unwrap())
    };
    let nowhere = place.dir.path().join("nowhere.db");
    assert_eq!(runs(None, &place.db()), 0);
    assert_eq!(runs(Some(&place.db()), &nowhere), 0);
    assert_eq!(runs(Some(&nowhere), &place.db()), 3);
}

#[test]
#[cfg(not(feature = "clickhouse"))]
fn a_store_that_is_not_built_in_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_spanbridge"))
        .args(["runs", "--db", "clickhouse://ada:secret@db/spans"])
        .output()
        .unwrap();
    assert_eq!(code(&output), 2);
    let said = stderr(&output);
    assert!(said.contains("without the feature clickhouse\n  Install one that was: cargo install"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

/// `export` takes the options of `runs`, and writes the runs that those list; with an operation, all of its runs.
#[test]
fn export_chooses_as_runs_does() {
    let place = Place::filled();
    let exported = |args: &[&str]| -> std::collections::BTreeSet<String> {
        let output = place.run(&[&["export"], args].concat());
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
        let text = stdout(&output);
        let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.filter_map(|record| Some(record["runId"].as_str()?.to_owned())).collect()
    };
    for args in [
        &["--status", "error"][..],
        &["--name", "orders"],
        &["--service", "billing"],
        &["--since", "2026-11-20T09:25:46.05Z"],
        &["--until", "2026-11-20T09:25:46.1Z"],
        &["--min-duration", "50ms"],
        &["--attribute", "spanbridge.handoff.status=confirmed"],
        &["--error", "card decl"],
    ] {
        let each = [args, &["--children"]].concat();
        let listed = parsed(&place.run(&[&["runs", "--format", "json"], &each[..]].concat()));
        let listed = listed["runs"].as_array().unwrap().iter().map(|run| run["runId"].as_str().unwrap().to_owned());
        assert_eq!(exported(&each), listed.collect(), "{args:?}");
        assert_eq!(code(&place.run(&[&["export", RUN], args].concat())), 2, "{args:?}");
    }
    assert_eq!(exported(&["--error", "card decl"]).len(), 2);
}
