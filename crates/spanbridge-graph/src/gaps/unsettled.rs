//! A received message that is not settled, and the words for it.

use super::brokers::Broker;
use super::gap::{Gap, Place};
use super::kinds::GapKind;
use super::offsets::Partition;
use super::wording::{and_more, fill, named};
use crate::hash::stable;
use crate::message::{Position, Source};
use crate::model::Span;
use spanbridge::{SegmentId, SpanId, semconv};
use std::time::Duration;

/// A service that receives messages from a source: system, queue or topic, group.
pub(super) type Consumer = (String, [String; 3]);

/// The consumer that a span belongs to.
pub(super) fn consumer(span: &Span) -> Consumer {
    let Source { system, queue, group } = Source::of(span);
    (span.service.clone(), [system, queue, group].map(str::to_owned))
}

/// What has to happen so that a message is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Expected {
    /// An ack, a nack or a reject.
    Ack,
    /// Its offset must be stored; the client commits it.
    Store,
    /// Its offset must be committed.
    Commit,
    /// An ack, unless the consumer uses `no_ack`: lapin's consumer does not know.
    AckUnlessNoAck,
    /// Nothing: the service that calls the function settles it.
    Nothing,
    /// Nobody knows.
    Unknown,
}

impl Expected {
    pub(super) fn of(span: &Span) -> Self {
        let has_tag = || span.integer(semconv::RABBITMQ_DELIVERY_TAG).is_some();
        let by_tag = || span.text(semconv::MESSAGING_SYSTEM) == Some("rabbitmq") && has_tag();
        match span.text(semconv::SETTLE_EXPECTED) {
            Some("ack") => Expected::Ack,
            Some("store_offset") => Expected::Store,
            Some("commit") => Expected::Commit,
            Some(_) => Expected::Unknown,
            None if span.text(semconv::FAAS_TRIGGER).is_some() => Expected::Nothing,
            None if by_tag() => Expected::AckUnlessNoAck,
            None => Expected::Unknown,
        }
    }
}

/// One delivery of a message to one consumer. Each attempt at it has a process span of its own.
///
/// Numbers of RabbitMQ count a channel. If the connection was lost, the message comes again and may have the same number, so
/// a delivery also says whether it was a redelivery. Two channels may give the same number to copies of one message in two
/// queues, so it says where it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Delivery {
    sender: SpanId,
    segment: SegmentId,
    number: i64,
    from: u64,
    redelivered: bool,
}

impl Delivery {
    /// The delivery that this span is an attempt at, if that is known.
    pub(super) fn of(span: &Span, sender: Option<SpanId>) -> Option<Self> {
        let number = span.integer(semconv::RABBITMQ_DELIVERY_TAG).or(Position::offset(span).number)?;
        let redelivered = span.is_true(semconv::DELIVERY_REDELIVERED);
        Some(Delivery { sender: sender?, segment: span.segment_id, number, from: from(span), redelivered })
    }
}

/// A message by its sender, its number, and where it came from.
pub(super) type Numbered = (SpanId, i64, u64);

/// Where the message of a span came from, as a number. The work and its settlement name the same destination.
pub(super) fn from(span: &Span) -> u64 {
    stable(span.destination().as_bytes())
}

/// How long a message may take to be settled after the work on it.
pub(super) const DEFAULT_GRACE: Duration = Duration::from_secs(60);

/// How long work without an end may be silent.
pub(super) const DEFAULT_SILENCE: Duration = Duration::from_secs(3600);

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// When the message of this work should be settled: some time after the work ended. If that has no end, once its run was silent for long
/// after the `last` thing that is known of it.
pub(super) fn due(work: &Span, last: u64, grace: u64, silence: u64) -> u64 {
    match work.ended_at {
        Some(end) => end.saturating_add(grace),
        None => last.saturating_add(silence),
    }
}

/// A message that was received and processed.
pub(super) struct Received {
    pub(super) place: Place,
    pub(super) what: String,
    pub(super) span_id: SpanId,
    pub(super) sender: Option<SpanId>,
    delivery: Option<Delivery>,
    pub(super) consumer: Consumer,
    pub(super) partition: Partition,
    from: u64,
    pub(super) tag: Option<i64>,
    pub(super) offset: Option<i64>,
    pub(super) expected: Expected,
    pub(super) began: u64,
    pub(super) ended: bool,
    /// When it should be settled.
    pub(super) due: u64,
}

impl Received {
    /// The message that this span is the work on.
    pub(super) fn new(span: &Span, sender: Option<SpanId>, place: &Place, due: u64) -> Self {
        let consumer = consumer(span);
        let [_, topic, group] = &consumer.1;
        let position = Position::offset(span);
        Received {
            place: place.at(span.span_id),
            what: named(span),
            span_id: span.span_id,
            sender,
            delivery: Delivery::of(span, sender),
            partition: [group.clone(), topic.clone(), position.partition.to_owned()],
            tag: span.integer(semconv::RABBITMQ_DELIVERY_TAG),
            from: from(span),
            offset: position.number,
            expected: Expected::of(span),
            began: span.started_at,
            ended: span.ended_at.is_some(),
            due,
            consumer,
        }
    }

    /// The delivery that this was an attempt at. Work that broke off was not followed by another attempt at the same.
    pub(super) fn attempt_at(&self) -> Option<&Delivery> {
        self.delivery.as_ref().filter(|_| self.ended)
    }

    /// Its sender, its number and where it came from: what it is called before it has a span of its own.
    pub(super) fn by_number(&self) -> Option<Numbered> {
        Some((self.sender?, self.tag.or(self.offset)?, self.from))
    }
}

/// A message that was left unsettled by a consumer that settles others.
pub(super) fn left(message: &Received, is_refused: bool, is_repeated: bool) -> Gap {
    let end = if message.ended { "" } else { ", not ended" };
    let refused = if is_refused { ", its settlement was refused" } else { "" };
    let again = if is_repeated { ", then delivered again" } else { "" };
    let what = format!("{}{end}{refused}{again}", message.what);
    let words = match (message.ended, is_refused) {
        (_, true) => REFUSED,
        (true, false) => LEFT,
        (false, false) => BROKE_OFF,
    };
    gap(message, GapKind::NotSettled, what, words)
}

/// Messages of a consumer that should settle and never does. `stored`: their offsets were stored.
pub(super) fn never(messages: &[&Received], expected: Expected, stored: bool) -> Option<Gap> {
    let first = messages.iter().min_by_key(|m| (m.began, m.span_id))?;
    let words = match (expected, stored) {
        (Expected::AckUnlessNoAck, _) => NO_ACK_RECORDED_PERHAPS_NONE_NEEDED,
        (Expected::Store, _) => NEVER_STORED,
        (Expected::Commit, true) => STORED_ONLY,
        (Expected::Commit, false) => NEVER_COMMITTED,
        (Expected::Ack | Expected::Nothing | Expected::Unknown, _) => NO_ACK_RECORDED,
    };
    Some(gap(first, GapKind::NeverSettled, and_more(first.what.clone(), messages.len()), words))
}

fn gap(message: &Received, kind: GapKind, what: String, (how, instead): (&str, &str)) -> Gap {
    let (service, [system, ..]) = &message.consumer;
    let broker = Broker::of(system).words();
    let (how, instead) = (fill(how, &broker), fill(instead, &broker));
    let facts = [&[("service", &**service), ("how", &*how), ("instead", &*instead)][..], &broker].concat();
    message.place.gap(kind, what, &facts)
}

/// Why one message is not settled, and what to do.
const LEFT: (&str, &str) = (
    "Some path through the handler (an early return, an error, a panic) leaves the job without ack, nack or commit, or \
     the process ended first.",
    "Settle on every path: {settle}. Or leave it to the driver and its settlement policy.",
);
const BROKE_OFF: (&str, &str) = (
    "The work on it never ended: its process was killed, crashed or hangs.",
    "On shutdown, let the process finish the jobs it has. Give the work a time limit, and make it safe to repeat.",
);
const REFUSED: (&str, &str) =
    ("The consumer tried to settle it and was refused: {refused}.", "{in_time} Make the work safe to repeat.");

/// Why no message of a consumer is settled, and what to do.
const NO_ACK_RECORDED: (&str, &str) = (
    "The consumer was created without `no_ack`, so each message must be settled, but no ack, nack or reject is recorded. \
     Either they are settled by calls that are not recorded (lapin's own methods on the delivery), or not at all.",
    "Settle each message through its job: {settle}. Or consume with `no_ack`, if losing a message is acceptable.",
);
const NO_ACK_RECORDED_PERHAPS_NONE_NEEDED: (&str, &str) = (
    "No ack, nack or reject is recorded. Either messages are settled by calls that are not recorded (lapin's own methods \
     on the delivery), or the consumer uses `no_ack`, or they are not settled at all.",
    "Settle each message through its job: {settle}. If the consumer was created with `no_ack`, say so with \
     `consumer.observed().no_ack(true)`, or create it with `channel.observed().basic_consume(..)`, which knows.",
);
const NEVER_STORED: (&str, &str) = (
    "With `enable.auto.offset.store` off, the client commits only stored offsets, but no stored offset is recorded. Either \
     offsets are stored or committed by calls that are not recorded, or not at all.",
    "Store or commit each message through its job: {settle}.",
);
const NEVER_COMMITTED: (&str, &str) = (
    "`enable.auto.commit` is off, but no commit is recorded. Either offsets are committed by calls that are not recorded, or \
     not at all.",
    "Commit through the observed consumer: {settle}.",
);
const STORED_ONLY: (&str, &str) = (
    "Offsets are stored, but no commit is recorded, and with `enable.auto.commit` off the client does not commit stored \
     offsets. Either they are committed by calls that are not recorded, or not at all.",
    "Commit the stored offsets with `commit_consumer_state(..)` of the observed consumer, or turn `enable.auto.commit` on.",
);
