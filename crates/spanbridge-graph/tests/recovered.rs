//! A message whose attempts are runs of their own: a later one that succeeds mends those that failed.

mod common;

use common::*;
use spanbridge::record::{AttributeValue, Body, Record};
use spanbridge::{Status, semconv};
use spanbridge_graph::{Graph, recovered_runs};

/// A run that sends messages as spans 100 and 200.
fn sender() -> Graph {
    let mut shop = Recording::of(run(1), 1, "shop");
    let publish = ("messaging.publish", "publish");
    let records = [
        shop.run_start("order", 0),
        shop.step((100, 0), publish, "orders:created", (1, 2), vec![]),
        shop.step((200, 0), publish, "orders:created", (3, 4), vec![]),
        shop.run_end(5, Status::Ok),
    ];
    Graph::build(run(1), &records)
}

struct Attempt {
    n: u64,
    message: u64,
    queue: &'static str,
    number: i64,
    status: Status,
}

/// The first attempt at the first message.
const FIRST: Attempt = Attempt { n: 2, message: 100, queue: "mail", number: 1, status: Status::Error };

impl Attempt {
    fn records(&self) -> Vec<Record<'static>> {
        let Attempt { n, message, queue, number, status } = *self;
        let mut mail = Recording::of(run(n.into()), n, "mail");
        let at = 10 * n;
        let said = vec![
            (semconv::DELIVERY_ATTEMPT, AttributeValue::I64(number)),
            (semconv::RABBITMQ_ROUTING_KEY, text("created")),
            (semconv::RELATION, text("new_run")),
        ];
        let from = format!("orders:created:{queue}");
        let mut work = mail.step((1000 * n, 0), ("messaging.process", "process"), &from, (at, at + 5), said);
        if let Body::Span(span) = &mut work.body {
            span.end = Some(end(at + 5, status));
        }
        let by = Some((run(1), span_id(message)));
        vec![mail.record(run_start("process", at, by)), work, mail.run_end(at + 6, status)]
    }

    fn graph(&self) -> Graph {
        Graph::build(run(self.n.into()), &self.records())
    }
}

fn mended(graphs: &[Graph]) -> (Vec<u128>, u64) {
    let found = recovered_runs(&graphs.iter().collect::<Vec<_>>());
    (found.runs.iter().map(|run| run.get() as u32 as u128).collect(), found.messages)
}

/// Attempts are of the same message and the same queue, and the last one counts.
#[test]
fn a_later_good_attempt_mends_a_run() {
    use Status::{Error, Ok};
    let second = |status| Attempt { n: 3, number: 2, status, ..FIRST };
    let all = |attempts: &[Attempt]| {
        let mut graphs: Vec<Graph> = attempts.iter().map(Attempt::graph).collect();
        graphs.push(sender());
        mended(&graphs)
    };
    assert_eq!(all(&[FIRST, second(Ok)]), (vec![2], 1));
    assert_eq!(all(&[second(Ok), FIRST]), (vec![2], 1));
    assert_eq!(all(&[FIRST, second(Error), Attempt { n: 4, number: 3, status: Ok, ..FIRST }]), (vec![2, 3], 1));
    // The good one came first, or none did.
    assert_eq!(all(&[Attempt { status: Ok, ..FIRST }, second(Error)]), (vec![], 0));
    assert_eq!(all(&[FIRST, second(Error)]), (vec![], 0));
    assert_eq!(all(&[FIRST]), (vec![], 0));
    // It is about another message, or another consumer.
    assert_eq!(all(&[FIRST, Attempt { message: 200, ..second(Ok) }]), (vec![], 0));
    assert_eq!(all(&[FIRST, Attempt { queue: "stock", ..second(Ok) }]), (vec![], 0));
}

/// If the sender is not stored, the numbers of attempts tell that it is one message.
#[test]
fn attempts_need_no_sender() {
    let second = Attempt { n: 3, number: 2, status: Status::Ok, ..FIRST };
    assert_eq!(mended(&[FIRST.graph(), second.graph()]), (vec![2], 1));
    let same = Attempt { number: 1, ..second };
    assert_eq!(mended(&[FIRST.graph(), same.graph()]), (vec![], 0));
}

/// A run that its owner ended ok is mended only if all that failed in it is the work on that message.
#[test]
fn other_failures_in_the_run_stay() {
    let second = Attempt { n: 3, number: 2, status: Status::Ok, ..FIRST }.graph();
    let ended_ok = |more: Vec<Record<'static>>| {
        let mut records = FIRST.records();
        records.iter_mut().for_each(|record| {
            if let Body::RunEnd(end) = &mut record.body {
                end.status = Status::Ok;
            }
        });
        records.extend(more);
        Graph::build(run(2), &records)
    };
    let first = ended_ok(vec![]);
    assert_eq!(first.run.failed_work.failed, 1);
    assert_eq!(mended(&[first, second.clone()]), (vec![2], 1));
    let mut more = Recording::of(run(2), 22, "mail");
    let sent = more.step((2100, 2000), ("messaging.publish", "publish"), "receipts", (22, 23), vec![]);
    let lost = more.failed(2200, 2100, "process receipts", 30, 31);
    assert_eq!(mended(&[ended_ok(vec![sent, lost]), second]), (vec![], 0));
}

/// Work that ended ok and was then rejected has lost the message.
#[test]
fn a_rejected_last_attempt_mends_nothing() {
    let second = Attempt { n: 3, number: 2, status: Status::Ok, ..FIRST };
    let settled = |operation: &'static str| {
        let mut records = second.records();
        let mut mail = Recording::of(run(3), 33, "mail");
        records.push(mail.step((3100, 3000), ("messaging.settle", operation), "orders:created:mail", (35, 36), vec![]));
        mended(&[FIRST.graph(), Graph::build(run(3), &records), sender()])
    };
    assert_eq!(settled("ack"), (vec![2], 1));
    assert_eq!(settled("reject"), (vec![], 0));
}
