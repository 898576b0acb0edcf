//! The commands that look after a store: what they print, their exit codes, and what they leave alone.

#[path = "../../spanbridge-query/tests/common/mod.rs"]
mod common;

use common::*;
use insta::assert_snapshot;
use serde_json::{Value, json};
use spanbridge::Status;
use spanbridge::record::{AttributeValue, Body};
use spanbridge_store::StoreSink;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A store with a run of September that succeeded, one that failed and started it, and one of just now.
fn filled() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut sink = StoreSink::open(&path).unwrap();
    let mut failed = Recording::of(run(1), 1, "shop");
    let mut ok = Recording::of(run(2), 2, "mail");
    let mut new = Recording::of(run(3), 3, "mail");
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let now = (now - T0) / MS;
    let mut records = vec![failed.record(run_start("order", 0, None)), failed.failed(1, 0, "pay", 1, 2)];
    records.push(failed.run_end(9, Status::Error));
    records.push(ok.record(run_start("send", 3, Some((run(1), span_id(1))))));
    records.extend([ok.span(2, 0, "smtp", 3, 4), ok.run_end(5, Status::Ok)]);
    records.push(new.span(3, 0, "send", now, now + 1));
    let receipt = sink.deliver_records(1, 1, &records).unwrap();
    assert_eq!(receipt.rejected(), []);
    (dir, path)
}

/// The exit code, standard output and standard error.
fn said(path: &PathBuf, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).args(["--color", "never", "--db"]).arg(path).env("COLUMNS", "100");
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// What a command prints that succeeds.
fn printed(path: &PathBuf, args: &[&str]) -> String {
    let (code, out, beside) = said(path, args);
    assert_eq!((code, &*beside), (0, ""), "{args:?}: {out}");
    out
}

fn parsed(path: &PathBuf, args: &[&str]) -> Value {
    serde_json::from_str(&printed(path, &[args, &["--format", "json"]].concat())).unwrap()
}

/// Sizes differ from one release to the next.
fn without_sizes(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let is_unit = word.starts_with("KiB") || word.starts_with("MiB");
        match words.last_mut().filter(|_| is_unit) {
            Some(last) => *last = last.replace(|c: char| c.is_ascii_digit() || c == '.', "").replace('(', "(_") + "_",
            None if word == "B" || word == "B;" => *words.last_mut().unwrap() = "_".to_owned(),
            None => {}
        }
        words.push(word.to_owned());
    }
    words.join(" ").replace("__", "_")
}

#[test]
fn compact_says_what_it_folded() {
    let (_dir, path) = filled();
    assert_snapshot!(without_sizes(&printed(&path, &["compact"])), @"folded 1 delivery with 3 spans (575 B)");
    assert_snapshot!(printed(&path, &["compact"]), @"nothing to fold");
    let (_dir, path) = filled();
    let answer = parsed(&path, &["compact"]);
    let bytes = answer["bytes"].as_u64().unwrap();
    assert!(bytes > 0);
    let expected = json!({ "schemaVersion": 1, "deliveries": 1, "spans": 3, "bytes": bytes, "logsRemoved": 0 });
    assert_eq!(answer, expected);
}

#[test]
fn prune_says_what_went() {
    let (_dir, path) = filled();
    let old = ["prune", "--older-than", "30d", "--keep-failed"];
    let dry = [&old[..], &["--dry-run"]].concat();
    assert_snapshot!(without_sizes(&printed(&path, &dry)), @r##"
would prune 1 run with 1 span, and free about _ KiB; about _ KiB would be left
kept 1 run that failed
"##);
    assert_eq!(parsed(&path, &["runs", "--children"])["runs"].as_array().unwrap().len(), 3);
    assert_snapshot!(without_sizes(&printed(&path, &old)), @r##"
pruned 1 run with 1 span, and freed _ B; _ KiB are left
kept 1 run that failed
"##);
    assert_snapshot!(printed(&path, &["trace", &run(1).to_string()]), @r##"
order  11111111  ✗ error  9.00 ms
shop · 1 span · 1 error · 2026-09-21 14:13:20.000 UTC
                       0                                1.00 ms
✗ shop ▸ pay  1.00 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
  no luck

child run    pruned 22222222
"##);
    let shown = parsed(&path, &["trace", &run(1).to_string()]);
    assert_eq!(shown["prunedRuns"], json!([{ "runId": run(2).to_string(), "relation": "child" }]));
    assert!(parsed(&path, &["trace", &run(3).to_string()]).get("prunedRuns").is_none());
    let (code, out, beside) = said(&path, &["trace", &run(2).to_string()]);
    assert_eq!((code, &*out), (1, ""));
    assert!(beside.ends_with("the run was pruned\n"), "{beside}");
    assert_snapshot!(without_sizes(&printed(&path, &old)), @r##"
no runs to prune; the store has _ KiB
kept 1 run that failed
"##);
    let rest = parsed(&path, &["prune", "--max-size", "0B"]);
    assert_eq!((&rest["runs"], &rest["keptOpen"], &rest["dryRun"]), (&json!(2), &json!(0), &json!(false)));
    assert!(rest["bytes"].is_u64() && rest["bytesLeft"].is_u64());
}

/// What only the old index has comes back.
#[test]
fn what_was_put_aside_can_be_imported() {
    let (_dir, path) = filled();
    printed(&path, &["compact"]);
    let before = printed(&path, &["export"]);
    fs::remove_file(&spanbridge_store::log::list(&path).unwrap()[0].path).unwrap();
    let aside = parsed(&path, &["check", "--rebuild", "--yes"])["putAside"].as_str().unwrap().to_owned();
    let lost = said(&path, &["check"]);
    assert_eq!(lost.0, 0, "{lost:?}");
    printed(&path, &["import", &aside]);
    let lines = |text: &str| text.lines().map(ToOwned::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(lines(&printed(&path, &["export"])), lines(&before));
}

/// A watcher folds what comes, and says so, until it is stopped.
#[test]
fn compact_can_watch() {
    use std::io::{BufRead, BufReader};
    let (_dir, path) = filled();
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(["compact", "--watch", "--format", "json", "--db"]).arg(&path).stdout(std::process::Stdio::piped());
    let mut watcher = command.spawn().unwrap();
    let mut lines = BufReader::new(watcher.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["spans"], 3);
    // A little stays in the log.
    let mut shop = Recording::of(run(9), 9, "shop");
    let mut sink = StoreSink::open(&path).unwrap();
    let mut deliver = |number, records: &[_]| {
        assert_eq!(sink.deliver_records(2, number, records).unwrap().rejected(), []);
    };
    deliver(1, &[shop.span(90, 0, "late", 1, 2)]);
    let mut noise = start(91, 0, "large", 1);
    let text: String =
        (0..2 << 20).map(|n| char::from(b'a' + (spanbridge_graph::hash::join(n, n) % 26) as u8)).collect();
    noise.attributes = attributes(&[("text", AttributeValue::Str(text.into()))]);
    deliver(2, &[shop.record(Body::Span(noise.with_end(Some(end(2, Status::Ok)))))]);
    let next = next();
    assert!(next["spans"] == 2 || next["spans"] == 1, "{next}");
    watcher.kill().unwrap();
    watcher.wait().unwrap();
}

/// Reading a store folds it, a little each time, unless that cannot be.
#[test]
fn every_command_folds_for_a_moment() {
    let (_dir, path) = filled();
    // What is little and new stays in the logs.
    let log = &spanbridge_store::log::list(&path).unwrap()[0].path;
    let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    fs::File::options().append(true).open(log).unwrap().set_modified(hours_ago).unwrap();
    printed(&path, &["export"]);
    assert!(printed(&path, &["compact"]).starts_with("nothing to fold"));
}

#[test]
fn prune_needs_a_criterion() {
    let (_dir, path) = filled();
    let wrong = [
        &["prune"][..],
        &["prune", "--keep-failed"],
        &["prune", "--dry-run"],
        &["prune", "--older-than", "long"],
        &["prune", "--max-size", "large"],
        &["check", "--yes"],
        &["backup"],
    ];
    for args in wrong {
        let (code, out, beside) = said(&path, args);
        assert_eq!((code, &*out), (2, ""), "{args:?}: {beside}");
    }
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "nothing is made");
}

#[test]
fn check_says_what_is_wrong() {
    let (_dir, path) = filled();
    printed(&path, &["compact"]);
    assert_snapshot!(without_sizes(&printed(&path, &["check"])), @r##"
logs   1 file, 575 B, 1 delivery, 7 records; _ B not folded
index  _ KiB, 3 runs, 3 spans, 1 block

nothing is wrong
"##);
    let sound = parsed(&path, &["check"]);
    assert_eq!((&sound["problems"], &sound["losses"], &sound["index"]["runs"]), (&json!([]), &json!([]), &json!(3)));
    let log = spanbridge_store::log::list(&path).unwrap()[0].path.clone();
    let mut bytes = fs::read(&log).unwrap();
    let last = bytes.len() - 9;
    bytes[last] ^= 1;
    fs::write(&log, bytes).unwrap();
    rusqlite::Connection::open(path.join("index.db")).unwrap().execute("UPDATE run SET status = 1", []).unwrap();
    let (code, out, beside) = said(&path, &["check"]);
    assert_eq!((code, &*beside), (1, ""));
    assert_snapshot!(without_sizes(&out).replace(&*log.file_name().unwrap().to_string_lossy(), "LOG"), @r##"
logs   1 file, 575 B, 0 deliveries, 0 records; _ B not folded
index  _ KiB, 3 runs, 3 spans, 1 block

! log_damaged: LOG, bytes 45 to 575: they were folded, and cannot be read any more
  It was folded before, so the index may have it. Check the disk.

! run_differs: run 22222222222222220000000000000002: in the list and by its records, its status is error and ok
  Restore a backup, or make the index again from the logs that are left with `spanbridge check --rebuild --yes`. The old one is put aside; what can be read in it can be imported.

! run_differs: run 33333333333333330000000000000003: in the list and by its records, its status is error and ok
  Restore a backup, or make the index again from the logs that are left with `spanbridge check --rebuild --yes`. The old one is put aside; what can be read in it can be imported.
"##);
    let (code, out, _) = said(&path, &["check", "--format", "json"]);
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &found["problems"][1]["kind"]), (1, &json!("run_differs")));
}

#[test]
fn a_rebuild_needs_a_yes() {
    let (_dir, path) = filled();
    printed(&path, &["compact"]);
    let index = fs::read(path.join("index.db")).unwrap();
    let (code, out, beside) = said(&path, &["check", "--rebuild"]);
    assert_eq!((code, &*out), (2, ""));
    assert_snapshot!(beside, @"spanbridge: failed to make the index again without --yes: runs whose logs were removed after they were folded are in the index alone, which is put aside");
    assert_eq!(fs::read(path.join("index.db")).unwrap(), index);
    fs::remove_file(&spanbridge_store::log::list(&path).unwrap()[0].path).unwrap();
    let out = printed(&path, &["check", "--rebuild", "--yes"]);
    let aside = fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()).find(|path| path.is_dir()).unwrap();
    assert_snapshot!(out.replace(&*aside.to_string_lossy(), "ASIDE"), @r##"
made the index again, with 0 runs and 0 spans
3 runs are in the old one alone, which is in ASIDE
`spanbridge import ASIDE` brings back what can be read in it
"##);
}

/// A path may be no text.
#[cfg(target_os = "linux")]
#[test]
fn json_names_any_directory() {
    use std::os::unix::ffi::OsStrExt;
    let (dir, path) = filled();
    let odd = dir.path().join(std::ffi::OsStr::from_bytes(b"st\xffre"));
    fs::rename(path, &odd).unwrap();
    printed(&odd, &["compact"]);
    let sound = parsed(&odd, &["check"]);
    assert!(sound["index"]["path"].as_str().unwrap().contains("st\u{fffd}re"), "{sound}");
    let made = parsed(&odd, &["check", "--rebuild", "--yes"]);
    assert!(made["putAside"].as_str().unwrap().contains("st\u{fffd}re"), "{made}");
}

#[test]
fn backup_says_where_the_copy_is() {
    let (dir, path) = filled();
    let copy = dir.path().join("copy");
    let target = copy.to_str().unwrap();
    let out = printed(&path, &["backup", target]);
    assert_snapshot!(without_sizes(&out.replace(target, "DIR")), @"copied _ KiB to DIR");
    let (code, out, beside) = said(&path, &["backup", target]);
    assert_eq!((code, &*out), (2, ""));
    assert!(beside.contains("the directory is not empty"), "{beside}");
    let json = parsed(&path, &["backup", dir.path().join("other").to_str().unwrap()]);
    assert_eq!(json["logs"], 1);
}

#[test]
fn a_store_that_is_not_there_is_code_3() {
    let dir = tempfile::tempdir().unwrap();
    let none = dir.path().join("none");
    let commands =
        [&["compact"][..], &["check"], &["prune", "--older-than", "1d"], &["backup", "/tmp/spanbridge-none"]];
    for args in commands {
        let (code, out, beside) = said(&none, args);
        assert_eq!((code, &*out), (3, ""), "{args:?}");
        assert!(beside.starts_with("spanbridge: failed to open the store "), "{beside}");
        assert!(!none.exists());
    }
}

/// Only directories are looked after. Where an old store goes with one, a backup says that it has no copy of it.
#[test]
fn old_stores_are_left_alone() {
    let (dir, path) = filled();
    let old = dir.path().join("old.db");
    rusqlite::Connection::open(&old).unwrap().execute_batch("CREATE TABLE t(x)").unwrap();
    let before = fs::read(&old).unwrap();
    for args in [&["compact"][..], &["check"], &["prune", "--older-than", "1d"]] {
        let (code, _, beside) = said(&old, args);
        assert_eq!(code, 3, "{args:?}");
        let advice = format!("only read; `spanbridge import --db {0} {0}` moves its records over", old.display());
        assert!(beside.contains(&advice), "{beside}");
    }
    fs::rename(&path, dir.path().join("old.db.store")).unwrap();
    printed(&old, &["compact"]);
    let copy = dir.path().join("copy");
    let (code, out, beside) = said(&old, &["backup", copy.to_str().unwrap()]);
    assert_eq!(code, 0, "{beside}");
    assert!(
        out.starts_with("copied ") && beside.contains("old.db is of an earlier release and was not copied"),
        "{beside}"
    );
    assert_eq!(parsed_runs(&copy), 3);
    assert_eq!(fs::read(&old).unwrap(), before);
}

fn parsed_runs(path: &PathBuf) -> usize {
    parsed(path, &["runs", "--children"])["runs"].as_array().unwrap().len()
}
