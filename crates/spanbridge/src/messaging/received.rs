//! What came with a message.

use super::receiving::{Arrival, Note, Receiving, Relation, Taken};
use crate::carrier::{self, Extract, Extraction};
use crate::observe::{self, ActiveSpan, Span};
use crate::{Context, Primitive, Value, origin, semconv};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What came with a message, and where its work and its settlements belong.
#[derive(Debug)]
pub struct Received {
    /// What came, as far as it is taken, or a detached context.
    context: Context,
    /// What was claimed, where that is not taken at all.
    claimed: Context,
    notes: Vec<Note>,
    relation: Relation,
    /// What the work is called where it is a run.
    run_name: Box<str>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The context inside the process span, once there is one.
    process: Option<Context>,
    /// A process span that a batch has begun.
    begun: Option<Span>,
}

impl Received {
    /// Reads the headers of a message.
    pub fn new(headers: &(impl Extract + ?Sized)) -> Self {
        carrier::extract(headers).into()
    }

    /// The same, as a consumer wants it.
    pub fn under(self, receiving: &Receiving, arrival: Arrival<'_>) -> Self {
        let relation = receiving.relation(&arrival);
        let taken = Taken { context: self.context, claimed: self.claimed, notes: self.notes };
        let Taken { context, claimed, notes } = receiving.take(taken);
        let run_name = if relation == Relation::NewRun { arrival.name.into() } else { Box::default() };
        Received { context, claimed, notes, relation, run_name, state: self.state }
    }

    /// The context that came with the message, as far as the consumer takes it; empty if there was none.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Begins a process span, related to the sender's as the consumer wants it; without one, as a run of its own, and not
    /// under what is current here. What is to be said about the headers is recorded with it.
    ///
    /// Where a [batch](super::Batch) has begun the span, it is that one.
    pub fn process(&self, begin: impl FnOnce() -> Span) -> Span {
        let begun = self.state().begun.take();
        begun.unwrap_or_else(|| self.begin(begin))
    }

    fn begin(&self, begin: impl FnOnce() -> Span) -> Span {
        let span = match self.relation {
            Relation::NewRun => self.begin_run(begin),
            Relation::Link if !self.context.is_empty() => {
                let span = observe::in_scope(&origin::linked(&self.context), begin);
                span.link(&self.context);
                related(span, "link")
            }
            _ => observe::in_scope(&self.context, begin),
        };
        if !self.claimed.is_empty() {
            span.link(&self.claimed)
        }
        for (code, message) in &self.notes {
            span.diagnostic(code, message)
        }
        self.state().process = Some(span.context().clone());
        span
    }

    #[cold]
    fn begin_run(&self, begin: impl FnOnce() -> Span) -> Span {
        let run = observe::run(&*self.run_name).primitive(Primitive::MESSAGING_PROCESS);
        let run = observe::in_scope(&self.context, || run.open());
        let span = run.in_scope(begin);
        related(span.with_run(), "new_run")
    }

    /// Begins the process span as a part of a batch. It is there for [`process`](Received::process), if that comes.
    pub(super) fn begin_in_batch(&self, batch: &Context, begin: impl FnOnce() -> Span) {
        let span = self.begin(begin);
        span.link(batch);
        self.state().begun = Some(span)
    }

    /// The process span that a batch has begun, if nobody has taken it.
    pub(super) fn take_begun(&self) -> Option<Span> {
        self.state().begun.take()
    }

    /// Where a settlement belongs: under the last process span; before there is one, under the sender's.
    pub fn settling(&self) -> Context {
        self.state().process.as_ref().unwrap_or(&self.context).clone()
    }

    /// The last process span, while or after it runs.
    pub fn span(&self) -> Option<ActiveSpan> {
        self.state().process.clone().and_then(ActiveSpan::of)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn related(span: Span, how: &'static str) -> Span {
    span.attribute(semconv::RELATION, Value::Static(how));
    span
}

/// For transports without headers, which carry contexts in their payloads.
impl From<Extraction> for Received {
    fn from(found: Extraction) -> Self {
        let Taken { context, claimed, notes } = found.into();
        let (relation, run_name, state) = (Relation::Parent, Box::default(), Mutex::default());
        Received { context, claimed, notes, relation, run_name, state }
    }
}
