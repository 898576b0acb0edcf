//! What came with a message.

use super::receiving::{MessageInfo, Note, ReceiveOptions, Relation, Taken};
use crate::carrier::{self, Extract, Extraction};
use crate::encoder::origin;
use crate::observe::{self, ActiveSpan, Span};
use crate::{Context, Primitive, Value, semconv};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What came with a message, and where its work and its settlements belong.
#[derive(Debug)]
pub struct Received {
    /// What came, as far as it is taken, or a detached context.
    context: Context,
    /// Nearly every message has nothing of this.
    unusual: Option<Box<NonDefault>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct NonDefault {
    /// What was claimed, where that is not taken at all.
    claimed: Context,
    notes: Vec<Note>,
    relation: Relation,
    run: Run,
}

/// What the work is where it is a run.
#[derive(Debug, Default)]
struct Run {
    name: Box<str>,
    primitive: Option<Primitive>,
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
    pub fn with(self, receiving: &ReceiveOptions, arrival: MessageInfo<'_>) -> Self {
        let relation = receiving.relation(&arrival);
        let run = match relation {
            Relation::NewRun => Run { name: (arrival.name)().into(), primitive: arrival.primitive },
            _ => Run::default(),
        };
        let NonDefault { claimed, notes, .. } = self.unusual.map(|unusual| *unusual).unwrap_or_default();
        let taken = receiving.take(Taken { context: self.context, claimed, notes });
        Received { state: self.state, ..Received::of(taken, relation, run) }
    }

    /// Under this context where it came without a trace, with the baggage that it came with in place of that one's: for a
    /// message that is a part of something which is being worked on.
    pub fn or_under(mut self, context: &Context) -> Self {
        self.context = match (self.context.is_empty(), self.context.travels()) {
            (false, _) => return self,
            (true, false) => context.clone(),
            (true, true) => context.with_baggage(self.context.baggage().clone()),
        };
        self
    }

    fn of(taken: Taken, relation: Relation, run: Run) -> Self {
        let Taken { context, claimed, notes } = taken;
        let is_usual = relation == Relation::Parent && claimed.is_empty() && notes.is_empty();
        let unusual = (!is_usual).then(|| Box::new(NonDefault { claimed, notes, relation, run }));
        Received { context, unusual, state: Mutex::default() }
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
        let span = match &self.unusual {
            None => observe::in_scope(&self.context, begin),
            Some(unusual) => unusual.begin(&self.context, begin),
        };
        self.state().process = Some(span.context().clone());
        span
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

impl NonDefault {
    #[cold]
    fn begin(&self, context: &Context, begin: impl FnOnce() -> Span) -> Span {
        let span = match self.relation {
            Relation::NewRun => {
                let primitive = self.run.primitive.unwrap_or(Primitive::MESSAGING_PROCESS);
                let run = observe::run(&*self.run.name).primitive(primitive);
                let run = observe::in_scope(context, || run.open());
                related(run.in_scope(begin).with_run(), "new_run")
            }
            Relation::Link if !context.is_empty() => {
                let span = observe::in_scope(&origin::linked(context), begin);
                span.link(context);
                related(span, "link")
            }
            _ => observe::in_scope(context, begin),
        };
        if !self.claimed.is_empty() {
            span.link(&self.claimed)
        }
        for (code, message) in &self.notes {
            span.diagnostic(code, message)
        }
        span
    }
}

fn related(span: Span, how: &'static str) -> Span {
    span.attribute(semconv::RELATION, Value::Static(how));
    span
}

/// For transports without headers, which carry contexts in their payloads.
impl From<Extraction> for Received {
    fn from(found: Extraction) -> Self {
        Received::of(found.into(), Relation::Parent, Run::default())
    }
}
