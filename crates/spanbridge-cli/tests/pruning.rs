//! Old runs are removed from a database, by `prune` and by `serve --keep`; what comes late of them is told.
#![cfg(feature = "serve")]
#![allow(dead_code, unused_imports, reason = "without databases there is little to do")]

#[path = "../../spanbridge-query/tests/common/mod.rs"]
mod common;
#[path = "serve/server.rs"]
mod server;

use common::*;
use serde_json::{Value, json};
use server::{Running, options};
use spanbridge::Status;
use spanbridge::record::Record;
use spanbridge_cli::place::Place;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const DAY: Duration = Duration::from_secs(86_400);

/// A run that began so long ago, in three records.
fn order(n: u64, ago: Duration) -> Vec<Record<'static>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - ago;
    let from = (now.as_nanos() as u64 - T0) / MS;
    let mut recording = Recording::of(run(n.into()), n, "shop");
    let (start, step) = (recording.run_start("order", from), recording.span(n, 0, "step", from, from + 1));
    vec![start, step, recording.run_end(from + 2, Status::Ok)]
}

fn lines(records: &[Record<'_>]) -> String {
    records.iter().map(|record| record.to_json() + "\n").collect()
}

/// The exit code, standard output and standard error.
fn said(db: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    let output = command.args(["--db", db]).args(args).env_remove("SPANBRIDGE_DB").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn told(db: &str, args: &[&str]) -> Value {
    let (code, out, error) = said(db, &[args, &["--format", "json"]].concat());
    assert_eq!(code, Some(0), "{args:?}: {error}");
    serde_json::from_str(&out).unwrap()
}

fn runs(db: &str) -> Vec<Value> {
    told(db, &["runs"])["runs"].as_array().unwrap().iter().map(|run| run["name"].clone()).collect()
}

/// `prune` says what it does, and `import` what came late.
fn the_command_removes(db: &str) {
    Place::parse(db).open_or_create().unwrap().append([order(1, DAY * 40), order(2, DAY)].concat()).unwrap();
    let (code, _, error) = said(db, &["prune", "--max-size", "1GiB"]);
    assert_eq!(
        (code, error.contains("a database drops whole days and does not go by size")),
        (Some(2), true),
        "{error}"
    );
    let prune = ["prune", "--older-than", "30d", "--keep-failed"];
    let dry = told(db, &[&prune[..], &["--dry-run"]].concat());
    assert_eq!((&dry["runs"], &dry["spans"], &dry["dryRun"]), (&json!(1), &json!(1), &json!(true)), "{dry}");
    assert_eq!(runs(db).len(), 2);
    let (code, out, error) = said(db, &prune);
    assert_eq!((code, &*error), (Some(0), ""));
    assert!(out.starts_with("pruned 1 run with 1 span, and freed "), "{out}");
    assert_eq!(runs(db).len(), 1);
    let (_, out, _) = said(db, &prune);
    assert!(out.starts_with("no runs to prune; the store has "), "{out}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, lines(&[order(1, DAY * 40), order(3, DAY)].concat())).unwrap();
    let file = file.path().to_str().unwrap();
    let report = told(db, &["import", file]);
    assert_eq!(["read", "stored", "repeated", "late", "bad"].map(|key| report[key].as_u64().unwrap()), [6, 3, 0, 3, 0]);
    let (code, out, _) = said(db, &["import", file]);
    let expected = "6 records read: 0 new, 3 already stored, 3 too late, as what is that old was pruned\n";
    assert_eq!((code, &*out), (Some(0), expected));
    assert_eq!(runs(db).len(), 2);
}

/// A server removes by itself, and tells senders what is late, and counts it.
fn a_server_removes(db: &str) {
    Place::parse(db).open_or_create().unwrap().append([order(1, DAY * 40), order(2, DAY)].concat()).unwrap();
    let mut kept = options(db.as_ref());
    kept.keep_for = Some(DAY * 30);
    let server = Running::with(kept);
    let counted = |line: &str| server.get("/metrics").text.contains(&format!("\nspanbridge_serve_{line}\n"));
    let end = Instant::now() + Duration::from_secs(60);
    while !counted("pruned_runs_total 1") {
        assert!(Instant::now() < end, "nothing was removed: {}", server.get("/metrics").text);
        std::thread::park_timeout(Duration::from_millis(20));
    }
    assert_eq!(server.json("/api/v1/runs")["runs"].as_array().unwrap().len(), 1);
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let post = |path: &str, media: &str, body: &str| -> Value {
        let request = agent.post(format!("{}{path}", server.url)).header("content-type", media);
        serde_json::from_str(&request.send(body).unwrap().body_mut().read_to_string().unwrap()).unwrap()
    };
    let sent = lines(&[order(3, DAY), order(1, DAY * 40)].concat());
    let receipt = post("/api/v1/records", "application/x-ndjson", &sent);
    let why = "it is late: its run was pruned, or is older than what is kept";
    let rejected: Vec<Value> = (3..6).map(|at| json!({ "index": at, "reason": why })).collect();
    assert_eq!((&receipt["read"], &receipt["stored"], &receipt["rejected"]), (&json!(6), &json!(3), &json!(rejected)));
    assert!(
        counted("ingest_records_total{result=\"late\"} 3") && counted("ingest_records_total{result=\"rejected\"} 0")
    );
    let span = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00000000000000aa00000000000000aa","spanId":"00000000000000aa",
        "name":"send","kind":2,"startTimeUnixNano":"1600000000000000000","endTimeUnixNano":"1600000000005000000"}]}]}]}"#;
    let answer = post("/v1/traces", "application/json", span);
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], "1", "{answer}");
    assert!(answer["partialSuccess"]["errorMessage"].as_str().unwrap().ends_with(why), "{answer}");
    assert_eq!(server.json("/api/v1/runs")["runs"].as_array().unwrap().len(), 2);
}

#[cfg(feature = "postgres")]
mod postgres {
    use spanbridge_postgres::{Address, Postgres};

    /// A schema that nobody else uses. It is dropped with the value.
    struct Schema(String);

    impl Schema {
        fn new(name: &str) -> Option<Self> {
            let url = xtask::postgres::url()?;
            let separator = if url.contains('?') { '&' } else { '?' };
            Some(Self(format!("{url}{separator}schema=prune_{name}_{}", std::process::id())))
        }
    }

    impl Drop for Schema {
        fn drop(&mut self) {
            let _ = Postgres::drop_schema(&self.0.parse::<Address>().unwrap());
        }
    }

    #[test]
    fn the_command_removes_from_postgresql() {
        let Some(schema) = Schema::new("command") else { return };
        super::the_command_removes(&schema.0);
    }

    #[test]
    fn a_server_removes_from_postgresql() {
        let Some(schema) = Schema::new("server") else { return };
        super::a_server_removes(&schema.0);
    }
}

#[cfg(feature = "clickhouse")]
mod clickhouse {
    use spanbridge_clickhouse::{Address, Writer};

    /// A database that nobody else uses. It is dropped with the value.
    struct Database(String);

    impl Database {
        fn new(name: &str, url: Option<String>) -> Option<Self> {
            let url = url?;
            let (before, parameters) = url.split_once('?').unwrap_or((&url, ""));
            let before = before.rsplit_once('/')?.0;
            Some(Self(format!("{before}/prune_{name}_{}?{parameters}", std::process::id())))
        }
    }

    impl Drop for Database {
        fn drop(&mut self) {
            let _ = Writer::drop_database(&self.0.parse::<Address>().unwrap());
        }
    }

    #[test]
    fn the_command_removes_from_clickhouse() {
        for url in [xtask::clickhouse::url(), xtask::clickhouse::modern_url()] {
            let Some(database) = Database::new("command", url) else { continue };
            super::the_command_removes(&database.0);
        }
    }

    #[test]
    fn a_server_removes_from_clickhouse() {
        for url in [xtask::clickhouse::url(), xtask::clickhouse::modern_url()] {
            let Some(database) = Database::new("server", url) else { continue };
            super::a_server_removes(&database.0);
        }
    }
}
