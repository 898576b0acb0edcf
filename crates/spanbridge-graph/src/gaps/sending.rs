//! What happened to messages that were sent: who sends where, who receives from there, and which messages arrived.

use super::brokers::Broker;
use super::gap::{Gap, Place};
use super::kinds::GapKind;
use super::not_judged::{NotJudgedReason, Tally};
use super::wording::{listed, named};
use crate::hash::{Map, Set, join, stable};
use crate::message::{SenderEvidence, sent_to};
use crate::model::{Span, SpanStatus};
use spanbridge::{Kind, RunId, SegmentId, SpanId, semconv};
use std::collections::{BTreeMap, BTreeSet};

/// The services at each destination: system and name.
type Services = BTreeMap<(String, String), BTreeSet<String>>;

#[derive(Default)]
pub(super) struct Sending {
    /// Messages that are not known to have arrived.
    sent: Vec<Sent>,
    /// Work on messages that came without a context.
    without_context: Vec<WithoutContext>,
    /// Spans that work on a message, or another step with one, names as the one before it.
    continued: Set<SpanId>,
    /// Spans that a publish names as the one before it. If these sent a message themselves, that need not be the same one.
    relayed: Set<SpanId>,
    /// Spans of batches. A message links to its batch, which is not its sender.
    batches: Set<SpanId>,
    /// The same for received messages, with the destination they were received from.
    received: Set<(SpanId, u64)>,
    /// Spans that other work names as the one before it: its segment, and whether there were several.
    below: Map<SpanId, (SegmentId, bool)>,
    producers: Services,
    consumers: Services,
}

/// A message, or a call, that somebody should continue.
struct Sent {
    question: Question,
    place: Place,
    what: String,
    span_id: SpanId,
    /// The spans it is linked to. A message that kept the context of another trace continues there.
    links: Vec<SpanId>,
    service: String,
    segment_id: SegmentId,
    to: (String, String),
    /// When sending it began.
    began: u64,
    /// When the broker had it.
    accepted: u64,
}

/// Work below a span that is not recorded.
pub(super) struct OrphanedWork<'s> {
    pub(super) service: &'s str,
    pub(super) segment_id: SegmentId,
    /// When the first of it began.
    pub(super) began: u64,
}

/// What there is to find out about a hand-off.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Question {
    /// The broker accepted it. Who received it?
    Received,
    /// It is in an outbox. Who sent it?
    Relayed,
    /// Did it arrive after all? If not, this is why it cannot be judged.
    Arrived(NotJudgedReason),
}

impl Question {
    /// The question about this span. `None` if it handed nothing over, or says that nothing arrived.
    fn about(span: &Span) -> Option<Self> {
        let status = span.text(semconv::HANDOFF_STATUS);
        let is_ok = span.status == SpanStatus::Ok;
        match (span.primitive.as_str(), status) {
            ("messaging.publish", _) if span.kind != Kind::Producer => None,
            ("messaging.publish", Some("rejected" | "returned" | "rolled_back")) => None,
            ("messaging.publish", Some("confirmed" | "sent" | "committed")) if span.destination().is_empty() => {
                Some(Question::Arrived(NotJudgedReason::DestinationUnknown))
            }
            ("messaging.publish", Some("confirmed" | "sent" | "committed")) => Some(Question::Received),
            ("messaging.publish", None) if !is_ok => None,
            ("messaging.publish", _) => Some(Question::Arrived(NotJudgedReason::HandOffUnknown)),
            ("handoff.prepare", Some("committed")) => Some(Question::Relayed),
            ("handoff.prepare", Some("unknown")) => Some(Question::Arrived(NotJudgedReason::HandOffUnknown)),
            ("function.invoke", _) if is_ok && span.text(semconv::FUNCTION_INVOCATION_TYPE) == Some("Event") => {
                Some(Question::Arrived(NotJudgedReason::CalleeUnknown))
            }
            _ => None,
        }
    }
}

struct WithoutContext {
    place: Place,
    what: String,
    from: (String, String),
    /// The only span that it is linked to. If that is a batch, nothing says who sent the message.
    link: Option<SpanId>,
}

impl Sending {
    /// Learns what a span says about others.
    pub(super) fn learn(&mut self, span: &Span) {
        let before = || span.parent_span_id.into_iter().chain(span.links.iter().map(|l| l.span_id));
        let is_publish = span.primitive == "messaging.publish";
        let is_step = span.kind == Kind::Consumer || span.primitive.starts_with("messaging.") && !is_publish;
        if is_step && span.attribute(semconv::MESSAGING_BATCH_COUNT).is_some() {
            self.batches.insert(span.span_id);
        }
        for before in before() {
            if is_publish {
                self.relayed.insert(before);
            }
            if is_step {
                self.continued.insert(before);
            } else {
                let (first, several) = self.below.entry(before).or_insert((span.segment_id, false));
                *several |= *first != span.segment_id;
            }
        }
        let (services, names) = match (span.kind, span.primitive.as_str()) {
            (Kind::Producer, "messaging.publish") => (&mut self.producers, sent_to(span.destination()).take(1)),
            (_, "messaging.process" | "messaging.receive") => {
                for name in sent_to(span.destination()) {
                    let from = destination_hash(system(span), name);
                    self.received.extend(before().map(|before| (before, from)));
                }
                (&mut self.consumers, sent_to(span.destination()).take(usize::MAX))
            }
            _ => return,
        };
        for name in names {
            services.entry(destination(span, name)).or_default().insert(span.service.clone());
        }
    }

    /// Learns that a span triggered a run.
    pub(super) fn learn_trigger(&mut self, by: SpanId) {
        self.continued.insert(by);
    }

    /// Asks what happens to a message that this span sent, and where a received one came from. A span without an end is
    /// reported as that.
    pub(super) fn ask(&mut self, span: &Span, place: &Place, evidence: SenderEvidence) {
        let name = span.destination();
        if let (Some(question), Some(accepted)) = (Question::about(span), span.ended_at) {
            let status = span.text(semconv::HANDOFF_STATUS).map(|status| format!(", {status}"));
            let sent = Sent {
                question,
                place: place.at(span.span_id),
                what: format!("{}{}", named(span), status.unwrap_or_default()),
                span_id: span.span_id,
                links: span.links.iter().map(|l| l.span_id).collect(),
                service: span.service.clone(),
                segment_id: span.segment_id,
                to: destination(span, name),
                began: span.started_at,
                accepted,
            };
            // A message that arrived stays so: no need to remember it.
            if !self.arrived(&sent) {
                self.sent.push(sent);
            }
        }
        let link = match evidence {
            SenderEvidence::None => None,
            SenderEvidence::Link(link) => Some(link),
            SenderEvidence::Known => return,
        };
        if span.is_delivery() {
            let what = format!("{}, without a context", named(span));
            let place = place.at(span.span_id);
            self.without_context.push(WithoutContext { place, what, from: destination(span, name), link });
        }
    }

    /// Whether every message arrived and every received one has a context, so that no other run needs to be read.
    pub(super) fn is_settled(&self) -> bool {
        self.without_context.is_empty() && self.sent.iter().all(|sent| self.arrived(sent))
    }

    fn arrived(&self, sent: &Sent) -> bool {
        let below = self.below.get(&sent.span_id);
        let received = |span: &SpanId| self.received.contains(&(*span, destination_hash(&sent.to.0, &sent.to.1)));
        self.continued.contains(&sent.span_id)
            || sent.question == Question::Relayed && self.relayed.contains(&sent.span_id)
            || sent.links.iter().any(received)
            || below.is_some_and(|(segment, several)| *several || *segment != sent.segment_id)
    }

    /// The messages that were accepted before `due` and did not arrive, and those that should have had a context.
    /// `orphaned` is, by run, the work below spans that are not recorded. What cannot be judged goes to the `tally`.
    pub(super) fn gaps(
        &self,
        due: u64,
        orphaned: &BTreeMap<RunId, Vec<OrphanedWork<'_>>>,
        tally: &mut Tally,
    ) -> Vec<Gap> {
        let mut by_run: BTreeMap<Option<RunId>, Vec<&Sent>> = BTreeMap::new();
        let mut gaps = Vec::new();
        for sent in self.sent.iter().filter(|sent| !self.arrived(sent)) {
            match sent.question {
                _ if sent.accepted > due => tally.add(NotJudgedReason::InProgress, &sent.place, &sent.what),
                Question::Received => by_run.entry(sent.place.run_id).or_default().push(sent),
                Question::Relayed => {
                    let facts = [("service", &*sent.service)];
                    gaps.push(sent.place.gap(GapKind::NotRelayed, sent.what.clone(), &facts));
                }
                Question::Arrived(reason) => tally.add(reason, &sent.place, &sent.what),
            }
        }
        let lost = by_run.into_iter().flat_map(|(run, sent)| {
            let orphaned = run.and_then(|run| orphaned.get(&run)).map_or(&[][..], Vec::as_slice);
            self.lost(&sent, orphaned)
        });
        gaps.extend(lost);
        let is_alone = |message: &&WithoutContext| message.link.is_none_or(|link| self.batches.contains(&link));
        for message in self.without_context.iter().filter(is_alone) {
            let (system, name) = &message.from;
            let Some(services) = sent_to(name).find_map(|to| self.producers.get(&(system.clone(), to.to_owned())))
            else {
                tally.add(NotJudgedReason::SenderUnknown, &message.place, &message.what);
                continue;
            };
            let facts = [("services", &*listed(services))];
            gaps.push(message.place.gap(GapKind::ContextLost, message.what.clone(), &facts));
        }
        gaps
    }

    /// The messages of one run that did not arrive. Orphaned work that came later may be the work on one of them. If there
    /// is as much of it as there are messages, it is.
    fn lost(&self, sent: &[&Sent], orphaned: &[OrphanedWork<'_>]) -> Vec<Gap> {
        let may_follow = |sent: &Sent, work: &OrphanedWork<'_>| {
            let receives = || self.consumers.get(&sent.to).is_some_and(|services| services.contains(work.service));
            let is_elsewhere = work.segment_id != sent.segment_id && (work.service != sent.service || receives());
            is_elsewhere && work.began >= sent.began
        };
        let is_followed = |sent: &Sent| orphaned.iter().any(|work| may_follow(sent, work));
        let followed = sent.iter().filter(|sent| is_followed(sent)).count();
        let works: Vec<_> = orphaned.iter().filter(|work| sent.iter().any(|sent| may_follow(sent, work))).collect();
        let gap = |sent: &&Sent| {
            let services = self.consumers.get(&sent.to);
            let all = listed(services.into_iter().flatten());
            let broker = Broker::of(&sent.to.0).words();
            let gap = |kind, services: &str, maybe: &str| {
                let facts = [&[("services", services), ("maybe", maybe)][..], &broker].concat();
                sent.place.gap(kind, sent.what.clone(), &facts)
            };
            let kind = if services.is_some() { GapKind::NotReceived } else { GapKind::NoConsumer };
            if !is_followed(sent) {
                return gap(kind, &all, "");
            }
            if followed <= works.len() {
                let theirs = works.iter().filter(|work| may_follow(sent, work));
                let services: BTreeSet<String> = theirs.map(|work| work.service.to_owned()).collect();
                return gap(GapKind::WorkNotRecorded, &listed(&services), "");
            }
            let maybe = format!(
                " Or it was received, and the records of the work on it were lost: for {} of {followed} such messages, this \
                 run has work further down whose parent span is missing.",
                works.len(),
            );
            gap(kind, &all, &maybe)
        };
        sent.iter().map(gap).collect()
    }
}

fn destination(span: &Span, name: &str) -> (String, String) {
    (system(span).to_owned(), name.to_owned())
}

fn system(span: &Span) -> &str {
    span.text(semconv::MESSAGING_SYSTEM).unwrap_or_default()
}

fn destination_hash(system: &str, name: &str) -> u64 {
    join(stable(system.as_bytes()), stable(name.as_bytes()))
}
