//! A run in which all is well; and for each kind of gap, and each reason not to judge, what is changed in it so that only
//! that is wrong.

mod common;

use common::*;
use proptest::prelude::*;
use spanbridge::record::{AttributeValue, Body, Diagnostic, Record, RunStart, RunSuspend, Segment, SpanData, Via};
use spanbridge::{Kind, Status, semconv};
use spanbridge_graph::{Checkup, GapKind, Graph, NotJudgedReason};

const DAY: u64 = 86_400_000 * MS;
const TO: &str = "events:order";
const FROM: &str = "events:order:mail";

/// The run: `shop` sends two orders, the second through an outbox, and `mailer` works on them and acknowledges them.
struct Case {
    shop: Recording,
    mail: Recording,
    records: Vec<Record<'static>>,
    now: u64,
    pruned_beside: bool,
    not_read: u64,
}

fn int(n: i64) -> AttributeValue<'static> {
    AttributeValue::I64(n)
}

impl Case {
    fn good() -> Self {
        let (shop, mail) = (Recording::of(run(1), 1, "shop"), Recording::of(run(1), 2, "mailer"));
        let mut case = Case { shop, mail, records: vec![], now: T0 + DAY, pruned_beside: false, not_read: 0 };
        let begun = |at| Body::Segment(Segment::new(T0 + at * MS, attributes(&[]), Via::Start));
        let (first, second) = (case.shop.record(begun(0)), case.mail.record(begun(5)));
        case.records.extend([first, second]);
        let started = case.shop.run_start("orders", 0);
        case.records.push(started);
        case.publish(1, 0, TO, 10, "confirmed");
        case.enqueue(8, 20);
        case.publish(5, 8, TO, 30, "confirmed");
        case.process(2, 1, FROM, 50, vec![]).ack(4, 2);
        let child = plain(case.mail.span(3, 2, "render", 51, 54));
        case.records.push(child);
        case.process(6, 5, FROM, 60, vec![]).ack(7, 6);
        let ended = case.shop.run_end(100, Status::Ok);
        case.records.push(ended);
        case
    }

    fn publish(&mut self, id: u64, parent: u64, to: &str, at: u64, status: &str) -> &mut Self {
        let said = vec![(semconv::HANDOFF_STATUS, text(status))];
        self.records.push(self.shop.step((id, parent), ("messaging.publish", "publish"), to, (at, at + 2), said));
        self
    }

    fn enqueue(&mut self, id: u64, at: u64) -> &mut Self {
        self.publish(id, 0, TO, at, "committed").last().primitive = "handoff.prepare".into();
        self
    }

    fn process(&mut self, id: u64, parent: u64, from: &str, at: u64, mut said: Said) -> &mut Self {
        said.extend([
            (semconv::RABBITMQ_ROUTING_KEY, text("order")),
            (semconv::RABBITMQ_DELIVERY_TAG, int(id as i64)),
            (semconv::SETTLE_EXPECTED, text("ack")),
        ]);
        self.records.push(self.mail.step((id, parent), ("messaging.process", "process"), from, (at, at + 5), said));
        self
    }

    /// The work on a message of Kafka, of which nothing says how it has to be settled.
    fn process_of_topic(&mut self, more: Said) -> &mut Self {
        let mut said = vec![
            (semconv::MESSAGING_SYSTEM, text("kafka")),
            (semconv::MESSAGING_CONSUMER_GROUP, text("mail")),
            (semconv::KAFKA_OFFSET, int(7)),
        ];
        said.extend(more);
        self.publish(11, 0, "topic", 70, "confirmed");
        self.records.push(self.mail.step((12, 11), ("messaging.process", "process"), "topic", (75, 76), said));
        self
    }

    fn ack(&mut self, id: u64, job: u64) -> &mut Self {
        let said = vec![(semconv::RABBITMQ_DELIVERY_TAG, int(job as i64))];
        let at = 60 + job;
        self.records.push(self.mail.step((id, job), ("messaging.settle", "ack"), FROM, (at, at + 1), said));
        self
    }

    /// The work of a function without an end, and this note on a span.
    fn stopped(&mut self, noted: Option<u64>) -> &mut Self {
        let mut function = Recording::of(run(1), 3, "score");
        let mut invocation = start(20, 1, "score", 15);
        (invocation.primitive, invocation.kind) = ("function.handle".into(), Kind::Server);
        let note = Diagnostic::new(semconv::DEADLINE_NEAR, "50 ms are left").with_span_id(noted.map(span_id));
        self.records.extend([function.record(Body::Span(invocation)), function.record(Body::Diagnostic(note))]);
        self
    }

    fn note(&mut self, code: &'static str) -> &mut Self {
        let note = Diagnostic::new(code, "so it was").with_span_id(Some(span_id(2)));
        self.records.push(self.mail.record(Body::Diagnostic(note)));
        self
    }

    fn without(&mut self, ids: &[u64]) -> &mut Self {
        self.records.retain(|r| !ids.iter().any(|id| span_of(r) == Some(span_id(*id))));
        self
    }

    fn without_end_of_run(&mut self) -> &mut Self {
        self.records.retain(|r| !matches!(r.body, Body::RunEnd(_)));
        self
    }

    fn span(&mut self, id: u64) -> &mut SpanData<'static> {
        let spans = self.records.iter_mut().filter_map(|r| match &mut r.body {
            Body::Span(span) if span.span_id == span_id(id) => Some(span),
            _ => None,
        });
        { spans }.next().unwrap()
    }

    fn last(&mut self) -> &mut SpanData<'static> {
        match self.records.last_mut().map(|r| &mut r.body) {
            Some(Body::Span(span)) => span,
            other => panic!("{other:?}"),
        }
    }

    fn checked(&self) -> (Vec<GapKind>, Vec<NotJudgedReason>) {
        let mut checkup = Checkup::new(self.now);
        checkup.check(&Graph::build(run(1), &self.records));
        checkup.note_not_read(self.not_read);
        if self.pruned_beside {
            checkup.note_pruned_beside(run(1));
        }
        let kinds = checkup.gaps().iter().map(|gap| gap.kind).collect();
        (kinds, checkup.not_judged().iter().map(|n| n.reason).collect())
    }
}

/// As work of the application.
fn plain(mut record: Record<'static>) -> Record<'static> {
    if let Body::Span(span) = &mut record.body {
        (span.primitive, span.kind) = ("tool.call".into(), Kind::Internal);
    }
    record
}

fn span_of(record: &Record<'_>) -> Option<spanbridge::SpanId> {
    match &record.body {
        Body::Span(span) => Some(span.span_id),
        Body::SpanEnd(end) => Some(end.span_id),
        _ => None,
    }
}

/// Spoils the run so that only this is wrong.
fn spoil(case: &mut Case, kind: GapKind) {
    match kind {
        GapKind::NotReceived => case.without(&[6, 7]),
        GapKind::NoConsumer => case.publish(11, 0, "events:refund", 40, "confirmed"),
        GapKind::NotRelayed => case.enqueue(18, 40),
        GapKind::WorkNotRecorded => case.without(&[2, 4]),
        GapKind::NotSettled => case.without(&[7]),
        GapKind::NeverSettled => case.without(&[4, 7]),
        GapKind::ContextLost => case.process(16, 0, FROM, 70, vec![]).ack(17, 16),
        GapKind::ContextDropped => case.note(semconv::INJECTION_DROPPED),
        GapKind::ContextNotCarried => case.note(semconv::INJECTION_NOT_POSSIBLE),
        GapKind::HeaderMalformed => case.note(semconv::HEADER_MALFORMED),
        GapKind::EventHeader => case.note(semconv::RUNTIME_HEADER),
        GapKind::ParentMissing => {
            case.span(3).parent_span_id = Some(span_id(99));
            case
        }
        GapKind::StartMissing => {
            let end = case.mail.span_end(33, 55, Status::Ok);
            case.records.push(end);
            case
        }
        GapKind::ClockBehind => {
            case.span(2).started_at = T0;
            case
        }
        GapKind::EndBeforeStart => {
            case.span(3).end = Some(end(40, Status::Ok));
            case
        }
        GapKind::OwnParent => {
            case.records.iter_mut().for_each(|r| {
                if let Body::RunStart(start) = &mut r.body {
                    *start = RunStart::new("orders", T0).with_parent_run_id(Some(run(1)));
                }
            });
            case
        }
        GapKind::Conflict => {
            let again = case.mail.run_end(101, Status::Error);
            case.records.push(again);
            case
        }
        GapKind::NoEnd => case.without_end_of_run(),
        GapKind::OutOfTime => case.stopped(Some(20)),
        GapKind::ResponseLost => case.note(semconv::RESPONSE_LOST),
        GapKind::RecordsDropped => case.note("dropped.sink"),
        GapKind::FlushIncomplete => case.note(semconv::FLUSH_INCOMPLETE),
        GapKind::RedactionFailed => case.note(semconv::REDACTION_FAILED),
        other => panic!("a new kind needs a row: {other:?}"),
    };
}

/// Spoils the run so that this is the only thing that cannot be judged.
fn blur(case: &mut Case, reason: NotJudgedReason) {
    match reason {
        NotJudgedReason::InProgress => {
            case.now = T0 + 1000 * MS;
            case.without(&[7])
        }
        NotJudgedReason::Suspended => {
            let waits = case.shop.record(Body::RunSuspend(RunSuspend::new("s", T0 + 90 * MS)));
            let open = plain(case.shop.span_start(40, 0, "flow", 1));
            case.records.extend([waits, open]);
            case.without_end_of_run()
        }
        NotJudgedReason::HandOffUnknown => case.publish(11, 0, TO, 40, "unknown"),
        NotJudgedReason::DestinationUnknown => case.publish(11, 0, "", 40, "confirmed"),
        NotJudgedReason::CalleeUnknown => {
            let call = case.publish(11, 0, "", 40, "").last();
            (call.primitive, call.kind) = ("function.invoke".into(), Kind::Client);
            call.attributes = attributes(&[(semconv::FUNCTION_INVOCATION_TYPE, text("Event"))]);
            case
        }
        NotJudgedReason::SenderUnknown => case.process(16, 0, "foreign:key:mail", 70, vec![]).ack(17, 16),
        NotJudgedReason::SettlementUnknown => case.process_of_topic(vec![]),
        NotJudgedReason::CommitUnknown => {
            case.process_of_topic(vec![(semconv::SETTLE_STORED, AttributeValue::Bool(true))])
        }
        NotJudgedReason::OutcomeUnknown => case.note(semconv::DEADLINE_NEAR).without_span_of_note(),
        NotJudgedReason::DiagnosticUnknown => case.note("nobody.knows"),
        NotJudgedReason::Pruned => {
            case.pruned_beside = true;
            case.without(&[6, 7])
        }
        NotJudgedReason::RunsNotRead => {
            case.not_read = 3;
            case
        }
        other => panic!("a new reason needs a row: {other:?}"),
    };
}

impl Case {
    fn without_span_of_note(&mut self) -> &mut Self {
        if let Some(Body::Diagnostic(note)) = self.records.last_mut().map(|r| &mut r.body) {
            note.span_id = None
        }
        self
    }
}

#[test]
fn where_all_is_well_there_is_nothing() {
    assert_eq!(Case::good().checked(), (vec![], vec![]));
}

/// Each kind is found where only that is wrong, and nothing else is.
#[test]
fn each_kind_is_found_alone() {
    for kind in GapKind::all() {
        let mut case = Case::good();
        spoil(&mut case, kind);
        // What followed the lost work is an orphan.
        let also = (kind == GapKind::WorkNotRecorded).then_some(GapKind::ParentMissing);
        let expected: Vec<GapKind> = [kind].into_iter().chain(also).collect();
        assert_eq!(case.checked(), (expected, vec![]), "{kind:?}");
    }
}

/// Where nothing says whether all is well, that is said, and it is no gap.
#[test]
fn what_cannot_be_judged_is_counted() {
    for reason in NotJudgedReason::all() {
        let mut case = Case::good();
        blur(&mut case, reason);
        assert_eq!(case.checked(), (vec![], vec![reason]), "{reason:?}");
    }
}

/// A reason excuses; the same without it is a gap, or is not judged.
#[test]
fn only_a_reason_excuses() {
    let found = |change: &dyn Fn(&mut Case)| {
        let mut case = Case::good();
        change(&mut case);
        case.checked()
    };
    for status in ["rejected", "returned", "rolled_back"] {
        assert_eq!(
            found(&|c| {
                c.publish(11, 0, TO, 40, status);
            }),
            (vec![], vec![]),
            "{status}"
        );
    }
    let unknown = (vec![], vec![NotJudgedReason::HandOffUnknown]);
    for status in ["unknown", "queued", ""] {
        assert_eq!(
            found(&|c| {
                c.publish(11, 0, TO, 40, status);
            }),
            unknown,
            "{status}"
        );
    }
    // A second publish span of the same process below the first, as two layers of instrumentation make it.
    let nested = |c: &mut Case| {
        c.publish(11, 0, TO, 40, "confirmed").publish(12, 11, TO, 41, "rejected");
    };
    assert_eq!(found(&nested).0, [GapKind::NotReceived]);
    // A function's messages are settled by Lambda.
    let by_lambda = |c: &mut Case| {
        c.process_of_topic(vec![(semconv::FAAS_TRIGGER, text("pubsub"))]);
    };
    assert_eq!(found(&by_lambda), (vec![], vec![]));
    // The function ended in time, after a warning; a warning about another span says nothing.
    assert_eq!(
        found(&|c| {
            c.note(semconv::DEADLINE_NEAR);
        }),
        (vec![], vec![])
    );
    assert_eq!(
        found(&|c| {
            c.note(semconv::INJECTION_REFUSED);
        })
        .0,
        [GapKind::ContextDropped]
    );
    assert_eq!(
        found(&|c| {
            c.note("store.log_lost");
        })
        .0,
        [GapKind::RecordsDropped]
    );
    let told = [semconv::CONTEXT_IGNORED, semconv::BAGGAGE_FILTERED];
    let cut = [semconv::ATTRIBUTES_CUT, semconv::MUTATION_CUT, semconv::ARTIFACT_CUT];
    for told in told.into_iter().chain(cut) {
        assert_eq!(
            found(&|c| {
                c.note(told);
            }),
            (vec![], vec![]),
            "{told}"
        );
    }
    // While the run is suspended, another process does not wait with it.
    let elsewhere = |c: &mut Case| {
        let waits = c.shop.record(Body::RunSuspend(RunSuspend::new("s", T0 + 90 * MS)));
        let open = plain(c.mail.span_start(40, 0, "render", 1));
        c.records.extend([waits, open]);
        c.without_end_of_run();
    };
    assert_eq!(found(&elsewhere), (vec![GapKind::NoEnd], vec![]));
    // Records of next year would be on their way for ever.
    assert_eq!(found(&|c| c.now = T0 - DAY).0, [GapKind::ClockBehind]);
    // The start of a run.
    let no_start = |c: &mut Case| c.records.retain(|r| !matches!(r.body, Body::RunStart(_)));
    assert_eq!(found(&no_start).0, [GapKind::StartMissing]);
}

/// A header came with a message, a request or an event. The cause says with which.
#[test]
fn a_bad_header_is_named_by_what_it_came_with() {
    let cause = |primitive: &'static str, kind: Kind| {
        let mut case = Case::good();
        (case.span(3).primitive, case.span(3).kind) = (primitive.into(), kind);
        let note = Diagnostic::new(semconv::HEADER_MALFORMED, "baggage: too large").with_span_id(Some(span_id(3)));
        let note = case.mail.record(Body::Diagnostic(note));
        case.records.push(note);
        let mut checkup = Checkup::new(case.now);
        checkup.check(&Graph::build(run(1), &case.records));
        checkup.gaps().remove(0).likely_cause
    };
    assert!(cause("http.server", Kind::Server).starts_with("A context header of a request to mailer "));
    assert!(cause("function.handle", Kind::Server).starts_with("A context header of an event or a call to mailer "));
    assert!(cause("http.server", Kind::Server).contains("malformed or exceeds the limits of W3C"));
    let mut case = Case::good();
    case.note(semconv::HEADER_MALFORMED);
    let mut checkup = Checkup::new(case.now);
    checkup.check(&Graph::build(run(1), &case.records));
    assert!(checkup.gaps()[0].likely_cause.starts_with("A context header of a message to mailer "));
}

/// A message in a batch links to the batch. That says nothing about its sender.
#[test]
fn a_batch_is_no_sender() {
    let mut case = Case::good();
    let count = vec![(semconv::MESSAGING_BATCH_COUNT, int(1))];
    let batch = case.mail.step((15, 0), ("messaging.process", "process"), FROM, (69, 79), count);
    case.process(16, 0, FROM, 70, vec![]);
    case.last().links.push(spanbridge::record::Link::new(trace(1), span_id(15), attributes(&[])));
    case.ack(17, 16).records.push(batch);
    assert_eq!(case.checked(), (vec![GapKind::ContextLost], vec![]));
}

/// Two channels number copies of a message alike. Settling one does not settle the other.
#[test]
fn copies_in_two_queues_are_two() {
    let mut case = Case::good();
    let other = "events:order:stock";
    let tag = (semconv::RABBITMQ_DELIVERY_TAG, int(6));
    let said = |c: &[(&'static str, AttributeValue<'static>)]| [c, std::slice::from_ref(&tag)].concat();
    let expected = [(semconv::SETTLE_EXPECTED, text("ack"))];
    let copy = case.mail.step((26, 5), ("messaging.process", "process"), other, (60, 65), said(&expected));
    let next = case.mail.step((27, 1), ("messaging.process", "process"), other, (70, 75), said(&expected));
    let ack = case.mail.step((28, 27), ("messaging.settle", "ack"), other, (75, 76), said(&[]));
    case.records.extend([copy, next, ack]);
    assert_eq!(case.checked(), (vec![GapKind::NotSettled], vec![]));
}

/// What is open below an unsettled message is part of that. Other open work is not hidden by it.
#[test]
fn broken_work_hides_no_other() {
    let mut case = Case::good();
    case.without(&[7]).span(6).end = None;
    let below = plain(case.mail.span_start(41, 6, "render", 61));
    case.records.push(below);
    assert_eq!(case.checked().0, [GapKind::NotSettled]);
    let beside = plain(case.mail.span_start(42, 0, "tidy up", 62));
    case.records.push(beside);
    assert_eq!(case.checked().0, [GapKind::NotSettled, GapKind::NoEnd]);
}

/// Orders in any number, each with work below its message in any depth, in records of start and end.
fn any_good(depths: &[u8]) -> Vec<Record<'static>> {
    let mut case = Case::good();
    case.records.truncate(3);
    for (n, depth) in (1..).zip(depths) {
        let (id, at) = (100 * n, 20 * n);
        case.publish(id, 0, TO, at, "confirmed").process(id + 1, id, FROM, at + 5, vec![]).ack(id + 2, id + 1);
        for below in 0..u64::from(*depth) {
            let parent = if below == 0 { id + 1 } else { id + 2 + below };
            let work = plain(case.mail.span(id + 3 + below, parent, "work", at + 6, at + 7));
            case.records.push(work);
        }
    }
    let ended = case.shop.run_end(10_000, Status::Ok);
    case.records.push(ended);
    let mut split = Vec::new();
    for mut record in case.records {
        let ended = match &mut record.body {
            Body::Span(span) => span.end.take().map(|end| (span.span_id, end)),
            _ => None,
        };
        let of = record.clone();
        split.push(record);
        if let Some((span, end)) = ended {
            let body = Body::SpanEnd(spanbridge::record::SpanEnd::new(span, end));
            let seq = of.segment_seq + 100_000;
            let end = Record::new(of.segment_id, seq, of.service.clone(), body).of_run(of.run_id, of.trace_id);
            split.push(end);
        }
    }
    split
}

proptest! {
    /// Whatever is lost of a run, something is said: an end, a settlement, the work on a message, what sent it, a parent, the
    /// start or the end of the run. Only a whole span without children leaves no trace.
    #[test]
    fn nothing_is_lost_in_silence(depths in proptest::collection::vec(0u8..4, 1..6), which in any::<proptest::sample::Index>(), whole in any::<bool>()) {
        let good = any_good(&depths);
        let judged = |records: &[Record<'static>]| {
            let mut checkup = Checkup::new(T0 + DAY);
            checkup.check(&Graph::build(run(1), records));
            (checkup.gaps(), checkup.not_judged())
        };
        prop_assert_eq!(judged(&good), (vec![], vec![]));
        // Without segments: what these say is not missed.
        let lost = &good[2..][which.index(good.len() - 2)];
        let is_step = |r: &Record<'_>| matches!(&r.body, Body::Span(s) if s.primitive.starts_with("messaging.") && s.name != "work");
        let has_children = |id| good.iter().any(|r| matches!(&r.body, Body::Span(s) if s.parent_span_id == Some(id)));
        let rest: Vec<_> = match span_of(lost).filter(|_| whole) {
            Some(id) => {
                let step = good.iter().any(|r| span_of(r) == Some(id) && is_step(r));
                prop_assume!(step || has_children(id));
                good.iter().filter(|r| span_of(r) != Some(id)).cloned().collect()
            }
            None => good.iter().filter(|r| *r != lost).cloned().collect(),
        };
        let (gaps, _) = judged(&rest);
        prop_assert!(!gaps.is_empty(), "without {:?}", lost);
    }
}
