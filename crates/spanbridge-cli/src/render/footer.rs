//! What follows a tree: other runs, and diagnostics.

use super::page::{Page, Target, TextStyle};
use super::status::run_outcome;
use super::text::{counted, escape, named, truncate, width, wrap};
use spanbridge::{RunId, SpanId};
use spanbridge_graph::{Graph, LinkDirection, Mutation, PrunedRun, Relation, RunStatus, RunSummary};
use std::collections::{HashMap, HashSet};

/// How many other runs of a kind are listed. The rest are counted.
const MAX_RUNS: usize = 20;

pub(crate) fn print(page: &mut Page, graph: &Graph, columns: usize) {
    let mut first = true;
    let mut part = |page: &mut Page, empty: bool| {
        if !empty && std::mem::take(&mut first) {
            page.line();
        }
        !empty
    };
    let others = [&graph.child_runs, &graph.related_runs].iter().any(|runs| !runs.is_empty());
    if part(page, !others && graph.linked_runs.is_empty() && graph.pruned_runs.is_empty()) {
        runs(page, graph, columns);
        pruned(page, &graph.pruned_runs);
    }
    if part(page, loose(graph).next().is_none()) {
        rows(page, graph, columns);
    }
    part(page, graph.diagnostics.is_empty());
    for (code, message, count) in diagnostics(graph) {
        let times = if count == 1 { String::new() } else { format!(" (×{count})") };
        let text = format!("! {code}: {message}{times}");
        for (i, line) in wrap(&text, columns - 2, 4).iter().enumerate() {
            page.space(if i == 0 { 0 } else { 2 }).put(TextStyle::Warning, line).line();
        }
    }
}

/// The rows of which the span that wrote them is not known, or not recorded.
fn loose(graph: &Graph) -> impl Iterator<Item = &Mutation> {
    let spans: HashSet<SpanId> = match graph.mutations.is_empty() {
        true => HashSet::new(),
        false => graph.spans.iter().map(|span| span.span_id).collect(),
    };
    graph.mutations.iter().filter(move |mutation| mutation.span_id.is_none_or(|span| !spans.contains(&span)))
}

fn rows(page: &mut Page, graph: &Graph, columns: usize) {
    page.put(TextStyle::Warning, "rows that were changed by spans that are not recorded").line();
    let count = loose(graph).count();
    for mutation in loose(graph).take(MAX_RUNS) {
        let by = mutation.span_id.map_or(String::new(), |span| format!("  span {span}"));
        let text = escape(&format!("{}: {}", mutation.row(), mutation.summary())).into_owned();
        let room = columns.saturating_sub(2 + width(&by)).max(8);
        page.space(2).put(TextStyle::Plain, &truncate(&text, room)).put(TextStyle::Dim, &by).line();
    }
    if count > MAX_RUNS {
        page.space(2).put(TextStyle::Dim, &format!("… {} more", count - MAX_RUNS)).line();
    }
}

/// The diagnostics of a run. Equal ones about several spans are counted.
fn diagnostics(graph: &Graph) -> Vec<(&str, &str, u64)> {
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut all: Vec<(&str, &str, u64)> = Vec::new();
    for d in &graph.diagnostics {
        let place = *places.entry((&d.code, &d.message)).or_insert(all.len());
        if place == all.len() {
            all.push((&d.code, &d.message, 0));
        }
        all[place].2 = all[place].2.saturating_add(d.count.unwrap_or(1));
    }
    all
}

/// How another run is connected with this one, and the run.
type Other<'g> = (&'static str, &'g RunSummary);

/// The first [`MAX_RUNS`]. If there are more, those with errors come first.
fn listed(mut all: Vec<Other<'_>>) -> Vec<Other<'_>> {
    if all.len() > MAX_RUNS {
        all.sort_by_key(|(_, run)| run.errors == 0);
        all.truncate(MAX_RUNS)
    }
    all
}

/// The status of a run, and how many spans failed although the run did not.
fn outcome(run: &RunSummary) -> String {
    let (_, word) = run_outcome(run.status, &run.failed_work);
    match run.errors {
        n if n == 0 || run.failed_work.total() > 0 || run.status == RunStatus::Error => word,
        n => format!("{word}, {}", counted(usize::try_from(n).unwrap_or(usize::MAX), "error")),
    }
}

fn runs(page: &mut Page, graph: &Graph, columns: usize) {
    let is_child = |run: &RunSummary| graph.child_runs.contains(run);
    let inline: HashSet<RunId> = graph.spans.iter().map(|s| s.run_id).filter(|run| *run != graph.run.run_id).collect();
    let kind = |id| if graph.run.parent_run_id == Some(id) { "parent run" } else { "related run" };
    // What is shown inline needs no reference.
    let is_inline = |run: &&RunSummary| inline.contains(&run.run_id);
    let child: Vec<Other<'_>> =
        graph.child_runs.iter().filter(|run| !is_inline(run)).map(|run| ("child run", run)).collect();
    // A child in the same trace is listed as a child only.
    let related =
        graph.related_runs.iter().filter(|run| !is_child(run) && !is_inline(run)).map(|run| (kind(run.run_id), run));
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
    let shown: Vec<_> = [child, related, linked].into_iter().flat_map(listed).collect();
    let names: Vec<String> = shown.iter().map(|(_, r)| named(&r.name)).collect();
    let what = shown.iter().map(|(kind, _)| kind.len()).chain(["related run".len()]).max().unwrap_or(0) + 2;
    let status = shown.iter().map(|(_, r)| width(&outcome(r))).max().unwrap_or(0) + 2;
    let widest = names.iter().map(|n| width(n)).max().unwrap_or(0);
    // The command can be copied. If it leaves no room for names, the id alone is shown.
    let room = |command: &str| columns.saturating_sub(what + 2 + status + command.len() + 8);
    let command = if room("spanbridge trace ") >= widest.min(24) { "spanbridge trace " } else { "" };
    let column = widest.min(room(command)).max(3);
    for ((kind, run), name) in shown.iter().zip(names) {
        let style = if run.errors > 0 { TextStyle::Error } else { run_outcome(run.status, &run.failed_work).0 };
        page.target(Target::Run(run.run_id))
            .put(TextStyle::Dim, kind)
            .go_to(what)
            .put(TextStyle::Plain, &truncate(&name, column))
            .go_to(what + column + 2);
        page.put(style, &outcome(run)).go_to(what + column + 2 + status);
        page.put(TextStyle::Dim, &format!("{command}{:.8}", run.run_id)).line();
    }
    for (kind, all) in all {
        if all > MAX_RUNS {
            page.put(TextStyle::Dim, &format!("… {} more {kind} runs", all - MAX_RUNS)).line();
        }
    }
}

/// The runs that are not stored any more.
fn pruned(page: &mut Page, runs: &[PrunedRun]) {
    for run in runs.iter().take(MAX_RUNS) {
        let kind = match run.relation {
            Relation::Parent => "parent run",
            Relation::Child => "child run",
            Relation::Linked => "linked run",
            _ => "related run",
        };
        page.put(TextStyle::Dim, kind)
            .go_to("related run".len() + 2)
            .put(TextStyle::Dim, &format!("pruned {:.8}", run.run_id));
        page.line();
    }
    if runs.len() > MAX_RUNS {
        page.put(TextStyle::Dim, &format!("… {} more pruned runs", runs.len() - MAX_RUNS)).line();
    }
}
