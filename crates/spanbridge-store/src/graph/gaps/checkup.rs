//! Looking at runs, one after the other, and saying at the end what is missing.

use super::sending::{Sending, Stray};
use super::settling::Settling;
use super::{Gap, GapKind, Place, and_more, named};
use crate::graph::message::Senders;
use crate::graph::{Diagnostic, Graph, RunStatus, Span};
use crate::hash::Set;
use spanbridge::record::Endpoint;
use spanbridge::{RunId, SegmentId, SpanId, semconv};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Clocks are not compared closer than this, in nanoseconds.
const TOLERANCE: u64 = 1_000_000;

/// Looks at runs in any order, and says what is missing in them.
///
/// ```
/// use spanbridge_store::graph::{Checkup, Graph};
/// # fn check(asked_about: &[Graph], others: &[Graph], now: u64) {
/// let mut checkup = Checkup::new(now);
/// asked_about.iter().for_each(|graph| checkup.look_at(graph));
/// // What these know about the first: who has received what they sent.
/// others.iter().for_each(|graph| checkup.look_around(graph));
/// for gap in checkup.gaps() {
///     println!("{}: {}", gap.kind.title(), gap.what);
/// }
/// # }
/// ```
pub struct Checkup {
    now: u64,
    grace: u64,
    silence: u64,
    seen: BTreeSet<RunId>,
    /// What a run shows by itself.
    found: Vec<Gap>,
    /// What processes say of themselves: the kind, the service, the words; how often.
    heard: BTreeMap<(GapKind, (String, String)), u64>,
    recorded: Set<SpanId>,
    orphans: BTreeMap<(RunId, SpanId), Orphan>,
    sending: Sending,
    settling: Settling,
}

/// A parent that is not in its run.
struct Orphan {
    place: Place,
    /// The first of those that name it, and who recorded that.
    first: (u64, SpanId, String),
    recorded_by: (SegmentId, String),
    children: usize,
}

impl Checkup {
    /// A message may take so long to be received and settled, unless [`Checkup::grace`] says otherwise.
    pub const GRACE: Duration = Duration::from_secs(60);

    /// A run, or a span, without an end may be silent for so long, unless [`Checkup::silence`] says otherwise.
    pub const SILENCE: Duration = Duration::from_secs(3600);

    /// A checkup at this time, in nanoseconds since the Unix epoch.
    pub fn new(now: u64) -> Self {
        Checkup {
            now,
            grace: nanos(Self::GRACE),
            silence: nanos(Self::SILENCE),
            seen: BTreeSet::new(),
            found: Vec::new(),
            heard: BTreeMap::new(),
            recorded: Set::default(),
            orphans: BTreeMap::new(),
            sending: Sending::default(),
            settling: Settling::default(),
        }
    }

    /// How long a message may take to be received, and to be settled after its work.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = nanos(grace);
        self
    }

    /// How long a run, or a span, without an end may be silent.
    pub fn silence(mut self, silence: Duration) -> Self {
        self.silence = nanos(silence);
        self
    }

    /// Looks at a run that is asked about. A run is looked at once; what is asked about comes before the others.
    pub fn look_at(&mut self, graph: &Graph) {
        if !self.learn(graph) {
            return;
        }
        let place = Place::of(graph);
        let senders = Senders::new(&graph.run, &graph.spans);
        let stopped = self.stopped(graph);
        self.diagnostics(graph, &place, &senders, &stopped);
        self.clocks(graph, &place, &senders);
        self.end(graph, &place, &stopped);
        let alive = last_sign(graph);
        // Why these have no context is known.
        let excused = told(graph, &[semconv::HEADER_MALFORMED, semconv::CONTEXT_IGNORED]);
        for span in &graph.spans {
            self.sending.ask(span, &place, senders.is_unknown(span) && !excused.contains(&span.span_id));
            let due = match span.ended_at {
                Some(end) => end.saturating_add(self.grace),
                None => alive.saturating_add(self.silence),
            };
            self.settling.ask(span, senders.of(span).map(|s| s.span_id), &place, due);
            if let Some(parent) = span.parent_span_id.filter(|_| span.orphan) {
                self.orphan(span, parent, &place);
            }
        }
    }

    /// Looks at a run for what it knows about others.
    pub fn look_around(&mut self, graph: &Graph) {
        self.learn(graph);
    }

    /// What a process says about its recording, and of no run in particular. What it says again is added up.
    pub fn hear(&mut self, service: &str, diagnostic: &Diagnostic) {
        if let Some(kind) = GapKind::of_diagnostic(&diagnostic.code) {
            let said = (service.to_owned(), diagnostic.message.clone());
            let count = self.heard.entry((kind, said)).or_default();
            *count = count.saturating_add(diagnostic.count.unwrap_or(1));
        }
    }

    /// Whether nothing can come to light by a look around.
    pub fn is_certain(&self) -> bool {
        let orphans = self.orphans.keys().all(|(_, parent)| self.recorded.contains(parent));
        orphans && self.sending.is_settled() && self.settling.is_settled()
    }

    /// What is missing, by kind. It does not depend on the order in which runs were looked at.
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps = self.found.clone();
        // The sender may deliver its records later than the receiver.
        let due = self.now.saturating_sub(self.grace);
        let missing = |parent: &SpanId, orphan: &Orphan| !self.recorded.contains(parent) && orphan.first.0 <= due;
        let orphans = self.orphans.iter().filter(|((_, parent), orphan)| missing(parent, orphan));
        gaps.extend(orphans.map(|((_, parent), orphan)| {
            let Orphan { place, first: (_, span, name), children, .. } = orphan;
            let what = format!("{}: the parent would be span {parent}", and_more(name.clone(), *children));
            place.at(*span).gap(GapKind::ParentMissing, what, &[])
        }));
        gaps.extend(self.heard.iter().map(|((kind, (service, message)), count)| {
            let place = Place { run_id: None, run_name: "".into(), span_id: None };
            let what = format!("{service}: {}", counted(message, Some(*count)));
            place.gap(*kind, what, &[("service", service), ("other", SENDER)])
        }));
        let mut strays: BTreeMap<RunId, Vec<Stray<'_>>> = BTreeMap::new();
        for ((run, _), orphan) in self.orphans.iter().filter(|((_, parent), _)| !self.recorded.contains(parent)) {
            let (segment_id, service) = &orphan.recorded_by;
            let stray = Stray { service, segment_id: *segment_id, began: orphan.first.0 };
            strays.entry(*run).or_default().push(stray);
        }
        gaps.extend(self.sending.gaps(due, &strays));
        let unsettled = self.settling.gaps(self.now);
        // Work that broke off has neither an end nor a settlement; that is one gap.
        let broken_off: Set<SpanId> = unsettled.iter().filter_map(|g| g.span_id).collect();
        gaps.retain(|g| g.kind != GapKind::NoEnd || g.span_id.is_none_or(|span| !broken_off.contains(&span)));
        gaps.extend(unsettled);
        gaps.sort_unstable();
        gaps.dedup();
        gaps
    }

    /// What a run says about others. `false`: it was looked at before.
    fn learn(&mut self, graph: &Graph) -> bool {
        if !self.seen.insert(graph.run.run_id) {
            return false;
        }
        graph.run.triggered_by_span_id.into_iter().for_each(|by| self.sending.triggered(by));
        for span in &graph.spans {
            self.recorded.insert(span.span_id);
            self.sending.learn(span);
            self.settling.learn(span, span.parent.map(|at| &graph.spans[at]));
        }
        for edge in graph.edges.iter().filter(|e| e.edge_type == "retry.of") {
            if let Endpoint::Span { span_id, .. } = edge.to {
                self.settling.repeated(span_id);
            }
        }
        true
    }

    /// The gaps that were noticed when they came about.
    fn diagnostics(&mut self, graph: &Graph, place: &Place, senders: &Senders<'_>, stopped: &Set<SpanId>) {
        for d in &graph.diagnostics {
            let Some(kind) = GapKind::of_diagnostic(&d.code) else { continue };
            // It is said beforehand.
            if kind == GapKind::OutOfTime && d.span_id.is_none_or(|id| !stopped.contains(&id)) {
                continue;
            }
            let said = counted(&d.message, d.count);
            let span = d.span_id.and_then(|id| senders.place(id)).map(|at| &graph.spans[at]);
            let what = span.map_or_else(|| said.clone(), |span| format!("{}: {said}", named(span)));
            let place = d.span_id.map_or(place.clone(), |id| place.at(id));
            let service = span.map_or("the service", |span| &span.service);
            self.found.push(place.gap(kind, what, &[("service", service), ("other", SENDER)]));
        }
    }

    /// Work that began before what caused it, in another segment: once for each two services, where it is worst.
    fn clocks(&mut self, graph: &Graph, place: &Place, senders: &Senders<'_>) {
        let told = told(graph, &[semconv::CLOCK_SKEW]);
        let mut worst: BTreeMap<(&str, &str), (u64, &Span, &Span)> = BTreeMap::new();
        for span in graph.spans.iter().filter(|s| !s.name.is_empty() && !told.contains(&s.span_id)) {
            let before = if span.is_delivery() { senders.of(span).and_then(|s| s.place) } else { span.parent };
            let Some(cause) = before.map(|at| &graph.spans[at]) else { continue };
            let behind = cause.started_at.saturating_sub(span.started_at);
            if behind > TOLERANCE && cause.segment_id != span.segment_id && !cause.name.is_empty() {
                let worst = worst.entry((&span.service, &cause.service)).or_insert((behind, span, cause));
                if (behind, span.span_id) > (worst.0, worst.1.span_id) {
                    *worst = (behind, span, cause);
                }
            }
        }
        for ((service, other), (behind, span, cause)) in worst {
            let behind = behind as f64 / 1e6;
            let what = format!("{} began {behind:.0} ms before {}", named(span), named(cause));
            let facts = [("service", service), ("other", other)];
            self.found.push(place.at(span.span_id).gap(GapKind::ClockBehind, what, &facts));
        }
    }

    /// A run without an end, or a span without one, of which nothing was heard for long. A run that is suspended is
    /// neither.
    fn end(&mut self, graph: &Graph, place: &Place, stopped: &Set<SpanId>) {
        let (run, alive) = (&graph.run, last_sign(graph));
        if run.status == RunStatus::Suspended || alive.saturating_add(self.silence) > self.now {
            return;
        }
        // Why these have no end is known: an invocation is a segment.
        let of_stopped = graph.spans.iter().filter(|s| stopped.contains(&s.span_id));
        let excused: Set<SegmentId> = of_stopped.map(|s| s.segment_id).collect();
        let is_open = |s: &&Span| s.ended_at.is_none() && !s.name.is_empty() && !excused.contains(&s.segment_id);
        let mut open: Vec<&Span> = graph.spans.iter().filter(is_open).collect();
        open.sort_unstable_by_key(|s| (s.started_at, s.span_id));
        // What an invocation has begun ends with it.
        let has_owner = run.owned && !run.segments.first().is_some_and(|s| excused.contains(&s.segment_id));
        let (place, what) = match open.first() {
            _ if has_owner && run.ended_at.is_none() => (place.clone(), format!("run {}", run.name)),
            Some(first) => (place.at(first.span_id), and_more(named(first), open.len())),
            None => return,
        };
        let since = jiff::Timestamp::from_nanosecond(i128::from(alive)).unwrap_or_default();
        let what = format!("{what}: nothing was heard since {since:.0}");
        self.found.push(place.gap(GapKind::NoEnd, what, &[]));
    }

    /// The spans of functions that were warned of their time limit, and have not ended since.
    fn stopped(&self, graph: &Graph) -> Set<SpanId> {
        if last_sign(graph).saturating_add(self.grace) > self.now {
            return Set::default();
        }
        let warned = told(graph, &[semconv::DEADLINE_NEAR]);
        let spans = graph.spans.iter().filter(|s| s.ended_at.is_none() && warned.contains(&s.span_id));
        spans.map(|s| s.span_id).collect()
    }

    fn orphan(&mut self, span: &Span, parent: SpanId, place: &Place) {
        let this = (span.started_at, span.span_id, named(span));
        let orphan = self.orphans.entry((span.run_id, parent)).or_insert_with(|| Orphan {
            place: place.clone(),
            first: this.clone(),
            recorded_by: (span.segment_id, span.service.clone()),
            children: 0,
        });
        orphan.children += 1;
        if this < orphan.first {
            orphan.first = this;
            orphan.recorded_by = (span.segment_id, span.service.clone());
        }
    }
}

/// Who a message came from, where that is not known.
const SENDER: &str = "whoever stamped the message";

/// The spans of which a diagnostic with one of these codes tells.
fn told(graph: &Graph, codes: &[&str]) -> Set<SpanId> {
    graph.diagnostics.iter().filter(|d| codes.contains(&&*d.code)).filter_map(|d| d.span_id).collect()
}

fn counted(message: &str, count: Option<u64>) -> String {
    match count.filter(|n| *n != 1) {
        Some(n) => format!("{message} (×{n})"),
        None => message.to_owned(),
    }
}

/// When anything of a run was last heard.
fn last_sign(graph: &Graph) -> u64 {
    let run = &graph.run;
    let spans = graph
        .spans
        .iter()
        .flat_map(|s| s.ended_at.into_iter().chain([s.started_at]).chain(s.events.iter().map(|e| e.timestamp)));
    let segments = run.segments.iter().filter_map(|s| s.started_at);
    let waits = run.suspensions.iter().flat_map(|s| s.suspended_at.into_iter().chain(s.resumed_at));
    spans.chain(segments).chain(waits).max().unwrap_or(run.started_at).max(run.started_at)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::record;
    use proptest::prelude::*;
    use spanbridge::record::{AttributeValue, Body, Record};

    /// Turns a span into a step with a message, about which it says whatever it likes.
    fn step(mut record: Record<'static>, step: usize, said: Vec<(usize, AttributeValue<'static>)>) -> Record<'static> {
        const STEPS: [&str; 5] =
            ["messaging.publish", "messaging.process", "messaging.settle", "messaging.receive", "tool.call"];
        const KEYS: [&str; 13] = [
            semconv::MESSAGING_SYSTEM,
            semconv::MESSAGING_DESTINATION_NAME,
            semconv::MESSAGING_CONSUMER_GROUP,
            semconv::MESSAGING_MESSAGE_ID,
            semconv::RABBITMQ_ROUTING_KEY,
            semconv::RABBITMQ_DELIVERY_TAG,
            semconv::KAFKA_OFFSET,
            semconv::HANDOFF_STATUS,
            semconv::DELIVERY_ATTEMPT,
            semconv::DEAD_LETTER_QUEUE,
            semconv::SETTLE_MULTIPLE,
            semconv::SETTLE_RANGES,
            semconv::QUEUE_NAME,
        ];
        if let Body::SpanStart(start) | Body::Span(start, _) = &mut record.body {
            start.primitive = STEPS[step % STEPS.len()].into();
            start.attributes = said.into_iter().map(|(key, value)| (KEYS[key % KEYS.len()].into(), value)).collect();
        }
        record
    }

    fn said() -> impl Strategy<Value = Vec<(usize, AttributeValue<'static>)>> {
        let value = prop_oneof![
            any::<i64>().prop_map(AttributeValue::I64),
            any::<bool>().prop_map(AttributeValue::Bool),
            "[ab:]{0,4}".prop_map(|s| AttributeValue::Str(s.into())),
            Just(AttributeValue::Str("confirmed".into())),
            Just(AttributeValue::Str("a[0] 1..9223372036854775807, a[0] 3".into())),
        ];
        proptest::collection::vec((any::<usize>(), value), 0..8)
    }

    proptest! {
        #[test]
        fn nothing_that_a_record_says_is_too_much(
            records in proptest::collection::vec((record(), any::<usize>(), said()), 0..40),
            now in any::<u64>(),
            grace in any::<u64>(),
        ) {
            let records: Vec<_> = records.into_iter().map(|(r, place, said)| step(r, place, said)).collect();
            let mut checkup = Checkup::new(now).grace(Duration::from_nanos(grace));
            let runs: BTreeSet<RunId> = records.iter().filter_map(|r| r.run_id).collect();
            for run in &runs {
                let own: Vec<_> = records.iter().filter(|r| r.run_id == Some(*run)).cloned().collect();
                checkup.look_at(&Graph::build(*run, &own));
            }
            for gap in checkup.gaps() {
                prop_assert!(gap.run_id.is_some_and(|run| runs.contains(&run)));
            }
        }
    }
}
