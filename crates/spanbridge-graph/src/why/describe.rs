//! Nodes as steps, for people and programs.

use super::explain::Known;
use super::model::{Failure, Lost, Note, Step, Why};
use super::rows::Rows;
use super::search::{Findings, Found};
use super::state::State;
use crate::hash::{Map, Set};
use crate::model::RunStatus;
use spanbridge::semconv;

/// How many failed steps before a failure are listed with it.
const MAX_EARLIER: usize = 5;

/// How many failed siblings are looked at to find those.
const MAX_SIBLINGS: usize = 64;

/// Clocks may differ by this much before it is worth a note, in nanoseconds.
const CLOCK_TOLERANCE: u64 = 1_000_000;

impl<'g> Known<'_, 'g> {
    pub(super) fn step(&self, node: usize) -> Step {
        let (causes, run) = (self.causes, self.causes.run(node));
        let span = causes.span(node);
        Step {
            run_id: run.run_id,
            span_id: span.map(|span| span.span_id),
            name: causes.name(node).to_owned(),
            primitive: span.map_or("run", |span| &span.primitive).to_owned(),
            service: causes.service(node).to_owned(),
            status: span.map_or(run.status.as_str(), |span| span.status.as_str()),
            error: self.error(node).map(str::to_owned),
            error_type: span.and_then(|span| span.text(semconv::ERROR_TYPE)).map(str::to_owned),
            hop: causes.hop(node),
            lost: self.lost(node),
            started_at: causes.started_at(node),
            duration: causes.duration(node),
        }
    }

    /// Why nothing is recorded before a node, if something should be.
    fn lost(&self, node: usize) -> Option<Lost> {
        let span = self.causes.span(node).filter(|_| self.causes.cause(node).is_none())?;
        if span.orphan {
            Some(Lost::Parent)
        } else if span.is_delivery() && span.links.is_empty() {
            Some(Lost::Context)
        } else if span.links.is_empty() || span.attribute(semconv::MESSAGING_BATCH_COUNT).is_some() {
            None
        } else {
            Some(Lost::Parent)
        }
    }

    /// The nodes from the first cause to this one.
    fn path(&self, node: usize) -> Vec<usize> {
        let mut path: Vec<usize> = std::iter::successors(Some(node), |node| self.causes.cause(*node)).collect();
        path.reverse();
        path
    }

    /// What is said of a failure. The transactions that it says were rolled back are added to `undone`.
    pub(super) fn failure(
        &self,
        found: &Found,
        findings: &Findings,
        (failed_below, rows): (&FailedBelow, &Rows<'g>),
        undone: &mut Vec<u32>,
    ) -> Failure {
        let whole = self.path(found.origin);
        let omitted = whole.len().saturating_sub(Why::MAX_PATH);
        let head = Failure::PATH_HEAD.min(whole.len());
        let shown = whole[..head].iter().chain(&whole[head + omitted..]);

        let on_way: Vec<usize> = std::iter::once(found.origin).chain(findings.chain(found.origin)).collect();
        let mut attempts: Vec<usize> = on_way.iter().rev().flat_map(|node| self.attempts.before(*node)).collect();
        // Each chain is from the latest attempt to the first.
        attempts.reverse();
        let before = rows.before(self.causes, &whole, &attempts);
        let (changes, more_changes) = rows.changes(self, &whole, &before);
        let rolled_back = rows.undone.transactions_of(&before.undone);
        undone.extend(&rolled_back);
        let more_attempts = attempts.len().saturating_sub(Why::MAX_LISTED);
        let listed = attempts.split_off(more_attempts);

        let taken = self.taken_down(&on_way, findings);
        // By the clocks, an earlier attempt may look like the last one before the dead letter.
        let all = on_way.iter().chain(listed.iter().rev());
        let dead_letter = all.copied().find_map(|node| self.facts.dead_letter(node));
        let owner_ok = whole.iter().any(|node| self.causes.span(*node).is_none() && self.is_ok_run(*node));
        let skip: Set<usize> = listed.iter().chain(&attempts).chain(&whole).copied().collect();
        Failure {
            kind: found.kind,
            path: shown.map(|node| self.step(*node)).collect(),
            path_omitted: omitted,
            attempts: listed.into_iter().map(|node| self.step(node)).collect(),
            more_attempts,
            earlier: self.earlier(&whole, &skip, failed_below),
            more_taken_down: taken.len().saturating_sub(Why::MAX_LISTED),
            took_down: taken.into_iter().take(Why::MAX_LISTED).map(|node| self.step(node)).collect(),
            dead_letter: dead_letter.map(|node| self.step(node)),
            changes,
            more_changes,
            other_writers: Vec::new(),
            more_rolled_back: rolled_back.len().saturating_sub(Why::MAX_LISTED),
            rolled_back: rolled_back.iter().take(Why::MAX_LISTED).map(|n| rows.undone.described(self, *n)).collect(),
            alike: 0,
            owner_ok,
        }
    }

    fn is_ok_run(&self, node: usize) -> bool {
        self.causes.run(node).status == RunStatus::Ok
    }

    /// What failed with it, nearest first, then what was cancelled or rolled back with that.
    fn taken_down(&self, on_way: &[usize], findings: &Findings) -> Vec<usize> {
        let mut taken = on_way[1..].to_vec();
        // Outside of what was asked about, the caller may have failed with it, too.
        let mut top = on_way.last().copied();
        while let Some(above) = top.filter(|top| self.attempts.after(*top).succeeded.is_none()) {
            top = self.causes.waiting(above).filter(|above| self.states.get(*above).is_failed());
            taken.extend(top);
        }
        taken.extend(on_way.iter().flat_map(|node| findings.elsewhere(*node)));
        let mut known: Set<usize> = taken.iter().chain(on_way).copied().collect();
        let all: Vec<usize> = taken.iter().chain(&on_way[..1]).copied().collect();
        for node in all {
            let mut open: Vec<usize> = self.causes.awaited(node).rev().collect();
            while let Some(child) = open.pop() {
                let is_given_up = matches!(self.states.get(child), State::Cancelled | State::Undone);
                if is_given_up && known.insert(child) {
                    taken.push(child);
                    open.extend(self.causes.awaited(child).rev());
                }
            }
        }
        taken
    }

    /// What failed before, on the way to the end of a path, by the clock of the one that did both.
    fn earlier(&self, path: &[usize], skip: &Set<usize>, failed_below: &FailedBelow) -> Vec<Step> {
        let mut found = Vec::new();
        for pair in path.windows(2).rev() {
            let [above, on_path] = *pair else { continue };
            let failed = failed_below.0.get(&above).map_or(&[][..], Vec::as_slice);
            let before = failed.iter().rev().take(MAX_SIBLINGS);
            let before = before.filter(|node| !skip.contains(node) && self.causes.ended_before(**node, on_path));
            found.extend(before.take(MAX_EARLIER - found.len()).map(|node| self.step(*node)));
            if found.len() == MAX_EARLIER {
                break;
            }
        }
        found
    }

    /// What is known of the recording that makes the answer less certain.
    pub(super) fn notes(&self, scope: &[u32], failures: &[Failure]) -> Vec<Note> {
        let mut in_scope = vec![false; self.causes.graphs.len()];
        scope.iter().for_each(|node| in_scope[self.causes.graph_place(*node as usize)] = true);
        let graphs = self.causes.graphs.iter().zip(in_scope).filter(|(_, is)| *is).map(|(graph, _)| graph);
        let mut notes: Vec<Note> = Vec::new();
        let mut add = |code: &'static str, message: String| {
            if notes.len() < Why::MAX_LISTED && notes.iter().all(|note| note.message != message) {
                notes.push(Note::new(code, message));
            }
        };
        for diagnostic in graphs.flat_map(|graph| &graph.diagnostics) {
            match diagnostic.code.as_str() {
                "conflict" => add("conflict", format!("records contradict each other: {}", diagnostic.message)),
                "parent_cycle" => add("conflict", diagnostic.message.clone()),
                "dropped.memory" | "dropped.sink" | "store.damaged" | "store.logs_removed" => {
                    add("records_missing", format!("records are missing: {}", diagnostic.message));
                }
                _ => {}
            }
        }
        for first in failures.iter().filter_map(|failure| failure.path.first()) {
            let name = if first.name.is_empty() { "a step whose start is not recorded" } else { &first.name };
            match first.lost {
                Some(Lost::Parent) => add(
                    "parent_missing",
                    format!("what caused {name} is not recorded, so the failure may have begun before it"),
                ),
                Some(Lost::Context) => add(
                    "context_lost",
                    format!("{name} came without a context, so it is not known who sent the message"),
                ),
                None => {}
            }
        }
        if let Some((first, second)) = self.disagreeing(scope) {
            let message = format!("the clocks of {first} and {second} disagree; the order is by cause, not by time");
            add("clock_skew", message);
        }
        notes
    }

    /// Two services of which one began before what caused it.
    fn disagreeing(&self, scope: &[u32]) -> Option<(&str, &str)> {
        let causes = self.causes;
        scope.iter().map(|node| *node as usize).find_map(|node| {
            let above = causes.cause(node).filter(|above| causes.segment(*above) != causes.segment(node))?;
            let is_known = !causes.name(node).is_empty() && !causes.name(above).is_empty();
            let behind = causes.started_at(above).saturating_sub(causes.started_at(node));
            (is_known && behind > CLOCK_TOLERANCE && causes.service(above) != causes.service(node))
                .then(|| (causes.service(above), causes.service(node)))
        })
    }
}

/// The failed children of each node, in order.
pub(super) struct FailedBelow(Map<usize, Vec<usize>>);

impl FailedBelow {
    pub(super) fn of(known: &Known<'_, '_>, order: &[u32]) -> Self {
        let mut all: Map<usize, Vec<usize>> = Map::default();
        for node in order.iter().map(|node| *node as usize).filter(|node| known.states.is_troubled(*node)) {
            if let Some(above) = known.causes.waiting(node) {
                all.entry(above).or_default().push(node);
            }
        }
        FailedBelow(all)
    }
}
