//! Messages that are no records are set aside, and passed.

use crate::support::{Parts, SOON, Topic, assert_same, into_store, open, records};
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};
use spanbridge_relay::collect::{CollectEvent, CollectFigures, Collected, collect};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

/// All messages of the only partition of a topic.
fn contents(topic: &Topic, name: &str) -> Vec<OwnedMessage> {
    let mut config = topic.config();
    config.set("group.id", "reader").set("enable.partition.eof", "true").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(name, 0, Offset::Beginning).unwrap();
    consumer.assign(&list).unwrap();
    let mut all = Vec::new();
    while let Some(Ok(message)) = consumer.poll(SOON) {
        all.push(message.detach());
    }
    all
}

fn headers(message: &OwnedMessage) -> BTreeMap<String, String> {
    let text = |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
    message.headers().unwrap().iter().map(|header| (header.key.to_owned(), text(header.value))).collect()
}

#[test]
fn poison_is_set_aside_and_passed() {
    let Some(topic) = Topic::new("poison", 1) else { return };
    let all = records(0..30);
    let good: Vec<String> = all.iter().map(|record| record.to_json()).collect();
    let half = format!("{}\nno record\n{}\n{{}}\n", good[0], good[1]);
    let bad: [Parts<'_>; 5] = [
        (Some("k"), None, Some(b"rubbish")),
        (None, Some("1"), Some(b"\xff\xff")),
        (None, Some("2"), Some(good[2].as_bytes())),
        (None, Some("1"), None),
        (Some("half"), Some("1"), Some(half.as_bytes())),
    ];
    topic.send_each(bad.into_iter());
    topic.send(&all);
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let mut options = topic.options("");
    (options.until_end, options.max_records) = (true, 7);
    let (figures, said) = (Arc::new(CollectFigures::default()), Mutex::new(Vec::new()));
    let each = |event: CollectEvent<'_>| {
        if let CollectEvent::SetAside { source, .. } = event {
            said.lock().unwrap().push(source.to_owned());
        }
    };
    let collected = collect(&options, &mut *into_store(&mut store), &figures, &AtomicBool::new(false), &each).unwrap();
    assert_eq!(collected, Collected::Everything);
    drop(store);
    assert_same(&open(dir.path()), &all);
    assert_eq!(topic.uncommitted(), 0);
    let totals = figures.totals();
    assert_eq!((totals.set_aside, totals.faults, totals.messages), (5, 6, 35));
    assert_eq!((totals.stored, totals.lost, totals.lag()), (all.len() as u64, 0, 0));

    let dead = contents(&topic, &format!("{}.dead", topic.name));
    assert_eq!(dead.len(), 5);
    let sources: Vec<String> = (0..5).map(|offset| format!("{}/0/{offset}", topic.name)).collect();
    assert_eq!(*said.lock().unwrap(), sources);
    for (at, (message, (key, format, value))) in dead.iter().zip(bad).enumerate() {
        let headers = headers(message);
        assert_eq!(message.key(), key.map(str::as_bytes));
        assert_eq!(message.payload(), value);
        assert_eq!(headers.get("spanbridge-format").map(String::as_str), format);
        assert_eq!(headers["spanbridge-source"], sources[at]);
        let why = [
            "line 1: it is not one JSON object",
            "line 1: it is not UTF-8",
            "the header spanbridge-format says \"2\"",
            "it has no value",
            "line 2: it is not one JSON object",
        ][at];
        assert!(headers["spanbridge-error"].starts_with(why), "{headers:?}");
        assert_eq!(headers["spanbridge-error"].ends_with("(and 1 more)"), at == 4);
    }
}

/// Whatever the destination rejects is set aside with the message it was in.
#[test]
fn rejected_records_are_set_aside() {
    let Some(topic) = Topic::new("rejected", 1) else { return };
    topic.send(&records(0..5));
    let mut options = topic.options("");
    options.until_end = true;
    let figures = Arc::new(CollectFigures::default());
    // The last record of the batch belongs to the last message.
    let mut into = |records: Vec<spanbridge::record::Record<'_>>| {
        let mut report = crate::support::report(records.len() - 1);
        report.rejected.push((records.len() as u64 - 1, "too strange".to_owned()));
        Ok(report)
    };
    collect(&options, &mut into, &figures, &AtomicBool::new(false), &|_| ()).unwrap();
    let dead = contents(&topic, &format!("{}.dead", topic.name));
    let last = &dead[dead.len() - 1];
    assert_eq!(headers(last)["spanbridge-error"], "a record: too strange");
    assert_eq!(headers(last)["spanbridge-source"], format!("{}/0/4", topic.name));
    assert_eq!(figures.totals().set_aside, dead.len() as u64);
    assert_eq!(topic.uncommitted(), 0);
}

#[test]
fn a_topic_that_is_not_there() {
    let Some(topic) = Topic::new("missing", 1) else { return };
    let mut options = topic.options("");
    options.from = topic.url("").replace("collect.missing", "collect.nowhere").parse().unwrap();
    options.until_end = true;
    let figures = Arc::new(CollectFigures::default());
    let mut into = |records: Vec<spanbridge::record::Record<'_>>| Ok(crate::support::report(records.len()));
    let error = collect(&options, &mut into, &figures, &AtomicBool::new(false), &|_| ()).unwrap_err();
    assert_eq!(error.kind(), spanbridge_relay::ErrorKind::NotFound, "{error}");
    options.from = topic.url("no.such.property=1").parse().unwrap();
    let mut into = |records: Vec<spanbridge::record::Record<'_>>| Ok(crate::support::report(records.len()));
    let error = collect(&options, &mut into, &figures, &AtomicBool::new(false), &|_| ()).unwrap_err();
    assert_eq!(error.kind(), spanbridge_relay::ErrorKind::Property, "{error}");
}
