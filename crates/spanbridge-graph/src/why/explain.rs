//! What explains that a step did not succeed: the steps below it that it waited for.
//!
//! A step that failed is explained by what failed below it. A caller that gave up is explained by what it waited for, ended or
//! not. What nothing explains is where a failure began.

use super::attempts::Attempts;
use super::facts::Facts;
use super::state::{State, States};
use crate::causes::{Causes, Hop};
use crate::model::Span;
use spanbridge::{Kind, semconv};

/// What is known of the tree.
pub(super) struct Known<'a, 'g> {
    pub(super) causes: &'a Causes<'g>,
    pub(super) facts: &'a Facts,
    pub(super) states: &'a States,
    pub(super) attempts: Attempts<'a, 'g>,
}

/// Why a step is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// It failed.
    Failed,
    /// It has no end, and its caller gave up.
    Open,
    /// It has no end, and the time of its function is up.
    OutOfTime,
    /// It took too long for its caller.
    Slow,
}

/// Steps that explain another one.
type Reasons = Vec<(usize, Blame)>;

impl Known<'_, '_> {
    /// The steps that explain this one, if any do.
    pub(super) fn explain(&self, node: usize, blame: Blame) -> Vec<(usize, Blame)> {
        match (blame, self.states.get(node)) {
            (Blame::Slow, State::Open) | (Blame::Open, _) => self.of_open(node, Blame::Open),
            (Blame::OutOfTime, _) => self.of_open(node, Blame::OutOfTime),
            (Blame::Slow, _) => self.of_slow(node),
            (Blame::Failed, _) => self.of_failed(node),
        }
    }

    fn of_failed(&self, node: usize) -> Vec<(usize, Blame)> {
        let (failed, mended) = self.failed_below(node);
        if !failed.is_empty() {
            return failed;
        }
        // Equal steps may be no attempts at the same after all. Then the step fails with the error of one.
        let same: Vec<_> = mended.iter().filter(|(child, _)| self.repeats(node, *child)).copied().collect();
        if !same.is_empty() {
            return same;
        }
        let found = self.of_waiting(node);
        if found.is_empty() && self.error(node).is_none_or(|error| error.trim().is_empty()) { mended } else { found }
    }

    /// A step below which nothing failed for good is explained by what it waited for.
    fn of_waiting(&self, node: usize) -> Vec<(usize, Blame)> {
        let gave_up = self.gave_up(node);
        let is_open = |child: &usize| self.states.get(*child) == State::Open;
        let is_waited_for = |child: &usize| gave_up || self.causes.hop(*child) == Hop::Call;
        let open: Vec<_> = self.causes.awaited(node).filter(is_open).filter(is_waited_for).collect();
        if !open.is_empty() {
            return open.into_iter().map(|child| (child, Blame::Open)).collect();
        }
        let passed_on = self.passed_on(node);
        if !passed_on.is_empty() {
            return passed_on;
        }
        let took = self.causes.duration(node);
        let outlasts = |child: &usize| took.is_some_and(|took| self.causes.duration(*child).is_some_and(|t| t > took));
        let slow = self.causes.awaited(node).filter(outlasts).filter(is_waited_for);
        if let Some(slow) = slow.max_by_key(|child| self.causes.duration(*child)) {
            return vec![(slow, Blame::Slow)];
        }
        if !gave_up {
            return Vec::new();
        }
        let is_cancelled = |child: &usize| self.states.get(*child) == State::Cancelled;
        let cancelled = self.causes.awaited(node).filter(is_cancelled);
        if let Some(cancelled) = cancelled.max_by_key(|child| self.causes.duration(*child)) {
            return vec![(cancelled, Blame::Slow)];
        }
        self.unanswered(node, took)
    }

    /// What failed below, of attempts the last; and what failed, but succeeded when it was tried again.
    fn failed_below(&self, node: usize) -> (Reasons, Reasons) {
        let children = self.causes.awaited(node).chain(self.causes.of_batch(node));
        let troubled = children.filter(|child| self.states.is_troubled(*child));
        let troubled = troubled.map(|child| (child, self.blame(child)));
        troubled.partition(|(child, _)| {
            let after = self.attempts.after(*child);
            !after.failed && after.succeeded.is_none()
        })
    }

    /// Whether the error of a step has the words of the error of one below it.
    fn repeats(&self, node: usize, child: usize) -> bool {
        let error = self.error(child).filter(|error| error.len() >= 4);
        error.is_some_and(|error| self.error(node).is_some_and(|above| above.contains(error)))
    }

    fn blame(&self, node: usize) -> Blame {
        match self.states.get(node) {
            State::Failed(super::model::FailureKind::OutOfTime) => Blame::OutOfTime,
            State::Open => Blame::Open,
            _ => Blame::Failed,
        }
    }

    /// What failed below steps that ended as ok, if that is what reached this one: the error says the same, or a server
    /// answered that the request failed.
    fn passed_on(&self, node: usize) -> Vec<(usize, Blame)> {
        let is_ok = |child: usize| self.states.get(child) == State::Ok;
        let mut open: Vec<(usize, bool)> =
            self.causes.awaited(node).filter(|c| is_ok(*c)).map(|c| (c, false)).collect();
        let mut found = Vec::new();
        while let Some((ok, told)) = open.pop() {
            let told = told || self.causes.span(ok).is_some_and(answered_failure);
            for child in self.causes.awaited(ok) {
                if self.states.get(child) == State::Ok {
                    open.push((child, told));
                } else if self.states.get(child).is_failed() && (told || self.repeats(node, child)) {
                    found.push((child, self.blame(child)));
                }
            }
        }
        found.retain(|(child, _)| self.attempts.after(*child).succeeded.is_none());
        found
    }

    /// Work on messages whose answer was waited for.
    fn unanswered(&self, node: usize, took: Option<u64>) -> Vec<(usize, Blame)> {
        let sends = std::iter::once(node).chain(self.causes.awaited(node));
        let work = sends.flat_map(|send| self.causes.children(send).filter(|c| self.causes.hop(*c) == Hop::Queue));
        let found = work.filter_map(|work| match self.states.get(work) {
            State::Open => Some((work, Blame::Open)),
            _ if self.states.is_troubled(work) => Some((work, self.blame(work))),
            _ if took.is_some() && self.causes.duration(work) > took => Some((work, Blame::Slow)),
            _ => None,
        });
        found.filter(|(work, _)| !self.attempts.after(*work).any).collect()
    }

    /// A step that has no end is explained by what it was doing last.
    fn of_open(&self, node: usize, blame: Blame) -> Vec<(usize, Blame)> {
        let open: Vec<_> = self.causes.awaited(node).filter(|child| self.states.get(*child) == State::Open).collect();
        if !open.is_empty() {
            return open.into_iter().map(|child| (child, blame)).collect();
        }
        let last = self.causes.awaited(node).max_by_key(|child| (self.causes.started_at(*child), *child));
        let last = last.filter(|child| self.states.is_troubled(*child));
        last.map(|child| (child, self.blame(child))).into_iter().collect()
    }

    /// What took too long is explained by what took most of its time.
    fn of_slow(&self, node: usize) -> Vec<(usize, Blame)> {
        let Some(took) = self.causes.duration(node) else { return Vec::new() };
        let longest = self.causes.awaited(node).max_by_key(|child| match self.states.get(*child) {
            State::Open => u64::MAX,
            _ => self.causes.duration(*child).unwrap_or(0),
        });
        let longest = longest.filter(|child| match self.states.get(*child) {
            State::Open => true,
            _ => self.causes.duration(*child).is_some_and(|t| t > took / 2),
        });
        longest
            .map(|child| (child, if self.states.is_troubled(child) { self.blame(child) } else { Blame::Slow }))
            .into_iter()
            .collect()
    }

    /// The error, in words, of a span or a run.
    pub(super) fn error(&self, node: usize) -> Option<&str> {
        match self.causes.span(node) {
            Some(span) => span.error.as_deref(),
            None => self.causes.run(node).error.as_deref(),
        }
    }

    /// Whether the step says that it stopped waiting.
    fn gave_up(&self, node: usize) -> bool {
        let class = self.causes.span(node).and_then(|span| span.text(semconv::ERROR_TYPE));
        let says = |text: &str| {
            let text = text.to_ascii_lowercase();
            ["timeout", "timed out", "time out", "time-out", "timedout", "deadline", "elapsed", "time limit"]
                .iter()
                .any(|word| text.contains(word))
        };
        class.is_some_and(says) || self.error(node).is_some_and(says)
    }
}

/// Whether a server ended as it should, with the answer that the request failed.
fn answered_failure(span: &Span) -> bool {
    span.kind == Kind::Server && span.integer(semconv::HTTP_RESPONSE_STATUS_CODE).is_some_and(|status| status >= 400)
}
