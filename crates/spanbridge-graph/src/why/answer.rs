//! Puts the answer together.

use super::attempts::Attempts;
use super::describe::FailedBelow;
use super::explain::Known;
use super::facts::Facts;
use super::model::{Excused, Failure, FailureKind, Outcome, RolledBack, Why};
use super::rows::Rows;
use super::search::Search;
use super::state::{State, States};
use crate::causes::Causes;
use crate::hash::{Map, Set, join, quick};
use crate::model::{Graph, RunStatus, RunSummary};
use crate::sameness::masked;
use spanbridge::{RunId, semconv};

impl Why {
    /// Why these runs failed. `graphs` are the runs and what is known of others: those that they started, that link to them,
    /// and that started them. What the runs caused is searched for failures; what caused them is part of the paths.
    ///
    /// Time and memory are linear in the graphs, except for sorting siblings. `None` if none of the runs is among the graphs.
    ///
    /// ```
    /// use spanbridge::observe;
    /// use spanbridge_graph::{FailureKind, Why, testing};
    ///
    /// let recorded = testing::record(|| {
    ///     observe::span("place order").in_scope(|| {
    ///         observe::span("charge").in_scope(|| Err::<(), _>("card declined"))
    ///     })
    /// });
    /// let run_id = recorded.graphs()[0].run.run_id;
    /// let why = Why::of(recorded.graphs(), &[run_id]).unwrap();
    /// let failure = &why.failures[0];
    /// assert_eq!((failure.kind, failure.step().unwrap().name.as_str()), (FailureKind::Error, "charge"));
    /// assert_eq!(failure.took_down[0].name, "place order");
    /// ```
    pub fn of(graphs: &[Graph], run_ids: &[RunId]) -> Option<Why> {
        let asked = run_ids.iter().find_map(|run| graphs.iter().find(|graph| graph.run.run_id == *run))?;
        let causes = Causes::of(graphs);
        let order = causes.preorder();
        let facts = Facts::of(&causes);
        let states = States::of(&causes, &facts, &order);
        let attempts = Attempts::new(&causes, &facts, &states);
        let known = Known { causes: &causes, facts: &facts, states: &states, attempts };
        let scope = scope(&causes, run_ids, &order);
        let found = Search::over(&known, &scope);

        let mut why = Why::nothing(summary(asked, &known), &asked.run);
        let failed_below = FailedBelow::of(&known, &order);
        let rows = Rows::of(&causes, &order);
        let mut undone = Vec::new();
        let mut places: Map<u64, usize> = Map::default();
        for failure in &found.failures {
            let print = print(&known, failure.kind, failure.origin);
            match places.get(&print) {
                Some(place) => why.failures[*place].alike += 1,
                None if why.failures.len() < Why::MAX_FAILURES => {
                    places.insert(print, why.failures.len());
                    why.failures.push(known.failure(failure, &found, (&failed_below, &rows), &mut undone));
                }
                None => why.more_failures += 1,
            }
        }
        (why.recovered, why.more_recovered) = excused(&known, &found.recovered);
        (why.handled, why.more_handled) = excused(&known, &found.handled);
        (why.rolled_back, why.more_rolled_back) = rolled_back(&known, &rows, &scope, &undone);
        why.more_unfinished = found.unfinished.len().saturating_sub(Why::MAX_LISTED);
        why.unfinished = found.unfinished.iter().take(Why::MAX_LISTED).map(|node| known.step(*node)).collect();
        let is_cancelled = |failure: &Failure| failure.kind == FailureKind::Cancelled;
        why.outcome = match why.outcome {
            _ if !why.failures.iter().all(is_cancelled) => Outcome::Failed,
            _ if !why.failures.is_empty() => Outcome::Cancelled,
            // All that has no end was begun again, and succeeded.
            Outcome::Unfinished if !asked.run.owned && why.unfinished.is_empty() => Outcome::Ok,
            outcome => outcome,
        };
        why.notes = known.notes(&scope, &why.failures);
        Some(why)
    }
}

/// What the runs consist of and what they caused, in causal order.
fn scope(causes: &Causes<'_>, run_ids: &[RunId], order: &[u32]) -> Vec<u32> {
    let mut is_in = vec![false; causes.len()];
    let mut open: Vec<(usize, bool)> = causes.of_runs(run_ids).map(|node| (node, false)).collect();
    open.iter().for_each(|(node, _)| is_in[*node] = true);
    while let Some((node, is_linked)) = open.pop() {
        // A batch belongs to each of its messages, but they do not belong to each other.
        let linking = causes.linking(node).filter(|_| !is_linked).map(|next| (next, true));
        for (next, is_linked) in causes.children(node).map(|next| (next, is_linked)).chain(linking) {
            if !std::mem::replace(&mut is_in[next], true) {
                open.push((next, is_linked));
            }
        }
    }
    order.iter().filter(|node| is_in[**node as usize]).copied().collect()
}

fn summary(graph: &Graph, known: &Known<'_, '_>) -> RunSummary {
    let run = &graph.run;
    let mut summary = RunSummary::new(run.run_id, &*run.name, run.status, run.started_at);
    let of_run = known.causes.of_runs(&[run.run_id]);
    let is_failed = |node: &usize| known.states.get(*node).is_failed() && known.causes.span(*node).is_some();
    let shown = || of_run.filter(is_failed).count() as u64;
    summary.errors = graph.left_out.as_ref().map_or_else(shown, |left_out| left_out.errors);
    summary.failed_work = run.failed_work;
    summary
}

/// Each with the one that excuses it. Equal ones count together.
fn excused(known: &Known<'_, '_>, found: &[(usize, usize)]) -> (Vec<Excused>, usize) {
    let mut places: Map<u64, usize> = Map::default();
    let (mut listed, mut more): (Vec<Excused>, usize) = (Vec::new(), 0);
    for (origin, by) in found {
        let kind = match known.states.get(*origin) {
            State::Failed(kind) => kind,
            _ => FailureKind::NoEnd,
        };
        let print = join(print(known, kind, *origin), *by as u64);
        match places.get(&print) {
            Some(place) => listed[*place].count += 1,
            None if listed.len() < Why::MAX_LISTED => {
                places.insert(print, listed.len());
                listed.push(Excused { step: known.step(*origin), by: known.step(*by), count: 1 });
            }
            None => more += 1,
        }
    }
    (listed, more)
}

/// The transactions among these nodes that were rolled back, except those that are told already.
fn rolled_back(known: &Known<'_, '_>, rows: &Rows<'_>, scope: &[u32], told: &[u32]) -> (Vec<RolledBack>, usize) {
    if rows.undone.is_empty() {
        return (Vec::new(), 0);
    }
    let told: Set<u32> = told.iter().copied().collect();
    let mut others = rows.undone.transactions_of(scope);
    others.retain(|node| !told.contains(node));
    let listed = others.iter().take(Why::MAX_LISTED).map(|node| rows.undone.described(known, *node)).collect();
    (listed, others.len().saturating_sub(Why::MAX_LISTED))
}

/// The same for failures of the same step with the same error.
fn print(known: &Known<'_, '_>, kind: FailureKind, node: usize) -> u64 {
    let text = |text: &str| quick(text.as_bytes());
    let span = known.causes.span(node);
    let class = span.and_then(|span| span.text(semconv::ERROR_TYPE)).unwrap_or_default();
    let error = known.error(node).unwrap_or_default();
    let parts = [known.causes.name(node), known.causes.service(node), kind.as_str(), class, &masked(error)];
    parts.iter().fold(u64::from(span.is_some()), |sum, part| join(sum, text(part)))
}

impl Why {
    /// Whether this is a run that others can be compared with: it ended as ok, and nothing in it or after it failed for good.
    pub fn is_good(&self) -> bool {
        self.run.status == RunStatus::Ok && self.outcome == Outcome::Ok && self.run.failed_work.never_settled == 0
    }
}
