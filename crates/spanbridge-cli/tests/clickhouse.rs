//! The commands over a ClickHouse say what they say over a directory.

#[path = "../../spanbridge-graph/tests/stories/planted.rs"]
mod planted;
#[path = "../../spanbridge-graph/tests/stories/story.rs"]
mod story;

use planted::ALL;
use spanbridge_clickhouse::{Address, Writer};
use spanbridge_query::Store;
use std::process::{Command, Output};
use story::{Story, run_id};

/// The URL with a database that nobody else uses.
fn url_of(url: &str, n: usize) -> String {
    let (before, parameters) = url.split_once('?').unwrap_or((url, ""));
    let before = before.rsplit_once('/').unwrap().0;
    format!("{before}/cli_{}_{n}?{parameters}", std::process::id())
}

fn ask(db: &str, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).args(["--db", db]).env_remove("SPANBRIDGE_DB").output().unwrap()
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Each with a known cause. A batch is inserted twice.
#[test]
fn every_story_is_told_the_same() {
    let Some(url) = xtask::clickhouse::url() else { return };
    let run = run_id(1).to_string();
    for (n, planted) in ALL.iter().enumerate() {
        let mut story = Story::default();
        (planted.tell)(&mut story);
        let dir = tempfile::tempdir().unwrap();
        Store::open_or_create(dir.path()).unwrap().import(story.records.iter().cloned()).unwrap();
        let url = url_of(&url, n);
        let address: Address = url.parse().unwrap();
        let writer = Writer::open(&address).unwrap();
        for _ in 0..2 {
            writer.insert(story.records.iter().map(|record| record.view())).unwrap();
        }
        for args in [
            &["why", &run] as &[&str],
            &["trace", &run],
            &["debug", &run],
            &["runs"],
            &["runs", "--status", "error", "--each-run"],
            &["doctor"],
        ] {
            let json = [args, &["--format", "json"]].concat();
            let [found, expected] = [&*url, dir.path().to_str().unwrap()].map(|db| said(&ask(db, &json)));
            assert_eq!(found, expected, "{}: {args:?}", planted.name);
        }
        Writer::drop_database(&address).unwrap();
    }
}
