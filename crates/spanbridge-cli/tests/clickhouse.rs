//! The commands over a ClickHouse say what they say over a directory.

#[path = "../../spanbridge-graph/tests/stories/planted.rs"]
mod planted;
#[path = "../../spanbridge-graph/tests/stories/story.rs"]
mod story;
mod told;

use spanbridge_clickhouse::{Address, Writer};
use told::every_story;

/// The URL with a database that nobody else uses.
fn url_of(url: &str, n: usize) -> String {
    let (before, parameters) = url.split_once('?').unwrap_or((url, ""));
    let before = before.rsplit_once('/').unwrap().0;
    format!("{before}/cli_{}_{n}?{parameters}", std::process::id())
}

/// By a cluster of two shards, Debian's 18.16.
#[test]
fn every_story_is_told_the_same() {
    if let Some(url) = xtask::clickhouse::url() {
        stories(&url);
    }
}

#[test]
fn todays_clickhouse_tells_the_same() {
    if let Some(url) = xtask::clickhouse::modern_url() {
        stories(&url);
    }
}

/// Each with a known cause. A batch is inserted twice.
fn stories(url: &str) {
    every_story(|n, records| {
        let url = url_of(url, n);
        let address: Address = url.parse().unwrap();
        let writer = Writer::open(&address).unwrap();
        for _ in 0..2 {
            writer.insert(records.iter().map(|record| record.view())).unwrap();
        }
        (url, move || Writer::drop_database(&address).unwrap())
    });
}
