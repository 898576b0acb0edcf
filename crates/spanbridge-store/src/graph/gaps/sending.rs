//! Who sends where, who takes messages from there, and which messages went on.

use super::super::Span;
use super::super::message::sent_to;
use super::brokers::Broker;
use super::{Gap, GapKind, Place, listed, named};
use crate::hash::{Map, Set, join, stable};
use spanbridge::{Kind, RunId, SegmentId, SpanId, semconv};
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
    service: String,
    segment_id: SegmentId,
    to: (String, String),
    /// When its sending began, and when the broker had it.
    began: u64,
    at: u64,
}

/// What hangs under a span that is not recorded.
pub(super) struct Stray<'s> {
    pub(super) service: &'s str,
    pub(super) segment_id: SegmentId,
    /// When the first of it began.
    pub(super) began: u64,
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
            let sent = Sent {
                place: place.at(span.span_id),
                what: format!("{}, {status}", named(span)),
                span_id: span.span_id,
                kept: span.links.iter().map(|l| l.span_id).collect(),
                service: span.service.clone(),
                segment_id: span.segment_id,
                to: key(span, destination),
                began: span.started_at,
                at,
            };
            // What went on stays so: there is no need to keep it.
            if !self.went_on(&sent) {
                self.sent.push(sent);
            }
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

    /// What was sent before `due` and did not go on, and what should have had a context. `strays` are, by run, what hangs under
    /// spans that are not recorded.
    pub(super) fn gaps(&self, due: u64, strays: &BTreeMap<RunId, Vec<Stray<'_>>>) -> impl Iterator<Item = Gap> {
        let mut by_run: BTreeMap<Option<RunId>, Vec<&Sent>> = BTreeMap::new();
        for sent in self.sent.iter().filter(|sent| sent.at <= due && !self.went_on(sent)) {
            by_run.entry(sent.place.run_id).or_default().push(sent);
        }
        let lost = by_run.into_iter().flat_map(|(run, sent)| {
            let strays = run.and_then(|run| strays.get(&run)).map_or(&[][..], Vec::as_slice);
            self.lost(&sent, strays)
        });
        let lost: Vec<Gap> = lost.collect();
        let rootless = self.rootless.iter().filter_map(|r| {
            let (system, destination) = &r.from;
            let services = sent_to(destination).find_map(|to| self.producers.get(&(system.clone(), to.to_owned())))?;
            Some(r.place.gap(GapKind::ContextLost, r.what.clone(), &[("services", &listed(services))]))
        });
        lost.into_iter().chain(rootless)
    }

    /// The messages of one run that did not go on. Where work was recorded after one, under a span that was not, it may be
    /// that message's: for sure where there is as much of that as there are messages.
    fn lost(&self, sent: &[&Sent], strays: &[Stray<'_>]) -> Vec<Gap> {
        let may_follow = |sent: &Sent, stray: &Stray<'_>| {
            let takes = || self.consumers.get(&sent.to).is_some_and(|services| services.contains(stray.service));
            let elsewhere = stray.segment_id != sent.segment_id && (stray.service != sent.service || takes());
            elsewhere && stray.began >= sent.began
        };
        let followed = |sent: &Sent| strays.iter().any(|stray| may_follow(sent, stray));
        let could_be = sent.iter().filter(|sent| followed(sent)).count();
        let works: Vec<&Stray<'_>> = strays.iter().filter(|w| sent.iter().any(|sent| may_follow(sent, w))).collect();
        let gap = |sent: &&Sent| {
            let services = self.consumers.get(&sent.to);
            let all = listed(services.into_iter().flatten());
            let broker = Broker::of(&sent.to.0).facts();
            let gap = |kind, services: &str, maybe: &str| {
                let facts = [&[("services", services), ("maybe", maybe)][..], &broker].concat();
                sent.place.gap(kind, sent.what.clone(), &facts)
            };
            let kind = if services.is_some() { GapKind::NotReceived } else { GapKind::NoConsumer };
            if !followed(sent) {
                return gap(kind, &all, "");
            }
            if could_be <= works.len() {
                let named: BTreeSet<String> =
                    works.iter().filter(|w| may_follow(sent, w)).map(|w| w.service.to_owned()).collect();
                return gap(GapKind::WorkNotRecorded, &listed(&named), "");
            }
            let maybe = format!(
                "; or it was received, and the records of its work were lost: of {could_be} such messages of this run {} \
                 {} work further down, under spans that nobody recorded",
                works.len(),
                if works.len() == 1 { "has" } else { "have" },
            );
            gap(kind, &all, &maybe)
        };
        sent.iter().map(gap).collect()
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
