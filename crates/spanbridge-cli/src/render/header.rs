//! The lines above a tree: the run, its status, how long it took, and its services.

use super::page::{Page, TextStyle};
use super::services::Services;
use super::status::{run_outcome, unknown};
use super::text::{counted, escape, named, truncate, width, wrap};
use super::time;
use spanbridge::RunId;
use spanbridge::record::Endpoint;
use spanbridge_graph::{Graph, RunStatus, SpanStatus};

pub(crate) fn print(page: &mut Page, graph: &Graph, services: &Services, columns: usize) {
    let run = &graph.run;
    let is_unknown = graph.spans.is_empty() && graph.left_out.is_none() && !run.owned && run.status == RunStatus::Ok;
    let (style, word) = if is_unknown { unknown() } else { run_outcome(run.status, &run.failed_work) };
    let took = took(graph);
    let rest = 2 + 8 + 2 + width(&word) + 2 + width(&took);
    page.put(TextStyle::Bold, &truncate(&named(&run.name), columns.saturating_sub(rest).max(16)));
    page.space(2).put(TextStyle::Dim, &format!("{:.8}", run.run_id)).space(2).put(style, &word);
    if page.column() + 2 + width(&took) > columns {
        page.line();
    } else {
        page.space(2);
    }
    page.put(TextStyle::Plain, &took).line();

    let mut pieces = Vec::new();
    let names: Vec<_> = services.names.iter().take(6).map(|s| truncate(&escape(s), 24).into_owned()).collect();
    let fits = names.iter().map(|s| width(s) + 3).sum::<usize>() < columns * 3 / 5;
    // Names say more than a number, if they leave room for the rest.
    if names.len() == services.names.len() && fits {
        pieces.extend(names.into_iter().enumerate().map(|(i, name)| (TextStyle::Service(i), name)));
    } else {
        pieces.push((TextStyle::Dim, counted(services.names.len(), "service")));
    }
    // Of a very large run, not all spans are in the graph.
    let whole = graph.left_out.as_ref();
    let of_all = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    pieces.push((TextStyle::Dim, counted(whole.map_or(graph.spans.len(), |all| of_all(all.spans)), "span")));
    let count = |what: &[SpanStatus]| graph.spans.iter().filter(|s| what.contains(&s.status)).count();
    let errors = whole.map_or_else(|| count(&[SpanStatus::Error, SpanStatus::Panicked]), |all| of_all(all.errors));
    if errors > 0 {
        pieces.push((TextStyle::Error, counted(errors, "error")));
    }
    if run.failed_work.recovered > 0 {
        pieces.push((
            TextStyle::Warning,
            format!("{} recovered by a retry", counted(run.failed_work.recovered as usize, "message")),
        ));
    }
    let open = whole.map_or_else(|| count(&[SpanStatus::Open]), |all| of_all(all.open));
    if open > 0 {
        pieces.push((TextStyle::Warning, format!("{open} open")));
    }
    pieces.push((TextStyle::Dim, time::instant(run.started_at)));
    page.list(&pieces, columns);
    if let Some(parent) = run.parent_run_id {
        let child = match &graph.trigger {
            _ if parent == run.run_id => "its own parent, by its records".to_owned(),
            Some(t) if t.service.is_empty() => {
                format!("child of {} {parent:.8}, triggered by {}", named(&t.run_name), t.span_name)
            }
            Some(t) => {
                let (of, by, service) = (named(&t.run_name), &t.span_name, &t.service);
                format!("child of {of} {parent:.8}, triggered by {by} in {service}")
            }
            None => {
                let by = run.triggered_by_span_id.map_or(String::new(), |s| format!(", triggered by span {s}"));
                format!("child of run {parent:.8}{by}")
            }
        };
        for line in wrap(&child, columns, 3) {
            page.put(TextStyle::Dim, &line).line();
        }
    }
    if let Some(of) = replay_of(graph) {
        page.put(TextStyle::Dim, &format!("replay of run {of:.8}")).line();
    }
    for line in run.error.iter().flat_map(|e| wrap(e, columns - 2, 3)) {
        page.put(TextStyle::Error, &line).line();
    }
}

/// The run that this one is a replay of.
fn replay_of(graph: &Graph) -> Option<RunId> {
    let edge = graph.edges.iter().find(|edge| edge.edge_type == "replay.of")?;
    if let Endpoint::Run(of) = edge.to { Some(of) } else { None }
}

/// How long the run took, and how long with queued work that continued after its end.
fn took(graph: &Graph) -> String {
    let run = &graph.run;
    let shown = graph.spans.iter().map(|s| s.ended_at.unwrap_or(s.started_at));
    let last = shown.chain(graph.left_out.iter().map(|all| all.last_at)).max().unwrap_or(run.started_at);
    if run.ended_at.is_some_and(|end| end < run.started_at) {
        return "ended before it began, by another clock".to_owned();
    }
    let all = last.saturating_sub(run.started_at);
    // A wait under one percent is not worth mentioning.
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
