//! How work got from a span to one that it caused.

use crate::model::Span;
use spanbridge::{Kind, semconv};

/// How work got from a span to one that it caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hop {
    /// In the same program: the one above may wait for it.
    Inside,
    /// By a call: the caller waits for the answer, and the callee may go on after that.
    Call,
    /// Through a queue: nobody waits.
    Queue,
    /// Started in some other way, as a run of its own or in another program: nobody waits, and there is no queue to wait in.
    Fork,
    /// The message was delivered again, or as a dead letter.
    Again,
}

impl Hop {
    /// How work got from `above` to `below`, which it caused.
    pub(super) fn between(above: &Span, below: &Span) -> Self {
        let is_near = above.segment_id == below.segment_id;
        match (above.kind, below.kind) {
            (Kind::Consumer, Kind::Consumer) => Hop::Inside,
            (_, Kind::Consumer) => Hop::Queue,
            _ if hands_off(above) && !is_near => Hop::Queue,
            (Kind::Client, Kind::Server) => Hop::Call,
            _ if is_near => Hop::Inside,
            (Kind::Client, _) | (_, Kind::Server) => Hop::Call,
            // A context that was passed on in some other way. If the work outlived the span, nobody waited for it.
            _ if is_within(above, below) => Hop::Inside,
            _ => Hop::Fork,
        }
    }
}

/// Whether what a span causes elsewhere is not waited for.
pub(super) fn hands_off(span: &Span) -> bool {
    span.kind == Kind::Producer || span.text(semconv::FUNCTION_INVOCATION_TYPE) == Some("Event")
}

fn is_within(above: &Span, below: &Span) -> bool {
    above.started_at <= below.started_at && above.ended_at.is_none_or(|end| below.ended_at.is_some_and(|b| b <= end))
}
