//! Records with one gap of each kind, and with none. The tests of the command line use them, too.

use super::*;
use spanbridge::semconv;

const PUBLISH: (&str, &str) = ("messaging.publish", "publish");
const PROCESS: (&str, &str) = ("messaging.process", "process");

fn int(n: i64) -> AttributeValue<'static> {
    AttributeValue::I64(n)
}

/// A run in which `shop` sends and `mailer` receives.
struct Story {
    shop: Recording,
    mail: Recording,
    records: Vec<Record<'static>>,
    first: u64,
    began: u64,
}

impl Story {
    /// The n-th, in ids and in time.
    fn new(n: u64) -> Self {
        let recording = |segment, service| Recording::of(run(n.into()), segment, service);
        let (shop, mail) = (recording(2 * n + 1, "shop"), recording(2 * n + 2, "mailer"));
        Story { shop, mail, records: Vec::new(), first: 100 * n, began: 1000 * n }
    }

    fn publish(&mut self, id: u64, destination: &str, at: u64, status: &str) -> &mut Self {
        let (from, said) = (self.began + at, vec![(semconv::HANDOFF_STATUS, text(status))]);
        self.records.push(self.shop.step((self.first + id, 0), PUBLISH, destination, (from, from + 2), said));
        self
    }

    /// The work on a message of `sender` (0: unknown), from the queue at the end of the destination.
    fn process(&mut self, id: u64, sender: u64, destination: &str, at: u64, mut said: Said) -> &mut Self {
        let (from, sender) = (self.began + at, if sender == 0 { 0 } else { self.first + sender });
        let key = destination.split(':').nth(1).unwrap_or_default();
        said.extend([(semconv::RABBITMQ_ROUTING_KEY, text(key)), (semconv::RABBITMQ_DELIVERY_TAG, int(id as i64))]);
        self.records.push(self.mail.step((self.first + id, sender), PROCESS, destination, (from, from + 5), said));
        self
    }

    fn settle(&mut self, job: u64, operation: &'static str, destination: &str, at: u64, mut said: Said) -> &mut Self {
        let from = self.began + at;
        said.push((semconv::RABBITMQ_DELIVERY_TAG, int(job as i64)));
        let (id, job) = (self.first + job + 50, self.first + job);
        let step = ("messaging.settle", operation);
        self.records.push(self.mail.step((id, job), step, destination, (from, from + 1), said));
        self
    }

    /// A message to `mailer` that is sent, received and acknowledged.
    fn order(&mut self) -> &mut Self {
        self.publish(1, "events:order", 0, "confirmed");
        self.process(2, 1, "events:order:mail", 10, vec![]).settle(2, "ack", "events:order:mail", 15, vec![])
    }

    /// A function's work, below another span (0: below none).
    fn invocation(&mut self, id: u64, above: u64) -> &mut Self {
        let (above, time) = (if above == 0 { 0 } else { self.first + above }, (self.began, self.began + 5));
        let mut start = start(self.first + id, above, "score", time.0);
        start.primitive = "function.handle".into();
        self.records.push(self.mail.record(Body::Span(start.with_end(Some(end(time.1, Status::Ok))))));
        self
    }

    /// The last one has not ended.
    fn open(&mut self) -> &mut Self {
        if let Some(last) = self.records.last_mut()
            && let Body::Span(span) = &mut last.body
        {
            span.end = None
        }
        self
    }

    fn diagnostic(&mut self, code: &'static str, message: &'static str, id: u64) -> &mut Self {
        let span_id = Some(span_id(self.first + id));
        let attributes = Attributes::new();
        let body = Body::Diagnostic(Diagnostic::new(code, message).with_span_id(span_id).with_attributes(attributes));
        self.records.push(self.mail.record(body));
        self
    }

    fn last(&mut self) -> &mut SpanData<'static> {
        match self.records.last_mut().map(|r| &mut r.body) {
            Some(Body::Span(start @ SpanData { end: Some(_), .. })) => start,
            other => panic!("{other:?}"),
        }
    }

    fn done(&mut self) -> Vec<Record<'static>> {
        std::mem::take(&mut self.records)
    }
}

/// Runs without gaps, in which much happens.
pub(crate) fn clean() -> Vec<Record<'static>> {
    let mut all = Story::new(1).order().done();
    // A message that did not arrive, and whose span says so.
    let mut s = Story::new(2);
    s.publish(1, "events:lost", 0, "returned").publish(2, "events:order", 5, "rejected");
    all.extend(s.publish(3, "events:order", 9, "rolled_back").done());
    // A function that finished in time after a warning.
    all.extend(Story::new(8).invocation(1, 0).diagnostic(WARNED.0, WARNED.1, 1).done());
    // Several queues, several attempts, a dead letter.
    let mut s = Story::new(3);
    s.publish(1, "events:paid", 0, "confirmed");
    s.process(2, 1, "events:paid:mail", 10, vec![]).settle(2, "nack", "events:paid:mail", 15, vec![]);
    s.process(3, 1, "events:paid:stock", 10, vec![]).settle(3, "ack", "events:paid:stock", 15, vec![]);
    s.process(4, 1, "events:paid:mail", 20, vec![]).settle(4, "reject", "events:paid:mail", 25, vec![]);
    let died = vec![(semconv::DEAD_LETTER_QUEUE, text("mail"))];
    s.process(5, 1, "dlx:paid:mail.dead", 30, died).settle(5, "ack", "dlx:paid:mail.dead", 35, vec![]);
    all.extend(s.done());
    // One acknowledgement for several messages.
    let mut s = Story::new(4);
    for n in 1..4 {
        s.publish(n, "events:order", n, "confirmed").process(n + 3, n, "events:order:mail", 10 + n, vec![]);
    }
    let multiple = vec![(semconv::SETTLE_MULTIPLE, AttributeValue::Bool(true))];
    all.extend(s.settle(6, "ack", "events:order:mail", 20, multiple).done());
    // One commit for several messages.
    let mut s = Story::new(5);
    for n in 1..4 {
        let position = vec![
            (semconv::MESSAGING_SYSTEM, text("kafka")),
            (semconv::MESSAGING_PARTITION_ID, text("0")),
            (semconv::KAFKA_OFFSET, int(n as i64)),
            (semconv::MESSAGING_CONSUMER_GROUP, text("mail")),
        ];
        s.publish(n, "topic", n, "confirmed").process(n + 3, n, "topic", 10 + n, position);
    }
    let commit = vec![
        (semconv::MESSAGING_SYSTEM, text("kafka")),
        (semconv::MESSAGING_CONSUMER_GROUP, text("mail")),
        (semconv::SETTLE_RANGES, text("topic[0] 1..2, topic[0] 3, other[1] 9")),
    ];
    all.extend(s.settle(1, "commit", "", 20, commit).done());
    // Stored offsets, and messages that need no acknowledgement, even if others of the consumer are settled.
    let mut s = Story::new(7);
    let stored =
        vec![(semconv::SETTLE_STORED, AttributeValue::Bool(true)), (semconv::SETTLE_EXPECTED, text("store_offset"))];
    s.publish(1, "stream", 1, "confirmed").process(2, 1, "stream", 10, stored);
    s.publish(5, "stream", 2, "confirmed").process(6, 5, "stream", 20, vec![]).settle(6, "ack", "stream", 26, vec![]);
    let automatic = vec![(semconv::SETTLE_AUTOMATIC, AttributeValue::Bool(true))];
    s.publish(3, "events:order", 1, "confirmed").process(4, 3, "events:order:mail", 10, automatic);
    all.extend(s.done());
    // A queue without settlements, a trace of its own, a suspended run, and the child run of a job.
    let mut s = Story::new(6);
    let automatic = vec![(semconv::SETTLE_AUTOMATIC, AttributeValue::Bool(true))];
    s.publish(1, "inbox", 0, "sent").process(2, 1, "inbox", 5, automatic);
    s.publish(3, "events:late", 6, "confirmed").process(4, 0, "events:late:mail", 90, vec![]);
    let (trace_id, sender) = (s.shop.trace, span_id(s.first + 3));
    let batch = (trace(99), span_id(9900));
    for (trace_id, span_id) in [(trace_id, sender), batch] {
        s.last().links.push(Link::new(trace_id, span_id, Attributes::new()));
    }
    s.settle(4, "ack", "events:late:mail", 96, vec![]).publish(7, "events:job", 97, "confirmed");
    let begun = s.shop.run_start("approval", 6000);
    let waits = Body::RunSuspend(RunSuspend::new("s", T0 + 6100 * MS));
    let waits = s.shop.record(waits);
    all.extend(s.done().into_iter().chain([begun, waits]));
    let mut child = Recording::of(run(77), 77, "mailer").in_trace(trace(6));
    all.push(child.record(run_start("job", 6098, Some((run(6), span_id(607))))));
    let told = vec![(semconv::RELATION, text("new_run")), (semconv::SETTLE_AUTOMATIC, AttributeValue::Bool(true))];
    let mut work = child.step((901, 0), PROCESS, "events:job:jobs", (6099, 6101), told);
    if let Body::Span(start @ SpanData { end: Some(_), .. }) = &mut work.body {
        start.parent_span_id = Some(run(77).as_parent());
    }
    all.push(work);
    all.push(child.run_end(6102, Status::Ok));
    all
}

/// The clean runs, and one gap of each kind.
pub(crate) fn one_of_each() -> Vec<Record<'static>> {
    let (mail, mut all) = ("events:order:mail", clean());
    // Sent but never received; sent where there is no consumer; received but never settled.
    all.extend(Story::new(11).publish(1, "events:order", 0, "confirmed").done());
    all.extend(Story::new(12).publish(1, "events:refund", 0, "confirmed").done());
    all.extend(Story::new(13).publish(1, "events:order", 0, "confirmed").process(2, 1, mail, 10, vec![]).done());
    // Context lost, dropped, malformed.
    all.extend(Story::new(14).process(1, 0, mail, 0, vec![]).settle(1, "ack", mail, 6, vec![]).done());
    all.extend(Story::new(15).order().diagnostic(semconv::INJECTION_DROPPED, "no room for baggage", 1).done());
    let mut s = Story::new(16);
    s.process(1, 0, mail, 0, vec![]).settle(1, "ack", mail, 6, vec![]);
    all.extend(s.diagnostic(semconv::HEADER_MALFORMED, "traceparent: not of 55 characters", 1).done());
    // Work that is not recorded, while what followed it is, so a parent is missing; a clock that is behind.
    let mut s = Story::new(17);
    all.extend(s.publish(1, "events:order", 0, "confirmed").done());
    all.push(s.mail.span(1702, 1788, "render", 17_020, 17_030));
    // A consumer that never settles.
    let expected = vec![(semconv::SETTLE_EXPECTED, text("ack"))];
    let mut s = Story::new(10);
    s.publish(1, "events:audit", 0, "confirmed").publish(3, "events:audit", 1, "confirmed");
    s.process(2, 1, "events:audit:audits", 10, expected.clone());
    all.extend(s.process(4, 3, "events:audit:audits", 20, expected).done());
    let mut s = Story::new(18);
    s.publish(1, "events:order", 400, "confirmed");
    all.extend(s.process(2, 1, mail, 60, vec![]).settle(2, "ack", mail, 66, vec![]).done());
    // A run that was ended twice, and one that was not.
    let mut s = Story::new(19);
    all.extend(s.order().done());
    all.extend([
        s.shop.run_start("refund", 19_000),
        s.shop.run_end(19_100, Status::Ok),
        s.mail.run_end(19_090, Status::Error),
    ]);
    all.push(Story::new(20).shop.run_start("nightly import", 20_000));
    // A diagnostic that earlier releases wrote. It is read, and no gap.
    let outside = "a span or run that is polled here was begun before this was current";
    all.extend(Story::new(27).order().diagnostic("span.begun_outside", outside, 2).done());
    // Records lost, and a payload that was not captured.
    let mut s = Story::new(21);
    all.extend(s.order().diagnostic(semconv::REDACTION_FAILED, "the hook panicked", 2).done());
    let note = Body::Diagnostic(
        Diagnostic::new("dropped.memory", "records found no room in the recorder's memory and were dropped")
            .with_count(Some(12)),
    );
    all.push(s.mail.record(note).of_run(None, None));
    // Diagnostics of functions. All spans of the stopped one are open.
    for (n, code, message) in [
        (22, semconv::INJECTION_NOT_POSSIBLE, "the payload is not a JSON object, so it carries no context"),
        (23, semconv::RUNTIME_HEADER, "lambda-runtime-client-context: cannot be read as it is"),
        (24, semconv::RESPONSE_LOST, "key must be a string"),
        (25, semconv::FLUSH_INCOMPLETE, "the flush after the invocation before was given up"),
    ] {
        all.extend(Story::new(n).invocation(1, 0).diagnostic(code, message, 1).done());
    }
    all.extend(Story::new(26).invocation(1, 0).open().invocation(2, 1).open().diagnostic(WARNED.0, WARNED.1, 1).done());
    // A span that ended before it began, and a run that is its own parent.
    let mut s = Story::new(28);
    s.invocation(1, 0).last().end = Some(end(27_990, Status::Ok));
    all.extend(s.done());
    let mut s = Story::new(29);
    let itself = RunStart::new("report", T0 + 29_000 * MS).with_parent_run_id(Some(run(29)));
    all.extend([s.shop.record(Body::RunStart(itself)), s.shop.run_end(29_010, Status::Ok)]);
    // A message that stays in the outbox, and a span of which only the end is recorded.
    let mut s = Story::new(30);
    s.publish(1, "events:order", 0, "committed").last().primitive = "handoff.prepare".into();
    all.extend(s.done());
    let mut s = Story::new(31);
    all.extend(s.order().done());
    all.push(s.mail.span_end(3103, 31_020, Status::Ok));
    all
}

const WARNED: (&str, &str) =
    (semconv::DEADLINE_NEAR, "50 ms are left of the function's time, and the handler has not ended");
