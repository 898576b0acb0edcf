//! What stands under a tree: where the run waited, who worked on it, other runs, and what is wrong with the record.

use super::page::{Ink, Page};
use super::text::{escape, truncate, width, wrap};
use super::{header, time};
use spanbridge::record::Via;
use spanbridge_store::graph::Graph;

/// More other runs than this are counted, not listed.
const RUNS: usize = 20;

pub(crate) fn print(page: &mut Page, graph: &Graph, columns: usize) {
    let mut first = true;
    let mut part = |page: &mut Page, empty: bool| {
        if !empty && std::mem::take(&mut first) {
            page.line();
        }
        !empty
    };
    let run = &graph.run;
    // Segments tell a story only where a run has been somewhere twice.
    if part(page, run.suspensions.is_empty()) {
        suspensions(page, graph, columns);
        segments(page, graph, columns);
    }
    if part(page, graph.child_runs.is_empty() && graph.related_runs.is_empty()) {
        runs(page, graph, columns);
    }
    part(page, graph.diagnostics.is_empty());
    for d in &graph.diagnostics {
        let times = d.count.filter(|n| *n != 1).map_or(String::new(), |n| format!(" (×{n})"));
        let text = format!("! {}: {}{times}", d.code, d.message);
        for (i, line) in wrap(&text, columns - 2, 4).iter().enumerate() {
            page.space(if i == 0 { 0 } else { 2 }).put(Ink::Warn, line).line();
        }
    }
}

fn suspensions(page: &mut Page, graph: &Graph, columns: usize) {
    for s in &graph.run.suspensions {
        let what = match (s.suspended_at, s.resumed_at) {
            (Some(from), Some(to)) => format!("suspended {}", time::duration(to.saturating_sub(from))),
            (Some(from), None) => format!("suspended since {}", time::instant(from)),
            (None, Some(to)) => format!("resumed {}", time::instant(to)),
            (None, None) => "suspended".into(),
        };
        page.put(Ink::Warn, "‖").space(1).put(Ink::Plain, &what);
        if let Some(reason) = &s.reason {
            let room = columns.saturating_sub(page.column() + 2);
            page.put(Ink::Plain, ": ").put(Ink::Plain, &truncate(&escape(reason), room));
        }
        page.line();
    }
}

fn segments(page: &mut Page, graph: &Graph, columns: usize) {
    for s in &graph.run.segments {
        let via = match s.via {
            Some(Via::Start) => "started",
            Some(Via::Resume) => "resumed",
            Some(Via::Receive) => "received",
            None => "worked on",
        };
        let after = s.started_at.map_or(0, |at| at.saturating_sub(graph.run.started_at));
        let at = if after == 0 { String::new() } else { format!("  +{}", time::duration(after)) };
        let line = format!("{via} in {}  {:.8}{at}", escape(&s.service), s.segment_id);
        page.put(Ink::Dim, &truncate(&format!("· {line}"), columns)).line();
    }
}

fn runs(page: &mut Page, graph: &Graph, columns: usize) {
    let child = graph.child_runs.iter().take(RUNS).map(|r| ("child run", r));
    let kind = |id| if graph.run.parent_run_id == Some(id) { "parent run" } else { "related run" };
    let related = graph.related_runs.iter().take(RUNS).map(|r| (kind(r.run_id), r));
    let shown: Vec<_> = child.chain(related).collect();
    let names: Vec<String> = shown.iter().map(|(_, r)| header::name(&r.name)).collect();
    let what = "related run".len() + 2;
    let status = shown.iter().map(|(_, r)| width(header::status(r.status).1)).max().unwrap_or(0) + 2;
    let widest = names.iter().map(|n| width(n)).max().unwrap_or(0);
    // The command can be copied; where it would leave no room for names, the id alone is enough.
    let room = |command: &str| columns.saturating_sub(what + 2 + status + command.len() + 8);
    let command = if room("spanbridge trace ") >= widest.min(24) { "spanbridge trace " } else { "" };
    let column = widest.min(room(command)).max(3);
    for ((kind, run), name) in shown.iter().zip(names) {
        let (ink, word) = header::status(run.status);
        page.put(Ink::Dim, kind).go_to(what).put(Ink::Plain, &truncate(&name, column)).go_to(what + column + 2);
        page.put(ink, word).go_to(what + column + 2 + status);
        page.put(Ink::Dim, &format!("{command}{:.8}", run.run_id)).line();
    }
    for (kind, all) in [("child", graph.child_runs.len()), ("related", graph.related_runs.len())] {
        if all > RUNS {
            page.put(Ink::Dim, &format!("… {} more {kind} runs", all - RUNS)).line();
        }
    }
}
