//! Payloads that were recorded whole come out of the store as they went in, before and after it is folded.

mod common;

use common::*;
use spanbridge::observe::{self, NewArtifact};
use spanbridge::{Recorder, semconv};
use spanbridge_query::index::FoldBudget;
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;
use std::time::Duration;

const MIB: usize = 1 << 20;

/// From a recorder to the graph: many in one run, as large as they may be, as text and as bytes.
#[test]
fn whole_payloads_reach_the_graph() {
    let (_dir, path) = place();
    let payload = |n: usize| match n % 2 {
        0 => format!("{n}: \u{e4}\"\\\n").repeat(MIB / 10).into_bytes(),
        _ => (0..MIB).map(|i| (i * 31 + n) as u8).collect(),
    };
    let recorder = Recorder::builder("s").sink(StoreSink::open(&path).unwrap()).on_flush_only().build().unwrap();
    recorder.in_scope(|| {
        for n in 0..6 {
            let span = observe::span("work").open();
            span.artifact(&NewArtifact::new(&format!("input {n}"), "text/plain", &payload(n)).whole(MIB));
            span.end();
            assert!(recorder.flush_blocking(Duration::from_secs(60)).complete);
        }
    });
    let check = |store: &Store| {
        let mut seen = 0;
        for run in store.runs(&RunFilter::default(), 10).unwrap() {
            let graph = store.graph(run.run_id).unwrap().unwrap();
            assert!(!graph.diagnostics.iter().any(|diagnostic| diagnostic.code == semconv::ARTIFACT_CUT));
            for artifact in &graph.artifacts {
                let n: usize = artifact.kind.trim_start_matches("input ").parse().unwrap();
                let text = artifact.preview.as_deref().unwrap();
                let bytes = match &*artifact.encoding {
                    "utf-8" => text.as_bytes().to_vec(),
                    _ => text
                        .as_bytes()
                        .chunks(2)
                        .map(|hex| u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap())
                        .collect(),
                };
                assert!(bytes == payload(n) && artifact.size_bytes == bytes.len() as u64, "{n}");
                seen += 1
            }
        }
        assert_eq!(seen, 6);
    };
    let store = Store::open(&path).unwrap();
    check(&store);
    assert!(store.fold(FoldBudget::everything(), |_| true).unwrap().unwrap().frames > 0);
    check(&store);
}
