//! Messages that were never settled, by the records of their run.

mod common;

use common::*;
use spanbridge::record::{AttributeValue, Body, Edge, Endpoint, Record};
use spanbridge::{Status, semconv};
use spanbridge_graph::{Checkup, FailureKind, GapKind, Graph, Hints, Unsettled, Why};

const QUEUE: &str = "events:order:mail";
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// `shop` sends messages in a run that it ends ok, and `mailer` works on them. Times are in milliseconds.
struct Story {
    shop: Recording,
    mail: Recording,
    records: Vec<Record<'static>>,
}

impl Story {
    fn new() -> Self {
        let (mut shop, mail) = (Recording::of(run(1), 1, "shop"), Recording::of(run(1), 2, "mailer"));
        let mut records = vec![shop.run_start("order", 0)];
        for id in [1, 2] {
            records.push(shop.step((id, 0), ("messaging.publish", "publish"), "events:order", (id, id + 1), vec![]));
        }
        records.push(shop.run_end(5, Status::Ok));
        Story { shop, mail, records }
    }

    /// Work on the first message from 10 to 20.
    fn work(self, id: u64, said: Said) -> Self {
        self.work_on(1, id, (10, 20), QUEUE, said)
    }

    fn work_on(mut self, sender: u64, id: u64, at: (u64, u64), from: &str, said: Said) -> Self {
        self.records.push(self.mail.step((id, sender), ("messaging.process", "process"), from, at, said));
        self
    }

    /// The last span ended so, or has no end.
    fn ended(mut self, status: Option<Status>) -> Self {
        if let Some(Body::Span(span)) = self.records.last_mut().map(|record| &mut record.body) {
            span.end = status.map(|status| end(20, status));
        }
        self
    }

    fn settle(self, work: u64, operation: &'static str, at: u64, said: Said) -> Self {
        self.settle_from(QUEUE, work, operation, at, said)
    }

    fn settle_from(mut self, from: &str, work: u64, operation: &'static str, at: u64, said: Said) -> Self {
        let step = ("messaging.settle", operation);
        self.records.push(self.mail.step((work + 50, work), step, from, (at, at + 1), said));
        self
    }

    /// How many messages count so many milliseconds after the beginning, whatever other runs say.
    fn count(&self, at: u64) -> u64 {
        Unsettled::of(&self.graph()).count(T0 + at * MS, |_| false)
    }

    fn graph(&self) -> Graph {
        Graph::build(run(1), &self.records)
    }

    /// Whether `doctor` finds a message that was not settled, if it knows this run alone.
    fn has_gap(&self, at: u64) -> bool {
        let mut checkup = Checkup::new(T0 + at * MS);
        checkup.check(&self.graph());
        checkup
            .gaps()
            .iter()
            .any(|gap| matches!(gap.kind, GapKind::NotSettled | GapKind::NeverSettled | GapKind::NoEnd))
    }
}

fn yes(key: &'static str) -> (&'static str, AttributeValue<'static>) {
    (key, AttributeValue::Bool(true))
}

/// The attributes of a message that has to be acknowledged.
fn acked(tag: i64) -> Said {
    vec![(semconv::SETTLE_EXPECTED, text("ack")), (semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(tag))]
}

fn again(tag: i64) -> Said {
    [acked(tag), vec![yes(semconv::DELIVERY_REDELIVERED)]].concat()
}

/// A message of Kafka, whose offset has to be dealt with so.
fn kafka(expected: Option<&'static str>, offset: i64) -> Said {
    let how = match expected {
        Some(call) => (semconv::SETTLE_EXPECTED, text(call)),
        None => yes(semconv::SETTLE_AUTOMATIC),
    };
    let said = [
        (semconv::MESSAGING_SYSTEM, text("kafka")),
        (semconv::MESSAGING_CONSUMER_GROUP, text("mail")),
        (semconv::MESSAGING_PARTITION_ID, text("0")),
        (semconv::KAFKA_OFFSET, AttributeValue::I64(offset)),
    ];
    [vec![how], said.to_vec()].concat()
}

/// It counts from a minute after the work ended, which is when `doctor` finds it; and no longer once it is settled, however late.
#[test]
fn it_counts_from_a_minute_on_until_settled() {
    let open = Story::new().work(10, acked(1));
    assert_eq!((open.count(20 + MINUTE - 1), open.has_gap(20 + MINUTE - 1)), (0, false));
    assert_eq!((open.count(20 + MINUTE), open.has_gap(20 + MINUTE)), (1, true));
    assert_eq!(open.count(365 * 24 * HOUR), 1, "nobody settles it any more");
    let late = open.settle(10, "ack", 20 + 5 * MINUTE, vec![]);
    assert_eq!((late.count(HOUR), late.has_gap(HOUR)), (0, false));
}

/// Whoever crashed leaves work without an end. That counts an hour after the last sign of its run.
#[test]
fn broken_work_counts_after_an_hour() {
    let crashed = Story::new().work(10, acked(1)).ended(None);
    assert_eq!((crashed.count(10 + HOUR - 1), crashed.has_gap(10 + HOUR - 1)), (0, false));
    assert_eq!((crashed.count(10 + HOUR), crashed.has_gap(10 + HOUR)), (1, true));
    // The process died between the end of the work and the ack, and the broker delivered the message again.
    for before in [None, Some(Status::Ok), Some(Status::Cancelled)] {
        let again = Story::new().work(10, acked(1)).ended(before).work_on(1, 11, (100, 110), QUEUE, again(2));
        assert_eq!(again.count(HOUR), 1, "the last attempt was not settled");
        assert_eq!(again.settle(11, "ack", 111, vec![]).count(2 * HOUR), 0);
    }
}

/// Each way in which a message is settled, or need not be.
#[test]
fn settled_messages_do_not_count() {
    let multiple = || vec![(semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(2)), yes(semconv::SETTLE_MULTIPLE)];
    let requeue = || vec![yes(semconv::SETTLE_REQUEUE)];
    let stored = [kafka(Some("store_offset"), 7), vec![yes(semconv::SETTLE_STORED)]].concat();
    let two = || Story::new().work(10, acked(1)).work_on(2, 11, (12, 25), QUEUE, acked(2));
    let cases = [
        ("ack", Story::new().work(10, acked(1)).settle(10, "ack", 21, vec![])),
        ("ack of a later one", two().settle(11, "ack", 26, multiple())),
        (
            "requeued, then acknowledged",
            Story::new()
                .work(10, acked(1))
                .settle(10, "nack", 21, requeue())
                .work_on(1, 11, (30, 40), QUEUE, again(2))
                .settle(11, "ack", 41, vec![]),
        ),
        (
            "two attempts of a driver at one delivery",
            Story::new()
                .work(10, acked(1))
                .ended(Some(Status::Error))
                .work_on(1, 11, (30, 40), QUEUE, acked(1))
                .settle(11, "ack", 41, vec![]),
        ),
        ("before the work", Story::new().settle(10, "ack", 5, vec![]).work(10, acked(1))),
        ("no_ack", Story::new().work(10, vec![yes(semconv::SETTLE_AUTOMATIC)])),
        ("of a function", Story::new().work(10, vec![(semconv::FAAS_TRIGGER, text("pubsub"))])),
        ("Kafka, by the client", Story::new().work(10, kafka(None, 7))),
        ("Kafka, stored", Story::new().work(10, stored)),
    ];
    for (what, story) in cases {
        assert_eq!((story.count(24 * HOUR), story.has_gap(24 * HOUR)), (0, false), "{what}");
    }
}

/// What was not settled, although others were.
#[test]
fn unsettled_messages_count() {
    let requeue = || vec![yes(semconv::SETTLE_REQUEUE)];
    // Nothing says whether the consumer needs acks, but it acknowledges others.
    let tag = |tag| vec![(semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(tag))];
    let two = Story::new().work(10, tag(1)).work_on(2, 11, (12, 25), QUEUE, tag(2));
    let cases = [
        ("requeued, and then nothing", {
            Story::new().work(10, acked(1)).settle(10, "nack", 21, requeue()).work_on(1, 11, (30, 40), QUEUE, again(2))
        }),
        ("others are acknowledged", two.settle(11, "ack", 26, vec![])),
        ("Kafka, not stored", Story::new().work(10, kafka(Some("store_offset"), 7))),
        ("cancelled", Story::new().work(10, acked(1)).ended(Some(Status::Cancelled))),
    ];
    for (what, story) in cases {
        assert_eq!((story.count(24 * HOUR), story.has_gap(24 * HOUR)), (1, true), "{what}");
    }
}

/// What the run alone cannot tell is left to `doctor`, and what is counted otherwise is not counted twice.
#[test]
fn what_is_not_certain_does_not_count() {
    let mut answered = Story::new().work(10, acked(1));
    let span = |id| Endpoint::Span { trace_id: trace(1), span_id: span_id(id) };
    answered.records.push(answered.shop.record(Body::Edge(Edge::new("replied.to", span(99), span(1)))));
    let cases = [
        // A commit for this and others is in another run.
        Story::new().work(10, kafka(Some("commit"), 7)),
        // Perhaps the consumer uses `no_ack`.
        Story::new().work(10, vec![(semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(1))]),
        Story::new().work(10, acked(1)).ended(Some(Status::Error)),
        Story::new().work(10, acked(1)).settle(10, "ack", 21, vec![]).ended(Some(Status::Error)),
        answered,
    ];
    let failed = cases.each_ref().map(|story| (story.count(24 * HOUR), story.graph().run.failed_work.failed));
    assert_eq!(failed, [(0, 0), (0, 0), (0, 1), (0, 1), (0, 0)]);
}

/// If a service settles messages of several runs with one call, what became of a message may be in another run.
#[test]
fn receivers_that_settle_others_are_known() {
    let said = vec![(semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(9)), yes(semconv::SETTLE_MULTIPLE)];
    let multiple = Story::new().work(10, acked(9)).settle(10, "ack", 21, said);
    let before_its_work = Story::new().settle(1, "ack", 5, vec![]);
    let one_by_one = Story::new().work(10, acked(1)).settle(10, "ack", 21, vec![]);
    let committed = Story::new().settle(1, "commit", 5, vec![]);
    let others = |story: &Story| Unsettled::of(&story.graph()).settle_others;
    let mailer = others(&multiple);
    assert_eq!((mailer.len(), others(&before_its_work), others(&one_by_one)), (1, mailer.clone(), vec![]));
    assert_eq!(others(&committed), Vec::<u64>::new(), "whether that is read depends on the rest of the run");
    assert_eq!(mailer, [Unsettled::receiver("mailer", "rabbitmq")]);
    let left = Unsettled::of(&Story::new().work(10, acked(1)).graph());
    assert_eq!(left.count(T0 + HOUR * MS, |receiver| mailer.contains(&receiver)), 0);
    assert_eq!(left.count(T0 + HOUR * MS, |_| false), 1);
}

/// Totals of runs see each record once, in any order, and must know whether the records are to be read.
#[test]
fn records_hint_at_what_is_not_settled() {
    let settled = || Story::new().work(10, acked(1)).settle(10, "ack", 21, vec![]);
    let cases = [
        (settled(), false),
        (settled().work_on(2, 11, (12, 25), QUEUE, acked(2)), true),
        (Story::new().work(10, vec![(semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(1))]), true),
        (Story::new().work(10, kafka(None, 7)), false),
        (Story::new().work(10, kafka(Some("commit"), 7)), false),
        (Story::new().work(10, kafka(Some("store_offset"), 7)), true),
        (settled().settle(1, "ack", 5, vec![]), true),
    ];
    for (place, (mut story, is_set)) in cases.into_iter().enumerate() {
        for _ in 0..2 {
            let mut hints = Hints::default();
            story.records.iter().for_each(|record| hints.add(&record.view().body()));
            assert_eq!(hints.is_set(), is_set, "{place}");
            story.records.reverse();
        }
    }
}

/// A message that goes back to its queue was not refused: `why` finds a failure only if the consumer gave it up.
#[test]
fn a_requeued_message_is_not_refused() {
    let nack = |requeue| vec![(semconv::SETTLE_REQUEUE, AttributeValue::Bool(requeue))];
    let kinds = |requeue| {
        let story = Story::new().work(10, acked(1)).settle(10, "nack", 21, nack(requeue));
        let why = Why::of(&[story.graph()], &[run(1)]).unwrap();
        why.failures.iter().map(|failure| failure.kind).collect::<Vec<_>>()
    };
    assert_eq!((kinds(true), kinds(false)), (vec![], vec![FailureKind::Refused]));
}
