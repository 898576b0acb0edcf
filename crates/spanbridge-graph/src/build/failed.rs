//! Which messages of a run failed for good.

use crate::hash::Set;
use crate::message::Senders;
use crate::model::{Edge, FailedWork, Run, RunStatus, Span, SpanStatus};
use spanbridge::record::{BodyView, Endpoint, SpanView};
use spanbridge::{SpanId, Value, semconv};

/// What the records of a run hint at, in any order: whether a message may have failed for good although no span did. Whoever keeps totals
/// of runs reads the records of a run with such a hint, to count its failed work.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// A message was given up, or is a dead letter.
    gave_up: bool,
    /// The exclusive or of hashes of the work that is to be settled, and of the work that was. Zero if those are the same.
    unsettled: u32,
    /// A call settled messages of other runs, too.
    settles_others: bool,
}

impl Hints {
    /// Adds a record.
    #[inline]
    pub fn add(&mut self, body: &BodyView<'_>) {
        match body {
            BodyView::Span(span) => match span.primitive() {
                "messaging.process" => self.add_work(*span),
                "messaging.settle" => self.add_settlement(*span),
                _ => {}
            },
            // The offset was stored after the work had ended.
            BodyView::SpanAttributes(late) if late.attributes().get(semconv::SETTLE_STORED).is_some() => {
                self.unsettled ^= mark(late.span_id());
            }
            _ => {}
        }
    }

    /// Whether the records must be read.
    pub fn is_set(self) -> bool {
        self.gave_up || self.settles_others || self.unsettled != 0
    }

    fn add_work(&mut self, span: SpanView<'_>) {
        let (mut has_to_be_settled, mut is_excepted) = (false, false);
        for (key, value) in span.attributes().iter() {
            match key {
                semconv::DEAD_LETTER_QUEUE => self.gave_up = true,
                semconv::SETTLE_EXPECTED => {
                    has_to_be_settled |= matches!(value, Value::Str("ack" | "store_offset"));
                    is_excepted |= !matches!(value, Value::Str("ack" | "store_offset"));
                }
                semconv::RABBITMQ_DELIVERY_TAG => has_to_be_settled = true,
                semconv::SETTLE_AUTOMATIC
                | semconv::SETTLE_STORED
                | semconv::MESSAGING_BATCH_COUNT
                | semconv::FAAS_TRIGGER => is_excepted = true,
                _ => {}
            }
        }
        if has_to_be_settled && !is_excepted {
            self.unsettled ^= mark(span.span_id());
        }
    }

    fn add_settlement(&mut self, span: SpanView<'_>) {
        let says = |key| span.attributes().get(key);
        let operation = says(semconv::MESSAGING_OPERATION_NAME);
        let gives_up = matches!(operation, Some(Value::Str("nack" | "reject")));
        self.gave_up |= gives_up && !matches!(says(semconv::SETTLE_REQUEUE), Some(Value::Bool(true)));
        match span.parent_span_id() {
            // A commit covers what came before, too, so nothing depends on what it is below.
            Some(_) if matches!(operation, Some(Value::Str("commit"))) => {}
            Some(work) => self.unsettled ^= mark(work),
            None => self.unsettled ^= mark(span.span_id()),
        }
        let is_multiple = matches!(says(semconv::SETTLE_MULTIPLE), Some(Value::Bool(true)));
        self.settles_others |= is_multiple || !span.links().is_empty();
    }
}

fn mark(span: SpanId) -> u32 {
    crate::hash::join(span.get(), 1) as u32
}

/// What failed although the run succeeded. Messages that were never settled are not among it: when they count depends on the time.
pub(super) fn failed_work(run: &Run, spans: &[Span], edges: &[Edge]) -> FailedWork {
    if run.status != RunStatus::Ok {
        return FailedWork::default();
    }
    let ends = Ends::of(run, spans, edges);
    if ends.lost.spans.is_empty() && ends.dead_lettered.is_empty() {
        return FailedWork::default();
    }
    let mut work = FailedWork::default();
    for span in spans.iter().filter(|span| !ends.repeated.contains(&span.span_id)) {
        // A dead letter of a sender is one that nobody had worked on: it expired, or its queue was full.
        if ends.dead_lettered.contains(&span.span_id) {
            work.dead_lettered += 1;
        } else if ends.lost.spans.contains(&span.span_id) && !ends.is_answered(span) {
            work.failed += 1;
        }
    }
    // The last attempt of each message that had one which failed before.
    let mended = |(last, before): &&(SpanId, SpanId)| {
        let is_good = !ends.lost.spans.contains(last) && !ends.dead_lettered.contains(last);
        !ends.repeated.contains(last) && is_good && ends.lost.spans.contains(before)
    };
    work.recovered = ends.retries.iter().filter(mended).count() as u64;
    work
}

/// How the work on the messages of a run ended.
pub(crate) struct Ends<'g> {
    pub(crate) lost: Lost,
    /// Attempts, each with the one before it.
    retries: Vec<(SpanId, SpanId)>,
    /// Attempts after which there was another.
    repeated: Set<SpanId>,
    /// Work after which its message was dead-lettered, and senders of messages that were before anybody worked on them.
    dead_lettered: Set<SpanId>,
    /// Senders that got a reply.
    answered: Set<SpanId>,
    senders: Senders<'g>,
}

impl<'g> Ends<'g> {
    pub(crate) fn of(run: &'g Run, spans: &'g [Span], edges: &[Edge]) -> Self {
        let ends = |edge_type: &str| {
            let of = edges.iter().filter(|edge| edge.edge_type == edge_type);
            of.filter_map(|edge| Some((span_of(&edge.from)?, span_of(&edge.to)?))).collect::<Vec<_>>()
        };
        let retries = ends("retry.of");
        Ends {
            lost: Lost::of(spans),
            repeated: retries.iter().map(|(_, before)| *before).collect(),
            retries,
            dead_lettered: ends("dead_lettered.to").into_iter().map(|(from, _)| from).collect(),
            answered: ends("replied.to").into_iter().map(|(_, question)| question).collect(),
            senders: Senders::new(run, spans),
        }
    }

    /// Whether a reply told the sender of this message how the work on it ended.
    fn is_answered(&self, work: &Span) -> bool {
        !self.answered.is_empty() && self.senders.of(work).is_some_and(|sender| self.answered.contains(&sender.span_id))
    }

    /// Whether nothing but a settlement is missing: this is the last attempt, it did not fail, and nobody was told.
    pub(crate) fn is_last_and_good(&self, work: &Span) -> bool {
        let is_in = |set: &Set<SpanId>| set.contains(&work.span_id);
        !is_in(&self.repeated) && !is_in(&self.dead_lettered) && !is_in(&self.lost.spans) && !self.is_answered(work)
    }

    pub(crate) fn sender(&self, work: &Span) -> Option<SpanId> {
        self.senders.of(work).map(|sender| sender.span_id)
    }
}

/// The work on messages that failed, or after which the message was given up.
pub(crate) struct Lost {
    pub(crate) spans: Set<SpanId>,
}

impl Lost {
    pub(crate) fn of(spans: &[Span]) -> Self {
        let has_failed = |span: &&Span| matches!(span.status, SpanStatus::Error | SpanStatus::Panicked);
        let work = || spans.iter().filter(|span| span.is_delivery());
        let mut lost: Set<SpanId> = work().filter(has_failed).map(|span| span.span_id).collect();
        let settlements = || spans.iter().filter(|span| span.primitive == "messaging.settle");
        let (mut settled, mut refused) = (Set::default(), Set::default());
        for settlement in settlements() {
            let Some(job) = settlement.parent_span_id else { continue };
            if settlement.status != SpanStatus::Ok {
                // The channel was closed by then, or it was settled before.
                refused.insert(job);
                continue;
            }
            settled.insert(job);
            let operation = settlement.text(semconv::MESSAGING_OPERATION_NAME);
            if matches!(operation, Some("nack" | "reject")) && !settlement.is_true(semconv::SETTLE_REQUEUE) {
                lost.insert(job);
            }
        }
        let deliveries: Set<SpanId> = work().map(|span| span.span_id).collect();
        lost.extend(refused.difference(&settled).copied());
        lost.retain(|span| deliveries.contains(span));
        Self { spans: lost }
    }
}

fn span_of(endpoint: &Endpoint<'_>) -> Option<SpanId> {
    match endpoint {
        Endpoint::Span { span_id, .. } => Some(*span_id),
        _ => None,
    }
}
