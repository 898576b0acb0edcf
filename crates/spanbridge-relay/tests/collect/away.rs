//! The destination is away: nothing is dropped, the group stays, and it is said once.

use crate::support::{Topic, assert_same, open, records, report, until};
use spanbridge_query::{Error, ErrorKind};
use spanbridge_relay::collect::{CollectEvent, CollectFigures, Collected, collect};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::scope;

fn away() -> Error {
    Error::new(ErrorKind::Io, "store records: db1 did not answer")
}

#[test]
fn a_destination_that_comes_back() {
    let Some(topic) = Topic::new("away", 2) else { return };
    let all = records(0..100);
    topic.send(&all);
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let (failures, said) = (AtomicU32::new(0), Mutex::new(Vec::new()));
    let mut into = |records: Vec<spanbridge::record::Record<'_>>| match failures.fetch_add(1, Ordering::Relaxed) {
        0..4 => Err(away()),
        _ => store.import(records),
    };
    let mut options = topic.options("");
    (options.until_end, options.max_records) = (true, 100);
    let figures = Arc::new(CollectFigures::default());
    let each = |event: CollectEvent<'_>| match event {
        CollectEvent::Away { error } => said.lock().unwrap().push(error.to_owned()),
        CollectEvent::Back { .. } => said.lock().unwrap().push("back".to_owned()),
        _ => {}
    };
    let collected = collect(&options, &mut into, &figures, &AtomicBool::new(false), &each).unwrap();
    assert_eq!(collected, Collected::Everything);
    assert_eq!(*said.lock().unwrap(), ["store records: db1 did not answer", "back"]);
    let totals = figures.totals();
    assert_eq!((totals.retries, totals.stored, totals.repeated), (4, all.len() as u64, 0));
    assert!(totals.batches > 5, "{totals:?}");
    assert_same(&open(dir.path()), &all);
    assert_eq!(topic.uncommitted(), 0);
}

/// What is not stored when it ends is not committed, not even by the batch that comes after.
#[test]
fn an_end_while_it_is_away() {
    let Some(topic) = Topic::new("end-away", 1) else { return };
    let all = records(0..100);
    topic.send(&all);
    let mut options = topic.options("");
    options.max_records = 100;
    let (figures, stop) = (Arc::new(CollectFigures::default()), AtomicBool::new(false));
    let calls = AtomicU32::new(0);
    // The first batch is stored, the second is not, and then it would be back.
    let mut into = |records: Vec<spanbridge::record::Record<'_>>| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        if call == 0 || stop.load(Ordering::Relaxed) { Ok(report(records.len())) } else { Err(away()) }
    };
    let collected = scope(|scope| {
        let collecting = scope.spawn(|| collect(&options, &mut into, &figures, &stop, &|_| ()).unwrap());
        until("failed attempts", || figures.totals().retries > 1 && figures.totals().commits > 0);
        stop.store(true, Ordering::Relaxed);
        collecting.join().unwrap()
    });
    let totals = figures.totals();
    let left = topic.uncommitted();
    match collected {
        // It was back in time for an attempt that was due.
        Collected::Everything => assert_eq!(totals.given_up, 0),
        _ => assert_eq!((totals.given_up, totals.batches), (1, 1)),
    }
    assert_eq!(left, 100 - totals.messages as i64, "{totals:?}");
}

/// A topic that takes nothing: no offset is committed past what should be there.
#[test]
fn dead_letters_that_cannot_be_written() {
    let Some(topic) = Topic::new("dead-away", 1) else { return };
    topic.create(&format!("{}.dead", topic.name), 1, &[("max.message.bytes", "10")]);
    topic.send_each([(None, None, Some(b"rubbish" as &[u8]))].into_iter());
    topic.send(&records(0..3));
    let (figures, stop, said) =
        (Arc::new(CollectFigures::default()), AtomicBool::new(false), Mutex::new(String::new()));
    let options = topic.options("");
    let each = |event: CollectEvent<'_>| {
        if let CollectEvent::Away { error } = event {
            error.clone_into(&mut said.lock().unwrap());
        }
    };
    let collected = scope(|scope| {
        let collecting = scope
            .spawn(|| collect(&options, &mut |records| Ok(report(records.len())), &figures, &stop, &each).unwrap());
        until("attempts", || figures.totals().retries > 1);
        stop.store(true, Ordering::Relaxed);
        collecting.join().unwrap()
    });
    assert_eq!(collected, Collected::NotTheLast);
    assert_eq!(topic.uncommitted(), 4);
    assert!(said.lock().unwrap().contains(&format!("write to the topic {}.dead: ", topic.name)), "{said:?}");
}
