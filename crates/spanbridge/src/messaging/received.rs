//! What came with a message.

use super::options::{MessageView, ReceiveOptions};
use super::process_span::ProcessSpan;
use super::relation::Relation;
use super::taken::{Note, Taken};
use crate::carrier::{self, Extract, Extraction};
use crate::context::current;
use crate::context::restored::Restored;
use crate::context::source::sources;
use crate::encoder::origin;
use crate::observe::{self, ActiveSpan, Span};
use crate::span::theirs;
use crate::{Context, Primitive, Value, semconv};
use std::fmt;
use std::time::Duration;

/// What an adapter knows about a message, for [`Received::with`].
#[derive(Clone, Copy)]
pub struct MessageInfo<'a> {
    relation: Option<Relation>,
    age: Option<Duration>,
    name: &'a dyn Fn() -> String,
    primitive: Option<Primitive>,
}

impl Default for MessageInfo<'_> {
    fn default() -> Self {
        MessageInfo { relation: None, age: None, name: &String::new, primitive: None }
    }
}

impl<'a> MessageInfo<'a> {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// The relation that was chosen for this message; it counts before the one for all messages.
    pub fn relation(self, relation: impl Into<Option<Relation>>) -> Self {
        MessageInfo { relation: relation.into(), ..self }
    }

    /// How long ago the message was sent, if that is known.
    pub fn age(self, age: impl Into<Option<Duration>>) -> Self {
        MessageInfo { age: age.into(), ..self }
    }

    /// The name of the run, asked for only if the work is one. Default: empty.
    pub fn run_name(self, name: &'a dyn Fn() -> String) -> Self {
        MessageInfo { name, ..self }
    }

    /// The primitive of the run. Default: [`MESSAGING_PROCESS`](Primitive::MESSAGING_PROCESS).
    pub fn primitive(self, primitive: Primitive) -> Self {
        MessageInfo { primitive: Some(primitive), ..self }
    }
}

impl fmt::Debug for MessageInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageInfo").field("relation", &self.relation).field("age", &self.age).finish_non_exhaustive()
    }
}

/// The context that came with a message, and the place of its work and its settlements in the run graph.
#[derive(Debug)]
pub struct Received {
    /// The context as far as it is taken, or a detached one.
    context: Context,
    /// `None` for nearly every message.
    non_default: Option<Box<NonDefault>>,
    process: ProcessSpan,
}

#[derive(Debug, Default)]
struct NonDefault {
    /// What the sender claimed, if it is not trusted.
    claimed: Context,
    notes: Vec<Note>,
    relation: Relation,
    run: Run,
}

/// The run that the work is, if it is one.
#[derive(Debug, Default)]
struct Run {
    name: Box<str>,
    primitive: Option<Primitive>,
}

impl Received {
    /// Reads the headers of a message.
    pub fn new(headers: &(impl Extract + ?Sized)) -> Self {
        carrier::extract(headers).into()
    }

    /// The same, with options.
    pub fn with<M: MessageView>(self, options: &ReceiveOptions<M>, message: MessageInfo<'_>) -> Self {
        let relation = message.relation.unwrap_or(options.relation_for_all()).decided(message.age);
        let run = match relation {
            Relation::NewRun => Run { name: (message.name)().into(), primitive: message.primitive },
            _ => Run::default(),
        };
        let NonDefault { claimed, notes, .. } = self.non_default.map(|boxed| *boxed).unwrap_or_default();
        let taken = Taken { context: self.context, claimed, notes }.with(options);
        Received { process: self.process, ..Received::of(taken, relation, run) }
    }

    /// If the message came without a trace: under this context instead, with the message's own baggage. For a message that
    /// is part of something that is being worked on.
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
        let is_default = relation == Relation::Parent && claimed.is_empty() && notes.is_empty();
        let non_default = (!is_default).then(|| Box::new(NonDefault { claimed, notes, relation, run }));
        Received { context, non_default, process: ProcessSpan::default() }
    }

    /// The context that came with the message, as far as it is taken; empty if there was none.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Begins a process span with the relation that the receiver wants. Without a sender it begins a run of its own, and does
    /// not hang under what is current here. What there is to say about the headers is recorded with it.
    ///
    /// If a [batch](super::Batch) has begun the span already, it is that one.
    pub fn process(&self, begin: impl FnOnce() -> Span) -> Span {
        self.process.take_begun().unwrap_or_else(|| self.begin(begin))
    }

    fn begin(&self, begin: impl FnOnce() -> Span) -> Span {
        let span = match &self.non_default {
            None => observe::in_scope(&self.context, begin),
            Some(non_default) => non_default.begin(&self.context, begin),
        };
        let span = if sources().is_some() { self.restoring(span) } else { span };
        self.process.begins(&self.context, &span);
        span
    }

    /// The work in the span is inside of its context in other libraries, too. If nothing is recorded, that is the sender's.
    #[cold]
    #[inline(never)]
    fn restoring(&self, span: Span) -> Span {
        let is_link = self.non_default.as_ref().is_some_and(|n| n.relation == Relation::Link);
        let of_linked = if is_link { theirs::of_linked(&self.context, span.context()) } else { None };
        let restored = Restored::new(of_linked.as_ref().unwrap_or(span.context()));
        span.restoring(restored)
    }

    /// Begins the process span as part of a batch. [`process`](Received::process) finds it there.
    pub(crate) fn begin_in_batch(&self, batch: &Context, begin: impl FnOnce() -> Span) {
        let span = self.begin(begin);
        span.link(batch);
        self.process.begun_by_batch(span)
    }

    /// The process span that a batch has begun, unless it was taken.
    pub(crate) fn take_begun(&self) -> Option<Span> {
        self.process.take_begun()
    }

    /// Where a settlement belongs: under the last process span; before there is one, under the sender's.
    pub fn settling(&self) -> Context {
        self.process.context(&self.context).unwrap_or_else(|| self.context.clone())
    }

    /// The last process span, while or after it runs.
    pub fn span(&self) -> Option<ActiveSpan> {
        self.process.context(&self.context).and_then(ActiveSpan::of)
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
                let span = current::in_own_scope(origin::linked(context), begin);
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
