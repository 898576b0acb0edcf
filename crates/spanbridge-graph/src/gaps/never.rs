//! Messages of a run that were never settled, which counts as failed work.
//!
//! [`Checkup`](super::Checkup) reads other runs, too, before it says that a message was not settled. The row of a run in a list cannot: it
//! is made of the records of that run alone. So a message counts only if its consumer has to settle each message by itself, and its
//! service is not known to settle messages of several runs with one call.

use super::gap::Place;
use super::settling::Settling;
use super::single::last_sign;
use super::unsettled::{Consumer, DEFAULT_GRACE, DEFAULT_SILENCE, due, nanos};
use crate::build::Ends;
use crate::hash::{Set, join, stable};
use crate::message::Source;
use crate::model::{Graph, RunStatus, Span};
use spanbridge::{SpanId, semconv};

/// What the records of a run say about messages without a settlement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// Messages of which the last attempt was not settled, in the order of their times. Empty unless the run is ok.
    pub messages: Vec<UnsettledMessage>,
    /// Receivers that settle messages of other runs, too, in ascending order.
    pub settle_others: Vec<u64>,
}

/// A message that was not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnsettledMessage {
    /// From when on it counts, in nanoseconds since the Unix epoch: a minute after the work on it ended. If that has no end, an hour after
    /// the last sign of its run.
    pub due: u64,
    /// The service that received it and the messaging system, as a number.
    pub receiver: u64,
}

impl Unsettled {
    /// Of the run of this graph. Of a very large run, not all spans are known, so it is not judged.
    pub fn of(graph: &Graph) -> Self {
        let mut found = Self::default();
        if graph.left_out.is_some() || !graph.spans.iter().any(is_about_messages) {
            return found;
        }
        found.messages = spans(graph).iter().map(|(_, message)| *message).collect();
        found.messages.sort_unstable();
        for settlement in graph.spans.iter().filter(|span| span.primitive == "messaging.settle") {
            let is_of_one = settlement.parent.is_some_and(|at| graph.spans[at].is_delivery())
                || match settlement.text(semconv::MESSAGING_OPERATION_NAME) {
                    // What is given back or refused before anybody works on it is one message, on which nobody works.
                    Some("nack" | "reject") => true,
                    // A commit covers what came before, too, so nothing depends on what it is below.
                    Some("commit") => settlement.parent_span_id.is_some(),
                    _ => false,
                };
            if !is_of_one || settlement.is_true(semconv::SETTLE_MULTIPLE) || !settlement.links.is_empty() {
                // Its own record says who it is, so that it can be found by that.
                found.settle_others.push(receiver_of(settlement));
            }
        }
        found.settle_others.sort_unstable();
        found.settle_others.dedup();
        found
    }

    /// How many of them count as failed at this time, in nanoseconds since the Unix epoch. `settles_others`: whether a receiver is
    /// known to settle messages of several runs with one call, in any run.
    pub fn count(&self, now: u64, settles_others: impl Fn(u64) -> bool) -> u64 {
        let counts = |message: &&UnsettledMessage| message.due <= now && !settles_others(message.receiver);
        self.messages.iter().filter(counts).count() as u64
    }

    /// The number of a receiver: a service that receives from a messaging system (`messaging.system`).
    #[doc(hidden)]
    pub fn receiver(service: &str, system: &str) -> u64 {
        join(stable(service.as_bytes()), stable(system.as_bytes()))
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.settle_others.is_empty()
    }
}

/// The spans of the last attempts at messages that were not settled.
pub(crate) fn unsettled_work(graph: &Graph) -> Set<SpanId> {
    spans(graph).into_iter().map(|(span, _)| span).collect()
}

fn spans(graph: &Graph) -> Vec<(SpanId, UnsettledMessage)> {
    if graph.run.status != RunStatus::Ok || graph.left_out.is_some() {
        return Vec::new();
    }
    let ends = Ends::of(&graph.run, &graph.spans, &graph.edges);
    let (place, last) = (Place::of(graph), last_sign(graph));
    let mut settling = Settling::default();
    for span in &graph.spans {
        settling.learn(span, span.parent.map(|at| &graph.spans[at]), |work| ends.sender(work));
    }
    for span in graph.spans.iter().filter(|span| span.is_delivery() && ends.is_last_and_good(span)) {
        let due = due(span, last, nanos(DEFAULT_GRACE), nanos(DEFAULT_SILENCE));
        settling.ask(span, ends.sender(span), &place, due);
    }
    let receiver = |(service, [system, ..]): &Consumer| Unsettled::receiver(service, system);
    let left = settling.left_alone();
    left.map(|m| (m.span_id, UnsettledMessage { due: m.due, receiver: receiver(&m.consumer) })).collect()
}

fn is_about_messages(span: &Span) -> bool {
    matches!(&*span.primitive, "messaging.process" | "messaging.settle")
}

fn receiver_of(span: &Span) -> u64 {
    Unsettled::receiver(&span.service, Source::of(span).system)
}
