//! The sends of a transaction, until it is known how it ended.

use super::status::HandoffStatus::{self, *};
use crate::Context;
use crate::observe::Span;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Spans that are told how their transaction ended; of one that sends more, the transaction's span says it.
const MAX_TRACKED_SPANS: usize = 1 << 16;

/// What was sent in a transaction.
#[derive(Debug, Default)]
pub(super) struct Sends(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The spans to be told how it ended.
    spans: Vec<Context>,
    /// How it has ended.
    ended: Option<HandoffStatus>,
}

impl Sends {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is still open, so that a span that sends now is part of it.
    pub(super) fn add(&self, span: &Context) -> bool {
        let State { spans, ended } = &mut *self.lock();
        let is_open = ended.is_none();
        if is_open && spans.len() < MAX_TRACKED_SPANS {
            spans.push(span.clone())
        }
        is_open
    }

    pub(super) fn end(&self, status: HandoffStatus) -> Vec<Context> {
        let mut state = self.lock();
        state.ended = Some(status);
        std::mem::take(&mut state.spans)
    }

    /// The status of a message whose own answer says this. Once the transaction has ended, that has the last word; but what
    /// was refused was never part of what it has committed.
    pub(super) fn status(&self, span: &Span, status: HandoffStatus) -> HandoffStatus {
        let mut state = self.lock();
        match state.ended {
            Some(ended) if ended == RolledBack || matches!(status, Sent | Unknown) => ended,
            Some(_) => status,
            None => {
                let is_it = |send: &Context| status == Rejected && send.span_id() == span.id();
                if let Some(place) = state.spans.iter().rposition(is_it) {
                    state.spans.swap_remove(place);
                }
                status
            }
        }
    }
}
