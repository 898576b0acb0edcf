//! An old store with a damaged delivery: every command does what it can, and says what it skipped.

#[path = "../../spanbridge-query/tests/common/mod.rs"]
mod common;

use common::old::OldWriter;
use common::*;
use insta::assert_snapshot;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// Three deliveries of two runs. The second cannot be read, and has records of both.
fn damaged() -> (tempfile::TempDir, PathBuf) {
    let (dir, path) = place();
    let mut writer = OldWriter::open(&path);
    let (mut shop, mut mail) = (Recording::of(run(1), 1, "shop"), Recording::of(run(2), 2, "mail"));
    writer.deliver(7, 1, &[shop.span(1, 0, "order", 0, 9)]);
    writer.deliver(7, 2, &[shop.span(2, 1, "pay", 2, 3), mail.span(3, 0, "send", 2, 3)]);
    writer.deliver(7, 3, &[mail.span(4, 3, "smtp", 2, 3)]);
    drop(writer);
    let damage = "UPDATE delivery SET run_tails = x'ff', aggregates = x'ff' WHERE id = 2";
    Connection::open(&path).unwrap().execute_batch(damage).unwrap();
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

/// What every command says of an old store.
fn hint(path: &std::path::Path) -> String {
    let shown = path.display();
    format!(
        "spanbridge: {shown} is of an earlier release and is only read, which takes long if it is large; \
         `spanbridge import --db {shown} {shown}` moves its records to the current form\n"
    )
}

const TOLD: &str = "delivery 2 is damaged and was skipped (its directory does not fit together); its records are \
                    missing here";

#[test]
fn each_command_reports_it_on_standard_error() {
    let (_dir, path) = damaged();
    let hint = hint(&path);
    let expected = format!(
        "{hint}spanbridge: {TOLD}\n  Restore the file from a backup, or export what can be read with `spanbridge \
         export` and import it into a new store.\n"
    );
    let id = run(1).to_string();
    for (args, code) in [
        (&["runs"][..], 0),
        (&["runs", "--format", "json"], 0),
        (&["trace", &id], 0),
        (&["doctor"], 1),
        (&["export"], 0),
    ] {
        let (found, out, beside) = said(&path, args);
        assert_eq!((found, beside), (code, expected.clone()), "{args:?}: {out}");
        assert!(!out.is_empty(), "{args:?}");
    }
    assert_snapshot!(said(&path, &["trace", &id]).1, @r##"
order  11111111  ✓ ok  9.00 ms
shop · 1 span · 2026-09-21 14:13:20.000 UTC
                       0                                9.00 ms
shop ▸ order  9.00 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

! store.damaged: delivery 2 is damaged and was skipped (its directory does not fit together); its
  records are missing here
"##);
    assert_snapshot!(said(&path, &["doctor", &id]).1, @r##"
no gap was found in this run, but not everything could be judged

? not judged ×1
  11111111  order by shop, without a context
  why  The message came without a context, and no run that was read sends to its destination.

? not judged ×1
  11111111  order by shop
  why  No settlement is recorded, and nothing says whether the message needs one.
"##);
    let (code, out, beside) = said(&path, &["trace", &span_id(3).to_string()]);
    assert_eq!((code, &*out), (1, ""));
    assert!(beside.starts_with(&expected) && beside.contains("no run, trace or span has an id"), "{beside}");
}

#[test]
fn in_json_it_is_a_diagnostic() {
    let (_dir, path) = damaged();
    let told = json!({ "code": "store.damaged", "message": TOLD, "count": 1 });
    for args in [&["runs"][..], &["trace", "1111"], &["doctor"]] {
        let (_, out, _) = said(&path, &[args, &["--format", "json"]].concat());
        let json: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["diagnostics"], json!([told]), "{args:?}");
    }
}

#[test]
fn an_export_saves_what_can_be_read() {
    let (dir, path) = damaged();
    let (lines, anew) = (dir.path().join("lines"), dir.path().join("anew.db"));
    assert_eq!(said(&path, &["export", "--output", lines.to_str().unwrap()]).0, 0);
    let (code, out, beside) = said(&anew, &["import", lines.to_str().unwrap()]);
    assert_eq!((code, &*beside), (0, ""), "{out}");
    assert_eq!(said(&anew, &["runs"]).1.lines().count(), 3, "a heading, and both runs");
}

/// As the hint says: afterwards the same path means the same store, in the current form.
#[test]
fn an_old_store_is_moved_by_import() {
    let (_dir, path) = place();
    let mut writer = OldWriter::open(&path);
    writer.deliver(7, 1, &[Recording::of(run(1), 1, "shop").span(1, 0, "order", 0, 9)]);
    drop(writer);
    let (code, before, beside) = said(&path, &["runs"]);
    assert_eq!((code, beside), (0, hint(&path)));
    let (code, out, _) = said(&path, &["import", path.to_str().unwrap()]);
    assert_eq!((code, &*out), (0, "1 record read: 1 new\n"));
    let (code, after, beside) = said(&path, &["runs"]);
    assert_eq!((code, &after), (0, &before));
    assert!(beside.contains("was imported into"), "{beside}");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(said(&path, &["runs"]), (0, before, String::new()));
}

/// Logs that went before they were folded are no damage, and no backup brings them back.
#[test]
fn what_was_removed_is_no_damage() {
    let (_dir, path) = place();
    let limits = spanbridge_store::Limits::new().file_bytes(1);
    let mut sink = spanbridge_store::StoreSink::open_with(&path, limits).unwrap();
    for n in 1..=3 {
        deliver(&mut sink, 7, n, &[Recording::of(run(n.into()), n, "shop").span(1, 0, "order", 0, 9)]);
    }
    let mut logs: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    logs.sort();
    std::fs::remove_file(&logs[0]).unwrap();
    assert_eq!(said(&path, &["compact"]).0, 0);
    let (code, _, beside) = said(&path, &["runs"]);
    assert_eq!(code, 0);
    assert!(beside.contains("this log was removed before it was seen, and records are missing here"), "{beside}");
    assert!(beside.contains("SPANBRIDGE_MAX_BYTES") && !beside.contains("damaged"), "{beside}");
}

/// Another store that cannot be read is as a file that cannot be read: the others are imported.
#[test]
fn one_unreadable_store_stops_no_import() {
    let (dir, path) = place();
    let mut sink = spanbridge_store::StoreSink::open(&path).unwrap();
    deliver(&mut sink, 7, 1, &[Recording::of(run(1), 1, "shop").span(1, 0, "order", 0, 9)]);
    let photos = dir.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    std::fs::write(photos.join("cat.jpg"), "meow").unwrap();
    let to = dir.path().join("collected");
    let (code, out, beside) = said(&to, &["import", photos.to_str().unwrap(), path.to_str().unwrap()]);
    assert_eq!((code, &*out), (1, "1 record read: 1 new\n"));
    assert!(beside.ends_with("photos: it is a directory of other files\n"), "{beside}");
}

/// A directory that was copied from another host.
#[test]
fn another_directory_is_imported() {
    let (dir, path) = place();
    let mut sink = spanbridge_store::StoreSink::open(&path).unwrap();
    deliver(&mut sink, 7, 1, &[Recording::of(run(1), 1, "shop").span(1, 0, "order", 0, 9)]);
    let to = dir.path().join("collected");
    for expected in ["1 record read: 1 new\n", "1 record read: 0 new, 1 already stored\n"] {
        let (code, out, beside) = said(&to, &["import", path.to_str().unwrap()]);
        assert_eq!((code, &*out, &*beside), (0, expected, ""));
    }
}
