//! Runs: operations that a user would name.

use super::details;
use super::in_span::InSpan;
use super::open::Open;
use super::theirs;
use crate::context::given::Given;
use crate::current;
use crate::encoder::origin;
use crate::panics::Watch;
use crate::span::outcome::{Anything, ByOutcome, Failure, Outcome};
use crate::span::run_context::Unknown;
use crate::{Context, IntoValue, Kind, Primitive, RunId, Status, Value};
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::future::Future;

/// A run before it begins.
#[must_use = "a run begins with `run`, `in_scope` or `open`"]
pub struct RunBuilder<'a> {
    name: Cow<'a, str>,
    primitive: Option<Primitive>,
    attributes: Vec<(&'static str, Given<'a>)>,
}

/// A run: an operation that a user would name. You own it, and say when it begins and ends.
///
/// Without a current trace, the run begins one, and has the trace's id. Inside another run it is a child run: it has an id of its
/// own, names its parent and the span that triggered it, and stays in the same trace.
pub fn run<'a>(name: impl Into<Cow<'a, str>>) -> RunBuilder<'a> {
    RunBuilder { name: name.into(), primitive: None, attributes: vec![] }
}

impl<'a> RunBuilder<'a> {
    /// Adds an attribute: see [`IntoValue`].
    pub fn attribute(mut self, key: &'static str, value: impl IntoValue<'a>) -> Self {
        self.attributes.extend(value.into_given().map(|given| (key, given)));
        self
    }

    /// The kind of work that the run is.
    pub fn primitive(mut self, primitive: Primitive) -> Self {
        self.primitive = Some(primitive);
        self
    }

    /// Has the sampler decide, unless it has decided already.
    fn decided(&self, context: Context) -> Context {
        if !context.is_undecided() {
            return context;
        }
        let attributes: Vec<_> = self.attributes.iter().map(|(key, given)| (*key, given.value())).collect();
        origin::decide(&context, &self.name, self.primitive, Kind::default(), &attributes)
    }

    /// Begins the run.
    pub fn open(self) -> Run {
        let mut outer = current::context();
        theirs::put_around(&mut outer);
        let outer = self.decided(outer);
        let context =
            if outer.is_empty() { self.decided(origin::new_trace(&outer)) } else { origin::child_run(&outer) };
        let live = context.is_recorded();
        // Without a recorder nothing begins, and the current context stays.
        let owned = !context.is_empty();
        let context = if owned { context } else { outer.clone() };
        if live {
            begin(&context, &outer, &self)
        }
        let open = if live { Open::Run } else { Open::Nothing };
        Run { context, open, owned, suspension: 0, resumption: 0, unknown: Unknown::new() }
    }

    /// Begins the run, calls `work` in it, and returns the future that `work` makes: every poll is in the run, and the run ends
    /// by its output. As [`SpanBuilder::run`](super::SpanBuilder::run).
    pub fn run<F, Fut>(self, work: F) -> InSpan<Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        Fut::Output: Outcome,
    {
        let (context, open) = self.open().into_parts();
        InSpan::begun(context, open, work, ByOutcome)
    }

    /// As [`RunBuilder::run`], for a value that cannot fail.
    pub fn run_value<F, Fut>(self, work: F) -> InSpan<Fut, Anything>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
    {
        let (context, open) = self.open().into_parts();
        InSpan::begun(context, open, work, Anything)
    }

    /// Begins the run and calls `f` in it. The run ends by what `f` returns.
    pub fn in_scope<R: Outcome>(self, f: impl FnOnce() -> R) -> R {
        let mut scope = Scope { run: self.open(), watch: Watch::new() };
        let result = current::in_scope(&scope.run.context, f);
        let Run { context, open, .. } = &mut scope.run;
        if let Some(failure) = result.judged() {
            open.fail(context, &failure)
        }
        open.end(context, Status::Ok);
        result
    }
}

/// Ends the run if the call panics.
struct Scope {
    run: Run,
    watch: Watch,
}

impl Drop for Scope {
    fn drop(&mut self) {
        self.run.open.unwound(&self.run.context, self.watch)
    }
}

/// A run that has begun.
///
/// Dropped without an end, it stays open: it may go on elsewhere. To continue it elsewhere, [`suspend`](Run::suspend) or
/// [`leave`](Run::leave) it. [`Run::run`] ends it by the output of its work.
#[must_use = "a run that is not ended stays open"]
pub struct Run {
    pub(super) context: Context,
    pub(super) open: Open,
    /// The context's run is this one, and not one around it.
    pub(super) owned: bool,
    /// A suspension whose end could not be recorded here, or 0. It is saved again, for the next process.
    pub(super) suspension: u64,
    /// The resumption that this one comes after, or 0.
    pub(super) resumption: u64,
    /// Fields of later releases that came with it.
    pub(super) unknown: Unknown,
}

impl Run {
    /// The run that its work belongs to. If this run is not recorded, that is the run around it, if there is one.
    pub fn id(&self) -> Option<RunId> {
        self.context.run_id()
    }

    /// The context of the run, outside any of its spans.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Adds an attribute to the run: see [`IntoValue`]. If a key was given before, the last value counts, also across the
    /// processes that work on the run, one after the other.
    ///
    /// Nothing is recorded for a run that is not yours to end: see [`resume_run`](super::resume_run).
    pub fn attribute<'v>(&self, key: &'static str, value: impl IntoValue<'v>) {
        if let Open::Run = self.open {
            if let Some(given) = value.into_given() {
                details::run_attributes(&self.context, &[(key, given.value())])
            }
        }
    }

    /// Adds attributes to the run.
    pub fn attributes(&self, attributes: &[(&'static str, Value<'_>)]) {
        if let Open::Run = self.open {
            details::run_attributes(&self.context, attributes)
        }
    }

    /// Records a relation of this run to a span, a run or an artifact.
    ///
    /// Nothing is recorded for a run that is not yours to end: see [`resume_run`](super::resume_run).
    pub fn edge(&self, edge_type: details::EdgeType, to: impl Into<details::Target>) {
        if let Open::Run = self.open {
            details::edge(&self.context, edge_type, &to.into())
        }
    }

    pub(super) fn into_parts(self) -> (Context, Open) {
        (self.context, self.open)
    }

    /// Ends it as ok.
    pub fn end(mut self) {
        self.open.end(&self.context, Status::Ok)
    }

    /// Ends it as failed.
    pub fn error(mut self, error: impl Display) {
        self.open.fail(&self.context, &Failure::new(&error))
    }

    /// Ends it as cancelled.
    pub fn cancel(mut self) {
        self.open.end(&self.context, Status::Cancelled)
    }

    /// Ends it by a result.
    pub fn end_with(mut self, result: &impl Outcome) {
        match result.judged() {
            Some(failure) => self.open.fail(&self.context, &failure),
            None => self.end(),
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Run").field(&self.context).finish()
    }
}

fn begin(context: &Context, outer: &Context, run: &RunBuilder<'_>) {
    use crate::encoder::layout::{Fact, Field};
    use crate::encoder::{Key, thread_recorder};
    let Some(shared) = context.shared() else { return };
    let mut items = vec![(Key::Field(Field::Name), Value::Str(&run.name))];
    items.extend(run.primitive.map(|p| (Key::Field(Field::Primitive), Value::Static(p.name()))));
    if let Some(parent) = outer.run_id() {
        let id = parent.get();
        items.extend([(id >> 64) as i64, id as i64].map(|n| (Key::Field(Field::ParentRun), Value::I64(n))));
    }
    items.extend(run.attributes.iter().map(|(k, given)| (Key::Attribute(k), given.value())));
    thread_recorder().fact(shared, Fact::RunStart, outer.span, 0, &items);
}
