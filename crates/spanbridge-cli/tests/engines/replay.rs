//! `spanbridge replay` and `import` over a database: what they write is there, as in a directory.

use crate::common::run;
use crate::program::{Database, said};
use crate::reports::diverged;
use crate::support::{Input, keep, order, reports};
use serde_json::Value;

fn json(db: &str, args: &[&str]) -> (Option<i32>, Value) {
    let (code, out, error) = said(db, args);
    (code, serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?}: {e}: {out}{error}")))
}

#[test]
fn a_replay_is_kept_in_the_database() {
    let records = order(Input::Whole);
    let Some(database) = Database::filled(&records) else { return };
    let (dir, of_worker, run) = (keep(records), tempfile::tempdir().unwrap(), run(1).to_string());
    let script = reports(of_worker.path(), &diverged());
    let places = [&*database.url, dir.path().to_str().unwrap()];
    let plans = places.map(|db| json(db, &["--format", "json", "replay", &run]));
    assert_eq!(plans[0], plans[1]);
    let replays = places.map(|db| json(db, &["--format", "json", "replay", &run, "--", "sh", "-c", &script]));
    assert_eq!((replays[0].0, &replays[0]), (Some(1), &replays[1]));
    let runs = places.map(|db| json(db, &["--format", "json", "runs", "--children"]).1);
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0]["runs"].as_array().unwrap().len() > 1, "{}", runs[0]);
}

/// What became of each record is said, also when they come again.
#[test]
fn an_import_says_what_became_of_each() {
    let Some(database) = Database::new() else { return };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("records.jsonl");
    let lines: String = order(Input::Whole).iter().map(|record| record.to_json() + "\n").collect();
    std::fs::write(&file, lines).unwrap();
    let store = dir.path().join("store");
    let places = [&*database.url, store.to_str().unwrap()];
    for stored in [true, false] {
        let reports = places.map(|db| json(db, &["--format", "json", "import", file.to_str().unwrap()]));
        assert_eq!(reports[0], reports[1]);
        assert_eq!(reports[0].1["stored"].as_u64().map(|n| n > 0), Some(stored), "{:?}", reports[0]);
    }
}
