//! The two lines above a tree: which run, how it went, how long it took, who took part.

use super::page::{Ink, Page};
use super::text::{escape, truncate, width, wrap};
use super::time;
use super::tree::Services;
use spanbridge_store::graph::{Graph, RunStatus, SpanStatus};

/// A run's status as it is shown everywhere: a sign, a word, and what they are painted with.
pub fn status(status: RunStatus) -> (Ink, &'static str) {
    match status {
        RunStatus::Ok => (Ink::Good, "✓ ok"),
        RunStatus::Error => (Ink::Bad, "✗ error"),
        RunStatus::Conflicted => (Ink::Bad, "! conflicted"),
        RunStatus::Cancelled => (Ink::Warn, "⊘ cancelled"),
        RunStatus::Suspended => (Ink::Warn, "‖ suspended"),
        RunStatus::Open => (Ink::Warn, "◌ open"),
    }
}

/// The name of a run, or what stands for it.
pub(crate) fn name(name: &str) -> String {
    if name.is_empty() { "(no name)".into() } else { escape(name).into_owned() }
}

pub(crate) fn print(page: &mut Page, graph: &Graph, services: &Services<'_>, columns: usize) {
    let run = &graph.run;
    let (ink, word) = status(run.status);
    let took = took(graph);
    let rest = 2 + 8 + 2 + width(word) + 2 + width(&took);
    page.put(Ink::Bold, &truncate(&name(&run.name), columns.saturating_sub(rest).max(16)));
    page.space(2).put(Ink::Dim, &format!("{:.8}", run.run_id)).space(2).put(ink, word);
    if page.column() + 2 + width(&took) > columns {
        page.line();
    } else {
        page.space(2);
    }
    page.put(Ink::Plain, &took).line();

    let mut pieces = Vec::new();
    let names: Vec<_> = services.names.iter().take(6).map(|s| truncate(&escape(s), 24).into_owned()).collect();
    let fits = names.iter().map(|s| width(s) + 3).sum::<usize>() < columns * 3 / 5;
    // Names say more than a number, as long as they leave room for the rest.
    if names.len() == services.names.len() && fits {
        pieces.extend(names.into_iter().enumerate().map(|(i, name)| (Ink::Service(i), name)));
    } else {
        pieces.push((Ink::Dim, counted(services.names.len(), "service")));
    }
    pieces.push((Ink::Dim, counted(graph.spans.len(), "span")));
    let count = |what: &[SpanStatus]| graph.spans.iter().filter(|s| what.contains(&s.status)).count();
    let errors = count(&[SpanStatus::Error, SpanStatus::Panicked]);
    if errors > 0 {
        pieces.push((Ink::Bad, counted(errors, "error")));
    }
    let open = count(&[SpanStatus::Open]);
    if open > 0 {
        pieces.push((Ink::Warn, format!("{open} open")));
    }
    pieces.push((Ink::Dim, time::instant(run.started_at)));
    page.list(&pieces, columns);
    if let Some(parent) = run.parent_run_id {
        let child = match &graph.trigger {
            Some(t) if t.service.is_empty() => {
                format!("child of {} {parent:.8}, triggered by {}", name(&t.run_name), t.span_name)
            }
            Some(t) => {
                let (of, by, service) = (name(&t.run_name), &t.span_name, &t.service);
                format!("child of {of} {parent:.8}, triggered by {by} in {service}")
            }
            None => {
                let by = run.triggered_by_span_id.map_or(String::new(), |s| format!(", triggered by span {s}"));
                format!("child of run {parent:.8}{by}")
            }
        };
        for line in wrap(&child, columns, 3) {
            page.put(Ink::Dim, &line).line();
        }
    }
    for line in run.error.iter().flat_map(|e| wrap(e, columns - 2, 3)) {
        page.put(Ink::Bad, &line).line();
    }
}

/// How long the run took; where queued work went on after its end, until when.
fn took(graph: &Graph) -> String {
    let run = &graph.run;
    let last = graph.spans.iter().map(|s| s.ended_at.unwrap_or(s.started_at)).max().unwrap_or(run.started_at);
    if run.ended_at.is_some_and(|end| end < run.started_at) {
        return "ended before it began, by another clock".to_owned();
    }
    let all = last.saturating_sub(run.started_at);
    // What waited no time to speak of has only worked.
    let touched = run.suspensions.iter().flat_map(|s| [s.suspended_at, s.resumed_at]).flatten();
    let known = run.ended_at.unwrap_or(touched.max().unwrap_or(0).max(last));
    let waited = run.waited > known.saturating_sub(run.started_at) / 100;
    if waited || run.status == RunStatus::Suspended {
        let worked = time::duration(run.worked(known));
        let waiting = if waited { format!(", {} of waiting", time::duration(run.waited)) } else { String::new() };
        return format!("{worked} of work{waiting}{}", if run.ended_at.is_none() { " so far" } else { "" });
    }
    match run.ended_at {
        Some(end) if last > end && all / 100 > (last - end) => time::duration(end.saturating_sub(run.started_at)),
        Some(end) if last > end => {
            let own = time::duration(end.saturating_sub(run.started_at));
            format!("{own}, {} with queued work", time::duration(all))
        }
        Some(end) => time::duration(end.saturating_sub(run.started_at)),
        None => format!("{} so far", time::duration(all)),
    }
}

pub(crate) fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
