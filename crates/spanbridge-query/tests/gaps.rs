//! What is missing in the record, and what only looks like it.

mod common;

use common::gaps::{clean, one_of_each};
use common::*;
use proptest::prelude::*;
use spanbridge::record::{AttributeValue, Body, Diagnostic, Event, Link, Record, Segment, SpanData, Via};
use spanbridge::{RunId, TraceId, semconv};
use spanbridge_graph::{Checkup, Gap, GapKind, Graph, NotJudgedReason};
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;
use std::collections::BTreeMap;
use std::time::Duration;

const DAY: u64 = 86_400_000 * MS;

fn graphs(records: &[Record<'static>]) -> Vec<Graph> {
    let mut runs: BTreeMap<RunId, Vec<Record<'static>>> = BTreeMap::new();
    for record in records {
        if let Some(run) = record.run_id {
            runs.entry(run).or_default().push(record.clone());
        }
    }
    runs.iter().map(|(run, records)| Graph::build(*run, records)).collect()
}

fn stored(records: &[Record<'static>]) -> (tempfile::TempDir, Store) {
    let (dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    for (number, chunk) in (1..).zip(records.chunks(16)) {
        deliver(&mut sink, 7, number, chunk);
    }
    (dir, Store::open(&path).unwrap())
}

fn all_runs(store: &Store) -> Vec<RunId> {
    store.runs(&RunFilter::default(), 1000).unwrap().iter().map(|r| r.run_id).collect()
}

fn kinds(gaps: &[Gap]) -> Vec<GapKind> {
    gaps.iter().map(|g| g.kind).collect()
}

#[test]
fn one_of_each_kind_is_found_and_nothing_else() {
    let (_dir, store) = stored(&one_of_each());
    let gaps = store.gaps(&all_runs(&store), Checkup::new(T0 + DAY)).unwrap();
    assert_eq!(kinds(&gaps), GapKind::all().collect::<Vec<_>>(), "{gaps:#?}");
    let runs: Vec<_> = gaps.iter().map(|g| g.run_id).collect();
    let expected =
        [11, 12, 30, 17, 13, 10, 14, 15, 22, 16, 23, 17, 31, 18, 28, 29, 19, 20, 26, 24].map(|n| Some(run(n)));
    assert_eq!(runs, [&expected[..], &[None, Some(run(25)), Some(run(21))]].concat());
    for gap in &gaps {
        assert!(!gap.what.is_empty() && !gap.likely_cause.contains("  ") && !gap.fix.contains(['{', '}']), "{gap:?}");
    }
}

#[test]
fn a_clean_store_has_none() {
    let (_dir, store) = stored(&clean());
    let checkup = store.check_up(&all_runs(&store), Checkup::new(T0 + DAY)).unwrap();
    assert_eq!((checkup.gaps(), checkup.not_judged()), (vec![], vec![]));
}

#[test]
fn one_run_is_enough_to_ask_about() {
    let (_dir, store) = stored(&one_of_each());
    let all = store.gaps(&all_runs(&store), Checkup::new(T0 + DAY)).unwrap();
    for n in (1..9).chain(10..32) {
        let own: Vec<_> = all.iter().filter(|g| g.run_id == Some(run(n))).cloned().collect();
        let mut alone = store.gaps(&[run(n)], Checkup::new(T0 + DAY)).unwrap();
        // What a process reports about itself concerns each run that it recorded at the time.
        alone.retain(|g| g.run_id.is_some());
        assert_eq!(alone, own, "run {n}");
    }
    let lost = store.gaps(&[run(21)], Checkup::new(T0 + DAY)).unwrap();
    assert_eq!(kinds(&lost), [GapKind::RecordsDropped, GapKind::RedactionFailed]);
    assert_eq!(kinds(&store.gaps(&[run(1)], Checkup::new(T0 + DAY)).unwrap()), []);
}

#[test]
fn what_may_still_arrive_is_no_gap() {
    // One second after everything: messages are on their way, and the run without an end has just recorded something.
    let now = T0 + 23_000 * MS;
    let soon = |checkup: Checkup| {
        let mut checkup = checkup;
        graphs(&one_of_each()).iter().for_each(|graph| checkup.check(graph));
        kinds(&checkup.gaps())
    };
    let waiting = [
        GapKind::NotReceived,
        GapKind::NoConsumer,
        GapKind::WorkNotRecorded,
        GapKind::NotSettled,
        GapKind::NeverSettled,
        GapKind::ParentMissing,
    ];
    let early = soon(Checkup::new(now));
    assert!(waiting.iter().chain([&GapKind::NoEnd]).all(|kind| !early.contains(kind)), "{early:?}");
    let impatient = soon(Checkup::new(now).grace(Duration::from_secs(1)));
    assert!(waiting.iter().all(|kind| impatient.contains(kind)), "{impatient:?}");
}

#[test]
fn runs_that_are_only_consulted_have_no_gaps() {
    let mut checkup = Checkup::new(T0 + DAY);
    graphs(&one_of_each()).iter().for_each(|graph| checkup.consult(graph));
    assert!(checkup.is_conclusive());
    assert_eq!(checkup.gaps(), []);
}

/// What may know more is read only within a limit. Then doctor says so.
#[test]
fn runs_that_were_not_read_are_counted() {
    let lost = || sent(&mut Recording::of(run(1), 1, "shop"), 1, 0);
    let others =
        |n: u64| (0..n).map(|n| Recording::of(run(0x1000 + u128::from(n)), 77, "x").span(0x1000 + n, 0, "x", 5, 6));
    for (others, expected) in [(others(500), vec![]), (others(600), vec![(NotJudgedReason::RunsNotRead, 100)])] {
        let (_dir, store) = stored(&others.chain([lost()]).collect::<Vec<_>>());
        let checkup = store.check_up(&[run(1)], Checkup::new(T0 + DAY)).unwrap();
        let not_judged: Vec<_> = checkup.not_judged().iter().map(|n| (n.reason, n.count)).collect();
        assert_eq!((kinds(&checkup.gaps()), not_judged), (vec![GapKind::NoConsumer], expected));
    }
}

/// A service that lost all its records is in no run. It said so after the last run that is stored.
#[test]
fn losses_of_whole_runs_are_reported() {
    let note = |code: &'static str| {
        let note = Body::Diagnostic(Diagnostic::new(code, "so it was"));
        [Recording::of(run(8), 8, "ghost").record(note).of_run(None, None)]
    };
    for (code, expected, unknown) in [
        ("dropped.sink", vec![GapKind::RecordsDropped], vec![]),
        ("store.log_lost", vec![GapKind::RecordsDropped], vec![]),
        ("nobody.knows", vec![], vec![NotJudgedReason::DiagnosticUnknown]),
        ("store.logs_removed", vec![], vec![]),
    ] {
        let (dir, path) = place();
        let mut sink = StoreSink::open(&path).unwrap();
        deliver(&mut sink, 7, 1, &clean());
        deliver(&mut sink, 8, 1, &note(code));
        let store = Store::open(&path).unwrap();
        let checkup = store.check_up(&all_runs(&store), Checkup::new(T0 + DAY)).unwrap();
        let not_judged: Vec<_> = checkup.not_judged().iter().map(|n| n.reason).collect();
        assert_eq!((kinds(&checkup.gaps()), not_judged), (expected, unknown), "{code}");
        drop(dir);
    }
}

/// Messages whose work is in other runs that link to their senders, checked alone and together.
fn nothing_is_missing(records: Vec<Record<'static>>, now: u64) {
    // Between sender and consumer there are too many other runs to find it by time.
    let others =
        (0..600u64).map(|n| Recording::of(run(0x1000 + u128::from(n)), 77, "x").span(0x1000 + n, 0, "x", 5, 6));
    let (_dir, store) = stored(&records.iter().cloned().chain(others).collect::<Vec<_>>());
    let said: std::collections::BTreeSet<RunId> = records.iter().filter_map(|r| r.run_id).collect();
    for run in &said {
        assert_eq!(store.gaps(&[*run], Checkup::new(now)).unwrap(), [], "{run} alone");
    }
    assert_eq!(store.gaps(&all_runs(&store), Checkup::new(now)).unwrap(), []);
    assert_eq!(store.gaps(&said.into_iter().collect::<Vec<_>>(), Checkup::new(now)).unwrap(), []);
}

const MAIL: &str = "events:order:mail";

fn sent(r: &mut Recording, id: u64, at: u64) -> Record<'static> {
    let said = vec![(semconv::HANDOFF_STATUS, text("confirmed"))];
    r.step((id, 0), ("messaging.publish", "publish"), "events:order", (at, at + 2), said)
}

/// The work on a message and its settlement. The work has no parent and links to these spans.
fn taken(r: &mut Recording, id: u64, at: u64, links: &[(TraceId, u64)], mut said: Said) -> Vec<Record<'static>> {
    said.extend([
        (semconv::RABBITMQ_ROUTING_KEY, text("order")),
        (semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(1)),
    ]);
    let mut work = r.step((id, 0), ("messaging.process", "process"), MAIL, (at, at + 5), said);
    if let Body::Span(start @ SpanData { end: Some(_), .. }) = &mut work.body {
        let link = |(trace_id, id): &(_, u64)| Link::new(*trace_id, span_id(*id), attributes(&[]));
        start.links = links.iter().map(link).collect();
    }
    let ack = r.step((id + 50, id), ("messaging.settle", "ack"), MAIL, (at + 5, at + 6), vec![]);
    vec![work, ack]
}

const HOUR: u64 = 3_600_000;

#[test]
fn messages_of_consumers_without_trust_arrive() {
    let (mut shop, mut mail) = (Recording::of(run(1), 1, "shop"), Recording::of(run(2), 2, "mailer"));
    let mut records = vec![sent(&mut shop, 1, 0)];
    records.extend(taken(&mut mail, 2, HOUR, &[(trace(1), 1)], vec![]));
    nothing_is_missing(records, T0 + DAY);
}

#[test]
fn untrusted_batches_and_new_runs_arrive() {
    let (mut shop, mut mail) = (Recording::of(run(1), 1, "shop"), Recording::of(run(2), 2, "mailer"));
    let mut records = vec![sent(&mut shop, 1, 0), sent(&mut shop, 3, 1)];
    records.push(mail.record(run_start("send mail", HOUR, None)));
    let mut job = taken(&mut mail, 4, HOUR, &[(trace(1), 1)], vec![(semconv::RELATION, text("new_run"))]);
    if let Body::Span(start @ SpanData { end: Some(_), .. }) = &mut job[0].body {
        start.parent_span_id = Some(run(2).as_parent());
    }
    records.extend(job);
    records.push(mail.run_end(HOUR + 6, spanbridge::Status::Ok));
    let (mut batch, mut one) = (Recording::of(run(3), 3, "mailer"), Recording::of(run(4), 4, "mailer"));
    let count = vec![(semconv::MESSAGING_BATCH_COUNT, AttributeValue::I64(1))];
    records.push(batch.step((5, 0), ("messaging.process", "process"), MAIL, (HOUR, HOUR + 9), count));
    records.extend(taken(&mut one, 6, HOUR, &[(trace(1), 3), (trace(3), 5)], vec![]));
    nothing_is_missing(records, T0 + DAY);
}

/// It kept the context of the trace it came from. So its work continues there, and its publish span links to that.
#[test]
fn kept_contexts_of_other_traces_arrive() {
    let (mut first, mut relay) = (Recording::of(run(1), 1, "shop"), Recording::of(run(2), 2, "relay"));
    let mut forwarded = sent(&mut relay, 4, 10);
    if let Body::Span(start @ SpanData { end: Some(_), .. }) = &mut forwarded.body {
        let (trace_id, span_id) = (trace(1), span_id(1));
        start.links.push(Link::new(trace_id, span_id, attributes(&[])));
    }
    let elsewhere = vec![(semconv::HANDOFF_STATUS, text("confirmed"))];
    let origin = first.step((1, 0), ("messaging.publish", "publish"), "inbox", (0, 2), elsewhere);
    let work_on = |from: &'static str| {
        let mut mail = Recording::of(run(1), 3, "mailer");
        let said = vec![(semconv::RABBITMQ_ROUTING_KEY, text("order"))];
        let work = mail.step((6, 1), ("messaging.process", "process"), from, (HOUR, HOUR + 5), said);
        vec![work, mail.step((7, 6), ("messaging.settle", "ack"), from, (HOUR + 5, HOUR + 6), vec![])]
    };
    let sent = vec![origin, forwarded];
    nothing_is_missing([sent.clone(), work_on(MAIL)].concat(), T0 + DAY);
    // Work on the first message says nothing about the second.
    let (_dir, store) = stored(&[sent, work_on("inbox")].concat());
    assert_eq!(kinds(&store.gaps(&[run(2)], Checkup::new(T0 + DAY)).unwrap()), [GapKind::NoConsumer]);
}

/// The invocation began the run, so the run has no end because the invocation has none.
#[test]
fn a_stopped_function_with_a_run_is_one_gap() {
    let (mut shop, mut score) = (Recording::of(run(2), 1, "shop"), Recording::of(run(2), 2, "score"));
    let segment = Body::Segment(Segment::new(T0 + 9 * MS, attributes(&[]), Via::Start));
    let (mut invocation, time) = (start(2, 0, "score", 10), "50 ms are left of the function's time");
    invocation.parent_span_id = Some(run(2).as_parent());
    invocation.primitive = "function.handle".into();
    let warned = Body::Diagnostic(Diagnostic::new(semconv::DEADLINE_NEAR, time).with_span_id(Some(span_id(2))));
    let mut records = vec![score.record(segment), score.record(run_start("score", 9, None))];
    records.extend([score.record(Body::Span(invocation)), score.record(warned)]);
    let (_dir, store) = stored(&records);
    assert_eq!(kinds(&store.gaps(&[run(2)], Checkup::new(T0 + DAY)).unwrap()), [GapKind::OutOfTime]);
    // If another process began the run, that process should have ended it.
    let mut elsewhere = records[0].clone();
    if let Body::Segment(Segment { started_at, .. }) = &mut elsewhere.body {
        *started_at = T0;
    }
    records[1] = shop.record(run_start("score", 5, None));
    records.push(shop.record(elsewhere.body));
    let (_dir, store) = stored(&records);
    assert_eq!(kinds(&store.gaps(&[run(2)], Checkup::new(T0 + DAY)).unwrap()), [GapKind::NoEnd, GapKind::OutOfTime]);
}

#[test]
fn a_commit_of_another_group_settles_nothing() {
    let mut records = clean();
    for record in &mut records {
        if let Body::Span(start @ SpanData { end: Some(_), .. }) = &mut record.body
            && start.name.starts_with("commit")
        {
            start.attributes = attributes(&[
                (semconv::MESSAGING_SYSTEM, text("kafka")),
                (semconv::MESSAGING_CONSUMER_GROUP, text("stock")),
                (semconv::SETTLE_RANGES, text("topic[0] 1..3")),
            ]);
        }
    }
    let mut checkup = Checkup::new(T0 + DAY);
    graphs(&records).iter().for_each(|graph| checkup.check(graph));
    // Group `mail` is not known to commit, so nothing is reported. Once it commits, its other messages are.
    assert_eq!(checkup.gaps(), []);
    let mut kafka = Recording::of(run(30), 99, "mailer");
    let said = vec![
        (semconv::MESSAGING_SYSTEM, text("kafka")),
        (semconv::MESSAGING_CONSUMER_GROUP, text("mail")),
        (semconv::SETTLE_RANGES, text("topic[0] ..1")),
    ];
    let commit = kafka.step((990, 0), ("messaging.settle", "commit"), "topic", (10, 11), said);
    checkup.consult(&Graph::build(run(30), &[commit]));
    assert_eq!(kinds(&checkup.gaps()), [GapKind::NotSettled; 2]);
}

#[test]
fn a_queue_is_one_whatever_the_routing_key() {
    let mut r = Recording::of(run(1), 1, "mailer");
    let mut job = |id: u64, key: &'static str, settled: &[(&'static str, bool)]| {
        let (queue, at) = (format!("events:{key}:app:mail"), 10 * id);
        let tag = (semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(id as i64));
        let said = vec![(semconv::RABBITMQ_ROUTING_KEY, text(key)), tag.clone()];
        let work = r.step((id, 1), ("messaging.process", "process"), &queue, (at, at + 5), said);
        let settle = |(operation, multiple): &(&'static str, bool)| {
            let said = vec![tag.clone(), (semconv::SETTLE_MULTIPLE, AttributeValue::Bool(*multiple))];
            r.step((id + 100, id), ("messaging.settle", *operation), &queue, (at + 6, at + 7), said)
        };
        std::iter::once(work).chain(settled.iter().map(settle).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let (first, second, third) = (job(2, "created", &[]), job(3, "paid", &[("ack", true)]), job(4, "created", &[]));
    let sent = r.step((1, 0), ("messaging.publish", "publish"), "events:created", (0, 1), vec![]);
    let mut checkup = Checkup::new(T0 + DAY);
    checkup.check(&Graph::build(run(1), &[vec![sent], first, second, third].concat()));
    let spans: Vec<_> = checkup.gaps().iter().map(|g| (g.kind, g.span_id)).collect();
    assert_eq!(spans, [(GapKind::NotSettled, Some(span_id(4)))], "the acknowledgement covers those before it");
}

/// A driver retries a delivery at once, each time in a process span of its own, and settles it after the last.
#[test]
fn retries_of_one_delivery_are_settled_once() {
    let gaps = |redelivered: bool, segment: u64| {
        let (mut r, mut other) = (Recording::of(run(1), 1, "mailer"), Recording::of(run(1), segment, "mailer"));
        let tag = (semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(3));
        let sent = r.step((1, 0), ("messaging.publish", "publish"), "e:x", (0, 1), vec![]);
        let first = r.step((2, 1), ("messaging.process", "process"), "e:x:mail", (10, 15), vec![tag.clone()]);
        let said = vec![tag.clone(), (semconv::DELIVERY_REDELIVERED, AttributeValue::Bool(redelivered))];
        let again = if segment == 1 { &mut r } else { &mut other };
        let second = again.step((3, 1), ("messaging.process", "process"), "e:x:mail", (16, 19), said);
        let reject = again.step((4, 3), ("messaging.settle", "reject"), "e:x:mail", (20, 21), vec![tag]);
        let mut checkup = Checkup::new(T0 + DAY);
        checkup.check(&Graph::build(run(1), &[sent, first, second, reject]));
        kinds(&checkup.gaps())
    };
    assert_eq!(gaps(false, 1), [], "both were attempts at what was rejected");
    assert_eq!(gaps(true, 1), [GapKind::NotSettled], "the broker delivered it again");
    assert_eq!(gaps(false, 2), [GapKind::NotSettled], "another process had it");
}

#[test]
fn work_that_broke_off_is_one_gap() {
    let mut r = Recording::of(run(1), 1, "mailer");
    let mut job = |id, at, end: bool| {
        let said = vec![(semconv::RABBITMQ_ROUTING_KEY, text("x"))];
        let mut record = r.step((id, 1), ("messaging.process", "process"), "e:x:mail", (at, at + 5), said);
        if let (false, Body::Span(span)) = (end, &mut record.body) {
            span.end = None
        }
        record
    };
    let (broken, again) = (job(2, 10, false), job(3, 90, true));
    let ack = r.step((4, 3), ("messaging.settle", "ack"), "e:x:mail", (96, 97), vec![]);
    let sent = r.step((1, 0), ("messaging.publish", "publish"), "e:x", (0, 1), vec![]);
    let at = |now: u64, records: &[&Record<'static>]| {
        let records: Vec<_> = records.iter().map(|r| (*r).clone()).collect();
        let mut checkup = Checkup::new(T0 + now);
        checkup.check(&Graph::build(run(1), &records));
        let gaps = checkup.gaps();
        let why = |g: &&Gap| g.kind == GapKind::NotSettled && !g.likely_cause.contains("killed");
        assert!(!gaps.iter().any(|g| why(&g)), "the handler is not to blame: {gaps:?}");
        gaps.into_iter().map(|g| (g.kind, g.what)).collect::<Vec<_>>()
    };
    let settles = r.step((9, 77), ("messaging.settle", "ack"), "e:x:mail", (98, 99), vec![]);
    // It may still be working; after an hour of silence it is not.
    let alone = [&sent, &broken, &settles];
    assert_eq!(kinds_of(&at(2000 * MS, &alone)), []);
    let what = (GapKind::NotSettled, "process e:x:mail by mailer, not ended".to_owned());
    assert_eq!(at(DAY, &alone)[0], what);
    assert_eq!(kinds_of(&at(DAY, &alone)), [GapKind::NotSettled, GapKind::ParentMissing]);
    // If it was delivered again, there is no need to wait.
    let what = (GapKind::NotSettled, "process e:x:mail by mailer, not ended, then delivered again".to_owned());
    assert_eq!(at(2000 * MS, &[&sent, &broken, &again, &ack]), [what]);
    // If the consumer never settles, only the end is missing.
    assert_eq!(kinds_of(&at(DAY, &[&sent, &broken])), [GapKind::NoEnd]);
}

fn kinds_of(gaps: &[(GapKind, String)]) -> Vec<GapKind> {
    gaps.iter().map(|(kind, _)| *kind).collect()
}

/// The work of a service on messages of one source, with settlements, and the gaps in that.
struct Consumer {
    recording: Recording,
    records: Vec<Record<'static>>,
}

impl Consumer {
    fn new(n: u128) -> Self {
        Consumer { recording: Recording::of(run(n), n as u64, "mailer"), records: Vec::new() }
    }

    fn works(mut self, id: u64, source: &'static str, said: Said) -> Self {
        let at = 10 * id;
        self.records.push(self.recording.step((id, 0), ("messaging.process", "process"), source, (at, at + 5), said));
        self
    }

    fn settles(mut self, job: u64, operation: &'static str, source: &'static str, said: Said) -> Self {
        let (at, step) = (10 * job + 6, ("messaging.settle", operation));
        self.records.push(self.recording.step((job + 100, job), step, source, (at, at + 1), said));
        self
    }

    /// The last settlement was refused at once.
    fn refused(mut self) -> Self {
        if let Some(Body::Span(SpanData { end: Some(end), .. })) = self.records.last_mut().map(|r| &mut r.body) {
            end.status = spanbridge::Status::Error;
        }
        self
    }

    /// The broker refused the last settlement after its span had ended.
    fn refused_later(mut self) -> Self {
        let Some(Body::Span(start @ SpanData { end: Some(end), .. })) = self.records.last().map(|r| &r.body) else {
            panic!("no settlement")
        };
        let (span_id, timestamp) = (start.span_id, end.ended_at + MS);
        let event = Body::Event(Event::new(span_id, "e", "commit failed", timestamp));
        self.records.push(self.recording.record(event));
        self
    }

    fn gaps(&self) -> Vec<String> {
        let mut checkup = Checkup::new(T0 + DAY);
        checkup.check(&Graph::build(self.recording.run, &self.records));
        let of_settlements = |g: &&Gap| matches!(g.kind, GapKind::NotSettled | GapKind::NeverSettled);
        let gaps = checkup.gaps();
        gaps.iter().filter(of_settlements).map(|g| format!("{}: {}", g.kind.code(), g.what)).collect()
    }
}

fn rabbit(tag: i64, expected: Option<&'static str>) -> Said {
    let said =
        [(semconv::MESSAGING_SYSTEM, text("rabbitmq")), (semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(tag))];
    let expected = expected.map(|expected| (semconv::SETTLE_EXPECTED, text(expected)));
    said.into_iter().chain(expected).collect()
}

fn kafka(offset: i64, expected: Option<&'static str>) -> Said {
    let said = [
        (semconv::MESSAGING_SYSTEM, text("kafka")),
        (semconv::MESSAGING_CONSUMER_GROUP, text("mail")),
        (semconv::MESSAGING_PARTITION_ID, text("0")),
        (semconv::KAFKA_OFFSET, AttributeValue::I64(offset)),
    ];
    let expected = expected.map(|expected| (semconv::SETTLE_EXPECTED, text(expected)));
    said.into_iter().chain(expected).collect()
}

fn commit(ranges: Option<&'static str>) -> Said {
    let said = [(semconv::MESSAGING_SYSTEM, text("kafka")), (semconv::MESSAGING_CONSUMER_GROUP, text("mail"))];
    said.into_iter().chain(ranges.map(|ranges| (semconv::SETTLE_RANGES, text(ranges)))).collect()
}

/// The only ack came too late, the only commit failed. Even these show that the consumer settles.
#[test]
fn a_refused_settlement_shows_that_one_settles() {
    let expected = ["not_settled: process e:x:mail by mailer, its settlement was refused"];
    let ack = Consumer::new(1).works(1, "e:x:mail", rabbit(1, None));
    assert_eq!(ack.settles(1, "ack", "e:x:mail", rabbit(1, None)).refused().gaps(), expected);
    let expected = ["not_settled: process orders by mailer, its settlement was refused"];
    for said in [None, Some("commit"), Some("store_offset")] {
        let work = || Consumer::new(1).works(1, "orders", kafka(7, said));
        assert_eq!(work().settles(1, "store_offset", "orders", kafka(7, None)).refused().gaps(), expected);
        // Not below the message, like a commit of everything.
        let commits = || work().settles(77, "commit", "orders", commit(Some("orders[0] 5..9")));
        assert_eq!(commits().refused().gaps(), expected);
        assert_eq!(commits().refused_later().gaps(), expected);
        let twice = commits().refused().settles(78, "commit", "orders", commit(Some("orders[0] 5..9")));
        assert_eq!(twice.gaps(), [""; 0], "it was committed after all");
        let other = work().settles(77, "commit", "orders", commit(Some("orders[1] 5..9"))).refused();
        assert_eq!(other.gaps(), ["not_settled: process orders by mailer"], "that was another partition");
    }
}

/// A consumer that settles only in transactions, and whose only transaction was not committed.
#[test]
fn an_aborted_transaction_shows_it_too() {
    for (status, expected) in [
        ("committed", &[][..]),
        ("rolled_back", &["not_settled: process orders by mailer"]),
        ("unknown", &["not_settled: process orders by mailer"]),
    ] {
        let mut consumer = Consumer::new(1).works(1, "orders", kafka(7, None));
        let said = vec![(semconv::HANDOFF_STATUS, text(status))];
        let step = ("custom.transaction", "transaction");
        consumer.records.push(consumer.recording.step((5, 1), step, "", (12, 20), said));
        let attributes = attributes(&[(semconv::SETTLE_RANGES, text("orders[0] ..7"))]);
        let event = Body::Event(Event::new(span_id(5), "e", "offsets", T0 + 15 * MS).with_attributes(attributes));
        consumer.records.push(consumer.recording.record(event));
        assert_eq!(consumer.gaps(), expected, "{status}");
    }
}

/// A consumer without any known settlement is one gap, whatever it should do. If it need not settle, it is none.
#[test]
fn a_consumer_that_never_settles_is_one_gap() {
    let three = |source: &'static str, said: &dyn Fn(i64) -> Said| {
        (1..4u64).fold(Consumer::new(1), |c, n| c.works(n, source, said(n as i64)))
    };
    let of_rabbit = ["never_settled: process e:x:mail by mailer and 2 more"];
    assert_eq!(three("e:x:mail", &|n| rabbit(n, Some("ack"))).gaps(), of_rabbit);
    assert_eq!(three("e:x:mail", &|n| rabbit(n, None)).gaps(), of_rabbit, "a client does not know of `no_ack`");
    let of_kafka = ["never_settled: process orders by mailer and 2 more"];
    for expected in ["store_offset", "commit"] {
        assert_eq!(three("orders", &|n| kafka(n, Some(expected))).gaps(), of_kafka);
    }
    // Stored and never committed.
    let stored = |expected| {
        let stored = (semconv::SETTLE_STORED, AttributeValue::Bool(true));
        move |n| [kafka(n, expected), vec![stored.clone()]].concat()
    };
    assert_eq!(three("orders", &stored(Some("commit"))).gaps(), of_kafka);
    let in_spans = (1..4).fold(three("orders", &|n| kafka(n, Some("commit"))), |c, n| {
        c.settles(n, "store_offset", "orders", kafka(n as i64, None))
    });
    assert_eq!(in_spans.gaps(), of_kafka, "stored in spans of their own");

    // Nothing to settle, or settled, or unknown.
    let automatic = (semconv::SETTLE_AUTOMATIC, AttributeValue::Bool(true));
    let rabbit_automatic = |n| [rabbit(n, None), vec![automatic.clone()]].concat();
    let kafka_automatic = |n| [kafka(n, None), vec![automatic.clone()]].concat();
    assert_eq!(three("e:x:mail", &rabbit_automatic).gaps(), [""; 0]);
    assert_eq!(three("orders", &kafka_automatic).gaps(), [""; 0]);
    assert_eq!(three("orders", &|n| kafka(n, None)).gaps(), [""; 0]);
    assert_eq!(three("orders", &stored(Some("store_offset"))).gaps(), [""; 0]);
    assert_eq!(three("orders", &stored(None)).gaps(), [""; 0]);
    let committed =
        three("orders", &stored(Some("commit"))).settles(77, "commit", "orders", commit(Some("orders[0] ..3")));
    assert_eq!(committed.gaps(), [""; 0]);
    let unsaid = three("orders", &|n| kafka(n, Some("commit"))).settles(77, "commit", "", commit(None));
    assert_eq!(unsaid.gaps(), [""; 0], "nobody knows what that commit covers");
    // Within the grace period.
    let mut checkup = Checkup::new(T0 + 1000 * MS);
    let young = three("e:x:mail", &|n| rabbit(n, Some("ack")));
    checkup.check(&Graph::build(young.recording.run, &young.records));
    assert_eq!(kinds(&checkup.gaps()), []);
}

/// The records of the work on a message were lost, but what the work did is recorded. So the message is not in a queue.
#[test]
fn work_that_continued_was_received() {
    let gaps = |sent: u64, strays: &[(u64, u64, &'static str)]| {
        let mut shop = Recording::of(run(1), 1, "shop");
        let mut records: Vec<_> = (1..=sent).map(|id| crate::sent(&mut shop, id, 10 * id)).collect();
        for (id, (parent, at, service)) in (50..).zip(strays) {
            let mut other = Recording::of(run(1), id, service);
            let recording = if *service == "shop" { &mut shop } else { &mut other };
            records.push(recording.span(id, *parent, "render", *at, at + 5));
        }
        let mut checkup = Checkup::new(T0 + DAY);
        checkup.check(&Graph::build(run(1), &records));
        let gaps: Vec<_> = checkup.gaps().into_iter().filter(|g| g.kind != GapKind::ParentMissing).collect();
        gaps
    };
    let one = gaps(1, &[(90, 40, "mailer"), (90, 50, "mailer")]);
    assert_eq!(kinds(&one), [GapKind::WorkNotRecorded]);
    assert!(one[0].likely_cause.starts_with("Further down in the same run, mailer recorded work"), "{one:?}");
    assert_eq!(kinds(&gaps(2, &[(90, 40, "mailer"), (91, 50, "mailer")])), [GapKind::WorkNotRecorded; 2]);
    // One of two continued, and it is not known which.
    let two = gaps(2, &[(90, 40, "mailer")]);
    assert_eq!(kinds(&two), [GapKind::NoConsumer; 2]);
    let hedged = "for 1 of 2 such messages, this run has work further down whose parent span is missing.";
    assert!(two.iter().all(|g| g.likely_cause.ends_with(hedged)), "{two:?}");
    // Older work, or the sender's own, does not count.
    for stray in [(90, 5, "mailer"), (90, 40, "shop")] {
        let gaps = gaps(1, &[stray]);
        assert_eq!(kinds(&gaps), [GapKind::NoConsumer]);
        assert!(!gaps[0].likely_cause.contains("urther down"), "{gaps:?}");
    }
}

proptest! {
    #[test]
    fn order_and_repetition_make_no_difference(seed in any::<u64>(), again in proptest::collection::vec(0..100usize, 0..20)) {
        let said = one_of_each();
        let mut shuffled: Vec<_> = said.iter().chain(again.iter().filter_map(|i| said.get(*i))).cloned().collect();
        shuffle(&mut shuffled, seed);
        let answer = |graphs: &[Graph]| {
            let mut checkup = Checkup::new(T0 + DAY);
            graphs.iter().for_each(|graph| checkup.check(graph));
            checkup.gaps()
        };
        let expected = answer(&graphs(&said));
        prop_assert_eq!(expected.len(), GapKind::all().count() - 1, "one of each, but what no run says");
        let mut graphs = graphs(&shuffled);
        shuffle(&mut graphs, !seed);
        prop_assert_eq!(answer(&graphs), expected);
    }
}

fn shuffle<T>(items: &mut [T], mut state: u64) {
    for last in (1..items.len()).rev() {
        // Splitmix: the numbers only have to differ.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        items.swap(last, (z ^ (z >> 27)) as usize % (last + 1));
    }
}
