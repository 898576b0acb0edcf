//! Attempts at the same: deliveries of one message, and equal steps one after the other.

use super::facts::Facts;
use super::model::FailureKind;
use super::state::{State, States};
use crate::causes::Causes;
use crate::hash::{Map, Set};
use crate::sameness::same_call;
use spanbridge::semconv;
use std::cell::RefCell;

/// What came after an attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct After {
    /// Whether there was another attempt.
    pub(super) any: bool,
    /// Whether a later one failed.
    pub(super) failed: bool,
    /// The next one that succeeded.
    pub(super) succeeded: Option<usize>,
}

/// The attempts among all nodes. Equal steps below a node are compared when one of them is asked for.
pub(super) struct Attempts<'a, 'g> {
    causes: &'a Causes<'g>,
    facts: &'a Facts,
    states: &'a States,
    deliveries: Map<u32, After>,
    steps: RefCell<Steps>,
}

#[derive(Default)]
struct Steps {
    /// The nodes whose children are compared.
    compared: Set<u32>,
    before: Map<u32, u32>,
    after: Map<u32, After>,
}

impl<'a, 'g> Attempts<'a, 'g> {
    pub(super) fn new(causes: &'a Causes<'g>, facts: &'a Facts, states: &'a States) -> Self {
        let mut all = Attempts { causes, facts, states, deliveries: Map::default(), steps: RefCell::default() };
        let mut deliveries = Map::default();
        for last in facts.last_deliveries() {
            all.look_back(std::iter::once(last).chain(facts.deliveries_before(last)), &mut deliveries);
        }
        all.deliveries = deliveries;
        all
    }

    /// What came after this one.
    pub(super) fn after(&self, node: usize) -> After {
        self.compare(node);
        let steps = self.steps.borrow();
        let found = self.deliveries.get(&(node as u32)).or_else(|| steps.after.get(&(node as u32)));
        found.copied().unwrap_or_default()
    }

    /// What came after this delivery, if the message was delivered again.
    pub(super) fn after_delivery(&self, node: usize) -> Option<After> {
        self.deliveries.get(&(node as u32)).copied().filter(|after| after.any)
    }

    /// The attempts before it, the latest first.
    pub(super) fn before(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.compare(node);
        let step = |node: &usize| self.steps.borrow().before.get(&(*node as u32)).map(|before| *before as usize);
        self.facts.deliveries_before(node).chain(std::iter::successors(step(&node), step))
    }

    /// Notes what came after each of these attempts, the last of which comes first.
    fn look_back(&self, attempts: impl Iterator<Item = usize>, noted: &mut Map<u32, After>) {
        let mut after = After::default();
        for node in attempts {
            noted.insert(node as u32, after);
            after.any = true;
            after.failed |= self.states.is_troubled(node);
            if self.states.get(node) == State::Ok {
                after.succeeded = Some(node);
            }
        }
    }

    /// Whether this is a message without an id that the broker returned or rejected.
    fn is_nameless_loss(&self, node: usize) -> bool {
        let is_lost = matches!(self.states.get(node), State::Failed(FailureKind::Returned | FailureKind::Rejected));
        is_lost && self.causes.span(node).is_none_or(|span| span.text(semconv::MESSAGING_MESSAGE_ID).is_none())
    }

    /// Compares the children of the node's cause, which waits for them: the same call, one after the other, by one clock.
    fn compare(&self, node: usize) {
        let Some(above) = self.causes.waiting(node) else { return };
        let steps = &mut *self.steps.borrow_mut();
        if !steps.compared.insert(above as u32) {
            return;
        }
        let spans = self.causes.awaited(above).filter_map(|child| Some((child, self.causes.span(child)?)));
        let mut calls: Vec<(u64, u64, usize)> =
            spans.map(|(child, span)| (same_call(span), span.started_at, child)).collect();
        calls.sort_unstable();
        let follows = |a: &(u64, _, usize), b: &(u64, _, usize)| a.0 == b.0 && self.causes.ended_before(a.2, b.2);
        for attempts in calls.chunk_by(follows).filter(|attempts| attempts.len() > 1) {
            let pairs = attempts.windows(2).map(|pair| (pair[1].2 as u32, pair[0].2 as u32));
            steps.before.extend(pairs);
            self.look_back(attempts.iter().rev().map(|attempt| attempt.2), &mut steps.after);
            // A message that the broker did not take is mended by the same message alone, and only an id tells that it is.
            for (_, _, node) in attempts.iter().filter(|(_, _, node)| self.is_nameless_loss(*node)) {
                steps.after.remove(&(*node as u32));
            }
        }
    }
}
