//! What happened to messages that were received.
//!
//! A message is settled by a settlement under its process span, by one that came before there was such a span, by one for a
//! later message that covers it, or by a commit of its offset or a later one, also in a transaction. If a consumer tries the
//! same delivery several times, as drivers do, the settlement of one attempt settles them all. A refused settlement settles
//! nothing, but shows that the consumer settles.
//!
//! If a consumer has no known settlement, every message of it lacks the same thing. That is reported once, and only where
//! settling is the application's job.

use super::gap::{Gap, Place};
use super::not_judged::{NotJudgedReason, Tally};
use super::offsets::{MultipleAcks, Partition, cover, ranges};
use super::unsettled::{Consumer, Delivery, Expected, Numbered, Received, consumer, from, left, never};
use crate::hash::Set;
use crate::message::Position;
use crate::model::{Span, SpanStatus};
use spanbridge::{SpanId, semconv};
use std::collections::{BTreeMap, BTreeSet};

/// The event on a commit's span that says what the broker answered to an asynchronous commit.
const COMMIT_FAILED: &str = "commit failed";

/// What the records say about a message without a settlement of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// One for a later message covers it.
    Settled,
    NotJudged(NotJudgedReason),
    /// Its consumer settles others.
    Left,
    /// Its consumer has no known settlement.
    Never,
}

#[derive(Default)]
pub(super) struct Settling {
    /// Messages that are not known to be settled.
    received: Vec<Received>,
    /// Spans that have a settlement below them.
    settled: Set<SpanId>,
    /// The same by the number of the message: before there is a process span, settlements are below the sender's.
    settled_by_number: Set<Numbered>,
    /// Deliveries that were settled after one of the attempts at them.
    settled_deliveries: Set<Delivery>,
    /// Spans whose offset was stored: settled where the client commits stored offsets.
    stored: Set<SpanId>,
    stored_by_number: Set<Numbered>,
    stored_deliveries: Set<Delivery>,
    /// Spans with a settlement below them that the broker or its client refused.
    refused: Set<SpanId>,
    /// The last offset that a group tried to commit and was refused, by topic and partition.
    refused_commits: BTreeMap<Partition, i64>,
    /// Consumers that settle at all, even if they were refused.
    consumers: BTreeSet<Consumer>,
    /// Services that settle messages of a topic in transactions, which do not name the group.
    in_transactions: BTreeSet<(String, String)>,
    /// Services and groups whose commits do not say what they cover, with the time of the last one.
    commits_without_ranges: BTreeMap<(String, String), u64>,
    /// Settlements that cover all earlier messages of their channel: the tag and the time.
    multiple: BTreeMap<Consumer, Vec<(i64, u64)>>,
    /// The last offset that a group committed, by topic and partition.
    committed: BTreeMap<Partition, i64>,
    /// The last offset that a service committed in transactions, which do not name the group.
    committed_in_transactions: BTreeMap<Partition, i64>,
    /// Spans whose message was delivered again.
    repeated: Set<SpanId>,
}

impl Settling {
    /// Learns what a span settled. `parent` is the span above it, `sender` finds who sent the message of a process span.
    pub(super) fn learn(&mut self, span: &Span, parent: Option<&Span>, sender: impl Fn(&Span) -> Option<SpanId>) {
        if span.is_true(semconv::SETTLE_STORED) {
            self.stored.insert(span.span_id);
            self.stored_deliveries.extend(Delivery::of(span, sender(span)));
            // If the client does not commit stored offsets, storing is only half of it.
            if Expected::of(span) != Expected::Commit {
                self.consumers.insert(consumer(span));
            }
        }
        if span.is_true(semconv::SETTLE_AUTOMATIC) {
            self.settled.insert(span.span_id);
        }
        if let Some(status) = span.text(semconv::HANDOFF_STATUS) {
            let attributes = span.events.iter().flat_map(|event| &event.attributes);
            let texts = attributes.filter(|(key, _)| key == semconv::SETTLE_RANGES).filter_map(|(_, v)| v.as_str());
            for range in texts.flat_map(ranges) {
                self.in_transactions.insert((span.service.clone(), range.0.to_owned()));
                if status == "committed" {
                    cover(&mut self.committed_in_transactions, &span.service, range)
                }
            }
        }
        if span.primitive == "messaging.settle" {
            let work = parent.filter(|parent| parent.is_delivery());
            self.learn_settlement(span, parent, work.and_then(|work| Delivery::of(work, sender(work))));
        }
    }

    fn learn_settlement(&mut self, span: &Span, parent: Option<&Span>, delivery: Option<Delivery>) {
        // The work on a message knows its queue better.
        let consumer = consumer(parent.filter(|parent| parent.is_delivery()).unwrap_or(span));
        let (service, [system, _, group]) = &consumer;
        let mut ranges = ranges(span.text(semconv::SETTLE_RANGES).unwrap_or_default()).peekable();
        let has_ranges = ranges.peek().is_some();
        // The broker answers an asynchronous commit when its span has already ended.
        let refused = span.status != SpanStatus::Ok || span.events.iter().any(|event| event.name == COMMIT_FAILED);
        for range in ranges {
            // A commit may cover several topics, and then its span names none.
            self.consumers.insert((service.clone(), [system.clone(), range.0.to_owned(), group.clone()]));
            cover(if refused { &mut self.refused_commits } else { &mut self.committed }, group, range)
        }
        let above = span.parent_span_id;
        let tag = span.integer(semconv::RABBITMQ_DELIVERY_TAG);
        let number = tag.or(Position::offset(span).number);
        let by_number = above.zip(number).map(|(above, number)| (above, number, from(span)));
        if refused {
            self.refused.extend(above);
        } else if span.text(semconv::MESSAGING_OPERATION_NAME) == Some("store_offset") {
            self.stored.extend(above);
            self.stored_by_number.extend(by_number);
            self.stored_deliveries.extend(delivery);
            if parent.is_some_and(|parent| Expected::of(parent) == Expected::Commit) {
                return;
            }
        } else {
            self.settled.extend(above);
            self.settled_by_number.extend(by_number);
            self.settled_deliveries.extend(delivery);
            self.settled.extend(span.links.iter().map(|linked| linked.span_id));
            let at = span.ended_at.unwrap_or(span.started_at);
            if let Some(tag) = tag.filter(|_| span.is_true(semconv::SETTLE_MULTIPLE)) {
                self.multiple.entry(consumer.clone()).or_default().push((tag, at));
            }
            if !group.is_empty() && !has_ranges && number.is_none() {
                let last = self.commits_without_ranges.entry((service.clone(), group.clone())).or_default();
                *last = at.max(*last);
            }
        }
        self.consumers.insert(consumer);
    }

    /// Notes that another delivery followed this one.
    pub(super) fn note_repeated(&mut self, earlier: SpanId) {
        self.repeated.insert(earlier);
    }

    /// Asks what happens to a message of this sender, which should be settled by `due`.
    pub(super) fn ask(&mut self, span: &Span, sender: Option<SpanId>, place: &Place, due: u64) {
        if !span.is_delivery() || Expected::of(span) == Expected::Nothing {
            return;
        }
        let message = Received::new(span, sender, place, due);
        // A settled message stays settled: no need to remember it.
        if self.is_unsettled(&message) {
            self.received.push(message);
        }
    }

    /// Whether every message was settled, so that no other run needs to be read.
    pub(super) fn is_settled(&self) -> bool {
        self.unsettled().next().is_none()
    }

    fn unsettled(&self) -> impl Iterator<Item = &Received> {
        self.received.iter().filter(|message| self.is_unsettled(message))
    }

    fn is_unsettled(&self, message: &Received) -> bool {
        let by_number = || message.by_number().is_some_and(|by| self.settled_by_number.contains(&by));
        let by_attempt = || message.attempt_at().is_some_and(|delivery| self.settled_deliveries.contains(delivery));
        let is_settled = self.settled.contains(&message.span_id) || by_number() || by_attempt();
        let is_enough = !matches!(message.expected, Expected::Commit | Expected::Unknown);
        let is_stored = || is_enough && self.is_stored(message);
        let [_, topic, partition] = &message.partition;
        let of_service = || [message.consumer.0.clone(), topic.clone(), partition.clone()];
        let in_transactions = || self.committed_in_transactions.get(&of_service());
        let last = || self.committed.get(&message.partition).into_iter().chain(in_transactions()).max();
        let is_committed = || message.offset.is_some_and(|offset| last().is_some_and(|last| *last >= offset));
        !is_settled && !is_stored() && !is_committed()
    }

    fn is_stored(&self, message: &Received) -> bool {
        let by_number = || message.by_number().is_some_and(|by| self.stored_by_number.contains(&by));
        let by_attempt = || message.attempt_at().is_some_and(|delivery| self.stored_deliveries.contains(delivery));
        self.stored.contains(&message.span_id) || by_number() || by_attempt()
    }

    /// Whether its settlement was refused, or a commit that covered it.
    fn is_refused(&self, message: &Received) -> bool {
        let commit = || self.refused_commits.get(&message.partition);
        let covers = |offset: i64| commit().is_some_and(|last| *last >= offset);
        self.refused.contains(&message.span_id) || message.offset.is_some_and(covers)
    }

    /// Whether its consumer is known to settle messages.
    fn settles(&self, message: &Received) -> bool {
        let (service, [_, topic, _]) = &message.consumer;
        self.consumers.contains(&message.consumer) || self.in_transactions.contains(&(service.clone(), topic.clone()))
    }

    /// What the records say about the settlement of a message that has none of its own.
    fn judge(&self, message: &Received, multiple: &BTreeMap<&Consumer, MultipleAcks>) -> Verdict {
        let acks = || multiple.get(&message.consumer);
        let covered = || message.tag.is_some_and(|tag| acks().is_some_and(|acks| acks.cover(tag, message.began)));
        let (service, [_, _, group]) = &message.consumer;
        let commits = || self.commits_without_ranges.get(&(service.clone(), group.clone()));
        let perhaps_committed = || commits().is_some_and(|last| *last >= message.began);
        let is_unknown = message.expected == Expected::Unknown;
        if covered() {
            Verdict::Settled
        } else if perhaps_committed() || is_unknown && self.is_stored(message) {
            Verdict::NotJudged(NotJudgedReason::CommitUnknown)
        } else if self.settles(message) {
            Verdict::Left
        } else if is_unknown {
            Verdict::NotJudged(NotJudgedReason::SettlementUnknown)
        } else {
            Verdict::Never
        }
    }

    fn judged(&self) -> impl Iterator<Item = (&Received, Verdict)> {
        let multiple: BTreeMap<&Consumer, MultipleAcks> =
            self.multiple.iter().map(|(consumer, all)| (consumer, MultipleAcks::of(all))).collect();
        self.unsettled().map(move |message| (message, self.judge(message, &multiple)))
    }

    /// The messages that were not settled, of consumers that are known to have to settle each of theirs by itself. Whether an offset was
    /// committed is not known from one run alone, so those of consumers that commit are left out.
    pub(super) fn left_alone(&self) -> impl Iterator<Item = &Received> {
        let counts = |message: &Received, verdict| match message.expected {
            Expected::Ack | Expected::Store => matches!(verdict, Verdict::Left | Verdict::Never),
            Expected::AckUnlessNoAck => verdict == Verdict::Left,
            Expected::Commit | Expected::Nothing | Expected::Unknown => false,
        };
        self.judged().filter_map(move |(message, verdict)| counts(message, verdict).then_some(message))
    }

    /// What was not settled in time: each message of a consumer that settles others, else one gap for each consumer.
    /// What cannot be judged goes to the `tally`.
    pub(super) fn gaps(&self, now: u64, tally: &mut Tally) -> Vec<Gap> {
        let (mut left_over, mut unsettled) = (Vec::new(), Vec::new());
        for (message, verdict) in self.judged() {
            // If it was delivered again, whoever had it gave it up.
            let is_due = message.due <= now || !message.ended && self.repeated.contains(&message.span_id);
            let mut not_judged = |reason| tally.add(reason, &message.place, &message.what);
            match verdict {
                Verdict::Settled => {}
                Verdict::NotJudged(reason) => not_judged(reason),
                _ if !is_due => not_judged(NotJudgedReason::InProgress),
                Verdict::Left => left_over.push(message),
                Verdict::Never => unsettled.push(message),
            }
        }
        let left_over = left_over.into_iter().map(|m| left(m, self.is_refused(m), self.repeated.contains(&m.span_id)));
        left_over.chain(self.never_settled(&unsettled)).collect()
    }

    /// Consumers that should settle and have no known settlement. Work that never ended is reported as that instead.
    fn never_settled(&self, late: &[&Received]) -> impl Iterator<Item = Gap> {
        let mut consumers: BTreeMap<(&Consumer, Expected, bool), Vec<&Received>> = BTreeMap::new();
        for message in late.iter().filter(|m| m.ended) {
            let key = (&message.consumer, message.expected, self.is_stored(message));
            consumers.entry(key).or_default().push(message);
        }
        consumers.into_iter().filter_map(|((_, expected, stored), messages)| never(&messages, expected, stored))
    }
}
