//! Spans to hold: an open span, and the current one.

use super::details;
use super::guard::Guard;
use super::open::{Open, passed};
use crate::context::restored::Restored;
use crate::current;
use crate::encoder::thread_recorder;
use crate::panics::Watch;
use crate::span::outcome::{Failure, Outcome};
use crate::text::shown;
use crate::{Context, IntoValue, SpanId, Status, Value};
use std::fmt::{self, Display};
use std::mem::ManuallyDrop;

/// An open span. It can be sent to another thread and ended on any. Dropped without an end, it is cancelled.
///
/// Holding it does not make it current: use [`Span::with_context`] or [`Span::in_scope`]. [`Span::run`] also ends it.
#[must_use = "a span that is dropped is cancelled"]
pub struct Span {
    context: Context,
    open: Open,
}

impl Span {
    #[inline]
    pub(crate) fn new(context: Context, open: Open) -> Self {
        Span { context, open }
    }

    #[inline(always)]
    pub(crate) fn into_parts(self) -> (Context, Open) {
        let this = ManuallyDrop::new(self);
        // SAFETY: what is read out of `this` is never used there again, nor dropped.
        unsafe { (std::ptr::read(&this.context), std::ptr::read(&this.open)) }
    }

    /// The same, borrowed.
    #[inline]
    pub(crate) fn parts(&mut self) -> (&mut Context, &mut Open) {
        (&mut self.context, &mut self.open)
    }

    /// The context inside the span: the one to give to a child or a message.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// From now on its run, if that is recorded, ends when the span does, with the same status.
    pub(crate) fn with_run(mut self) -> Self {
        if self.context.is_recorded() {
            self.open = std::mem::replace(&mut self.open, Open::Nothing).with_run()
        }
        self
    }

    /// The text of its error passes this guard before it is recorded.
    pub(crate) fn guarded(mut self, guard: Guard) -> Self {
        self.open = std::mem::replace(&mut self.open, Open::Nothing).guarded(guard);
        self
    }

    /// Its work is inside of this in other libraries.
    pub(crate) fn restoring(mut self, restored: Restored) -> Self {
        self.open = std::mem::replace(&mut self.open, Open::Nothing).restoring(restored);
        self
    }

    /// Its work is inside of its context in other libraries, too.
    pub(crate) fn in_other_libraries(self) -> Self {
        let restored = Restored::new(&self.context);
        self.restoring(restored)
    }

    /// What its work is inside of in other libraries.
    pub(crate) fn restored(&self) -> &Restored {
        self.open.restored()
    }

    /// As much of an error's text as this span may record, for an event that quotes it.
    pub(crate) fn error_text(&self, text: String) -> String {
        passed(self.open.guard(), &self.context, text)
    }

    /// The context to record under. Empty if the span found no room: the context is then its parent's.
    fn recorded(&self) -> &Context {
        static NOBODY: Context = Context::EMPTY;
        if self.open.has_span() { &self.context } else { &NOBODY }
    }

    /// Ends it as ok.
    #[inline]
    pub fn end(mut self) {
        self.open.end(&self.context, Status::Ok)
    }

    /// Ends it as failed.
    pub fn error(mut self, error: impl Display) {
        self.open.fail(&self.context, &Failure::new(&error))
    }

    /// Ends it as panicked, if you have caught a panic and know its message.
    pub fn panicked(mut self, message: impl Display) {
        self.open.panicked(&self.context, || shown(&message))
    }

    /// Ends it as cancelled.
    pub fn cancel(mut self) {
        self.open.end(&self.context, Status::Cancelled)
    }

    /// Ends it by the latest panic of this thread: for a span that is not around the work but beside it, so that nobody has
    /// caught the panic.
    pub(crate) fn unwound(mut self) {
        self.open.unwound(&self.context, Watch::of_latest())
    }

    /// Ends it by a result.
    pub fn end_with(mut self, result: &impl Outcome) {
        match result.judged() {
            Some(failure) => self.open.fail(&self.context, &failure),
            None => self.open.end(&self.context, Status::Ok),
        }
    }
}

/// A span that nobody records, with the context that its work has: for work that gets no span and keeps its place all the
/// same, in other libraries too.
pub fn unrecorded_span(context: Context) -> Span {
    Span::new(context, Open::Nothing).in_other_libraries()
}

/// A span whose work has ended, until it is known whether it failed: the end that is recorded later has the time at which this
/// was made. For adapters whose client answers in parts.
///
/// ```
/// use spanbridge::adapter::StoppedSpan;
/// use spanbridge::{Failure, observe};
///
/// let answered = StoppedSpan::of(observe::span("GET").open());
/// // … whoever has the answer reads on:
/// let reading = answered.resume();
/// // … or not, and then it ended when it was answered.
/// StoppedSpan::of(reading).failed(&Failure::new(&"the body broke off").class("body"));
/// ```
#[must_use = "a span that is dropped is cancelled"]
#[derive(Debug)]
pub struct StoppedSpan {
    span: Span,
    at: u64,
}

impl StoppedSpan {
    /// A span whose work ends now.
    pub fn of(span: Span) -> Self {
        StoppedSpan { span, at: thread_recorder().now() }
    }

    /// The span, whose work goes on after all.
    pub fn resume(self) -> Span {
        self.span
    }

    /// Adds an attribute.
    pub fn attribute<'v>(&self, key: &'static str, value: impl IntoValue<'v>) {
        self.span.attribute(key, value)
    }

    /// Ends it as ok.
    pub fn end(self) {
        let mut span = self.span;
        span.open.end_at(&span.context, self.at, None)
    }

    /// Ends it as failed.
    pub fn failed(self, failure: &Failure<'_>) {
        let mut span = self.span;
        span.open.end_at(&span.context, self.at, Some(failure))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Span").field(&self.context).finish()
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        self.open.end(&self.context, Status::Cancelled)
    }
}

/// The current span, for code deep inside that adds to it. Its owner ends it.
#[derive(Clone, Debug)]
pub struct ActiveSpan(Context);

/// The current span, if one is recorded.
pub fn active_span() -> Option<ActiveSpan> {
    ActiveSpan::of(current::context())
}

impl ActiveSpan {
    /// The span of a context, for code that only has the context. `None` if it is a span of another process or run.
    pub fn of(context: Context) -> Option<Self> {
        (context.is_recorded() && context.own_span().is_some()).then_some(ActiveSpan(context))
    }

    /// The context inside the span.
    pub fn context(&self) -> &Context {
        &self.0
    }

    fn recorded(&self) -> &Context {
        &self.0
    }
}

macro_rules! on_a_span {
    ($type:ty) => {
        impl $type {
            /// The span's id, if it is recorded.
            pub fn id(&self) -> Option<SpanId> {
                self.recorded().is_recorded().then(|| self.recorded().span_id()).flatten()
            }

            /// Adds an attribute: see [`IntoValue`].
            pub fn attribute<'v>(&self, key: &'static str, value: impl IntoValue<'v>) {
                if self.recorded().is_recorded() {
                    if let Some(given) = value.into_given() {
                        details::attributes(self.recorded(), &[(key, given.value())])
                    }
                }
            }

            /// Adds attributes.
            pub fn attributes(&self, attributes: &[(&'static str, Value<'_>)]) {
                details::attributes(self.recorded(), attributes)
            }

            /// Records that something happened now.
            pub fn event(&self, name: &str, attributes: &[(&'static str, Value<'_>)]) {
                details::event(self.recorded(), name, attributes)
            }

            /// Links to a related span that is not the parent.
            pub fn link(&self, other: &Context) {
                details::link(self.recorded(), other)
            }

            /// Records a payload, or a reference to it.
            pub fn artifact(&self, artifact: &details::NewArtifact<'_>) {
                details::artifact(self.recorded(), artifact)
            }

            /// Records a relation of this span to a span, a run or an artifact.
            pub fn edge(&self, edge_type: details::EdgeType, to: impl Into<details::Target>) {
                details::edge(self.recorded(), edge_type, &to.into())
            }

            /// Records a problem with the recording itself, such as a header that could not be read.
            pub fn diagnostic(&self, code: &'static str, message: &str) {
                details::diagnostic(self.recorded(), code, message)
            }
        }
    };
}
on_a_span!(Span);
on_a_span!(ActiveSpan);
