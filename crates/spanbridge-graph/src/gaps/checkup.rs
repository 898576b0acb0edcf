//! Reads runs one after the other, and says at the end what is missing.

use super::gap::{Gap, Place};
use super::kinds::GapKind;
use super::not_judged::{NotJudged, NotJudgedReason, Tally};
use super::sending::{OrphanedWork, Sending};
use super::settling::Settling;
use super::single::{self, UNKNOWN_SENDER, last_sign, spans_with};
use super::unended::{Unended, unended};
use super::unsettled::{DEFAULT_GRACE, DEFAULT_SILENCE, due, nanos};
use super::wording::{and_more, counted, named};
use crate::hash::Set;
use crate::message::{SenderEvidence, Senders};
use crate::model::{Diagnostic, Graph, Span};
use spanbridge::record::Endpoint;
use spanbridge::{RunId, SegmentId, SpanId, semconv};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Reads runs in any order, and says what is missing in them.
///
/// ```
/// use spanbridge_graph::{Checkup, Graph};
/// # fn check(asked_about: &[Graph], others: &[Graph], now: u64) {
/// let mut checkup = Checkup::new(now);
/// asked_about.iter().for_each(|graph| checkup.check(graph));
/// // Other runs may know what happened to the messages of these.
/// others.iter().for_each(|graph| checkup.consult(graph));
/// for gap in checkup.gaps() {
///     println!("{}: {}", gap.kind.title(), gap.what);
/// }
/// # }
/// ```
pub struct Checkup {
    now: u64,
    grace: u64,
    silence: u64,
    checked: BTreeSet<RunId>,
    learned: BTreeSet<RunId>,
    /// Runs that are connected with runs that were pruned.
    beside_pruned: BTreeSet<RunId>,
    /// How many other runs might explain more and were not read.
    not_read: u64,
    /// How many changed rows are in the runs.
    changed_rows: u64,
    /// What a run shows by itself.
    found: Vec<Gap>,
    /// What of it cannot be judged.
    tally: Tally,
    /// What has no end, though it was silent for long.
    unended: Vec<Unended>,
    /// What processes report about themselves: the kind, the service and the message, and how often.
    reported: BTreeMap<(GapKind, (String, String)), u64>,
    recorded: Set<SpanId>,
    orphans: BTreeMap<(RunId, SpanId), Orphans>,
    sending: Sending,
    settling: Settling,
}

/// The spans of a run that name the same parent, which is not recorded in it.
struct Orphans {
    place: Place,
    /// The first of them: when it began, its id and its name.
    first: (u64, SpanId, String),
    /// Who recorded the first.
    recorded_by: (SegmentId, String),
    count: usize,
}

impl Checkup {
    /// How long a message may take to be received and settled, unless you set [`Checkup::grace`].
    pub const DEFAULT_GRACE: Duration = DEFAULT_GRACE;

    /// How long a run or a span without an end may be silent, unless you set [`Checkup::silence`].
    pub const DEFAULT_SILENCE: Duration = DEFAULT_SILENCE;

    /// A checkup at this time, in nanoseconds since the Unix epoch.
    pub fn new(now: u64) -> Self {
        Checkup {
            now,
            grace: nanos(DEFAULT_GRACE),
            silence: nanos(DEFAULT_SILENCE),
            checked: BTreeSet::new(),
            learned: BTreeSet::new(),
            beside_pruned: BTreeSet::new(),
            not_read: 0,
            changed_rows: 0,
            found: Vec::new(),
            tally: Tally::default(),
            unended: Vec::new(),
            reported: BTreeMap::new(),
            recorded: Set::default(),
            orphans: BTreeMap::new(),
            sending: Sending::default(),
            settling: Settling::default(),
        }
    }

    /// How long a message may take to be received, and to be settled after the work on it. Default:
    /// [`Checkup::DEFAULT_GRACE`].
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = nanos(grace);
        self
    }

    /// How long a run or a span without an end may be silent. Default: [`Checkup::DEFAULT_SILENCE`].
    pub fn silence(mut self, silence: Duration) -> Self {
        self.silence = nanos(silence);
        self
    }

    /// Checks a run. Call it for every run that is asked about, in any order: a run counts only once.
    pub fn check(&mut self, graph: &Graph) {
        if !self.checked.insert(graph.run.run_id) {
            return;
        }
        self.learn(graph);
        self.changed_rows += graph.mutations.len() as u64;
        let place = Place::of(graph);
        let senders = Senders::new(&graph.run, &graph.spans);
        let last = last_sign(graph);
        let is_silent_for = |time: u64| last.saturating_add(time) <= self.now;
        let stopped = if is_silent_for(self.grace) { single::stopped(graph) } else { Set::default() };
        let tally = &mut self.tally;
        self.unended.extend(unended(graph, &place, &stopped, is_silent_for(self.silence), tally));
        let diagnosed = single::diagnosed(graph, &place, &senders, &stopped, tally);
        self.found.extend(diagnosed);
        self.found.extend(single::ahead(graph, &place, self.now));
        self.found.extend(single::clocks(graph, &place, &senders));
        self.found.extend(single::impossible(graph, &place));
        let without_start = single::without_start(graph, &place);
        if is_silent_for(self.grace) {
            self.found.extend(without_start);
        } else {
            for gap in without_start {
                self.tally.add(NotJudgedReason::InProgress, &place, &gap.what);
            }
        }
        // It is known why these have no context.
        let excused = spans_with(graph, &[semconv::HEADER_MALFORMED, semconv::CONTEXT_IGNORED]);
        for span in &graph.spans {
            let is_excused = excused.contains(&span.span_id);
            let evidence = if is_excused { SenderEvidence::Known } else { senders.evidence(span) };
            self.sending.ask(span, &place, evidence);
            let due = due(span, last, self.grace, self.silence);
            self.settling.ask(span, senders.of(span).map(|s| s.span_id), &place, due);
            if let Some(parent) = span.parent_span_id.filter(|_| span.orphan) {
                self.add_orphan(span, parent, &place);
            }
        }
    }

    /// Reads a run for what it knows about those that are checked, such as who received their messages.
    pub fn consult(&mut self, graph: &Graph) {
        self.learn(graph);
    }

    /// Notes that runs which were connected with this one were pruned. What is missing in it may have been in them, so it is no
    /// gap.
    pub fn note_pruned_beside(&mut self, run_id: RunId) {
        self.beside_pruned.insert(run_id);
    }

    /// Adds what a process reports about itself rather than about a run. Repeated reports add up.
    pub fn add_process_diagnostic(&mut self, service: &str, diagnostic: &Diagnostic) {
        let code = &diagnostic.code;
        let Some(kind) = GapKind::of_diagnostic(code) else {
            if !GapKind::is_no_gap(code) {
                let what = format!("{code}: {service}: {}", diagnostic.message);
                self.tally.add(NotJudgedReason::DiagnosticUnknown, &Place::process(), &what);
            }
            return;
        };
        let report = (service.to_owned(), diagnostic.message.clone());
        let count = self.reported.entry((kind, report)).or_default();
        *count = count.saturating_add(diagnostic.count.unwrap_or(1));
    }

    /// Notes how many other runs might explain more and were not read.
    pub fn note_not_read(&mut self, runs: u64) {
        self.not_read = runs;
    }

    /// How many changed rows the checked runs have. Whether a change is missing is not checked: only the history of a row over all
    /// runs can tell.
    pub fn changed_rows(&self) -> u64 {
        self.changed_rows
    }

    /// Whether the gaps are final: consulting more runs changes nothing.
    pub fn is_conclusive(&self) -> bool {
        let orphans = self.orphans.keys().all(|(_, parent)| self.recorded.contains(parent));
        orphans && self.sending.is_settled() && self.settling.is_settled()
    }

    /// What is missing, by kind. The order in which runs were read makes no difference.
    pub fn gaps(&self) -> Vec<Gap> {
        self.judged().0
    }

    /// What could not be judged, by reason. Without any, and without gaps, everything is known to be well.
    pub fn not_judged(&self) -> Vec<NotJudged> {
        self.judged().1.into_list()
    }

    fn judged(&self) -> (Vec<Gap>, Tally) {
        let mut tally = self.tally.clone();
        let mut gaps = self.found.clone();
        // A sender may deliver its records later than the receiver.
        let due = self.now.saturating_sub(self.grace);
        let orphans = || self.orphans.iter().filter(|((_, parent), _)| !self.recorded.contains(parent));
        for ((_, parent), orphans) in orphans() {
            let Orphans { place, first: (began, span, name), count, .. } = orphans;
            let what = format!("{}: its parent, span {parent}, is not recorded", and_more(name.clone(), *count));
            if *began <= due {
                gaps.push(place.at(*span).gap(GapKind::ParentMissing, what, &[]));
            } else {
                tally.add(NotJudgedReason::InProgress, &place.at(*span), &what);
            }
        }
        gaps.extend(self.reported.iter().map(|((kind, (service, message)), count)| {
            let what = format!("{service}: {}", counted(message, Some(*count)));
            Place::process().gap(*kind, what, &[("service", service), ("other", UNKNOWN_SENDER)])
        }));
        let mut orphaned: BTreeMap<RunId, Vec<OrphanedWork<'_>>> = BTreeMap::new();
        for ((run, _), orphans) in orphans() {
            let (segment_id, service) = &orphans.recorded_by;
            let work = OrphanedWork { service, segment_id: *segment_id, began: orphans.first.0 };
            orphaned.entry(*run).or_default().push(work);
        }
        gaps.extend(self.sending.gaps(due, &orphaned, &mut tally));
        let unsettled = self.settling.gaps(self.now, &mut tally);
        // Work that broke off has neither an end nor a settlement. That is one gap.
        let broke_off: Set<SpanId> = unsettled.iter().filter_map(|g| g.span_id).collect();
        gaps.extend(self.unended.iter().filter_map(|unended| unended.gap(&broke_off)));
        gaps.extend(unsettled);
        gaps.retain(|g| {
            let is_beside = g.run_id.is_some_and(|run| self.beside_pruned.contains(&run));
            let is_kept = !(is_beside && g.kind.may_be_in_another_run());
            if !is_kept {
                tally.add(NotJudgedReason::Pruned, &Place::of_gap(g), &g.what);
            }
            is_kept
        });
        tally.add_count(NotJudgedReason::RunsNotRead, self.not_read);
        gaps.sort_unstable();
        gaps.dedup();
        (gaps, tally)
    }

    /// Learns what a run says about others, unless it was read before.
    fn learn(&mut self, graph: &Graph) {
        if !self.learned.insert(graph.run.run_id) {
            return;
        }
        graph.run.triggered_by_span_id.into_iter().for_each(|by| self.sending.learn_trigger(by));
        let senders = Senders::new(&graph.run, &graph.spans);
        for span in &graph.spans {
            self.recorded.insert(span.span_id);
            self.sending.learn(span);
            let sender = |work: &Span| senders.of(work).map(|sender| sender.span_id);
            self.settling.learn(span, span.parent.map(|at| &graph.spans[at]), sender);
        }
        for edge in graph.edges.iter().filter(|e| e.edge_type == "retry.of") {
            if let Endpoint::Span { span_id, .. } = edge.to {
                self.settling.note_repeated(span_id);
            }
        }
    }

    fn add_orphan(&mut self, span: &Span, parent: SpanId, place: &Place) {
        let this = (span.started_at, span.span_id, named(span));
        let orphans = self.orphans.entry((span.run_id, parent)).or_insert_with(|| Orphans {
            place: place.clone(),
            first: this.clone(),
            recorded_by: (span.segment_id, span.service.clone()),
            count: 0,
        });
        orphans.count += 1;
        if this < orphans.first {
            orphans.first = this;
            orphans.recorded_by = (span.segment_id, span.service.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary::record;
    use proptest::prelude::*;
    use spanbridge::record::{AttributeValue, Body, Record};

    /// Turns a span into a messaging step with any attributes.
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
        if let Body::Span(start) = &mut record.body {
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
        fn any_record_can_be_checked(
            records in proptest::collection::vec((record(), any::<usize>(), said()), 0..40),
            now in any::<u64>(),
            grace in any::<u64>(),
        ) {
            let records: Vec<_> = records.into_iter().map(|(r, place, said)| step(r, place, said)).collect();
            let mut checkup = Checkup::new(now).grace(Duration::from_nanos(grace));
            let runs: BTreeSet<RunId> = records.iter().filter_map(|r| r.run_id).collect();
            for run in &runs {
                let own: Vec<_> = records.iter().filter(|r| r.run_id == Some(*run)).cloned().collect();
                checkup.check(&Graph::build(*run, &own));
            }
            for gap in checkup.gaps() {
                prop_assert!(gap.run_id.is_some_and(|run| runs.contains(&run)));
            }
        }
    }
}
