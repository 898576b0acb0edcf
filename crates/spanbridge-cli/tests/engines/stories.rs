//! Each planted story, and everything that can be asked about it: the same answers from a database as from a directory.

use crate::planted::ALL;
use crate::program::{Database, said};
use crate::server::{Running, options};
use crate::story::{Story, run_id};
use spanbridge::record::Body;
use spanbridge_query::Store;
use std::collections::BTreeSet;

/// The rows that a story changes: table and key.
fn rows(story: &Story) -> BTreeSet<(String, String)> {
    let mutations = story.records.iter().filter_map(|record| match &record.body {
        Body::Mutation(mutation) => Some((mutation.table.to_string(), mutation.key.to_string())),
        _ => None,
    });
    mutations.collect()
}

/// Lines of records are in the order in which they were stored, and records of one delivery in no order.
fn sorted(mut said: (Option<i32>, String, String), args: &[&str]) -> (Option<i32>, String, String) {
    if args.contains(&"lines") {
        let mut lines: Vec<&str> = said.1.lines().collect();
        lines.sort_unstable();
        said.1 = lines.join("\n");
    }
    said
}

#[test]
fn every_answer_is_the_same_from_a_database() {
    let run = run_id(1).to_string();
    for planted in ALL {
        let mut story = Story::default();
        (planted.tell)(&mut story);
        let Some(database) = Database::filled(&story.records) else { return };
        let dir = tempfile::tempdir().unwrap();
        Store::open_or_create(dir.path()).unwrap().import(story.records.iter().cloned()).unwrap();
        let places = [&*database.url, dir.path().to_str().unwrap()];
        let mut asked: Vec<Vec<&str>> = vec![
            vec!["diff", &run, &run, "--format", "json"],
            vec!["runs", "--count", "--format", "json"],
            vec!["export", "--to", "lines"],
            vec!["export", "--to", "otlp"],
            vec!["export", "--to", "mermaid", &run],
        ];
        let rows = rows(&story);
        for (table, key) in &rows {
            for question in ["history", "blame"] {
                asked.push(vec!["state", question, table, key, "--format", "json"]);
            }
        }
        for args in &asked {
            let [found, expected] = places.map(|db| sorted(said(db, args), args));
            assert_eq!(found, expected, "{}: {args:?}", planted.name);
            assert!(matches!(expected.0, Some(0 | 1)), "{}: {args:?}: {expected:?}", planted.name);
        }
        let servers = [options(database.url.as_ref()), options(dir.path())].map(Running::with);
        for path in ["", "/rows?findings=true&followChildren=true", "/why", "/doctor", "?criticalPath=true"] {
            let path = format!("/api/v1/runs/{run}{path}");
            let [found, expected] = servers.each_ref().map(|server| server.get(&path));
            assert_eq!((found.status, &found.text), (expected.status, &expected.text), "{}: {path}", planted.name);
        }
        for path in ["/api/v1/runs", "/api/v1/runs?children=true&status=error", &format!("/api/v1/diff/{run}/{run}")] {
            let [found, expected] = servers.each_ref().map(|server| server.json(path));
            assert_eq!(found, expected, "{}: {path}", planted.name);
        }
    }
}
