//! Gaps that one run shows by itself: diagnostics, clocks that disagree, a missing start.

use super::gap::{Gap, Place};
use super::kinds::GapKind;
use super::not_judged::{NotJudgedReason, Tally};
use super::wording::{and_more, counted, named};
use crate::hash::Set;
use crate::message::Senders;
use crate::model::{Category, Graph, Run, Span};
use spanbridge::{SpanId, semconv};
use std::collections::BTreeMap;

/// Clocks are not compared more closely than this, in nanoseconds.
const CLOCK_TOLERANCE: u64 = 1_000_000;

/// How far ahead of now, in nanoseconds, a record may be. While a large store is checked, more is written.
const MAX_AHEAD: u64 = 300_000_000_000;

/// What stands for a sender that is not known.
pub(super) const UNKNOWN_SENDER: &str = "the machine that stamped the message";

/// The gaps that were noticed when they happened. `stopped` are the spans of functions that ran out of time.
///
/// What a diagnostic does not say clearly enough goes to the `tally`.
pub(super) fn diagnosed(
    graph: &Graph,
    place: &Place,
    senders: &Senders<'_>,
    stopped: &Set<SpanId>,
    tally: &mut Tally,
) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for diagnostic in &graph.diagnostics {
        let message = counted(&diagnostic.message, diagnostic.count);
        let span = diagnostic.span_id.and_then(|id| senders.place(id)).map(|at| &graph.spans[at]);
        let what = match span {
            Some(span) => format!("{}: {message}", named(span)),
            None => message,
        };
        let place = diagnostic.span_id.map_or(place.clone(), |id| place.at(id));
        let Some(kind) = GapKind::of_diagnostic(&diagnostic.code) else {
            if !GapKind::is_no_gap(&diagnostic.code) {
                tally.add(NotJudgedReason::DiagnosticUnknown, &place, &format!("{}: {what}", diagnostic.code));
            }
            continue;
        };
        // The warning comes before the limit; whether the function was stopped shows later.
        match span {
            _ if kind != GapKind::OutOfTime => {}
            Some(span) if stopped.contains(&span.span_id) => {}
            Some(span) if span.ended_at.is_some() => continue,
            _ => {
                tally.add(NotJudgedReason::OutcomeUnknown, &place, &what);
                continue;
            }
        }
        let service = span.map_or("the service", |span| &span.service);
        let (message, example) = match span.map(|span| (span.category(), span.is_delivery())) {
            Some((_, true)) => ("a message", "such a message"),
            Some((Category::Gateway | Category::OutboundHttp, _)) => ("a request", "such a request"),
            Some((Category::Function, _)) => ("an event or a call", "such an event or call"),
            _ => ("what was received", "what comes from there"),
        };
        let facts = [("service", service), ("other", UNKNOWN_SENDER), ("received", message), ("example", example)];
        gaps.push(place.gap(kind, what, &facts));
    }
    gaps
}

/// Work that began before what caused it, in another segment: the worst case for each pair of services.
pub(super) fn clocks(graph: &Graph, place: &Place, senders: &Senders<'_>) -> Vec<Gap> {
    let reported = spans_with(graph, &[semconv::CLOCK_SKEW]);
    let mut worst: BTreeMap<(&str, &str), (u64, &Span, &Span)> = BTreeMap::new();
    for span in graph.spans.iter().filter(|s| s.has_start && !reported.contains(&s.span_id)) {
        let before = if span.is_delivery() { senders.of(span).and_then(|s| s.place) } else { span.parent };
        let Some(cause) = before.map(|at| &graph.spans[at]) else { continue };
        let behind = cause.started_at.saturating_sub(span.started_at);
        if behind > CLOCK_TOLERANCE && cause.segment_id != span.segment_id && cause.has_start {
            let worst = worst.entry((&span.service, &cause.service)).or_insert((behind, span, cause));
            if (behind, span.span_id) > (worst.0, worst.1.span_id) {
                *worst = (behind, span, cause);
            }
        }
    }
    let gap = |((service, other), (behind, span, cause)): ((&str, &str), (u64, &Span, &Span))| {
        let what = format!("{} began {:.0} ms before {}", named(span), behind as f64 / 1e6, named(cause));
        place.at(span.span_id).gap(GapKind::ClockBehind, what, &[("service", service), ("other", other)])
    };
    worst.into_iter().map(gap).collect()
}

/// What cannot be true, whatever the clocks say: a run that is its own parent, and what ended before it began.
pub(super) fn impossible(graph: &Graph, place: &Place) -> Vec<Gap> {
    let run = &graph.run;
    let mut gaps = Vec::new();
    if run.parent_run_id == Some(run.run_id) {
        let what = format!("run {} names itself as its parent", run_name(run));
        gaps.push(place.gap(GapKind::OwnParent, what, &[]));
    }
    let torn = |started_at: u64, ended_at: Option<u64>| ended_at.is_some_and(|end| end < started_at);
    if run.owned && torn(run.started_at, run.ended_at) {
        let what = format!("run {} ended {} before it began", run_name(run), ms(run.started_at, run.ended_at));
        gaps.push(place.gap(GapKind::EndBeforeStart, what, &[]));
    }
    let mut spans: Vec<&Span> = graph.spans.iter().filter(|s| torn(s.started_at, s.ended_at)).collect();
    spans.sort_unstable_by_key(|s| (s.started_at, s.span_id));
    if let Some(first) = spans.first() {
        let what = format!("{} ended {} before it began", named(first), ms(first.started_at, first.ended_at));
        gaps.push(place.at(first.span_id).gap(GapKind::EndBeforeStart, and_more(what, spans.len()), &[]));
    }
    gaps
}

fn run_name(run: &Run) -> &str {
    if run.name.is_empty() { "(no name)" } else { &run.name }
}

fn ms(started_at: u64, ended_at: Option<u64>) -> String {
    format!("{:.3} ms", started_at.saturating_sub(ended_at.unwrap_or(started_at)) as f64 / 1e6)
}

/// Starts that are not recorded, of the run and of spans, though something else of them is.
pub(super) fn without_start(graph: &Graph, place: &Place) -> Vec<Gap> {
    let run = &graph.run;
    let of_run = (run.owned && !run.has_start).then(|| (place.clone(), format!("run {}", run_name(run))));
    let spans = || graph.spans.iter().filter(|s| !s.has_start);
    let first = spans().min_by_key(|s| (s.started_at, s.span_id));
    let of_spans = first.map(|first| (place.at(first.span_id), and_more(named(first), spans().count())));
    let gap = |(place, what): (Place, String)| place.gap(GapKind::StartMissing, what, &[]);
    of_run.into_iter().chain(of_spans).map(gap).collect()
}

/// A run with records of a time after now. It would never be silent, and its messages would be on their way for ever.
pub(super) fn ahead(graph: &Graph, place: &Place, now: u64) -> Option<Gap> {
    let ahead = last_sign(graph).saturating_sub(now);
    let service = graph.run.segments.first().map_or("the service", |s| &s.service);
    (ahead > MAX_AHEAD).then(|| {
        let what = format!(
            "run {}: its last record is {} s ahead of this machine's clock",
            run_name(&graph.run),
            ahead / 1_000_000_000
        );
        place.gap(GapKind::ClockBehind, what, &[("service", "this machine"), ("other", service)])
    })
}

/// The spans of functions that were warned of their time limit and have not ended.
pub(super) fn stopped(graph: &Graph) -> Set<SpanId> {
    let warned = spans_with(graph, &[semconv::DEADLINE_NEAR]);
    let spans = graph.spans.iter().filter(|s| s.ended_at.is_none() && warned.contains(&s.span_id));
    spans.map(|s| s.span_id).collect()
}

/// The spans that have a diagnostic with one of these codes.
pub(super) fn spans_with(graph: &Graph, codes: &[&str]) -> Set<SpanId> {
    graph.diagnostics.iter().filter(|d| codes.contains(&&*d.code)).filter_map(|d| d.span_id).collect()
}

/// The last time at which anything of a run was recorded.
pub(super) fn last_sign(graph: &Graph) -> u64 {
    let run = &graph.run;
    let spans = graph
        .spans
        .iter()
        .flat_map(|s| s.ended_at.into_iter().chain([s.started_at]).chain(s.events.iter().map(|e| e.timestamp)));
    let segments = run.segments.iter().filter_map(|s| s.started_at);
    let waits = run.suspensions.iter().flat_map(|s| s.suspended_at.into_iter().chain(s.resumed_at));
    spans.chain(segments).chain(waits).max().unwrap_or(run.started_at).max(run.started_at)
}
