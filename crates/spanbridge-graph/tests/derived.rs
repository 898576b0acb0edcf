//! Relations that the graph derives from the spans of deliveries.

mod common;

use common::*;
use spanbridge::record::{AttributeValue, Body, Endpoint, Link, Record, SpanData};
use spanbridge_graph::Graph;

const PUBLISH: u64 = 1;
const ATTEMPT: &str = "spanbridge.delivery.attempt";

/// A service, and the record of a message that it sent.
fn shop() -> (Recording, Vec<Record<'static>>) {
    let mut shop = Recording::of(run(1), 1, "shop");
    let sent = shop.step((PUBLISH, 0), ("messaging.publish", "publish"), "events:order", (10, 12), vec![]);
    (shop, vec![sent])
}

/// The work on a message of that sender, from a queue, begun `at`.
fn process(r: &mut Recording, id: u64, sender: u64, queue: &str, at: u64, mut more: Said) -> Record<'static> {
    more.push(("messaging.rabbitmq.destination.routing_key", text("order")));
    let source = format!("events:order:{queue}");
    r.step((id, sender), ("messaging.process", "process"), &source, (at, at + 5), more)
}

fn attempt(n: i64) -> Said {
    vec![(ATTEMPT, AttributeValue::I64(n))]
}

fn died_in(queue: &str) -> Said {
    vec![("spanbridge.dead_letter.queue", text(queue)), ("spanbridge.dead_letter.reason", text("rejected"))]
}

/// The derived edges as `from type to`, by the numbers of the spans, for any order of the records.
fn edges(records: &[Record<'static>]) -> Vec<String> {
    let of = |records: &[Record<'static>]| -> Vec<String> {
        let number = |end: &Endpoint<'_>| match end {
            Endpoint::Span { span_id, .. } => span_id.get() & 0xffff,
            other => panic!("{other:?}"),
        };
        let graph = Graph::build(run(1), records);
        assert!(graph.edges.iter().all(|e| e.derived));
        let mut all: Vec<_> = graph.edges.iter().map(|e| (number(&e.from), &e.edge_type, number(&e.to))).collect();
        all.sort_unstable();
        all.into_iter().map(|(from, what, to)| format!("{from} {what} {to}")).collect()
    };
    let mut reversed = records.to_vec();
    reversed.reverse();
    assert_eq!(of(records), of(&reversed));
    of(records)
}

/// Deliveries from one queue are attempts; from several queues, they are a fan-out.
#[test]
fn attempts_and_fan_out_differ_by_queue() {
    let (mut m, mut all) = shop();
    all.push(process(&mut m, 2, PUBLISH, "mail", 20, vec![]));
    all.push(process(&mut m, 3, PUBLISH, "stock", 21, vec![]));
    assert_eq!(edges(&all), [""; 0]);
    all.push(process(&mut m, 4, PUBLISH, "mail", 40, vec![]));
    all.push(process(&mut m, 5, PUBLISH, "mail", 60, vec![]));
    assert_eq!(edges(&all), ["4 retry.of 2", "5 retry.of 4"]);
}

#[test]
fn a_count_is_better_than_the_clocks() {
    let (mut m, mut all) = shop();
    all.push(process(&mut m, 2, PUBLISH, "mail", 90, attempt(1)));
    all.push(process(&mut m, 3, PUBLISH, "mail", 40, attempt(3)));
    all.push(process(&mut m, 4, PUBLISH, "mail", 60, attempt(2)));
    assert_eq!(edges(&all), ["3 retry.of 4", "4 retry.of 2"]);
}

#[test]
fn one_context_on_many_messages_is_no_retry() {
    // The parent is recorded but is no publish, or it is not recorded.
    for sender in [9, 77] {
        let (mut m, _) = shop();
        let handler = m.span(9, 0, "POST /orders", 0, 5);
        let once = process(&mut m, 2, sender, "mail", 20, vec![]);
        let again = process(&mut m, 3, sender, "mail", 40, vec![]);
        assert_eq!(edges(&[handler.clone(), once.clone(), again]), [""; 0]);
        // Unless they have counts or message ids.
        let counted = process(&mut m, 4, sender, "mail", 60, attempt(2));
        assert_eq!(edges(&[handler.clone(), once.clone(), counted]), ["4 retry.of 2"]);
        let named = |id| ("messaging.message.id", text(id));
        let a = process(&mut m, 5, sender, "mail", 20, vec![named("a")]);
        let b = process(&mut m, 6, sender, "mail", 21, vec![named("b")]);
        let a2 = process(&mut m, 7, sender, "mail", 22, [attempt(2), vec![named("a")]].concat());
        assert_eq!(edges(&[handler, a, b, a2]), ["7 retry.of 5"]);
    }
}

#[test]
fn an_offset_is_a_message_and_a_group_its_reader() {
    let (mut m, mut all) = shop();
    let mut read = |id, group, offset| {
        let position = vec![
            ("messaging.kafka.offset", AttributeValue::I64(offset)),
            ("messaging.destination.partition.id", text("0")),
            ("messaging.consumer.group.name", text(group)),
        ];
        process(&mut m, id, PUBLISH, "-", 20 + id, position)
    };
    all.extend([read(2, "mail", 7), read(3, "stock", 7), read(4, "mail", 8), read(5, "mail", 7)]);
    assert_eq!(edges(&all), ["5 retry.of 2"]);
}

#[test]
fn a_trace_of_its_own_is_known_by_its_link() {
    let (mut m, mut all) = shop();
    for id in [2, 3] {
        let mut record = process(&mut m, id, 0, "mail", 20 * id, vec![]);
        record.trace_id = Some(trace(id as u128 + 4));
        if let Body::Span(start @ SpanData { end: Some(_), .. }) = &mut record.body {
            // If it came in a batch, it also links to that.
            for (trace_id, id) in [(trace(9), 99), (trace(1), PUBLISH)] {
                start.links.push(Link::new(trace_id, span_id(id), attributes(&[])));
            }
        }
        all.push(record);
    }
    assert_eq!(edges(&all), ["3 retry.of 2"]);
}

#[test]
fn a_dead_letter_comes_from_the_last_attempt() {
    let (mut m, mut all) = shop();
    all.push(process(&mut m, 2, PUBLISH, "mail", 20, vec![]));
    all.push(process(&mut m, 3, PUBLISH, "mail", 40, vec![]));
    all.push(process(&mut m, 4, PUBLISH, "dead", 60, died_in("mail")));
    assert_eq!(edges(&all), ["3 dead_lettered.to 4", "3 retry.of 2"]);
    // The dead letter is redelivered. Then it goes back to its queue, and is dead-lettered again.
    all.push(process(&mut m, 5, PUBLISH, "dead", 80, died_in("mail")));
    all.push(process(&mut m, 6, PUBLISH, "mail", 100, died_in("mail")));
    all.push(process(&mut m, 7, PUBLISH, "dead", 120, died_in("mail")));
    assert_eq!(
        edges(&all),
        [
            "3 dead_lettered.to 4",
            "3 retry.of 2",
            "5 retry.of 4",
            "6 dead_lettered.to 7",
            "6 retry.of 3",
            "7 retry.of 5"
        ]
    );
}

#[test]
fn dead_letters_without_work_have_their_sender() {
    let (mut m, mut all) = shop();
    all.push(process(&mut m, 2, PUBLISH, "dead", 60, died_in("mail")));
    assert_eq!(edges(&all), ["1 dead_lettered.to 2"]);
    // A round trip through a waiting queue is a retry.
    let (mut m, mut all) = shop();
    all.push(process(&mut m, 2, PUBLISH, "mail", 20, vec![]));
    all.push(process(&mut m, 3, PUBLISH, "mail", 90, died_in("mail.wait")));
    assert_eq!(edges(&all), ["3 retry.of 2"]);
}

/// The count of RabbitMQ for a repeated dead-lettering.
fn died(queue: &str, count: i64) -> Said {
    [died_in(queue), vec![("spanbridge.dead_letter.count", AttributeValue::I64(count))]].concat()
}

/// A client may republish a message with all of its headers, including those of earlier dead-letterings.
#[test]
fn acked_messages_are_not_dead_lettered() {
    let (mut m, mut all) = shop();
    all.push(process(&mut m, 2, PUBLISH, "mail", 20, vec![]));
    all.push(process(&mut m, 3, PUBLISH, "dead", 60, died("mail", 1)));
    // It goes back to its queue, is acknowledged, and is copied to an archive by a publish that is not recorded.
    all.push(process(&mut m, 4, PUBLISH, "mail", 100, died("mail", 1)));
    all.push(process(&mut m, 5, PUBLISH, "archive", 140, died("mail", 1)));
    let derived = ["2 dead_lettered.to 3", "4 retry.of 2"];
    assert_eq!(edges(&all), derived, "it came with that death already");
    let ack = m.step((6, 4), ("messaging.settle", "ack"), "events:order:mail", (104, 105), vec![]);
    assert_eq!(edges(&[all.clone(), vec![ack.clone()]].concat()), derived);
    // Also without counts.
    let (mut m, mut all) = shop();
    all.push(process(&mut m, 4, PUBLISH, "mail", 100, vec![]));
    all.push(process(&mut m, 5, PUBLISH, "archive", 140, died_in("mail")));
    assert_eq!(edges(&all), ["4 dead_lettered.to 5"]);
    all.push(ack);
    assert_eq!(edges(&all), [""; 0]);
    // A rejected message was dead-lettered.
    let reject = m.step((6, 4), ("messaging.settle", "reject"), "events:order:mail", (104, 105), vec![]);
    all.pop();
    all.push(reject);
    assert_eq!(edges(&all), ["4 dead_lettered.to 5"]);
}

#[test]
fn copied_headers_are_no_dead_lettering() {
    let again = |count| {
        let mut m = Recording::of(run(1), 1, "shop");
        let sent = m.step((PUBLISH, 0), ("messaging.publish", "publish"), "events:order", (10, 12), died("mail", 1));
        let taken = process(&mut m, 2, PUBLISH, "archive", 20, died("mail", count));
        edges(&[sent, taken])
    };
    assert_eq!(again(1), [""; 0]);
    assert_eq!(again(2), ["1 dead_lettered.to 2"], "it has died since");
}

#[test]
fn endless_retries_take_linear_time() {
    let (mut m, mut all) = shop();
    for n in 0..20_000 {
        all.push(process(&mut m, 2 * n + 2, PUBLISH, "mail", 20 * n + 20, vec![]));
        all.push(process(&mut m, 2 * n + 3, PUBLISH, "dead", 20 * n + 30, died_in("mail")));
    }
    let graph = Graph::build(run(1), &all);
    assert_eq!(graph.edges.iter().filter(|e| e.edge_type == "dead_lettered.to").count(), 20_000);
    assert_eq!(graph.edges.iter().filter(|e| e.edge_type == "retry.of").count(), 2 * 19_999);
}
