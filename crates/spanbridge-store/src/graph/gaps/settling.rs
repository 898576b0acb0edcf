//! What became of messages that were taken from a queue.
//!
//! A message is settled by a settlement under its process span, by one that came before there was such a span, by one of
//! a later message that covers it, or by a commit of its offset or a later one, be it that of a transaction. A settlement
//! that was refused settles nothing, and proves all the same that its consumer settles.
//!
//! Of a consumer of which no settlement is known each message is missing the same, so it is told once, and only where
//! somebody has to settle.

use super::super::message::{Position, Source};
use super::super::{Span, SpanStatus};
use super::brokers::Broker;
use super::kinds::fill;
use super::{Gap, GapKind, Place, and_more, named};
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
    /// Both, of offsets that were stored: they are settled where the client commits what is stored.
    stored: Set<SpanId>,
    stored_by_number: Set<(SpanId, i64)>,
    /// Spans under which the broker, or its client, refused a settlement.
    refused: Set<SpanId>,
    /// The last offset of a group that it refused to commit, by topic and partition.
    refused_commits: BTreeMap<Partition, i64>,
    /// Who settles at all, be it that it was refused.
    consumers: BTreeSet<Consumer>,
    /// Services that settle messages of a topic by transactions: they do not say for which group.
    along: BTreeSet<(String, String)>,
    /// Services whose commits for a group do not say what they cover, and when the last was.
    unsaid: BTreeMap<(String, String), u64>,
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
    expected: Expected,
    began: u64,
    ended: bool,
    /// Until when it may take.
    due: u64,
}

/// What has to be done for a message to be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Expected {
    /// An ack, a nack or a reject.
    Ack,
    /// Its offset has to be stored; the client commits it.
    Store,
    /// Its offset has to be committed.
    Commit,
    /// An ack, unless nobody has to: a consumer of RabbitMQ's client does not know whether it has `no_ack`.
    AckPerhaps,
    /// Nothing, as far as is known.
    Unknown,
}

impl Expected {
    fn of(span: &Span) -> Self {
        let has_tag = || span.integer(semconv::RABBITMQ_DELIVERY_TAG).is_some();
        let by_tag = || span.text(semconv::MESSAGING_SYSTEM) == Some("rabbitmq") && has_tag();
        match span.text(semconv::SETTLE_EXPECTED) {
            Some("ack") => Expected::Ack,
            Some("store_offset") => Expected::Store,
            Some("commit") => Expected::Commit,
            Some(_) => Expected::Unknown,
            None if by_tag() => Expected::AckPerhaps,
            None => Expected::Unknown,
        }
    }
}

impl Taken {
    fn number(&self) -> Option<i64> {
        self.tag.or(self.offset)
    }
}

impl Settling {
    /// Learns what was settled; `above` is the span under which that was.
    pub(super) fn learn(&mut self, span: &Span, above: Option<&Span>) {
        if span.is_true(semconv::SETTLE_STORED) {
            self.stored.insert(span.span_id);
            // Where the client does not commit what is stored, that is only half of it.
            if Expected::of(span) != Expected::Commit {
                self.consumers.insert(consumer(span));
            }
        }
        if span.is_true(semconv::SETTLE_AUTOMATIC) {
            self.settled.insert(span.span_id);
        }
        if let Some(status) = span.text(semconv::HANDOFF_STATUS) {
            let told = span.events.iter().flat_map(|event| &event.attributes);
            let told = told.filter(|(key, _)| key == semconv::SETTLE_RANGES).filter_map(|(_, ranges)| ranges.as_str());
            for range in told.flat_map(ranges) {
                self.along.insert((span.service.clone(), range.0.to_owned()));
                if status == "committed" {
                    cover(&mut self.committed_along, &span.service, range)
                }
            }
        }
        if span.primitive == "messaging.settle" {
            self.settlement(span, above);
        }
    }

    fn settlement(&mut self, span: &Span, above: Option<&Span>) {
        // The work on a message knows its queue better.
        let consumer = consumer(above.filter(|above| above.is_delivery()).unwrap_or(span));
        let (service, [system, _, group]) = &consumer;
        let mut ranges = ranges(span.text(semconv::SETTLE_RANGES).unwrap_or_default()).peekable();
        let covers_something = ranges.peek().is_some();
        // What the broker says to an asynchronous commit comes when its span has ended.
        let refused = span.status != SpanStatus::Ok || span.events.iter().any(|event| event.name == COMMIT_FAILED);
        for range in ranges {
            // A commit may cover several topics, and then names none.
            self.consumers.insert((service.clone(), [system.clone(), range.0.to_owned(), group.clone()]));
            cover(if refused { &mut self.refused_commits } else { &mut self.committed }, group, range)
        }
        let parent = span.parent_span_id;
        let tag = span.integer(semconv::RABBITMQ_DELIVERY_TAG);
        let number = tag.or(Position::offset(span).number);
        let by_number = parent.zip(number);
        if refused {
            self.refused.extend(parent);
        } else if span.text(semconv::MESSAGING_OPERATION_NAME) == Some("store_offset") {
            self.stored.extend(parent);
            self.stored_by_number.extend(by_number);
            if above.is_some_and(|above| Expected::of(above) == Expected::Commit) {
                return;
            }
        } else {
            self.settled.extend(parent);
            self.by_number.extend(by_number);
            self.settled.extend(span.links.iter().map(|linked| linked.span_id));
            let at = span.ended_at.unwrap_or(span.started_at);
            if let Some(tag) = tag.filter(|_| span.is_true(semconv::SETTLE_MULTIPLE)) {
                self.multiple.entry(consumer.clone()).or_default().push((tag, at));
            }
            if !group.is_empty() && !covers_something && number.is_none() {
                let last = self.unsaid.entry((service.clone(), group.clone())).or_default();
                *last = at.max(*last);
            }
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
        let taken = Taken {
            place: place.at(span.span_id),
            what: named(span),
            span_id: span.span_id,
            sender,
            partition: [group.clone(), topic.clone(), position.partition.to_owned()],
            tag: span.integer(semconv::RABBITMQ_DELIVERY_TAG),
            offset: position.number,
            expected: Expected::of(span),
            began: span.started_at,
            ended: span.ended_at.is_some(),
            due,
            consumer,
        };
        // What is settled stays so: there is no need to keep it.
        if self.is_unsettled(&taken) {
            self.taken.push(taken);
        }
    }

    /// Whether every message was settled: then there is no need to look further.
    pub(super) fn is_settled(&self) -> bool {
        self.unsettled().next().is_none()
    }

    /// The messages that were taken and neither settled by themselves nor by number.
    fn unsettled(&self) -> impl Iterator<Item = &Taken> {
        self.taken.iter().filter(|t| self.is_unsettled(t))
    }

    fn is_unsettled(&self, t: &Taken) -> bool {
        let by_number = t.sender.zip(t.number());
        let is_settled = self.settled.contains(&t.span_id) || by_number.is_some_and(|by| self.by_number.contains(&by));
        let is_stored = || t.expected != Expected::Commit && self.is_stored(t);
        let [_, topic, partition] = &t.partition;
        let along = || self.committed_along.get(&[t.consumer.0.clone(), topic.clone(), partition.clone()]);
        let last = || self.committed.get(&t.partition).into_iter().chain(along()).max();
        let committed = || t.offset.is_some_and(|offset| last().is_some_and(|last| *last >= offset));
        !is_settled && !is_stored() && !committed()
    }

    fn is_stored(&self, t: &Taken) -> bool {
        let by_number = t.sender.zip(t.number());
        self.stored.contains(&t.span_id) || by_number.is_some_and(|by| self.stored_by_number.contains(&by))
    }

    /// Whether its settlement was refused, or a commit that covered it.
    fn is_refused(&self, t: &Taken) -> bool {
        let commit = || self.refused_commits.get(&t.partition);
        self.refused.contains(&t.span_id) || t.offset.is_some_and(|offset| commit().is_some_and(|last| *last >= offset))
    }

    /// Whether its consumer is known to settle messages, if not this one.
    fn settles(&self, t: &Taken) -> bool {
        let (service, [_, topic, _]) = &t.consumer;
        self.consumers.contains(&t.consumer) || self.along.contains(&(service.clone(), topic.clone()))
    }

    /// What has not been settled in time: message by message of consumers that settle, else once for each consumer.
    pub(super) fn gaps(&self, now: u64) -> Vec<Gap> {
        let multiple: BTreeMap<&Consumer, Covered> =
            self.multiple.iter().map(|(consumer, all)| (consumer, Covered::of(all))).collect();
        let late = self.unsettled().filter(|t| {
            let covered = || multiple.get(&t.consumer).is_some_and(|m| t.tag.is_some_and(|tag| m.covers(tag, t.began)));
            let (service, [_, _, group]) = &t.consumer;
            let unsaid = || self.unsaid.get(&(service.clone(), group.clone())).is_some_and(|last| *last >= t.began);
            // What was delivered again was given up by whoever had it.
            let due = t.due <= now || !t.ended && self.repeated.contains(&t.span_id);
            due && !covered() && !unsaid()
        });
        let (settles, never): (Vec<&Taken>, Vec<&Taken>) = late.partition(|t| self.settles(t));
        settles.into_iter().map(|t| self.left(t)).chain(self.never(&never)).collect()
    }

    /// A message that is left, by a consumer that settles others.
    fn left(&self, t: &Taken) -> Gap {
        let end = if t.ended { "" } else { ", which has no end" };
        let refused = if self.is_refused(t) { REFUSED } else { "" };
        let again = if self.repeated.contains(&t.span_id) { ", then delivered again" } else { "" };
        let what = format!("{}{end}{refused}{again}", t.what);
        let (how, instead) = match (t.ended, refused) {
            (_, REFUSED) => WAS_REFUSED,
            (true, _) => LEFT,
            (false, _) => BROKE_OFF,
        };
        let (service, [system, ..]) = &t.consumer;
        let broker = Broker::of(system).facts();
        let (how, instead) = (fill(how, &broker), fill(instead, &broker));
        let facts = [&[("service", &**service), ("how", &*how), ("instead", &*instead)][..], &broker].concat();
        t.place.gap(GapKind::NotSettled, what, &facts)
    }

    /// Consumers that should settle, and of which no settlement is known. Work without an end is missed for that.
    fn never(&self, late: &[&Taken]) -> impl Iterator<Item = Gap> {
        let mut consumers: BTreeMap<(&Consumer, Expected, bool), Vec<&Taken>> = BTreeMap::new();
        for t in late.iter().filter(|t| t.ended && t.expected != Expected::Unknown) {
            consumers.entry((&t.consumer, t.expected, self.is_stored(t))).or_default().push(t);
        }
        consumers.into_iter().filter_map(|(((service, [system, ..]), expected, stored), taken)| {
            let first = taken.iter().min_by_key(|t| (t.began, t.span_id))?;
            let (how, instead) = match (expected, stored) {
                (Expected::AckPerhaps, _) => NO_ACK_PERHAPS,
                (Expected::Store, _) => NEVER_STORED,
                (Expected::Commit, true) => STORED_ONLY,
                (Expected::Commit, false) => NEVER_COMMITTED,
                _ => NO_ACK,
            };
            let broker = Broker::of(system).facts();
            let instead = fill(instead, &broker);
            let facts = [&[("service", &**service), ("how", how), ("instead", &*instead)][..], &broker].concat();
            Some(first.place.gap(GapKind::NeverSettled, and_more(first.what.clone(), taken.len()), &facts))
        })
    }
}

/// What the broker says to an asynchronous commit, as an event of its span.
const COMMIT_FAILED: &str = "commit failed";

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
const WAS_REFUSED: (&str, &str) =
    ("it tried to, and was refused: {refused}", "{in_time}, and make it safe to be done twice");

/// Why nothing that a consumer takes is settled, and what to do.
const NO_ACK: (&str, &str) = (
    "no ack, nack or reject of any is recorded, which its consumer owes: it is made without `no_ack`; they are settled by \
     calls that are not recorded (lapin's own, on the delivery), or never",
    "settle each by its job: {settle}; or consume with `no_ack`, if a message may be lost",
);
const NO_ACK_PERHAPS: (&str, &str) = (
    "no ack, nack or reject of any is recorded: they are settled by calls that are not recorded (lapin's own, on the \
     delivery), or by `no_ack`, or never",
    "settle each by its job: {settle}; where the consumer is made with `no_ack`, say so: `consumer.observed().no_ack(true)`, or \
     `channel.observed().basic_consume(..)`, which knows it",
);
const NEVER_STORED: (&str, &str) = (
    "no offset of any is recorded as stored, and with `enable.auto.offset.store` off the client commits only what is; they are \
     stored or committed by calls that are not recorded, or never",
    "store or commit each by its job: {settle}",
);
const NEVER_COMMITTED: (&str, &str) = (
    "no commit of any is recorded, and `enable.auto.commit` is off; they are committed by calls that are not recorded, or never",
    "commit by the observed consumer: {settle}",
);
const STORED_ONLY: (&str, &str) = (
    "their offsets are stored, and no commit is recorded: `enable.auto.commit` is off, so the client does not commit what is \
     stored; they are committed by calls that are not recorded, or never",
    "commit what is stored, with `commit_consumer_state(..)` of the observed consumer, or switch `enable.auto.commit` on",
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
