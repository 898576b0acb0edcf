//! What stands under a tree: other runs, and what is wrong with the record.

use super::header;
use super::page::{Ink, Page};
use super::text::{truncate, width, wrap};
use spanbridge_store::graph::{Graph, LinkDirection, RunStatus, RunSummary};
use std::collections::HashMap;

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
    for (code, message, count) in told(graph) {
        let times = if count == 1 { String::new() } else { format!(" (×{count})") };
        let text = format!("! {code}: {message}{times}");
        for (i, line) in wrap(&text, columns - 2, 4).iter().enumerate() {
            page.space(if i == 0 { 0 } else { 2 }).put(Ink::Warn, line).line();
        }
    }
}

/// What is said in the same words of many spans, once: in the order in which it was said first.
fn told(graph: &Graph) -> Vec<(&str, &str, u64)> {
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut told: Vec<(&str, &str, u64)> = Vec::new();
    for d in &graph.diagnostics {
        let place = *places.entry((&d.code, &d.message)).or_insert(told.len());
        if place == told.len() {
            told.push((&d.code, &d.message, 0));
        }
        told[place].2 = told[place].2.saturating_add(d.count.unwrap_or(1));
    }
    told
}

/// What another run is to this one, and the run.
type Other<'g> = (&'static str, &'g RunSummary);

/// As many of them as are listed; where there are more, those with errors come first.
fn some(mut all: Vec<Other<'_>>) -> Vec<Other<'_>> {
    if all.len() > RUNS {
        all.sort_by_key(|(_, run)| run.errors == 0);
        all.truncate(RUNS)
    }
    all
}

/// How a run went, and whether something in it failed all the same.
fn how(run: &RunSummary) -> String {
    let (_, word) = header::status(run.status);
    match run.errors {
        n if n == 0 || run.status == RunStatus::Error => word.to_owned(),
        n => format!("{word}, {}", header::counted(usize::try_from(n).unwrap_or(usize::MAX), "error")),
    }
}

fn runs(page: &mut Page, graph: &Graph, columns: usize) {
    let is_child = |run: &RunSummary| graph.child_runs.contains(run);
    let kind = |id| if graph.run.parent_run_id == Some(id) { "parent run" } else { "related run" };
    let child: Vec<Other<'_>> = graph.child_runs.iter().map(|run| ("child run", run)).collect();
    // A child in the same trace is a child, nothing else.
    let related = graph.related_runs.iter().filter(|run| !is_child(run)).map(|run| (kind(run.run_id), run));
    let linked = graph.linked_runs.iter().filter(|l| !is_child(&l.run)).map(|l| {
        let kind = match (l.direction, kind(l.run.run_id)) {
            (_, parent @ "parent run") => parent,
            (LinkDirection::To, _) => "linked to",
            (LinkDirection::From, _) => "linked from",
            (LinkDirection::Both, _) => "linked both ways",
        };
        (kind, &l.run)
    });
    let (related, linked): (Vec<_>, Vec<_>) = (related.collect(), linked.collect());
    let all = [("child", child.len()), ("related", related.len()), ("linked", linked.len())];
    let shown: Vec<_> = [child, related, linked].into_iter().flat_map(some).collect();
    let names: Vec<String> = shown.iter().map(|(_, r)| header::name(&r.name)).collect();
    let what = shown.iter().map(|(kind, _)| kind.len()).chain(["related run".len()]).max().unwrap_or(0) + 2;
    let status = shown.iter().map(|(_, r)| width(&how(r))).max().unwrap_or(0) + 2;
    let widest = names.iter().map(|n| width(n)).max().unwrap_or(0);
    // The command can be copied; where it would leave no room for names, the id alone is enough.
    let room = |command: &str| columns.saturating_sub(what + 2 + status + command.len() + 8);
    let command = if room("spanbridge trace ") >= widest.min(24) { "spanbridge trace " } else { "" };
    let column = widest.min(room(command)).max(3);
    for ((kind, run), name) in shown.iter().zip(names) {
        let ink = if run.errors > 0 { Ink::Bad } else { header::status(run.status).0 };
        page.put(Ink::Dim, kind).go_to(what).put(Ink::Plain, &truncate(&name, column)).go_to(what + column + 2);
        page.put(ink, &how(run)).go_to(what + column + 2 + status);
        page.put(Ink::Dim, &format!("{command}{:.8}", run.run_id)).line();
    }
    for (kind, all) in all {
        if all > RUNS {
            page.put(Ink::Dim, &format!("… {} more {kind} runs", all - RUNS)).line();
        }
    }
}
