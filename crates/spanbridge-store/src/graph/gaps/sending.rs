//! Who sends where, who takes messages from there, and which messages went on.

use super::super::Span;
use super::super::message::sent_to;
use super::brokers::Broker;
use super::{Gap, GapKind, Place, listed, named};
use crate::hash::{Map, Set, join, stable};
use spanbridge::{Kind, SegmentId, SpanId, semconv};
use std::collections::{BTreeMap, BTreeSet};

/// A destination of a system, and the services there.
type Services = BTreeMap<(String, String), BTreeSet<String>>;

#[derive(Default)]
pub(super) struct Sending {
    sent: Vec<Sent>,
    /// The work on messages without a context.
    rootless: Vec<Rootless>,
    /// Spans that a messaging step names as the one before it.
    continued: Set<SpanId>,
    /// The same of the work on messages, with where they were taken from.
    taken: Set<(SpanId, u64)>,
    /// Spans that anything else names as the one before it: the segment in which that was, and whether it was several.
    below: Map<SpanId, (SegmentId, bool)>,
    producers: Services,
    consumers: Services,
}

/// A message that the broker took.
struct Sent {
    place: Place,
    what: String,
    span_id: SpanId,
    /// What it is linked to: the message kept the context of another trace, and its work goes on there.
    kept: Vec<SpanId>,
    segment_id: SegmentId,
    to: (String, String),
    at: u64,
}

struct Rootless {
    place: Place,
    what: String,
    from: (String, String),
}

impl Sending {
    /// Learns what a span says about others.
    pub(super) fn learn(&mut self, span: &Span) {
        let before = || span.parent_span_id.into_iter().chain(span.links.iter().map(|l| l.span_id));
        let step = span.kind == Kind::Consumer || span.primitive.starts_with("messaging.");
        for before in before() {
            if step {
                self.continued.insert(before);
            } else {
                let (first, several) = self.below.entry(before).or_insert((span.segment_id, false));
                *several |= *first != span.segment_id;
            }
        }
        let (services, names) = match (span.kind, span.primitive.as_str()) {
            (Kind::Producer, "messaging.publish") => (&mut self.producers, sent_to(span.destination()).take(1)),
            (_, "messaging.process" | "messaging.receive") => {
                for to in sent_to(span.destination()) {
                    let from = place(system(span), to);
                    self.taken.extend(before().map(|before| (before, from)));
                }
                (&mut self.consumers, sent_to(span.destination()).take(usize::MAX))
            }
            _ => return,
        };
        for name in names {
            services.entry(key(span, name)).or_default().insert(span.service.clone());
        }
    }

    /// Learns that a run was triggered by a span.
    pub(super) fn triggered(&mut self, by: SpanId) {
        self.continued.insert(by);
    }

    /// Asks what became of a message that was sent, and where one came from whose sender is `unknown`.
    pub(super) fn ask(&mut self, span: &Span, place: &Place, unknown: bool) {
        let destination = span.destination();
        if destination.is_empty() {
            return;
        }
        if span.kind == Kind::Producer && span.primitive == "messaging.publish" {
            let status =
                span.text(semconv::HANDOFF_STATUS).filter(|s| matches!(*s, "confirmed" | "sent" | "committed"));
            let (Some(status), Some(at)) = (status, span.ended_at) else { return };
            self.sent.push(Sent {
                place: place.at(span.span_id),
                what: format!("{}, {status}", named(span)),
                span_id: span.span_id,
                kept: span.links.iter().map(|l| l.span_id).collect(),
                segment_id: span.segment_id,
                to: key(span, destination),
                at,
            });
        } else if span.is_delivery() && unknown {
            let what = format!("{}, without a context", named(span));
            self.rootless.push(Rootless { place: place.at(span.span_id), what, from: key(span, destination) });
        }
    }

    /// Whether everything that was sent went on, and everything that was received has a context: then there is no need
    /// to look further.
    pub(super) fn is_settled(&self) -> bool {
        self.rootless.is_empty() && self.sent.iter().all(|sent| self.went_on(sent))
    }

    fn went_on(&self, sent: &Sent) -> bool {
        let below = self.below.get(&sent.span_id);
        let kept = |span: &SpanId| self.taken.contains(&(*span, place(&sent.to.0, &sent.to.1)));
        self.continued.contains(&sent.span_id)
            || sent.kept.iter().any(kept)
            || below.is_some_and(|(segment, several)| *several || *segment != sent.segment_id)
    }

    /// What was sent before `due` and did not go on, and what should have had a context.
    pub(super) fn gaps(&self, due: u64) -> impl Iterator<Item = Gap> {
        let lost = self.sent.iter().filter(move |sent| sent.at <= due && !self.went_on(sent)).map(|sent| {
            let services = self.consumers.get(&sent.to);
            let kind = if services.is_some() { GapKind::NotReceived } else { GapKind::NoConsumer };
            let services = listed(services.into_iter().flatten());
            let facts = [&[("services", &*services)][..], &Broker::of(&sent.to.0).facts()].concat();
            sent.place.gap(kind, sent.what.clone(), &facts)
        });
        let rootless = self.rootless.iter().filter_map(|r| {
            let (system, destination) = &r.from;
            let services = sent_to(destination).find_map(|to| self.producers.get(&(system.clone(), to.to_owned())))?;
            Some(r.place.gap(GapKind::ContextLost, r.what.clone(), &[("services", &listed(services))]))
        });
        lost.chain(rootless)
    }
}

fn key(span: &Span, destination: &str) -> (String, String) {
    (system(span).to_owned(), destination.to_owned())
}

fn system(span: &Span) -> &str {
    span.text(semconv::MESSAGING_SYSTEM).unwrap_or_default()
}

/// A destination of a system, in a word.
fn place(system: &str, destination: &str) -> u64 {
    join(stable(system.as_bytes()), stable(destination.as_bytes()))
}
