//! A context that is made current in other libraries while work runs.

use super::source::{ContextSource, SourceScope, sources};
use super::{Context, SpanId};
use crate::panics;
use crate::w3c::{Baggage, TraceParent};
use futures_core::Stream;
use pin_project_lite::pin_project;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

/// A context as the [sources](super::source::ContextSource) of this process have prepared it: current there while work runs.
///
/// The process span of a message has one, so most adapters do not need it: [`Work`](crate::adapter::Work), [`Span::run`] and
/// [`in_open_span`](crate::adapter::in_open_span) run work inside. It is for adapters that run work by the span's context alone.
/// Cheap to clone. If there are no sources, it is nothing, and costs nothing.
///
/// [`Span::run`]: crate::observe::Span::run
#[derive(Clone, Default)]
pub struct Restored(Option<Arc<Scopes>>);

struct Scopes {
    /// That of the context.
    parent: Option<TraceParent>,
    /// That of the context.
    baggage: Baggage,
    /// In the order of the sources, with the span that is current inside. (Spans are unwind safe.)
    all: AssertUnwindSafe<Vec<Scope>>,
}

struct Scope {
    /// `None` only in the destructor.
    scope: Option<Box<dyn SourceScope>>,
    span: u64,
}

thread_local! {
    /// The innermost of this thread.
    static INNERMOST: RefCell<Option<Arc<Scopes>>> = const { RefCell::new(None) };
}

impl Restored {
    /// Nothing.
    pub(crate) const NOTHING: Restored = Restored(None);

    /// Prepares a context.
    pub fn new(context: &Context) -> Self {
        match sources() {
            None => Restored(None),
            Some(sources) => Restored(Some(Arc::new(Scopes::new(context, sources)))),
        }
    }

    /// Whether it is nothing.
    #[inline(always)]
    pub(crate) fn is_nothing(&self) -> bool {
        self.0.is_none()
    }

    /// Calls `f` with the context current in all sources, in theirs alone. Whatever they do, `f` is called once, and what it
    /// panics with goes on.
    pub fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
        match &self.0 {
            None => f(),
            Some(scopes) => scopes.call(f),
        }
    }

    /// Wraps a future or a stream: every poll is inside, and so is its destructor.
    pub fn around<T>(self, inner: T) -> InRestored<T> {
        InRestored { inner: Some(inner), restored: self }
    }
}

impl fmt::Debug for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self.0.as_ref().map_or(0, |scopes| scopes.all.len());
        f.debug_struct("Restored").field("sources", &sources).finish_non_exhaustive()
    }
}

/// If a source's current span is the one that was made current there last, on this thread, so that nothing was begun inside:
/// the span of the context that it was made from.
pub(crate) fn innermost_of(source: usize, theirs: &TraceParent) -> Option<SpanId> {
    let of = |scopes: &Arc<Scopes>| {
        let parent = scopes.parent.filter(|parent| parent.trace_id == theirs.trace_id)?;
        (scopes.all[source].span == theirs.span_id.0).then_some(parent.span_id)
    };
    INNERMOST.try_with(|innermost| innermost.borrow().as_ref().and_then(of)).unwrap_or(None)
}

/// Whether this baggage is what was made current there last, on this thread. `None`: nothing was.
pub(crate) fn is_restored_baggage(baggage: &Baggage) -> Option<bool> {
    let is_it = |scopes: &Arc<Scopes>| scopes.baggage == *baggage;
    INNERMOST.try_with(|innermost| innermost.borrow().as_ref().map(is_it)).unwrap_or(None)
}

impl Scopes {
    fn new(context: &Context, sources: &[Box<dyn ContextSource>]) -> Self {
        let parent = context.trace_parent();
        let prepared = |source: &dyn ContextSource| {
            let scope = panics::caught(|| {
                let scope = source.scope(context);
                (scope.span_id(), scope)
            });
            let (span, scope) = scope.map_or((None, None), |(span, scope)| (span, Some(scope)));
            let span = span.or(parent.map(|parent| parent.span_id)).map_or(0, |span| span.0);
            Scope { scope, span }
        };
        let all = AssertUnwindSafe(sources.iter().map(|source| prepared(&**source)).collect());
        Scopes { parent, baggage: context.baggage().clone(), all }
    }

    fn call<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> R {
        let (mut f, mut result) = (Some(f), None);
        let mut call = || {
            if let Some(f) = f.take() {
                result = Some(catch_unwind(AssertUnwindSafe(f)))
            }
        };
        let innermost = Innermost::new(self.clone());
        enter(&self.all, &mut call);
        drop(innermost);
        call(); // nothing, unless no scope has called it, which `enter` sees to
        match result {
            Some(Ok(value)) => value,
            Some(Err(panic)) => resume_unwind(panic),
            None => resume_unwind(Box::new("the work was not called")), // it was, just above
        }
    }
}

/// Calls `call` inside of all scopes. A scope that panics, or does not call it, is passed over.
fn enter(scopes: &[Scope], call: &mut dyn FnMut()) {
    let Some((first, rest)) = scopes.split_first() else { return call() };
    let mut was_called = false;
    if let Some(scope) = &first.scope {
        let entered = catch_unwind(AssertUnwindSafe(|| {
            scope.enter(&mut || {
                if !std::mem::replace(&mut was_called, true) {
                    enter(rest, call)
                }
            })
        }));
        entered.unwrap_or_else(panics::discard)
    }
    if !was_called {
        enter(rest, call)
    }
}

/// These scopes are the innermost until this is dropped.
struct Innermost(Option<Arc<Scopes>>);

impl Innermost {
    fn new(scopes: Arc<Scopes>) -> Self {
        Innermost(replace_innermost(Some(scopes)))
    }
}

impl Drop for Innermost {
    fn drop(&mut self) {
        drop(replace_innermost(self.0.take()))
    }
}

/// (What is replaced is dropped by the caller, outside of the borrow.)
fn replace_innermost(scopes: Option<Arc<Scopes>>) -> Option<Arc<Scopes>> {
    INNERMOST.try_with(|innermost| innermost.replace(scopes)).unwrap_or(None)
}

/// A destructor of theirs may panic.
impl Drop for Scope {
    fn drop(&mut self) {
        let _ = panics::caught(|| drop(self.scope.take()));
    }
}

pin_project! {
    /// A future or a stream whose every poll runs in a context [`Restored`] in other libraries. Its destructor, too.
    #[must_use = "does nothing unless polled"]
    pub struct InRestored<T> {
        // `None` only in the destructor.
        #[pin]
        inner: Option<T>,
        restored: Restored,
    }

    impl<T> PinnedDrop for InRestored<T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.restored.in_scope(|| this.inner.set(None))
        }
    }
}

impl<T> InRestored<T> {
    /// The wrapped value.
    pub fn get_ref(&self) -> Option<&T> {
        self.inner.as_ref()
    }
}

impl<F: Future> Future for InRestored<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else { return Poll::Pending };
        this.restored.in_scope(|| inner.poll(cx))
    }
}

impl<S: Stream> Stream for InRestored<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else { return Poll::Ready(None) };
        this.restored.in_scope(|| inner.poll_next(cx))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.as_ref().map_or((0, Some(0)), Stream::size_hint)
    }
}
