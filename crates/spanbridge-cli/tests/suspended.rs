//! Suspended, open and conflicted runs, from the recorder to the printed page.

use serde_json::Value;
use spanbridge::{Recorder, RunContext, RunId, observe};
use spanbridge_store::StoreSink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Runs as a process of its own.
fn process<T>(db: &Path, service: &str, work: impl FnOnce() -> T) -> T {
    let recorder = Recorder::builder(service).sink(StoreSink::open(db).unwrap()).build().unwrap();
    let done = recorder.in_scope(work);
    assert!(recorder.shutdown(Duration::from_secs(60)).complete);
    done
}

fn begin(name: &'static str) -> RunContext {
    let run = observe::run(name).open();
    run.in_scope(|| observe::span("ask").in_scope(|| ()));
    run.suspend("waiting for a person")
}

fn go_on(saved: &RunContext, end: bool) -> RunId {
    let run = observe::resume_run(saved.clone());
    run.in_scope(|| observe::span("decide").in_scope(|| ()));
    run.attribute("decision", "yes");
    let id = run.id().unwrap();
    if end {
        run.end()
    }
    id
}

fn spanbridge(db: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(arguments).arg("--db").arg(db).env_remove("COLUMNS").env("NO_COLOR", "1");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn each_is_listed_by_its_status() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    let [waiting, going, done, twice] =
        ["waits", "goes on", "done", "ended twice"].map(|name| process(&db, "flows", || begin(name)));
    process(&db, "decisions", || go_on(&going, false));
    process(&db, "decisions", || go_on(&done, true));
    process(&db, "decisions", || go_on(&twice, true));
    process(&db, "decisions", || go_on(&twice, true));
    let listed = |status: &str| {
        let json: Value =
            serde_json::from_str(&spanbridge(&db, &["runs", "--status", status, "--format", "json"])).unwrap();
        let rows = json["runs"].as_array().unwrap();
        rows.iter()
            .map(|r| (r["name"].as_str().unwrap().to_owned(), r["runId"].as_str().unwrap().to_owned()))
            .collect::<Vec<_>>()
    };
    for (status, name, saved) in [
        ("suspended", "waits", &waiting),
        ("open", "goes on", &going),
        ("ok", "done", &done),
        ("conflicted", "ended twice", &twice),
    ] {
        assert_eq!(listed(status), [(name.to_owned(), saved.run_id().unwrap().to_string())], "{status}");
    }
    assert!(spanbridge(&db, &["runs", "--status", "suspended"]).contains("‖ suspended  waits"));
}

#[test]
fn an_exported_run_looks_the_same_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    let saved = process(&db, "flows", || begin("ended twice"));
    let run = process(&db, "decisions", || go_on(&saved, true)).to_string();
    process(&db, "decisions", || go_on(&saved, true));
    let shown = spanbridge(&db, &["trace", &run]);
    for line in [
        "flows ▸ started",
        "└─ ask",
        "‖ suspended: waiting for a person  resumed 2 times",
        "├─ decisions ▸ resumed",
        "│  └─ decide",
        "! conflict: the run was ended twice: as ok by decisions (segment ",
    ] {
        assert!(shown.contains(line), "`{line}` is not there:\n{shown}");
    }
    let json = |db: &Path| spanbridge(db, &["trace", &run, "--format", "json"]);
    for to in ["lines", "otlp", "otlp-protobuf"] {
        let (copy, file) = (dir.path().join(to), dir.path().join(format!("run.{to}")));
        spanbridge(&db, &["export", &run, "--to", to, "--output", file.to_str().unwrap()]);
        spanbridge(&copy, &["import", file.to_str().unwrap()]);
        spanbridge(&copy, &["import", file.to_str().unwrap()]);
        assert_eq!(spanbridge(&copy, &["trace", &run]), shown);
        assert_eq!(json(&copy), json(&db));
        let graph: Value = serde_json::from_str(&json(&copy)).unwrap();
        assert_eq!(graph["run"]["attributes"], serde_json::json!({"decision": "yes"}));
    }
}

#[test]
fn who_is_not_asked_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("db");
    let saved = process(&db, "flows", || begin("approval"));
    let run = saved.run_id().unwrap().to_string();
    process(&db, "timeouts", || observe::end_run(saved, &Err::<(), _>("nobody decided in time")));
    let shown = spanbridge(&db, &["trace", &run]);
    let lines: Vec<&str> = shown.lines().map(|line| line.split("  pid").next().unwrap().trim_end()).collect();
    assert!(lines[0].starts_with("approval") && lines[0].contains("✗ error"), "{shown}");
    for line in ["nobody decided in time", "‖ suspended: waiting for a person  never resumed", "timeouts ▸ ended"] {
        assert!(lines.iter().any(|l| l.starts_with(line)), "`{line}` is not there:\n{shown}");
    }
}

/// If the clocks of its beginning and its end contradict each other, nobody knows how long a wait was.
#[test]
fn a_wait_that_ended_before_it_began() {
    let dir = tempfile::tempdir().unwrap();
    let (db, file) = (dir.path().join("db"), dir.path().join("run.jsonl"));
    let record = |segment: &str, seq: u32, rest: &str| {
        let run = "1".repeat(32);
        format!(
            r#"{{"schemaVersion":1,"recordId":"{segment}-{seq}","runId":"{run}","traceId":"{run}","segmentId":"{segment}","segmentSeq":{seq},"service":"flows",{rest}}}"#
        )
    };
    let (ahead, behind) = ("2026-11-20T11:00:00Z", "2026-11-20T10:00:00Z");
    let (a, b) = ("00000000000000a1", "00000000000000b1");
    let lines = [
        record(a, 3, &format!(r#""type":"run:start","name":"approval","startedAt":"{ahead}""#)),
        record(b, 3, &format!(r#""type":"run:end","endedAt":"{behind}","status":"ok""#)),
        record(a, 1, &format!(r#""type":"segment","startedAt":"{ahead}","resource":{{}},"via":"start""#)),
        record(
            a,
            2,
            &format!(r#""type":"run:suspend","suspensionId":"s","suspendedAt":"{ahead}","reason":"a person""#),
        ),
        record(
            b,
            1,
            &format!(r#""type":"segment","startedAt":"{behind}","resource":{{}},"via":"resume","suspensionId":"s""#),
        ),
        record(b, 2, &format!(r#""type":"run:resume","suspensionId":"s","resumedAt":"{behind}""#)),
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    spanbridge(&db, &["import", file.to_str().unwrap()]);
    let shown = spanbridge(&db, &["trace", "1111"]);
    let line = shown.lines().find(|line| line.starts_with("‖ suspended: a person")).unwrap();
    assert!(line.contains("resumed earlier, by another clock") && line.trim_end().ends_with('–'), "{shown}");
    assert!(shown.lines().next().unwrap().ends_with("✓ ok  ended before it began, by another clock"), "{shown}");
    let json: Value = serde_json::from_str(&spanbridge(&db, &["trace", "1111", "--format", "json"])).unwrap();
    assert!(json["run"].get("waitedMs").is_none() && json["run"].get("workedMs").is_none(), "{json}");
    let listed = spanbridge(&db, &["runs"]);
    assert!(listed.contains("✓ ok") && !listed.contains(" ns"), "{listed}");
}
