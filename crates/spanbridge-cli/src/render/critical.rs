//! The critical path: which spans are on it, and the list of its stretches.

use super::page::{Page, Target, TextStyle};
use super::text::{counted, escape, named, truncate, width};
use super::time;
use spanbridge::SpanId;
use spanbridge_graph::{Graph, Span, Stretch, StretchKind};
use std::collections::HashMap;

/// How many stretches are listed. Of more, the longest.
const MAX_LISTED: usize = 40;

/// How long each span is on the critical path.
#[derive(Default)]
pub(crate) struct PathTimes(HashMap<SpanId, u64>);

impl PathTimes {
    pub(crate) fn of(graph: &Graph) -> Self {
        let mut times = HashMap::new();
        for stretch in graph.critical_path.iter().flat_map(|path| &path.stretches) {
            if let (Some(span), StretchKind::Work | StretchKind::NotComputed) = (stretch.span_id, stretch.kind) {
                *times.entry(span).or_insert(0) += stretch.duration();
            }
        }
        Self(times)
    }

    /// How long the span is on the path. `None`: it is not.
    pub(crate) fn time(&self, span: &Span) -> Option<u64> {
        if self.0.is_empty() { None } else { self.0.get(&span.span_id).copied() }
    }
}

/// The path below the tree, if it was asked for.
pub(crate) fn print(page: &mut Page, graph: &Graph, columns: usize) {
    let Some(path) = &graph.critical_path else { return };
    let took = path.ended_at.saturating_sub(path.started_at);
    let kinds = [
        (StretchKind::Work, "of work"),
        (StretchKind::Queue, "in queues"),
        (StretchKind::Suspended, "suspended"),
        (StretchKind::Idle, "idle"),
        (StretchKind::NotComputed, "not computed"),
    ];
    let totals = kinds.iter().map(|(kind, what)| (path.total(*kind), what)).filter(|(total, _)| *total > 0);
    let totals: Vec<String> = totals.map(|(total, what)| format!("{} {what}", time::duration(total))).collect();
    page.line().put(TextStyle::Bold, "critical path").space(2).put(TextStyle::Plain, &time::duration(took));
    let text = totals.join(" · ");
    if page.column() + 2 + width(&text) > columns {
        page.line();
    }
    page.space(2);
    let room = columns.saturating_sub(page.column());
    page.put(TextStyle::Dim, &truncate(&text, room)).line();
    let names: HashMap<SpanId, &Span> = graph.spans.iter().map(|s| (s.span_id, s)).collect();
    let least = least(&path.stretches);
    let listed: Vec<&Stretch> = path.stretches.iter().filter(|s| s.duration() >= least).take(MAX_LISTED).collect();
    for stretch in &listed {
        let duration = time::duration(stretch.duration());
        page.target(
            stretch.span_id.map_or(Target::Run(stretch.run_id), |span| Target::Span(Some(stretch.run_id), span)),
        );
        page.space(10usize.saturating_sub(width(&duration))).put(TextStyle::Plain, &duration).space(2);
        let (style, what) = described(stretch, &names, graph);
        let room = columns.saturating_sub(page.column());
        page.put(style, &truncate(&what, room)).line();
    }
    let others = path.stretches.len() - listed.len();
    if others > 0 {
        let listed: u64 = listed.iter().map(|s| s.duration()).sum();
        let what = if others == 1 { "stretch" } else { "stretches" };
        let rest = time::duration(took.saturating_sub(listed));
        page.space(2).put(TextStyle::Dim, &format!("… {others} shorter {what}, {rest} together")).line();
    }
    if !path.skewed.is_empty() {
        let name = |id: &SpanId| names.get(id).map_or_else(|| id.to_string(), |span| named(&span.name));
        let first: Vec<String> = path.skewed.iter().take(3).map(name).collect();
        let count = counted(path.skewed.len(), "span");
        let text = format!("! not on it, because clocks contradict each other: {count} ({}", first.join(", "));
        let more = if path.skewed.len() > first.len() { ", …)" } else { ")" };
        page.put(TextStyle::Warning, &truncate(&(text + more), columns)).line();
    }
}

/// The duration of the shortest stretch that is listed.
fn least(stretches: &[Stretch]) -> u64 {
    let Some(over) = stretches.len().checked_sub(MAX_LISTED) else { return 0 };
    let mut durations: Vec<u64> = stretches.iter().map(Stretch::duration).collect();
    let (_, least, _) = durations.select_nth_unstable(over);
    *least
}

fn described(stretch: &Stretch, names: &HashMap<SpanId, &Span>, graph: &Graph) -> (TextStyle, String) {
    let of_span = || match stretch.span_id.and_then(|id| names.get(&id)) {
        Some(span) if span.service.is_empty() => named(&span.name),
        Some(span) => format!("{} ▸ {}", escape(&span.service), named(&span.name)),
        None => match graph.child_runs.iter().find(|run| run.run_id == stretch.run_id) {
            Some(run) => format!("run {} {:.8}", named(&run.name), run.run_id),
            None if stretch.run_id == graph.run.run_id => format!("run {}", named(&graph.run.name)),
            None => format!("run {:.8}", stretch.run_id),
        },
    };
    match stretch.kind {
        StretchKind::Work => (TextStyle::Plain, of_span()),
        StretchKind::Queue => (TextStyle::Warning, format!("⇢ in the queue before {}", of_span())),
        StretchKind::Suspended => (TextStyle::Warning, "‖ suspended".to_owned()),
        StretchKind::NotComputed => {
            (TextStyle::Warning, format!("{}: not computed, clocks contradict each other", of_span()))
        }
        _ => (TextStyle::Dim, "nothing recorded".to_owned()),
    }
}
