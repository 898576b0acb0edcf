//! How each node ended, for the one who asks why.

use super::facts::Facts;
use super::model::FailureKind;
use crate::causes::Causes;
use crate::model::{RunStatus, Span, SpanStatus};
use spanbridge::semconv;

/// How a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    Failed(FailureKind),
    Cancelled,
    /// The transaction was rolled back.
    Undone,
    Open,
    /// A run that is suspended, or whose records contradict each other; or a span of which neither start nor end is recorded.
    Unknown,
}

impl State {
    pub(super) fn is_failed(self) -> bool {
        matches!(self, State::Failed(_))
    }
}

/// The states of all nodes.
pub(super) struct States {
    states: Vec<State>,
    /// Whether a node failed, or has not succeeded and waited for one that failed.
    troubled: Vec<bool>,
}

impl States {
    pub(super) fn of(causes: &Causes<'_>, facts: &Facts, order: &[u32]) -> Self {
        let states: Vec<State> = (0..causes.len()).map(|node| state(causes, facts, node)).collect();
        let mut troubled: Vec<bool> = states.iter().map(|state| state.is_failed()).collect();
        for node in order.iter().rev().map(|node| *node as usize) {
            let above = causes.waiting(node).filter(|above| troubled[node] && states[*above] != State::Ok);
            if let Some(above) = above {
                troubled[above] = true;
            }
        }
        States { states, troubled }
    }

    pub(super) fn get(&self, node: usize) -> State {
        self.states[node]
    }

    pub(super) fn is_troubled(&self, node: usize) -> bool {
        self.troubled[node]
    }
}

fn state(causes: &Causes<'_>, facts: &Facts, node: usize) -> State {
    let Some(span) = causes.span(node) else {
        let run = causes.run(node);
        return match run.status {
            RunStatus::Error => State::Failed(FailureKind::Declared),
            RunStatus::Conflicted if run.error.is_some() => State::Failed(FailureKind::Declared),
            RunStatus::Cancelled => State::Cancelled,
            RunStatus::Open => State::Open,
            RunStatus::Ok => State::Ok,
            _ => State::Unknown,
        };
    };
    let handoff = span.text(semconv::HANDOFF_STATUS);
    let refused = match handoff {
        Some("rejected") => Some(FailureKind::Rejected),
        Some("returned") => Some(FailureKind::Returned),
        _ => None,
    };
    match span.status {
        _ if handoff == Some("rolled_back") => State::Undone,
        SpanStatus::Error => State::Failed(refused.unwrap_or(FailureKind::Error)),
        SpanStatus::Panicked => State::Failed(FailureKind::Panic),
        SpanStatus::Cancelled => State::Cancelled,
        SpanStatus::Open if span.name.is_empty() => State::Unknown,
        SpanStatus::Open if facts.is_out_of_time(node) => State::Failed(FailureKind::OutOfTime),
        SpanStatus::Open => State::Open,
        SpanStatus::Ok => match of_finished(facts, node, span).or(refused) {
            Some(kind) => State::Failed(kind),
            None => State::Ok,
        },
    }
}

/// What went wrong with work that ended as ok.
fn of_finished(facts: &Facts, node: usize, span: &Span) -> Option<FailureKind> {
    if facts.is_response_lost(node) {
        Some(FailureKind::ResponseLost)
    } else if facts.is_refused(node) {
        Some(FailureKind::Refused)
    } else if span.is_delivery() && facts.dead_letter(node).is_some() {
        Some(FailureKind::DeadLettered)
    } else {
        None
    }
}
