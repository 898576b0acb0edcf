//! How work gets from a step to what it causes.

use crate::model::{Run, Span};
use serde::Serialize;
use spanbridge::{Kind, semconv};

/// How work got from the step before to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Hop {
    /// Nothing is recorded before it.
    Start,
    /// In the same service.
    Local,
    /// By a call that waits for its response.
    Call,
    /// Through a queue, or by a call that does not wait.
    Queue,
    /// From another trace, by a link.
    Link,
    /// The step before started this run.
    ChildRun,
    /// The run had been suspended, and was resumed.
    Resume,
}

impl Hop {
    /// Its name in JSON, such as `queue`.
    pub fn as_str(self) -> &'static str {
        match self {
            Hop::Start => "start",
            Hop::Local => "local",
            Hop::Call => "call",
            Hop::Queue => "queue",
            Hop::Link => "link",
            Hop::ChildRun => "child_run",
            Hop::Resume => "resume",
        }
    }
}

/// How work got from a span to one below it, and whether the upper one waited for it.
pub(super) fn between(above: &Span, below: &Span) -> (Hop, bool) {
    let same_segment = above.segment_id == below.segment_id;
    match (above.kind, below.kind) {
        // The work on a message, below the work on a batch or another message, is a part of it.
        (Kind::Consumer, _) if same_segment => (Hop::Local, true),
        (_, Kind::Consumer) => (Hop::Queue, false),
        (Kind::Producer, _) if !same_segment => (Hop::Queue, false),
        (Kind::Client, Kind::Server) if is_one_way(above) => (Hop::Queue, false),
        (Kind::Client, _) if !same_segment => (Hop::Call, true),
        _ if same_segment || above.service == below.service => (Hop::Local, true),
        (_, Kind::Server) => (Hop::Call, true),
        // Another process went on with a context that it got somehow. Nobody is known to wait for it.
        _ => (Hop::Queue, false),
    }
}

/// Whether this call hands its work over and does not wait: a function that is called as an event.
fn is_one_way(call: &Span) -> bool {
    call.text(semconv::FUNCTION_INVOCATION_TYPE) == Some("Event") || call.text(semconv::HANDOFF_STATUS).is_some()
}

/// How a run was started by a span of another one, and whether the span waited for it. A message never waits.
pub(super) fn into_run(trigger: &Span, run: &Run, first: Option<&Span>) -> (Hop, bool) {
    let service = run.first_segment().map(|segment| segment.service.as_str());
    let waits = match first.map(|span| between(trigger, span)) {
        Some((Hop::Queue, _)) => false,
        Some((Hop::Call, waits)) => waits,
        _ => service.is_none_or(|service| service == trigger.service),
    };
    (Hop::ChildRun, waits && trigger.kind != Kind::Producer)
}
