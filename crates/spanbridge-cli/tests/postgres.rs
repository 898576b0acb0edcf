//! The commands over a PostgreSQL say what they say over a directory.

#[path = "../../spanbridge-graph/tests/stories/planted.rs"]
mod planted;
#[path = "../../spanbridge-graph/tests/stories/story.rs"]
mod story;
mod told;

use spanbridge_postgres::{Address, Postgres};
use spanbridge_query::engine::Engine;
use told::{ask, every_story, said};

/// The URL with a schema that nobody else uses.
fn url_of(url: &str, n: usize) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}schema=cli_{}_{n}", std::process::id())
}

/// A batch is stored twice.
#[test]
fn every_story_is_told_the_same() {
    let Some(url) = xtask::postgres::url() else { return };
    every_story(|n, records| {
        let url = url_of(&url, n);
        let address: Address = url.parse().unwrap();
        let mut engine = Postgres::open_or_create(&address).unwrap();
        for _ in 0..2 {
            engine.store(records).unwrap();
        }
        (url, move || Postgres::drop_schema(&address).unwrap())
    });
}

/// Nor is the password in what they say.
#[test]
fn a_server_that_is_away_is_named() {
    for db in ["postgres://ada:secret@127.0.0.1:1/spans", "postgresql://ada:secret@127.0.0.1:1/spans"] {
        let (code, _, stderr) = said(&ask(db, &["runs"]));
        assert_eq!(code, Some(3));
        assert!(stderr.contains("connect to 127.0.0.1:1/spans") && !stderr.contains("secret"), "{stderr}");
    }
    for url in
        ["postgres://ada:secret@db:port/x", "postgres://ada:secret@db/x?sslmode=no", "postgres://ada:secret@db/x?a=b"]
    {
        let (code, _, stderr) = said(&ask(url, &["runs"]));
        assert_eq!((code, stderr.contains("secret")), (Some(2), false), "{stderr}");
    }
}

#[test]
fn a_database_without_tables_is_named() {
    let Some(url) = xtask::postgres::url() else { return };
    let (code, _, stderr) = said(&ask(&url_of(&url, 1000), &["runs"]));
    assert_eq!(code, Some(3));
    assert!(stderr.contains("has no tables of spanbridge"), "{stderr}");
}
