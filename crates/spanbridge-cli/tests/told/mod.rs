//! What the program says of each planted story over a database, and over a directory.

use crate::planted::ALL;
use crate::story::{Story, run_id};
use spanbridge::record::Record;
use spanbridge_query::Store;
use std::process::{Command, Output};

pub(crate) fn ask(db: &str, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).args(["--db", db]).env_remove("SPANBRIDGE_DB").output().unwrap()
}

pub(crate) fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Tells each story, whose cause is known, to a database. `store` is given the number of a story and its records, and returns the URL
/// and how to remove the database.
pub(crate) fn every_story<R: FnOnce()>(store: impl Fn(usize, &[Record<'static>]) -> (String, R)) {
    let run = run_id(1).to_string();
    for (n, planted) in ALL.iter().enumerate() {
        let mut story = Story::default();
        (planted.tell)(&mut story);
        let dir = tempfile::tempdir().unwrap();
        Store::open_or_create(dir.path()).unwrap().import(story.records.iter().cloned()).unwrap();
        let (url, remove) = store(n, &story.records);
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
        remove();
    }
}
