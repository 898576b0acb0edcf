//! The group changes in the middle of a batch.

use crate::support::{Topic, assert_same, open, records, until};
use spanbridge_relay::collect::{CollectEvent, CollectFigures, Collected, collect};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

/// Another collector joins while the first stores a batch, works, and leaves.
fn joins_and_leaves(test: &str, parameters: &str) {
    let Some(topic) = Topic::new(test, 4) else { return };
    let all = records(0..300);
    let (early, late) = all.split_at(all.len() / 2);
    topic.send(early);
    let dir = tempfile::tempdir().unwrap();
    let mut options = topic.options(parameters);
    options.max_records = 100;
    let [first, second] = [0, 1].map(|_| Arc::new(CollectFigures::default()));
    let [stop_first, stop_second, revoked] = [0, 1, 2].map(|_| AtomicBool::new(false));
    let stored = || first.totals().stored + second.totals().stored;
    scope(|scope| {
        let one = scope.spawn(|| {
            let mut store = open(dir.path());
            let mut waits = true;
            let mut into = |records: Vec<spanbridge::record::Record<'_>>| {
                // The batch is in work until the group has heard of the other one.
                if std::mem::take(&mut waits) {
                    until("a second member", || topic.members() == 2);
                }
                store.import(records)
            };
            let each = |event: CollectEvent<'_>| {
                if let CollectEvent::Revoked(_) = event {
                    revoked.store(true, Ordering::Relaxed);
                }
            };
            collect(&options, &mut into, &first, &stop_first, &each).unwrap()
        });
        until("a batch in work", || first.totals().partitions.len() == 4);
        let two = scope.spawn(|| {
            let mut store = open(dir.path());
            collect(&options, &mut |records| store.import(records), &second, &stop_second, &|_| ()).unwrap()
        });
        until("the rebalance", || second.totals().partitions.len() == 2 && revoked.load(Ordering::Relaxed));
        topic.send(late);
        until("work of the second", || second.totals().stored > 0);
        stop_second.store(true, Ordering::Relaxed);
        assert_eq!(two.join().unwrap(), Collected::Everything);
        until("everything", || stored() == all.len() as u64);
        stop_first.store(true, Ordering::Relaxed);
        assert_eq!(one.join().unwrap(), Collected::Everything);
    });
    assert_same(&open(dir.path()), &all);
    assert_eq!(topic.uncommitted(), 0);
    let (first, second) = (first.totals(), second.totals());
    // Who finishes its batch and commits before it gives partitions away leaves nothing to be read twice.
    assert_eq!((first.repeated, second.repeated), (0, 0), "{first:?} {second:?}");
    assert_eq!(first.given_up + second.given_up, 0);
}

#[test]
fn a_member_joins_in_mid_batch() {
    joins_and_leaves("cooperative", "");
}

/// All partitions go, and come again.
#[test]
fn a_member_joins_an_eager_group() {
    joins_and_leaves("eager", "partition.assignment.strategy=range");
}
