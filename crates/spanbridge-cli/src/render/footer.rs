//! What stands under a tree: other runs, and what is wrong with the record.

use super::header;
use super::page::{Ink, Page};
use super::text::{truncate, width, wrap};
use spanbridge_store::graph::{Graph, LinkDirection, RunSummary};

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
    if part(page, graph.child_runs.is_empty() && graph.related_runs.is_empty() && graph.linked_runs.is_empty()) {
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

fn runs(page: &mut Page, graph: &Graph, columns: usize) {
    let is_child = |run: &RunSummary| graph.child_runs.contains(run);
    let child = graph.child_runs.iter().take(RUNS).map(|r| ("child run", r));
    let kind = |id| if graph.run.parent_run_id == Some(id) { "parent run" } else { "related run" };
    // A child in the same trace is a child, nothing else.
    let related: Vec<_> = graph.related_runs.iter().filter(|r| !is_child(r)).collect();
    let linked: Vec<_> = graph.linked_runs.iter().filter(|l| !is_child(&l.run)).collect();
    let links = linked.iter().take(RUNS).map(|l| {
        let kind = match (l.direction, kind(l.run.run_id)) {
            (_, parent @ "parent run") => parent,
            (LinkDirection::To, _) => "linked to",
            (LinkDirection::From, _) => "linked from",
            (LinkDirection::Both, _) => "linked both ways",
        };
        (kind, &l.run)
    });
    let shown: Vec<_> = child.chain(related.iter().take(RUNS).map(|r| (kind(r.run_id), *r))).chain(links).collect();
    let names: Vec<String> = shown.iter().map(|(_, r)| header::name(&r.name)).collect();
    let what = shown.iter().map(|(kind, _)| kind.len()).chain(["related run".len()]).max().unwrap_or(0) + 2;
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
    let all = [("child", graph.child_runs.len()), ("related", related.len()), ("linked", linked.len())];
    for (kind, all) in all {
        if all > RUNS {
            page.put(Ink::Dim, &format!("… {} more {kind} runs", all - RUNS)).line();
        }
    }
}
