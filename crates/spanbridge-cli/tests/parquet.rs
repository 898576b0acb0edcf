//! `spanbridge export --to parquet`, and the way back.

#[path = "../../spanbridge-graph/tests/stories/planted.rs"]
mod planted;
#[path = "../../spanbridge-graph/tests/stories/story.rs"]
mod story;

use spanbridge::record::{Body, Record, RunEnd};
use spanbridge::{SegmentId, Status};
use spanbridge_query::Store;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

type Said = (Option<i32>, String, String);

fn command(store: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).arg("--db").arg(store).env_remove("SPANBRIDGE_DB").stdin(Stdio::null());
    command
}

fn run(store: &Path, args: &[&str]) -> Said {
    let output = command(store, args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn filled(records: impl IntoIterator<Item = Record<'static>>) -> TempDir {
    let store = tempfile::tempdir().unwrap();
    Store::open_or_create(store.path()).unwrap().import(records).unwrap();
    store
}

fn told(planted: &planted::Planted) -> TempDir {
    let mut story = story::Story::default();
    (planted.tell)(&mut story);
    filled(story.records)
}

fn export(store: &Path, file: &Path) {
    let args = ["export", "--to", "parquet", "-o", file.to_str().unwrap()];
    assert_eq!(run(store, &args), (Some(0), String::new(), String::new()));
}

fn exported(store: &Path) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("runs.parquet");
    export(store, &file);
    (dir, file)
}

/// The rows that a store has changes of: table and key.
fn rows(store: &Path) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let each = |record: Record<'_>| {
        if let Body::Mutation(m) = record.body {
            rows.push((m.table.into_owned(), m.key.into_owned()));
        }
    };
    Store::open(store).unwrap().records(None, each).unwrap();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// What every question about a store says, as JSON.
fn answers(store: &Path) -> Vec<(String, Said)> {
    let id = story::run_id(1).to_string();
    let mut questions: Vec<Vec<String>> = [
        &["why", &id] as &[&str],
        &["trace", &id],
        &["debug", &id],
        &["runs"],
        &["runs", "--status", "error", "--each-run"],
        &["doctor"],
    ]
    .map(|args| args.iter().map(|word| (*word).to_owned()).collect())
    .into();
    for (table, key) in rows(store) {
        for what in ["history", "blame"] {
            questions.push(vec!["state".to_owned(), what.to_owned(), table.clone(), key.clone()]);
        }
    }
    let ask = |mut args: Vec<String>| {
        args.extend(["--format".to_owned(), "json".to_owned()]);
        let said = run(store, &args.iter().map(String::as_str).collect::<Vec<_>>());
        (args.join(" "), said)
    };
    questions.into_iter().map(ask).collect()
}

#[test]
fn every_story_is_told_the_same() {
    let mut has_state = false;
    for planted in planted::ALL {
        let store = told(planted);
        let (_dir, file) = exported(store.path());
        let copy = filled([]);
        let (code, out, err) = run(copy.path(), &["import", file.to_str().unwrap()]);
        assert_eq!((code, &*err), (Some(0), ""), "{}: {out}", planted.name);
        let expected = answers(store.path());
        has_state |= expected.iter().any(|(question, said)| question.starts_with("state") && said.0 == Some(0));
        assert_eq!(answers(copy.path()), expected, "{}", planted.name);
        let (code, out, _) = run(copy.path(), &["import", file.to_str().unwrap()]);
        assert!(code == Some(0) && out.contains(" 0 new, "), "{}: {out}", planted.name);
    }
    assert!(has_state);
}

/// Standard input is known by its first bytes, too.
#[test]
fn a_file_goes_through_pipes() {
    let (store, copy) = (told(&planted::ALL[0]), filled([]));
    let mut export = command(store.path(), &["export", "--to", "parquet"]).stdout(Stdio::piped()).spawn().unwrap();
    let piped = export.stdout.take().unwrap();
    let output = command(copy.path(), &["import", "-"]).stdin(piped).output().unwrap();
    assert!(export.wait().unwrap().success() && output.status.success(), "{output:?}");
    assert_eq!(answers(copy.path()), answers(store.path()));
}

/// A file has its name once it is whole, and nothing else is left in its directory.
#[test]
fn a_file_is_whole_or_as_it_was() {
    let store = told(&planted::ALL[0]);
    let (dir, file) = exported(store.path());
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, "before").unwrap();
    // A command that fails leaves what was there.
    let (code, ..) = run(&dir.path().join("none"), &["export", "--to", "parquet", "-o", file.to_str().unwrap()]);
    assert_eq!((code, std::fs::read(&file).unwrap()), (Some(3), b"before".to_vec()));
    export(store.path(), &file);
    assert!(std::fs::read(&file).unwrap() == whole);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn filters_choose_runs() {
    let store = told(&planted::ALL[0]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("none.parquet");
    let (code, _, err) =
        run(store.path(), &["export", "--to", "parquet", "-o", file.to_str().unwrap(), "--service", "nobody"]);
    assert_eq!((code, &*err), (Some(0), "spanbridge: there are no records to write\n"));
    // A file without rows is a file.
    let (code, out, _) = run(filled([]).path(), &["import", file.to_str().unwrap()]);
    assert_eq!((code, &*out), (Some(0), "0 records read\n"));
}

/// Says what is wrong, with the file's name, on one line, and reads the other files.
fn refused(file: &Path, args: &[&str]) -> String {
    let good = told(&planted::ALL[0]);
    let (_dir, other) = exported(good.path());
    let into = filled([]);
    let paths = [file.to_str().unwrap(), other.to_str().unwrap()];
    let (code, out, err) = run(into.path(), &[&["import"], args, &paths].concat());
    assert!(code == Some(1) && out.contains(" new"), "{out}{err}");
    let line = err.lines().last().unwrap_or_default();
    assert!(!err.contains("panicked"), "{err}");
    line.to_owned()
}

#[test]
fn what_is_no_file_of_ours_is_said() {
    let store = told(&planted::ALL[0]);
    let (dir, file) = exported(store.path());
    let whole = std::fs::read(&file).unwrap();
    let name = file.to_str().unwrap();
    let bad = dir.path().join("bad.parquet");
    let put = |bytes: &[u8]| {
        std::fs::write(&bad, bytes).unwrap();
        refused(&bad, &[]).replace(dir.path().to_str().unwrap(), "")
    };
    let cut = "spanbridge: failed to read /bad.parquet: it is cut off: a Parquet file ends with PAR1";
    assert_eq!(put(&whole[..whole.len() / 2]), cut);
    assert_eq!(put(b"PAR1"), cut);
    let end = [&whole[..whole.len() - 8], b"\xff\xff\xff\x7fPAR1"].concat();
    assert_eq!(put(&end), "spanbridge: failed to read /bad.parquet: its metadata cannot be as long as it says");
    assert!(put(b"PAR1PAR1PAR1").starts_with("spanbridge: failed to read /bad.parquet: "));
    std::fs::write(&bad, "text").unwrap();
    assert!(refused(&bad, &["--from", "parquet"]).ends_with("it is no Parquet file"));
    // Of a page that is damaged, the row group is named.
    let mut damaged = whole.clone();
    damaged[30..300].fill(0x55);
    std::fs::write(&bad, damaged).unwrap();
    let into = filled([]);
    let (code, out, err) = run(into.path(), &["import", bad.to_str().unwrap()]);
    assert!(
        code == Some(1) && err.starts_with("spanbridge: row group 1 of ") && out.contains(" bad rows"),
        "{out}{err}"
    );
    let (_, out, _) = run(into.path(), &["import", bad.to_str().unwrap(), "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(report["bad"].as_u64() > Some(1) && report["badLines"][0]["request"] == 1, "{report}");
    let gzip = dir.path().join("runs.parquet.zst");
    std::fs::write(&gzip, zstd::encode_all(&whole[..], 1).unwrap()).unwrap();
    assert!(refused(&gzip, &[]).ends_with("Parquet is read as it is, without another compression around it"));
    assert!(name.ends_with("runs.parquet"));
}

/// Two records of one id: both are kept, and the row is named.
#[test]
fn a_conflict_names_its_row() {
    let ended = |at| Record::new(SegmentId::new(7).unwrap(), 1, "s", RunEnd::new(at, Status::Ok));
    let of_run = |record: Record<'static>| {
        let run = story::run_id(1);
        record.of_run(Some(run), spanbridge::TraceId::new(run.get()))
    };
    let (store, other) = (filled([of_run(ended(5))]), filled([of_run(ended(6))]));
    let (_dir, file) = exported(other.path());
    let (code, out, err) = run(store.path(), &["import", file.to_str().unwrap()]);
    assert!(code == Some(0) && out.contains("1 in conflict"), "{out}");
    assert!(err.starts_with("spanbridge: row 1 of "), "{err}");
}
