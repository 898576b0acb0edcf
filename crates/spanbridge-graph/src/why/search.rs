//! Looks for failures: where each began, what came of it, and which of them did not matter in the end.

use super::attempts::After;
use super::explain::{Blame, Known};
use super::model::FailureKind;
use super::state::State;
use crate::hash::Map;
use spanbridge::SegmentId;

/// A failure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) kind: FailureKind,
    /// The node where it began.
    pub(super) origin: usize,
}

/// What was found.
#[derive(Default)]
pub(super) struct Findings {
    /// In causal order.
    pub(super) failures: Vec<Found>,
    /// Where a failure began that did not matter, and the attempt that succeeded.
    pub(super) recovered: Vec<(usize, usize)>,
    /// The same, with the caller that went on.
    pub(super) handled: Vec<(usize, usize)>,
    /// The innermost nodes without an end.
    pub(super) unfinished: Vec<usize>,
    /// The node that each one explains: what failed because of it.
    led_to: Map<usize, usize>,
    /// What else failed because a node did, in another run.
    also: Map<usize, Vec<usize>>,
}

impl Findings {
    /// What failed because of a node, nearest first. The last one has no caller that failed with it.
    pub(super) fn chain(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.led_to.get(&node).copied(), |node| self.led_to.get(node).copied())
    }

    /// What failed because of a node in another run.
    pub(super) fn elsewhere(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let also = self.also.get(&node).into_iter().flatten();
        also.flat_map(|node| std::iter::once(*node).chain(self.chain(*node)))
    }
}

/// What became of a failure.
#[derive(Clone, Copy)]
enum Fate {
    Failure,
    /// Another attempt came after it and failed, too. That one is the failure.
    Attempt,
    Recovered(usize),
    Handled(usize),
}

/// The search over the nodes of a scope, causes first.
pub(super) struct Search<'k, 'a, 'g> {
    known: &'k Known<'a, 'g>,
    /// The nodes that are part of a failure.
    seen: Vec<bool>,
    /// When the last step that a node waits for began, by who recorded it.
    last_starts: Map<usize, Map<Option<SegmentId>, u64>>,
    found: Findings,
}

impl<'k, 'a, 'g> Search<'k, 'a, 'g> {
    /// Searches these nodes, which come in causal order.
    pub(super) fn over(known: &'k Known<'a, 'g>, scope: &[u32]) -> Findings {
        let seen = vec![false; known.causes.len()];
        let mut search = Search { known, seen, last_starts: Map::default(), found: Findings::default() };
        let nodes = || scope.iter().map(|node| *node as usize);
        for node in nodes() {
            match known.states.get(node) {
                State::Failed(_) if !search.seen[node] => search.failed(node),
                State::Open if !search.seen[node] => search.broke_off(node),
                _ => {}
            }
        }
        nodes().for_each(|node| search.undone(node));
        nodes().for_each(|node| search.cancelled(node));
        nodes().for_each(|node| search.unfinished(node));
        let mut rank = vec![u32::MAX; known.causes.len()];
        (0..).zip(scope).for_each(|(place, node)| rank[*node as usize] = place);
        let is_cancelled = |found: &Found| found.kind == FailureKind::Cancelled;
        search.found.failures.sort_by_key(|found| (is_cancelled(found), rank[found.origin]));
        search.found
    }

    /// A node that failed, and that no caller of it is known to have failed with.
    fn failed(&mut self, top: usize) {
        let blame = match self.known.states.get(top) {
            State::Failed(FailureKind::OutOfTime) => Blame::OutOfTime,
            _ => Blame::Failed,
        };
        let origins = self.origins(top, blame);
        self.add(top, origins);
    }

    /// Work that has no end and was begun again is an attempt that failed.
    fn broke_off(&mut self, node: usize) {
        if self.known.facts.is_delivered_again(node) {
            let origins = self.origins(node, Blame::Open);
            self.add(node, origins);
        }
    }

    fn add(&mut self, top: usize, origins: Vec<(Found, Option<After>)>) {
        let fate = self.fate(top);
        for (found, again) in origins {
            // What failed is a run, or more, around the work on a message that was delivered again.
            let fate = match again {
                Some(After { succeeded: Some(by), .. }) => Fate::Recovered(by),
                Some(After { failed: true, .. }) => Fate::Attempt,
                _ => fate,
            };
            match fate {
                Fate::Failure => self.found.failures.push(found),
                Fate::Attempt => {}
                Fate::Recovered(by) => self.found.recovered.push((found.origin, by)),
                Fate::Handled(by) => self.found.handled.push((found.origin, by)),
            }
        }
    }

    /// Where the failure of a node began, and what came after the message that was worked on there. There may be several such
    /// places.
    fn origins(&mut self, top: usize, blame: Blame) -> Vec<(Found, Option<After>)> {
        let (mut open, mut origins) = (vec![(top, blame, None)], Vec::new());
        self.seen[top] = true;
        while let Some((node, blame, again)) = open.pop() {
            let again = again.or_else(|| self.known.attempts.after_delivery(node));
            let below = self.known.explain(node, blame);
            let mut is_explained = false;
            for (child, blame) in below.into_iter().rev() {
                is_explained = true;
                if !std::mem::replace(&mut self.seen[child], true) {
                    self.found.led_to.insert(child, node);
                    open.push((child, blame, again));
                } else {
                    // It was found before, as work of another run.
                    self.found.also.entry(child).or_default().push(node);
                }
            }
            if !is_explained {
                origins.push((Found { kind: self.kind(node, blame), origin: node }, again));
            }
        }
        origins
    }

    fn kind(&self, origin: usize, blame: Blame) -> FailureKind {
        match (blame, self.known.states.get(origin)) {
            (_, State::Failed(kind)) => kind,
            (Blame::OutOfTime, _) => FailureKind::OutOfTime,
            (Blame::Slow, _) => FailureKind::TooSlow,
            (_, State::Open) => FailureKind::NoEnd,
            (_, State::Cancelled) => FailureKind::Cancelled,
            (_, State::Undone) => FailureKind::RolledBack,
            _ => FailureKind::Error,
        }
    }

    fn fate(&mut self, node: usize) -> Fate {
        let known = self.known;
        let after = known.attempts.after(node);
        if let Some(later) = after.succeeded {
            return Fate::Recovered(later);
        }
        if after.failed {
            return Fate::Attempt;
        }
        // A message that was refused is lost, whatever the caller made of it.
        let is_lost = matches!(
            known.states.get(node),
            State::Failed(FailureKind::Rejected | FailureKind::Returned | FailureKind::DeadLettered)
        );
        match known.causes.waiting(node) {
            Some(caller) if !is_lost && self.went_on(caller, node) => Fate::Handled(caller),
            _ => Fate::Failure,
        }
    }

    /// Whether a caller went on after this step of it had failed.
    fn went_on(&mut self, caller: usize, node: usize) -> bool {
        match self.known.states.get(caller) {
            State::Ok => true,
            // It has not ended, but it has begun with something else.
            State::Open | State::Unknown => {
                let causes = self.known.causes;
                let last_starts = self.last_starts.entry(caller).or_insert_with(|| {
                    let mut all: Map<Option<SegmentId>, u64> = Map::default();
                    for child in causes.awaited(caller) {
                        let last = all.entry(causes.segment(child)).or_default();
                        *last = causes.started_at(child).max(*last);
                    }
                    all
                });
                let last = last_starts.get(&causes.segment(node)).copied().unwrap_or(0);
                causes.ended_at(node).is_some_and(|end| end < last)
            }
            _ => false,
        }
    }

    /// A transaction that was rolled back, and nothing failed in what it was part of.
    fn undone(&mut self, node: usize) {
        let causes = self.known.causes;
        if self.seen[node] || self.known.states.get(node) != State::Undone {
            return;
        }
        let is_part = |above: usize| self.known.states.get(above) == State::Undone || self.seen[above];
        if causes.cause(node).is_none_or(|above| !is_part(above)) {
            self.found.failures.push(Found { kind: FailureKind::RolledBack, origin: node });
        }
        self.seen[node] = true;
    }

    /// What was cancelled from outside: its caller neither cancelled itself, nor failed, nor went on.
    fn cancelled(&mut self, node: usize) {
        let (causes, states) = (self.known.causes, self.known.states);
        if self.seen[node] || states.get(node) != State::Cancelled {
            return;
        }
        let is_whole = match causes.waiting(node) {
            None => true,
            Some(above) => matches!(states.get(above), State::Open | State::Unknown) && !self.seen[above],
        };
        if is_whole && !self.known.attempts.after(node).any {
            self.found.failures.push(Found { kind: FailureKind::Cancelled, origin: node });
        }
    }

    fn unfinished(&mut self, node: usize) {
        let (causes, states) = (self.known.causes, self.known.states);
        let is_open = |node: usize| states.get(node) == State::Open && !self.seen[node];
        if is_open(node) && !causes.awaited(node).any(is_open) && !self.known.attempts.after(node).any {
            self.found.unfinished.push(node);
        }
    }
}
