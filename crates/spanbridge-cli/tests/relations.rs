//! How `spanbridge trace` shows relations across queues.

#[path = "../../spanbridge-query/tests/common/mod.rs"]
mod common;

use common::*;
use insta::assert_snapshot;
use spanbridge::record::{AttributeValue, Body, Diagnostic, Edge, Endpoint, Link, Record, SpanData};
use spanbridge::{SpanId, TraceId, semconv};
use spanbridge_store::StoreSink;
use std::process::Command;

/// A store with these records, and the output of `trace`.
fn trace_of(records: &[Record<'static>], id: &str) -> String {
    trace_with(records, &[id])
}

fn trace_with(records: &[Record<'static>], args: &[&str]) -> String {
    shown(records, &[&["trace"], args].concat())
}

fn shown(records: &[Record<'static>], args: &[&str]) -> String {
    let (_dir, path) = place();
    deliver(&mut StoreSink::open(&path).unwrap(), 7, 1, records);
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).args(["--color", "never", "--db"]).arg(&path).env("COLUMNS", "100");
    let output = command.output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr)), (Some(0), "".into()));
    String::from_utf8(output.stdout).unwrap()
}

fn publish(r: &mut Recording, id: u64, parent: u64, to: &str, at: u64) -> Record<'static> {
    let said = vec![(semconv::HANDOFF_STATUS, text("confirmed"))];
    r.step((id, parent), ("messaging.publish", "publish"), to, (at, at + 3), said)
}

fn process(r: &mut Recording, id: u64, parent: u64, from: &str, at: u64, mut said: Said) -> Record<'static> {
    said.push((semconv::RABBITMQ_ROUTING_KEY, text("created")));
    r.step((id, parent), ("messaging.process", "process"), from, (at, at + 20), said)
}

fn settle(r: &mut Recording, id: u64, job: u64, operation: &'static str, at: u64) -> Record<'static> {
    r.step((id, job), ("messaging.settle", operation), "orders:created:mail", (at, at + 1), vec![])
}

/// The span of a record, to be changed.
fn start_of<'r>(record: &'r mut Record<'static>) -> &'r mut SpanData<'static> {
    match &mut record.body {
        Body::Span(start @ SpanData { end: Some(_), .. }) => start,
        other => panic!("{other:?}"),
    }
}

fn link(trace_id: TraceId, span_id: SpanId) -> Link<'static> {
    Link::new(trace_id, span_id, attributes(&[]))
}

const MAIL: &str = "orders:created:mail";

/// `shop` handles a request and sends a message. `mail` works on it.
fn request() -> (Recording, Recording, Vec<Record<'static>>) {
    let (mut shop, mail) = (Recording::of(run(1), 1, "shop"), Recording::of(run(1), 2, "mailer"));
    let mut root = shop.span(1, 0, "POST /orders", 0, 30);
    start_of(&mut root).primitive = "http.server".into();
    start_of(&mut root).kind = spanbridge::Kind::Server;
    let sent = publish(&mut shop, 2, 1, "orders:created", 10);
    (shop, mail, vec![root, sent])
}

#[test]
fn an_attempt_after_another_and_a_dead_letter() {
    let (_, mut mail, mut all) = request();
    for (n, operation, at) in [(1, "nack", 40), (2, "reject", 80)] {
        let said = vec![(semconv::DELIVERY_ATTEMPT, AttributeValue::I64(n as i64))];
        all.push(process(&mut mail, 10 + n, 2, MAIL, at, said));
        all.push(settle(&mut mail, 20 + n, 10 + n, operation, at + 20));
    }
    all.push(process(&mut mail, 16, 2, "orders:created:stock", 41, vec![]));
    let died = vec![(semconv::DEAD_LETTER_QUEUE, text("mail")), (semconv::DEAD_LETTER_REASON, text("rejected"))];
    all.push(process(&mut mail, 17, 2, "dead:created:mail.dead", 110, died));
    all.push(settle(&mut mail, 27, 17, "ack", 131));
    assert_snapshot!(trace_of(&all, &run(1).to_string()), @r##"
POST /orders  11111111  ! ok, 1 message dead-lettered  132 ms
shop · mailer · 9 spans · 2026-09-21 14:13:20.000 UTC
                                                                                0             132 ms
shop ▸ POST /orders  gateway                                           30.0 ms  ━━━━╸
└─ publish orders:created  confirmed  hand-off                         3.00 ms   ╺
   ├⇢ mailer ▸ process orders:created:mail  nack  queued 27.0 ms       20.0 ms        ━━━
   ├⇢ mailer ▸ process orders:created:stock  queued 28.0 ms            20.0 ms        ━━━
   ├⇢ mailer ▸ process orders:crea…  attempt 2  reject  dead-lettered  20.0 ms              ━━━
   └⇢ mailer ▸ process dead:created:mail…  ack  dead letter: rejected  20.0 ms                  ╺━━╸
"##);
}

#[test]
fn a_message_dead_lettered_before_any_work() {
    let (_, mut mail, mut all) = request();
    let died = vec![(semconv::DEAD_LETTER_QUEUE, text("mail")), (semconv::DEAD_LETTER_REASON, text("delivery_limit"))];
    all.push(process(&mut mail, 17, 2, "dead:created:mail.dead", 110, died));
    assert_snapshot!(trace_of(&all, &run(1).to_string()), @r##"
POST /orders  11111111  ! ok, 1 message dead-lettered  130 ms
shop · mailer · 3 spans · 2026-09-21 14:13:20.000 UTC
                                                                                0             130 ms
shop ▸ POST /orders  gateway                                           30.0 ms  ━━━━╸
└─ publish orders:created  confirmed  dead-lettered  hand-off          3.00 ms   ╺
   └⇢ mailer ▸ process dead:created:mai…  dead letter: delivery limit  20.0 ms                  ╺━━━
"##);
}

#[test]
fn work_in_a_trace_of_its_own() {
    let (_, mut mail, mut all) = request();
    let mut work = process(&mut mail, 3, 0, MAIL, 40, vec![(semconv::RELATION, text("link"))]);
    work.trace_id = Some(trace(5));
    start_of(&mut work).links.push(link(trace(1), span_id(2)));
    let mut ack = settle(&mut mail, 4, 3, "ack", 60);
    ack.trace_id = Some(trace(5));
    all.extend([work, ack]);
    let shown = trace_of(&all, &run(1).to_string());
    assert_snapshot!(shown, @r##"
POST /orders  11111111  ✓ ok  61.0 ms
shop · mailer · 4 spans · 2026-09-21 14:13:20.000 UTC
                                                                                0            61.0 ms
shop ▸ POST /orders  gateway                                           30.0 ms  ━━━━━━━━━╸
└─ publish orders:created  confirmed  hand-off                         3.00 ms     ━
   └⇢ mailer ▸ process orders:create…  ack  new trace  queued 27.0 ms  20.0 ms               ━━━━━━╸
"##);
    assert_eq!(trace_of(&all, &trace(5).to_string()), shown, "from the other end, too");
}

/// The work on the message as a run of its own.
fn child() -> Vec<Record<'static>> {
    let (_, _, mut all) = request();
    let mut mail = Recording::of(run(2), 3, "mailer").in_trace(trace(1));
    all.push(mail.record(run_start("send mail", 40, Some((run(1), span_id(2))))));
    let mut work = process(&mut mail, 3, 0, MAIL, 40, vec![(semconv::RELATION, text("new_run"))]);
    start_of(&mut work).parent_span_id = Some(run(2).as_parent());
    all.extend([work, settle(&mut mail, 4, 3, "ack", 60), mail.run_end(60, spanbridge::Status::Ok)]);
    all
}

#[test]
fn work_that_is_a_run_from_the_parents_side() {
    assert_snapshot!(trace_of(&child(), &span_id(1).to_string()), @r##"
POST /orders  11111111  ✓ ok  30.0 ms
shop · 2 spans · 2026-09-21 14:13:20.000 UTC
                                                         0                                30.0 ms
shop ▸ POST /orders  gateway                    30.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
└─ publish orders:created  confirmed  hand-off  3.00 ms               ━━━━

child run    send mail  ✓ ok  spanbridge trace 22222222
"##);
    assert_snapshot!(trace_of(&child(), &run(1).to_string()), @r##"
POST /orders  11111111  ✓ ok  30.0 ms
shop · 2 spans · 2026-09-21 14:13:20.000 UTC
                                                         0                                30.0 ms
shop ▸ POST /orders  gateway                    30.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
└─ publish orders:created  confirmed  hand-off  3.00 ms               ━━━━

send mail  22222222  ✓ ok  20.0 ms, 21.0 ms with queued work
mailer · 2 spans · 2026-09-21 14:13:20.040 UTC
child of POST /orders 11111111, triggered by publish orders:created in shop
                                                                    0                        21.0 ms
mailer ▸ process orders:created:mail  ack  queued 27.0 ms  20.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
"##);
}

#[test]
fn attempts_that_are_runs() {
    let mut all = child();
    let mut mail = Recording::of(run(3), 4, "mailer").in_trace(trace(1));
    all.push(mail.record(run_start("send mail", 80, Some((run(1), span_id(2))))));
    let mut work = process(&mut mail, 6, 0, MAIL, 80, vec![(semconv::RELATION, text("new_run"))]);
    start_of(&mut work).parent_span_id = Some(run(3).as_parent());
    all.extend([work, mail.run_end(100, spanbridge::Status::Ok)]);
    assert_snapshot!(trace_of(&all, &run(3).to_string()), @r##"
send mail  33333333  ✓ ok  20.0 ms
mailer · 1 span · 2026-09-21 14:13:20.080 UTC
child of POST /orders 11111111, triggered by publish orders:created in shop
                                                      0                                20.0 ms
mailer ▸ process orders:created:mail  retry  20.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

parent run   POST /orders  ✓ ok  spanbridge trace 11111111
related run  send mail     ✓ ok  spanbridge trace 22222222
"##);
}

/// The attempts are the sender's children, and each dead letter is handled in a run of its own.
#[test]
fn a_dead_letter_that_is_a_run() {
    let (_, mut live, mut all) = request();
    all.extend([process(&mut live, 7, 2, MAIL, 40, vec![]), settle(&mut live, 8, 7, "reject", 60)]);
    let mut mail = Recording::of(run(2), 3, "mailer").in_trace(trace(1));
    all.push(mail.record(run_start("look at letter", 80, Some((run(1), span_id(2))))));
    let died = [(semconv::DEAD_LETTER_QUEUE, "mail"), (semconv::DEAD_LETTER_REASON, "rejected")];
    let said = died.into_iter().chain([(semconv::RELATION, "new_run")]).map(|(key, value)| (key, text(value)));
    let mut work = process(&mut mail, 3, 0, "dead:created:mail.dead", 80, said.collect());
    start_of(&mut work).parent_span_id = Some(run(2).as_parent());
    all.extend([work, mail.run_end(100, spanbridge::Status::Ok)]);
    assert_snapshot!(trace_of(&all, &span_id(1).to_string()), @r##"
POST /orders  11111111  ! ok, 1 message failed  61.0 ms
shop · mailer · 4 spans · 2026-09-21 14:13:20.000 UTC
                                                                            0                61.0 ms
shop ▸ POST /orders  gateway                                       30.0 ms  ━━━━━━━━━━━╸
└─ publish orders:created  confirmed  hand-off                     3.00 ms     ╺━
   └⇢ mailer ▸ process orders:created:mail  reject  dead-lettered  20.0 ms                 ╺━━━━━━━╸

child run    look at letter  ✓ ok  spanbridge trace 22222222
"##);
}

#[test]
fn work_that_is_a_run_from_its_own_side() {
    assert_snapshot!(trace_of(&child(), &run(2).to_string()), @r##"
send mail  22222222  ✓ ok  20.0 ms, 21.0 ms with queued work
mailer · 2 spans · 2026-09-21 14:13:20.040 UTC
child of POST /orders 11111111, triggered by publish orders:created in shop
                                                                    0                        21.0 ms
mailer ▸ process orders:created:mail  ack  queued 27.0 ms  20.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

parent run   POST /orders  ✓ ok  spanbridge trace 11111111
"##);
}

#[test]
fn a_delivery_after_an_unrecorded_one() {
    let (_, mut mail, mut all) = request();
    let said = vec![(semconv::DELIVERY_REDELIVERED, AttributeValue::Bool(true))];
    all.push(process(&mut mail, 3, 2, MAIL, 40, said));
    assert_snapshot!(trace_of(&all, &run(1).to_string()), @r##"
POST /orders  11111111  ✓ ok  60.0 ms
shop · mailer · 3 spans · 2026-09-21 14:13:20.000 UTC
                                                                      0                      60.0 ms
shop ▸ POST /orders  gateway                                 30.0 ms  ━━━━━━━━━━━━━━━
└─ publish orders:created  confirmed  hand-off               3.00 ms       ━╸
   └⇢ mailer ▸ process orders:created:mail  delivered again  20.0 ms                      ━━━━━━━━━━
"##);
}

#[test]
fn a_batch_and_one_of_its_messages() {
    let mut all = Vec::new();
    let mut batch = Recording::of(run(7), 70, "mailer");
    let count = vec![(semconv::MESSAGING_BATCH_COUNT, AttributeValue::I64(3))];
    let mut whole = process(&mut batch, 70, 0, MAIL, 40, count);
    for n in 1..4u64 {
        let mut shop = Recording::of(run(n.into()), n, "shop");
        let mut mail = Recording::of(run(n.into()), 10 + n, "mailer");
        start_of(&mut whole).links.push(link(trace(n.into()), span_id(10 * n)));
        all.push(publish(&mut shop, 10 * n, 0, "orders:created", 10 + n));
        let mut one = process(&mut mail, 10 * n + 1, 10 * n, MAIL, 40, vec![]);
        start_of(&mut one).links.push(link(trace(7), span_id(70)));
        if n == 2
            && let Body::Span(SpanData { end: Some(end), .. }) = &mut one.body
        {
            (end.status, end.error) = (spanbridge::Status::Error, Some("550 mailbox unavailable".into()));
        }
        all.push(one);
        all.push(settle(&mut mail, 10 * n + 2, 10 * n + 1, if n == 2 { "nack" } else { "ack" }, 60));
    }
    all.push(whole);
    assert_snapshot!(trace_of(&all, &run(7).to_string()), @r##"
process orders:created:mail  77777777  ✓ ok  20.0 ms
mailer · 1 span · 2026-09-21 14:13:20.040 UTC
                                                                      0                      20.0 ms
mailer ▸ process orders:created:mail  batch of 3  3 senders  20.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

linked both ways  publish orders:created  ✓ ok                    spanbridge trace 11111111
linked both ways  publish orders:created  ! ok, 1 message failed  spanbridge trace 22222222
linked both ways  publish orders:created  ✓ ok                    spanbridge trace 33333333
"##);
    assert_snapshot!(trace_of(&all, &run(2).to_string()), @r##"
publish orders:created  22222222  ! ok, 1 message failed  49.0 ms
shop · mailer · 3 spans · 1 error · 2026-09-21 14:13:20.012 UTC
                                                                              0              49.0 ms
shop ▸ publish orders:created  confirmed  linked from 77777777       3.00 ms  ━
└⇢ ✗ mailer ▸ process orders:created:mail  nack  linked to 77777777  20.0 ms              ╺━━━━━━━━╸
     550 mailbox unavailable

linked both ways  process orders:created:mail  ✓ ok  spanbridge trace 77777777
"##);
}

#[test]
fn a_request_and_its_reply() {
    let (mut shop, mut mail, mut all) = request();
    all.push(process(&mut mail, 3, 2, MAIL, 40, vec![]));
    all.push(publish(&mut mail, 4, 3, "amq.default:replies", 55));
    all.push(process(&mut shop, 5, 4, "amq.default:replies", 70, vec![]));
    let span = |id| Endpoint::Span { trace_id: trace(1), span_id: span_id(id) };
    all.push(shop.record(Body::Edge(Edge::new("replied.to", span(5), span(2)))));
    assert_snapshot!(trace_of(&all, &run(1).to_string()), @r##"
POST /orders  11111111  ✓ ok  90.0 ms
shop · mailer · 5 spans · 2026-09-21 14:13:20.000 UTC
                                                                                0            90.0 ms
shop ▸ POST /orders  gateway                                           30.0 ms  ━━━━━━╸
└─ publish orders:created  confirmed  replied  hand-off                3.00 ms    ╸
   └⇢ mailer ▸ process orders:created:mail  queued 27.0 ms             20.0 ms          ╺━━━━
      └─ publish amq.default:replies  confirmed  hand-off              3.00 ms              ╸
         └⇢ shop ▸ process amq.def…  reply  to publish orders:created  20.0 ms                 ╺━━━━
"##);
}

/// Work of a consumer without trust: a run of its own that links to what the message claimed.
fn distrusting(r: &mut Recording, id: u64, at: u64, claimed: (TraceId, u64)) -> Vec<Record<'static>> {
    let mut work = process(r, id, 0, MAIL, at, vec![]);
    start_of(&mut work).links.push(link(claimed.0, span_id(claimed.1)));
    vec![work, settle(r, id + 1, id, "ack", at + 20)]
}

#[test]
fn a_consumer_without_trust_from_both_ends() {
    let (_, _, mut all) = request();
    let mut mail = Recording::of(run(2), 3, "mailer");
    all.extend(distrusting(&mut mail, 3, 40, (trace(1), 2)));
    all.push(
        mail.record(Body::Diagnostic(
            Diagnostic::new(semconv::CONTEXT_IGNORED, "the sender is not trusted: it said 00-1111")
                .with_span_id(Some(span_id(3)))
                .with_attributes(attributes(&[])),
        )),
    );
    assert_snapshot!(trace_of(&all, &run(1).to_string()), @r##"
POST /orders  11111111  ✓ ok  30.0 ms
shop · 2 spans · 2026-09-21 14:13:20.000 UTC
                                                                               0             30.0 ms
shop ▸ POST /orders  gateway                                          30.0 ms  ━━━━━━━━━━━━━━━━━━━━━
└─ publish orders:created  confirmed  linked from 22222222  hand-off  3.00 ms         ━━

linked from  process orders:created:mail  ✓ ok  spanbridge trace 22222222
"##);
    assert_snapshot!(trace_of(&all, &run(2).to_string()), @r##"
process orders:created:mail  22222222  ✓ ok  21.0 ms
mailer · 2 spans · 2026-09-21 14:13:20.040 UTC
                                                                        0                    21.0 ms
mailer ▸ process orders:created:mail  ack  linked to 11111111  20.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━╸

linked to    POST /orders  ✓ ok  spanbridge trace 11111111
! context.ignored: the sender is not trusted: it said 00-1111
"##);
}

#[test]
fn several_consumers_without_trust() {
    let (_, _, mut all) = request();
    for n in 2..5 {
        let mut mail = Recording::of(run(n), n as u64 + 1, "mailer");
        all.extend(distrusting(&mut mail, 10 * n as u64, 40 + n as u64, (trace(1), 2)));
    }
    assert_snapshot!(trace_of(&all, &run(1).to_string()), @r##"
POST /orders  11111111  ✓ ok  30.0 ms
shop · 2 spans · 2026-09-21 14:13:20.000 UTC
                                                                             0               30.0 ms
shop ▸ POST /orders  gateway                                        30.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━
└─ publish orders:created  confirmed  linked from 3 runs  hand-off  3.00 ms         ╺━╸

linked from  process orders:created:mail  ✓ ok  spanbridge trace 22222222
linked from  process orders:created:mail  ✓ ok  spanbridge trace 33333333
linked from  process orders:created:mail  ✓ ok  spanbridge trace 44444444
"##);
}

#[test]
fn a_link_of_the_users_from_both_ends() {
    let (_, _, mut all) = request();
    let mut report = Recording::of(run(5), 9, "reports");
    let mut nightly = report.span(50, 0, "nightly report", 500, 700);
    start_of(&mut nightly).primitive = "custom.operation".into();
    start_of(&mut nightly).kind = spanbridge::Kind::Internal;
    // Added while the span was open, so it comes late.
    let span = |n, id| Endpoint::Span { trace_id: trace(n), span_id: span_id(id) };
    let late = report.record(Body::Edge(Edge::new("custom.link", span(5, 50), span(1, 1))));
    all.extend([nightly, late]);
    assert_snapshot!(trace_of(&all, &run(1).to_string()), @r##"
POST /orders  11111111  ✓ ok  30.0 ms
shop · 2 spans · 2026-09-21 14:13:20.000 UTC
                                                             0                               30.0 ms
shop ▸ POST /orders  linked from 55555555  gateway  30.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
└─ publish orders:created  confirmed  hand-off      3.00 ms               ━━━╸

linked from  nightly report  ✓ ok  spanbridge trace 55555555
"##);
    assert_snapshot!(trace_of(&all, &run(5).to_string()), @r##"
nightly report  55555555  ✓ ok  200 ms
reports · 1 span · 2026-09-21 14:13:20.500 UTC
                                                       0                                 200 ms
reports ▸ nightly report  linked to 11111111   200 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

linked to    POST /orders  ✓ ok  spanbridge trace 11111111
"##);
}

/// A child run in the trace of its parent that links to another span of it, and one in another trace. Neither is listed twice.
#[test]
fn a_related_run_is_not_also_listed_as_linked() {
    let mut all = child();
    let mut aside = Recording::of(run(3), 5, "mailer");
    all.push(aside.record(run_start("audit", 90, Some((run(1), span_id(2))))));
    for (r, id) in [(&mut Recording::of(run(2), 6, "mailer").in_trace(trace(1)), 7), (&mut aside, 8)] {
        let mut work = r.span(id, 0, "audit", 90, 95);
        start_of(&mut work).links.push(link(trace(1), span_id(1)));
        all.push(work);
    }
    all.push(aside.run_end(95, spanbridge::Status::Ok));
    let shown = trace_of(&all, &span_id(1).to_string());
    assert_snapshot!(shown, @r##"
POST /orders  11111111  ✓ ok  30.0 ms
shop · 2 spans · 2026-09-21 14:13:20.000 UTC
                                                             0                               30.0 ms
shop ▸ POST /orders  linked from 33333333  gateway  30.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
└─ publish orders:created  confirmed  hand-off      3.00 ms               ━━━╸

child run    send mail  ✓ ok  spanbridge trace 22222222
child run    audit      ✓ ok  spanbridge trace 33333333
"##);
    let shown = trace_of(&all, &run(3).to_string());
    assert_snapshot!(shown, @r##"
audit  33333333  ✓ ok  5.00 ms
mailer · 1 span · 2026-09-21 14:13:20.090 UTC
child of POST /orders 11111111, triggered by publish orders:created in shop
                                             0                                5.00 ms
mailer ▸ audit  linked to 11111111  5.00 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━

parent run   POST /orders  ✓ ok  spanbridge trace 11111111
"##);
}

/// A request whose message is a run of its own, which starts another: inline, and with the critical path through all three.
#[test]
fn child_runs_inline_and_on_the_path() {
    let (_, _, mut all) = request();
    let mut ship = Recording::of(run(2), 3, "shipping").in_trace(trace(1));
    all.push(ship.record(run_start("ship order", 60, Some((run(1), span_id(2))))));
    all.push(process(&mut ship, 11, 2, "orders:created:ship", 60, vec![(semconv::RELATION, text("new_run"))]));
    all.push(publish(&mut ship, 12, 11, "labels:print", 65));
    all.push(ship.run_end(81, spanbridge::Status::Error));
    let mut print = Recording::of(run(3), 4, "printer").in_trace(trace(1));
    all.push(print.record(run_start("print label", 200, Some((run(2), span_id(12))))));
    all.push(process(&mut print, 13, 12, "labels:print:labels", 200, vec![(semconv::RELATION, text("new_run"))]));
    all.push(print.run_end(221, spanbridge::Status::Ok));
    let id = run(1).to_string();
    assert_snapshot!(trace_with(&all, &[&id, "--follow-children", "--critical-path"]), @r##"
POST /orders  11111111  ✓ ok  30.0 ms, 220 ms with queued work
shop · shipping · printer · 5 spans · 2026-09-21 14:13:20.000 UTC
                                                                         0                    220 ms
shop ▸ POST /orders  ◆ 10.0 ms  gateway                         30.0 ms  ━━━╸
└─ publish orders:created  ◆ 3.00 ms  confirmed  hand-off       3.00 ms   ╸
   └⇢ shipp… ▸ process orders:created:ship  ◆ 5.00 ms  ✗ error  20.0 ms         ━━╸
      └─ publish labels:print  ◆ 3.00 ms  confirmed  hand-off   3.00 ms         ╺
         └⇢ print… ▸ process labels:print:labels  ◆ 20.0 ms     20.0 ms                          ╺━━

critical path  221 ms  42.0 ms of work · 179 ms in queues
   10.0 ms  shop ▸ POST /orders
   3.00 ms  shop ▸ publish orders:created
   47.0 ms  ⇢ in the queue before run ship order 22222222
   5.00 ms  shipping ▸ process orders:created:ship
   3.00 ms  shipping ▸ publish labels:print
    132 ms  ⇢ in the queue before run print label 33333333
   20.0 ms  printer ▸ process labels:print:labels
   1.00 ms  run print label 33333333
"##);
    let json = trace_with(&all, &[&id, "--critical-path", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let path = &json["criticalPath"];
    assert_eq!((&path["durationMs"], &path["totalsMs"]["queue"]), (&221.0.into(), &(47.0 + 132.0).into()));
}

/// A run that names itself as its parent, and circles of runs, end.
#[test]
fn runs_that_started_each_other() {
    let records = |own: bool| {
        let (mut a, mut b) = (Recording::of(run(1), 1, "a"), Recording::of(run(2), 2, "b"));
        let parent = if own { run(1) } else { run(2) };
        let mut all = vec![a.record(run_start("first", 0, Some((parent, span_id(4))))), a.span(3, 0, "one", 1, 5)];
        all.push(b.record(run_start("second", 0, Some((run(1), span_id(3))))));
        all.extend([
            b.span(4, 0, "two", 2, 4),
            a.run_end(9, spanbridge::Status::Ok),
            b.run_end(9, spanbridge::Status::Ok),
        ]);
        all
    };
    let args = ["1111", "--follow-children", "--critical-path"];
    assert_snapshot!(trace_with(&records(true), &args), @r##"
first  11111111  ✓ ok  9.00 ms
a · b · 2 spans · 2026-09-21 14:13:20.000 UTC
its own parent, by its records
                                          0                                4.00 ms
a ▸ one  ◆ 4.00 ms               4.00 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
└─ b ▸ two  run second 22222222  2.00 ms            ━━━━━━━━━━━━━━━━━━━━

critical path  9.00 ms  9.00 ms of work
   1.00 ms  run first
   4.00 ms  a ▸ one
   4.00 ms  run first
"##);
    assert_snapshot!(trace_with(&records(false), &args), @r##"
first  11111111  ✓ ok  9.00 ms
a · b · 2 spans · 2026-09-21 14:13:20.000 UTC
child of second 22222222, triggered by two in b
                                          0                                4.00 ms
a ▸ one  ◆ 4.00 ms               4.00 ms  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
└─ b ▸ two  run second 22222222  2.00 ms            ━━━━━━━━━━━━━━━━━━━━

critical path  9.00 ms  9.00 ms of work
   1.00 ms  run first
   4.00 ms  a ▸ one
   4.00 ms  run first
"##);
}

/// The owner ended the run ok before its message failed for good: the list, its filters and the header say so.
#[test]
fn ok_with_a_dead_letter_is_no_plain_ok() {
    let (mut shop, mut mail, mut all) = request();
    all.insert(0, shop.record(run_start("order", 0, None)));
    all.push(shop.run_end(31, spanbridge::Status::Ok));
    for (n, at) in [(1, 40), (2, 80)] {
        let said = vec![(semconv::DELIVERY_ATTEMPT, AttributeValue::I64(n as i64))];
        let mut work = process(&mut mail, 10 + n, 2, MAIL, at, said);
        start_of(&mut work).end = Some(end(at + 20, spanbridge::Status::Error).with_error(Some("no such user".into())));
        all.push(work);
    }
    let died = vec![(semconv::DEAD_LETTER_QUEUE, text("mail")), (semconv::DEAD_LETTER_REASON, text("rejected"))];
    all.push(process(&mut mail, 17, 2, "dead:created:mail.dead", 110, died));
    let list = |args: &[&str]| shown(&all, &[&["runs"], args].concat());
    for args in [&[][..], &["--status", "error"]] {
        let text = list(args);
        assert!(text.contains("! ok, 1 message dead-lettered  order"), "{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&list(&["--format", "json"])).unwrap();
    let run = &json["runs"][0];
    assert_eq!((&run["status"], &run["failedWork"], &run["deadLettered"]), (&"ok".into(), &1.into(), &1.into()));
    let json: serde_json::Value = serde_json::from_str(&list(&["--status", "ok", "--format", "json"])).unwrap();
    assert_eq!(json["runs"], serde_json::json!([]));
    let header = trace_of(&all, &common::run(1).to_string());
    let expected = "order  11111111  ! ok, 1 message dead-lettered  31.0 ms, 130 ms with queued work";
    assert_eq!(header.lines().next(), Some(expected));
}

/// Wherever the status of a run is shown, a message that failed after its end is, too.
#[test]
fn failed_work_is_said_everywhere() {
    let mut shop = Recording::of(run(1), 1, "shop");
    let mut all = vec![shop.run_start("order", 0), publish(&mut shop, 2, 0, "orders:created", 1)];
    all.push(shop.run_end(9, spanbridge::Status::Ok));
    let mut mail = process(&mut Recording::of(run(1), 2, "mail"), 3, 2, MAIL, 40, vec![]);
    start_of(&mut mail).end.as_mut().unwrap().status = spanbridge::Status::Error;
    all.push(mail);
    let id = run(1).to_string();
    for args in [&["runs"][..], &["trace", &id], &["debug", &id], &["why", &id], &["diff", &id, &id]] {
        let text = shown(&all, args);
        assert!(text.contains("! ok, 1 message failed"), "{args:?}: {text}");
    }
    assert!(shown(&all, &["export", &id, "--to", "mermaid"]).contains("ok, 1 message failed"));
}

/// The owner ended the run ok, and nobody settled its message. An ack that comes late takes that back.
#[test]
fn a_message_never_settled_is_said() {
    let mut shop = Recording::of(run(1), 1, "shop");
    let mut all = vec![shop.run_start("order", 0), publish(&mut shop, 2, 0, "orders:created", 1)];
    all.push(shop.run_end(9, spanbridge::Status::Ok));
    let mut mail = Recording::of(run(1), 2, "mail");
    all.push(process(&mut mail, 3, 2, MAIL, 40, vec![(semconv::SETTLE_EXPECTED, text("ack"))]));
    let id = run(1).to_string();
    for args in [&["runs"][..], &["runs", "--status", "error"], &["trace", &id], &["why", &id], &["diff", &id, &id]] {
        let text = shown(&all, args);
        assert!(text.contains("! ok, 1 message never settled"), "{args:?}: {text}");
    }
    assert!(shown(&all, &["export", &id, "--to", "mermaid"]).contains("ok, 1 message never settled"));
    let why = shown(&all, &["why", &id]);
    assert!(why.contains(&format!("1 message was never settled: spanbridge doctor {id:.8}")), "{why}");
    let json: serde_json::Value = serde_json::from_str(&shown(&all, &["runs", "--format", "json"])).unwrap();
    let run = &json["runs"][0];
    assert_eq!((&run["status"], &run["failedWork"], &run["neverSettled"]), (&"ok".into(), &1.into(), &1.into()));
    let none = |args: &[&str], all: &[Record<'static>]| {
        let json: serde_json::Value = serde_json::from_str(&shown(all, args)).unwrap();
        assert_eq!(json["runs"], serde_json::json!([]), "{args:?}");
    };
    none(&["runs", "--status", "ok", "--format", "json"], &all);
    all.push(mail.step((4, 3), ("messaging.settle", "ack"), MAIL, (90_000, 90_001), vec![]));
    none(&["runs", "--status", "error", "--format", "json"], &all);
    assert!(shown(&all, &["runs"]).contains("✓ ok  "), "{}", shown(&all, &["runs"]));
}

/// A message that a retry mended is no failure, and the list says that there was one.
#[test]
fn a_recovered_message_is_said_in_the_list() {
    let mut shop = Recording::of(run(1), 1, "shop");
    let mut all = vec![shop.run_start("order", 0), publish(&mut shop, 2, 0, "orders:created", 1)];
    all.push(shop.run_end(9, spanbridge::Status::Ok));
    let mut mail = Recording::of(run(1), 2, "mail");
    let mut first = process(&mut mail, 3, 2, MAIL, 40, vec![]);
    start_of(&mut first).end.as_mut().unwrap().status = spanbridge::Status::Error;
    all.extend([first, process(&mut mail, 4, 2, MAIL, 90, vec![])]);
    for args in [&["runs"][..], &["runs", "--status", "ok"]] {
        let text = shown(&all, args);
        assert!(text.contains("✓ ok, 1 message recovered  order"), "{text}");
    }
}

/// A child run that waited says so where it is shown inline.
#[test]
fn a_child_run_inline_shows_its_waits() {
    let (_, _, mut all) = request();
    let mut ship = Recording::of(run(2), 3, "shipping").in_trace(trace(1));
    all.push(ship.record(run_start("ship order", 60, Some((run(1), span_id(2))))));
    all.push(process(&mut ship, 11, 2, "orders:created:ship", 60, vec![(semconv::RELATION, text("new_run"))]));
    let at = |ms: u64| T0 + ms * MS;
    let wait = spanbridge::record::RunSuspend::new("s", at(90)).with_reason(Some("customs".into()));
    all.push(ship.record(Body::RunSuspend(wait)));
    all.push(ship.record(Body::RunResume(spanbridge::record::RunResume::new("s", at(5090)))));
    all.push(ship.run_end(5100, spanbridge::Status::Ok));
    let text = trace_with(&all, &[&run(1).to_string(), "--follow-children"]);
    assert!(text.contains("‖ suspended 5.00 s: customs"), "{text}");
}

/// A link from another run of the same trace is walked back, too.
#[test]
fn links_within_a_trace_are_walked_back() {
    let (_, _, mut all) = request();
    let mut aside = Recording::of(run(3), 5, "mailer").in_trace(trace(1));
    all.push(aside.record(run_start("audit", 90, Some((run(1), span_id(2))))));
    let mut work = aside.span(31, 0, "audit", 90, 95);
    start_of(&mut work).links.push(link(trace(1), span_id(1)));
    all.push(work);
    let json = trace_with(&all, &[&run(1).to_string(), "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["spans"][0]["linkedFrom"][0]["spanId"], span_id(31).to_string());
}
