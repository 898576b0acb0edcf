//! Attributes of a run reach its graph, whichever process gave them.

mod common;

use common::*;
use serde_json::json;
use spanbridge::{Recorder, observe};
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;
use std::path::Path;
use std::time::Duration;

/// A recorder that stands for a process.
fn process<R>(path: &Path, f: impl FnOnce(&dyn Fn()) -> R) -> R {
    let recorder = Recorder::builder("s").sink(StoreSink::open(path).unwrap()).on_flush_only().build().unwrap();
    let flush = || assert!(recorder.flush_blocking(Duration::from_secs(60)).complete);
    let result = recorder.in_scope(|| f(&flush));
    flush();
    result
}

#[test]
fn every_process_adds_to_them() {
    let (_dir, path) = place();
    let saved = process(&path, |flush| {
        let run = observe::run("approval").attribute("amount", 7).attribute("by", "web").open();
        flush();
        run.attribute("amount", 8);
        run.suspend("waiting for a person")
    });
    let attributes = || {
        let store = Store::open(&path).unwrap();
        let run = store.runs(&RunFilter::default(), 1).unwrap()[0].run_id;
        store.graph(run).unwrap().unwrap().to_json()["run"]["attributes"].clone()
    };
    assert_eq!(attributes(), json!({"amount": 8, "by": "web"}));
    process(&path, |_| {
        let run = observe::resume_run(saved);
        run.attributes(&[("approved", true.into()), ("by", "a person".into())]);
        run.end();
    });
    assert_eq!(attributes(), json!({"amount": 8, "by": "a person", "approved": true}));
}

/// A run that nobody declared has no attributes: those of its spans are theirs.
#[test]
fn a_run_without_an_owner_has_none() {
    let (_dir, path) = place();
    process(&path, |_| observe::span("s").attribute("k", 1).in_scope(|| ()));
    let store = Store::open(&path).unwrap();
    let run = store.runs(&RunFilter::default(), 1).unwrap()[0].run_id;
    assert_eq!(store.graph(run).unwrap().unwrap().to_json()["run"]["attributes"], json!({}));
}
