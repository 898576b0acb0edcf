//! Batches of many messages: recorded, stored and checked.

use spanbridge::adapter::{Handoff, HandoffStatus, Step, span};
use spanbridge::{Context, Recorder, observe, semconv};
use spanbridge_graph::Checkup;
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;
use std::path::Path;
use std::time::Duration;

const NEXT_DAY: u64 = 4_000_000_000_000_000_000;

fn recorder(service: &'static str, path: &Path) -> Recorder {
    Recorder::builder(service).sink(StoreSink::open(path).unwrap()).build().unwrap()
}

/// The work on a batch has one span, and only its links say that the messages were received. However many there are, none may
/// be reported as lost.
#[test]
fn every_message_of_a_large_batch_is_received() {
    for n in [1_000, 10_000] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("spanbridge.db");
        let (shop, mailer) = (recorder("shop", &path), recorder("mailer", &path));
        let sent: Vec<Context> = shop.in_scope(|| {
            let send = || {
                let handoff = Handoff::new(span("aws_sqs", Step::Send, "send", "orders").open());
                let context = handoff.context().clone();
                handoff.ended(HandoffStatus::Sent);
                context
            };
            let run = observe::run("import").open();
            let sent = run.in_scope(|| (0..n).map(|_| send()).collect());
            run.end();
            sent
        });
        mailer.in_scope(|| {
            let batch = span("aws_sqs", Step::Process, "process", "orders");
            let batch = batch.attribute(semconv::MESSAGING_BATCH_COUNT, n);
            sent.iter().fold(batch, |batch, sender| batch.link(sender)).in_scope(|| ())
        });
        assert!([shop, mailer].iter().all(|r| r.flush_blocking(Duration::from_secs(60)).complete));
        let store = Store::open(&path).unwrap();
        let runs: Vec<_> = store.runs(&RunFilter::default(), 10).unwrap().iter().map(|run| run.run_id).collect();
        assert_eq!(runs.len(), 2);
        for asked in [&runs[..], &runs[..1], &runs[1..]] {
            let gaps = store.gaps(asked, Checkup::new(NEXT_DAY)).unwrap();
            assert!(gaps.is_empty(), "{} gaps of {n}, as {:?}", gaps.len(), gaps[0]);
        }
    }
}
