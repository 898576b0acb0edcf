//! Work without an end: a run, or spans of one.

use super::gap::{Gap, Place};
use super::kinds::GapKind;
use super::not_judged::{NotJudgedReason, Tally};
use super::single::last_sign;
use super::wording::{and_more, named};
use crate::hash::Set;
use crate::model::{Graph, Run, RunStatus, Span};
use spanbridge::{SegmentId, SpanId};
use std::collections::{BTreeMap, BTreeSet};

/// What of a run has no end, though nothing was recorded for long.
pub(super) struct Unended {
    place: Place,
    /// The run itself, if it should have ended.
    run: Option<String>,
    /// Open spans, by the message that they are the work on: that may be reported as not settled.
    spans: BTreeMap<Option<SpanId>, Open>,
    /// When anything was recorded last.
    since: u64,
}

/// Open spans: when the first of them began, its id and its name, and how many there are.
struct Open {
    first: (u64, SpanId, String),
    count: usize,
}

/// What of a run has no end. `stopped` are the spans of functions that ran out of time: what they left open is part of that.
/// What is not silent yet, and what a suspension may explain, goes to the `tally`.
pub(super) fn unended(
    graph: &Graph,
    place: &Place,
    stopped: &Set<SpanId>,
    is_silent: bool,
    tally: &mut Tally,
) -> Option<Unended> {
    let run = &graph.run;
    // An invocation is a segment.
    let of_stopped = graph.spans.iter().filter(|s| stopped.contains(&s.span_id));
    let excused: Set<SegmentId> = of_stopped.map(|s| s.segment_id).collect();
    let is_suspended = run.status == RunStatus::Suspended;
    // A run that such an invocation began ended with it.
    let is_excused = is_suspended || run.segments.first().is_some_and(|s| excused.contains(&s.segment_id));
    let should_end = run.owned && run.ended_at.is_none() && !is_excused;
    let waiting = if is_suspended { waiting(run) } else { Set::default() };
    let is_open = |s: &&Span| s.ended_at.is_none() && s.has_start && !excused.contains(&s.segment_id);
    let mut spans = BTreeMap::new();
    let mut works = None;
    for (at, span) in graph.spans.iter().enumerate().filter(|(_, s)| is_open(s)) {
        if waiting.contains(&span.segment_id) {
            tally.add(NotJudgedReason::Suspended, &place.at(span.span_id), &named(span));
            continue;
        }
        let works: &mut Vec<Option<SpanId>> = works.get_or_insert_with(|| deliveries_above(graph));
        let this = (span.started_at, span.span_id, named(span));
        let open = spans.entry(works[at]).or_insert_with(|| Open { first: this.clone(), count: 0 });
        open.count += 1;
        if this < open.first {
            open.first = this
        }
    }
    let run = should_end.then(|| format!("run {}", run.name));
    let unended = Unended { place: place.clone(), run, spans, since: last_sign(graph) };
    if !is_silent && let Some((place, what)) = unended.what(&Set::default()) {
        tally.add(NotJudgedReason::InProgress, &place, &what);
    }
    Some(unended).filter(|_| is_silent)
}

impl Unended {
    /// The gap, unless all of it is work on messages that are reported as not settled.
    pub(super) fn gap(&self, not_settled: &Set<SpanId>) -> Option<Gap> {
        let (place, what) = self.what(not_settled)?;
        let since = jiff::Timestamp::from_nanosecond(i128::from(self.since)).unwrap_or_default();
        Some(place.gap(GapKind::NoEnd, format!("{what}: nothing recorded since {since:.0}"), &[]))
    }

    fn what(&self, not_settled: &Set<SpanId>) -> Option<(Place, String)> {
        if let Some(run) = &self.run {
            return Some((self.place.clone(), run.clone()));
        }
        let remaining = || {
            let is_reported = |work: &Option<SpanId>| work.is_some_and(|work| not_settled.contains(&work));
            self.spans.iter().filter(move |(work, _)| !is_reported(work)).map(|(_, open)| open)
        };
        let (_, span, name) = &remaining().min_by_key(|open| &open.first)?.first;
        Some((self.place.at(*span), and_more(name.clone(), remaining().map(|open| open.count).sum())))
    }
}

/// The segments that suspended the run and wait for its resumption.
fn waiting(run: &Run) -> Set<SegmentId> {
    let resumed: BTreeSet<&str> = run.segments.iter().filter_map(|s| s.suspension_id.as_deref()).collect();
    let open = run.suspensions.iter().filter(|s| s.resumed_at.is_none() && !resumed.contains(&*s.suspension_id));
    open.filter_map(|s| s.segment_id).collect()
}

/// For each span of a run, the work on a message that it is or belongs to. Parents come before children.
fn deliveries_above(graph: &Graph) -> Vec<Option<SpanId>> {
    let mut above: Vec<Option<SpanId>> = Vec::with_capacity(graph.spans.len());
    for span in &graph.spans {
        let of_parent = || span.parent.and_then(|parent| above.get(parent).copied().flatten());
        let work = if span.is_delivery() { Some(span.span_id) } else { of_parent() };
        above.push(work);
    }
    above
}
