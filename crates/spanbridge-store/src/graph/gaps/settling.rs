//! What became of messages that were taken from a queue.
//!
//! A message is settled by a settlement under its process span, by one that came before there was such a span, by one of
//! a later message that covers it, or by a commit of its offset or a later one, be it that of a transaction.

use super::super::message::{Position, Source};
use super::super::{Span, SpanStatus};
use super::brokers::Broker;
use super::kinds::fill;
use super::{Gap, GapKind, Place, named};
use crate::hash::Set;
use spanbridge::{SpanId, semconv};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub(super) struct Settling {
    taken: Vec<Taken>,
    /// Spans that have a settlement under them.
    settled: Set<SpanId>,
    /// The same by the number of the message: before there is a process span, settlements are under the sender's.
    by_number: Set<(SpanId, i64)>,
    /// Spans under which the broker, or its client, refused a settlement.
    refused: Set<SpanId>,
    /// Who settles at all.
    consumers: BTreeSet<Consumer>,
    /// Settlements that cover all earlier messages of their channel: the tag, and when that was.
    multiple: BTreeMap<Consumer, Vec<(i64, u64)>>,
    /// The last offset that a group has committed, by topic and partition.
    committed: BTreeMap<Partition, i64>,
    /// The last offset that a service's transactions have committed: they do not say of which group.
    committed_along: BTreeMap<Partition, i64>,
    /// Spans whose message was delivered once more.
    repeated: Set<SpanId>,
}

/// A service that takes messages from a source: system, queue or topic, group.
type Consumer = (String, [String; 3]);

/// Group (of transactions the service), topic, partition.
type Partition = [String; 3];

/// A message that was worked on.
struct Taken {
    place: Place,
    what: String,
    span_id: SpanId,
    sender: Option<SpanId>,
    consumer: Consumer,
    partition: Partition,
    tag: Option<i64>,
    offset: Option<i64>,
    began: u64,
    ended: bool,
    /// Until when it may take.
    due: u64,
}

impl Taken {
    fn number(&self) -> Option<i64> {
        self.tag.or(self.offset)
    }
}

impl Settling {
    /// Learns what was settled; `above` is the span under which that was.
    pub(super) fn learn(&mut self, span: &Span, above: Option<&Span>) {
        // An offset that was stored is committed by the client, and what was settled as it was delivered by nobody.
        if span.is_true(semconv::SETTLE_STORED) {
            self.settled.insert(span.span_id);
            self.consumers.insert(consumer(span));
        } else if span.is_true(semconv::SETTLE_AUTOMATIC) {
            self.settled.insert(span.span_id);
        }
        if span.text(semconv::HANDOFF_STATUS) == Some("committed") {
            let told = span.events.iter().flat_map(|event| &event.attributes);
            let told = told.filter(|(key, _)| key == semconv::SETTLE_RANGES).filter_map(|(_, ranges)| ranges.as_str());
            for range in told.flat_map(ranges) {
                cover(&mut self.committed_along, &span.service, range)
            }
        }
        if span.primitive != "messaging.settle" {
            return;
        }
        if span.status != SpanStatus::Ok {
            self.refused.extend(span.parent_span_id);
            return;
        }
        // The work on a message knows its queue better.
        let consumer = consumer(above.filter(|above| above.is_delivery()).unwrap_or(span));
        let tag = span.integer(semconv::RABBITMQ_DELIVERY_TAG);
        if let Some(parent) = span.parent_span_id {
            self.settled.insert(parent);
            self.by_number.extend(tag.or(Position::offset(span).number).map(|number| (parent, number)));
        }
        for linked in &span.links {
            self.settled.insert(linked.span_id);
        }
        if let Some(tag) = tag.filter(|_| span.is_true(semconv::SETTLE_MULTIPLE)) {
            self.multiple.entry(consumer.clone()).or_default().push((tag, span.ended_at.unwrap_or(span.started_at)));
        }
        for range in ranges(span.text(semconv::SETTLE_RANGES).unwrap_or_default()) {
            // A commit may cover several topics, and then names none.
            let (service, [system, _, group]) = &consumer;
            self.consumers.insert((service.clone(), [system.clone(), range.0.to_owned(), group.clone()]));
            cover(&mut self.committed, group, range)
        }
        self.consumers.insert(consumer);
    }

    /// Notes that a delivery was followed by another one.
    pub(super) fn repeated(&mut self, earlier: SpanId) {
        self.repeated.insert(earlier);
    }

    /// Asks what became of a message of this sender. It may take until `due`.
    pub(super) fn ask(&mut self, span: &Span, sender: Option<SpanId>, place: &Place, due: u64) {
        if !span.is_delivery() {
            return;
        }
        let consumer = consumer(span);
        let [_, topic, group] = &consumer.1;
        let position = Position::offset(span);
        self.taken.push(Taken {
            place: place.at(span.span_id),
            what: named(span),
            span_id: span.span_id,
            sender,
            partition: [group.clone(), topic.clone(), position.partition.to_owned()],
            tag: span.integer(semconv::RABBITMQ_DELIVERY_TAG),
            offset: position.number,
            began: span.started_at,
            ended: span.ended_at.is_some(),
            due,
            consumer,
        });
    }

    /// Whether every message was settled: then there is no need to look further.
    pub(super) fn is_settled(&self) -> bool {
        self.unsettled().next().is_none()
    }

    /// The messages that were taken and neither settled by themselves nor by number.
    fn unsettled(&self) -> impl Iterator<Item = &Taken> {
        self.taken.iter().filter(|t| {
            let by_number = t.sender.zip(t.number()).is_some_and(|by| self.by_number.contains(&by));
            let [_, topic, partition] = &t.partition;
            let along = || self.committed_along.get(&[t.consumer.0.clone(), topic.clone(), partition.clone()]);
            let last = || self.committed.get(&t.partition).into_iter().chain(along()).max();
            let committed = || t.offset.is_some_and(|offset| last().is_some_and(|last| *last >= offset));
            !self.settled.contains(&t.span_id) && !by_number && !committed()
        })
    }

    /// What has not been settled in time, by consumers that settle.
    pub(super) fn gaps(&self, now: u64) -> impl Iterator<Item = Gap> {
        let multiple: BTreeMap<&Consumer, Covered> =
            self.multiple.iter().map(|(consumer, all)| (consumer, Covered::of(all))).collect();
        let late = self.unsettled().filter(move |t| {
            let covered = || multiple.get(&t.consumer).is_some_and(|m| t.tag.is_some_and(|tag| m.covers(tag, t.began)));
            // What was delivered again was given up by whoever had it.
            let due = t.due <= now || !t.ended && self.repeated.contains(&t.span_id);
            due && self.consumers.contains(&t.consumer) && !covered()
        });
        late.map(|t| {
            let end = if t.ended { "" } else { ", which has no end" };
            let refused = if self.refused.contains(&t.span_id) { REFUSED } else { "" };
            let again = if self.repeated.contains(&t.span_id) { ", then delivered again" } else { "" };
            let what = format!("{}{end}{refused}{again}", t.what);
            let (how, instead) = match (t.ended, refused) {
                (_, REFUSED) => WAS_REFUSED,
                (true, _) => LEFT,
                (false, _) => BROKE_OFF,
            };
            let (service, [system, ..]) = &t.consumer;
            let broker = Broker::of(system).facts();
            let instead = fill(instead, &broker);
            let facts = [&[("service", &**service), ("how", how), ("instead", &*instead)][..], &broker].concat();
            t.place.gap(GapKind::NotSettled, what, &facts)
        })
    }
}

const REFUSED: &str = ", its settlement was refused";

/// How it comes that a message is not settled, and what to do instead.
const LEFT: (&str, &str) = (
    "a way through the handler (an early return, an error, a panic) leaves the job without ack, nack or commit, or the \
     process ended first",
    "settle on every way out: {settle}, or leave it to the driver and its policy",
);
const BROKE_OFF: (&str, &str) = (
    "the work has no end, so its process was killed, has crashed or hangs",
    "let a process that is told to stop finish the jobs that it has, give work a time limit, and make it safe to be done \
     twice",
);
const WAS_REFUSED: (&str, &str) = (
    "it tried to, and was refused: the channel or the connection was gone, the partition was revoked, or the work took \
     longer than the broker waits (RabbitMQ's `consumer_timeout`, Kafka's `max.poll.interval.ms`)",
    "settle on the channel that the message came by while it is open, let the work take less time or the broker wait longer, \
     and make it safe to be done twice",
);

/// Settlements of many messages at once, by tag; each with the latest time of those from there on.
struct Covered(Vec<(i64, u64)>);

impl Covered {
    fn of(all: &[(i64, u64)]) -> Self {
        // Tag 0 stands for all that are not settled yet.
        let mut all: Vec<_> = all.iter().map(|(tag, at)| (if *tag == 0 { i64::MAX } else { *tag }, *at)).collect();
        all.sort_unstable();
        let mut latest = 0;
        for (_, at) in all.iter_mut().rev() {
            latest = latest.max(*at);
            *at = latest;
        }
        Covered(all)
    }

    /// Whether a message with this tag, on which work had begun by then, is covered.
    fn covers(&self, tag: i64, began: u64) -> bool {
        let from = self.0.partition_point(|(t, _)| *t < tag);
        self.0.get(from).is_some_and(|(_, latest)| *latest >= began)
    }
}

fn consumer(span: &Span) -> Consumer {
    let Source { system, queue, group } = Source::of(span);
    (span.service.clone(), [system, queue, group].map(str::to_owned))
}

/// Topic, partition and the last offset.
type Range<'a> = (&'a str, &'a str, i64);

/// Notes that a range is committed.
fn cover(committed: &mut BTreeMap<Partition, i64>, group: &str, (topic, partition, last): Range<'_>) {
    let known = committed.entry([group, topic, partition].map(str::to_owned)).or_insert(last);
    *known = last.max(*known);
}

/// Reads `topic[partition] first..last`, separated by commas.
fn ranges(text: &str) -> impl Iterator<Item = Range<'_>> {
    text.split(", ").filter_map(|range| {
        let (place, offsets) = range.rsplit_once(' ')?;
        let (topic, partition) = place.strip_suffix(']')?.rsplit_once('[')?;
        let last = offsets.rsplit("..").next()?.parse().ok()?;
        Some((topic, partition, last))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_written() {
        let read: Vec<_> = ranges("orders[0] 5..9, a[b][1] 3, late[2] ..7").collect();
        assert_eq!(read, [("orders", "0", 9), ("a[b]", "1", 3), ("late", "2", 7)]);
        for torn in ["", "orders", "orders[0]", "orders 3", "orders[0] x", "orders[0] 1..", "] 3", "[ 3"] {
            assert_eq!(ranges(torn).count(), 0, "{torn}");
        }
    }

    #[test]
    fn a_multiple_ack_covers_what_came_before() {
        let covered = Covered::of(&[(10, 100), (30, 50), (20, 200)]);
        assert!(covered.covers(10, 100) && covered.covers(20, 200) && covered.covers(15, 150));
        assert!(!covered.covers(21, 51), "its consumer had not even begun");
        assert!(!covered.covers(31, 1));
        assert!(Covered::of(&[(0, 100)]).covers(77, 100));
        assert!(!Covered::of(&[]).covers(1, 1));
    }
}
