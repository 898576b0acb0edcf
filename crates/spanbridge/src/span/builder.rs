//! Beginning a span.

#[cfg(feature = "macros")]
use super::entered::Entered;
use super::handle::{ActiveSpan, Span};
use super::in_span::InSpan;
use super::open::{Open, fail_span};
use crate::context::{RECORDED, Shared, untag};
use crate::current::{self, ambient};
use crate::outcome::{Anything, By, ByOutcome, Judge, Outcome};
use crate::recording::{Key, Started, hot};
use crate::{Context, Kind, Primitive, Status, Value};
use std::borrow::Cow;
use std::fmt::Display;
use std::future::Future;
use std::marker::PhantomData;

/// A span that has begun (its start time and its parent are taken) and takes attributes until it is run.
///
/// It writes to this thread's buffer, so it is not `Send`; what `run` and `open` give is. Dropped without being run it
/// was never there. Taken out of the scope in which it was begun it records nothing any more.
#[must_use = "a span is made by `run`, `in_scope` or `open`"]
pub struct SpanBuilder {
    started: Started,
    /// Of a root: the context that begins with it. Else empty.
    root: Context,
    /// Names the context that it was begun in.
    within: u64,
    this_thread: PhantomData<*const Shared>,
}

/// Begins a span under the current one. Without a current run it begins a trace, whose own run it belongs to.
///
/// With no recorder, or in a trace that is not sampled, this does next to nothing.
#[inline(always)]
pub fn span(name: impl Into<Cow<'static, str>>) -> SpanBuilder {
    let name = name.into();
    let name = match &name {
        Cow::Borrowed(text) => Value::Static(text),
        Cow::Owned(text) => Value::Str(text),
    };
    let shared = ambient().shared.get();
    let (started, root, within) = if shared.addr() & RECORDED != 0 {
        // SAFETY: what is current is kept alive by whoever made it current.
        let shared = unsafe { &*untag(shared) };
        (hot().begin(shared, ambient().span.get(), name), Context::EMPTY, shared.serial())
    } else if may_begin_trace(shared) {
        let (started, root) = begin_trace(name);
        (started, root, 0)
    } else {
        (Started::NONE, Context::EMPTY, 0)
    };
    SpanBuilder { started, root, within, this_thread: PhantomData }
}

#[cfg(feature = "record")]
#[inline(always)]
fn may_begin_trace(shared: *const Shared) -> bool {
    !shared.is_null() || crate::intake::installed()
}

#[cfg(not(feature = "record"))]
#[inline(always)]
fn may_begin_trace(_: *const Shared) -> bool {
    false
}

/// A span without a run around it: a new trace, if there is none and somebody records.
#[cold]
#[inline(never)]
fn begin_trace(name: Value<'_>) -> (Started, Context) {
    let root = if current::context().is_empty() { crate::origin::new_trace() } else { Context::EMPTY };
    let started = match root.shared() {
        Some(shared) if root.is_recorded() => hot().begin(shared, 0, name),
        _ => Started::NONE,
    };
    (started, root)
}

impl SpanBuilder {
    /// The shared part that the span was begun with. `None` when the builder was taken out of the scope that it was
    /// begun in: then nobody keeps that alive.
    #[inline(always)]
    fn shared(&self) -> Option<&Shared> {
        if !self.root.shared.is_null() {
            return self.root.shared();
        }
        let p = ambient().shared.get();
        // SAFETY: what is current is kept alive by whoever made it current.
        let shared = unsafe { untag(p).as_ref() };
        shared.filter(|s| s.serial() == self.within)
    }

    /// Gives the span up when it was taken out of its scope.
    #[inline(always)]
    fn stay_in_scope(&mut self) {
        if !self.started.is_none() && self.shared().is_none() {
            self.stray()
        }
    }

    #[cold]
    #[inline(never)]
    fn stray(&mut self) {
        if self.discard() {
            hot().count_dropped()
        }
    }

    /// Adds an attribute. Text is copied; see [`Value::Static`] for text that need not be.
    #[inline(always)]
    pub fn attribute<'v>(mut self, key: &'static str, value: impl Into<Value<'v>>) -> Self {
        if !self.started.is_none() {
            let mut started = self.started;
            hot().add(&mut started, || self.shared(), Key::Attribute(key), value.into());
            self.started = started;
        }
        self
    }

    /// What kind of step it is; [`Primitive::OPERATION`] where nothing is said.
    #[inline(always)]
    pub fn primitive(self, primitive: Primitive) -> Self {
        self.set_kind(Some(primitive), None)
    }

    /// Its role in a remote interaction; [`Kind::Internal`] where nothing is said.
    #[inline(always)]
    pub fn kind(self, kind: Kind) -> Self {
        self.set_kind(None, Some(kind))
    }

    #[inline(always)]
    fn set_kind(mut self, primitive: Option<Primitive>, kind: Option<Kind>) -> Self {
        if !self.started.is_none() {
            let mut started = self.started;
            hot().set_kind(&mut started, || self.shared(), primitive, kind);
            self.started = started;
        }
        self
    }

    /// Links to a span that belongs to it without being its parent.
    pub fn link(mut self, other: &Context) -> Self {
        if let Some(p) = other.trace_parent().filter(|_| !self.started.is_none()) {
            let mut started = self.started;
            hot().add_all(&mut started, || self.shared(), &super::details::link_items(p));
            self.started = started;
        }
        self
    }

    /// With `false`: a span that is only a detail of something larger. Where there is no run it is not recorded, and
    /// begins none; inside a run it is recorded in full.
    #[inline]
    pub fn implicit_run(mut self, yes: bool) -> Self {
        if !yes && !self.root.shared.is_null() {
            self.discard();
            self.root = Context::EMPTY;
        }
        self
    }

    /// The span's id, where it is recorded.
    #[inline]
    pub fn id(&self) -> Option<crate::SpanId> {
        crate::SpanId::new(self.started.id)
    }

    /// Never to be seen, if nobody has seen it yet; else cancelled, and false.
    #[cold]
    fn discard(&mut self) -> bool {
        let started = std::mem::replace(&mut self.started, Started::NONE);
        let unseen = started.is_none() || hot().retract(&started);
        if !unseen {
            hot().end(started, self.shared(), Status::Cancelled)
        }
        unseen
    }

    /// Calls `f` inside the span, and ends it by what `f` returns.
    #[inline(always)]
    pub fn in_scope<R: Outcome>(self, f: impl FnOnce() -> R) -> R {
        self.scope(ByOutcome, f)
    }

    /// As [`SpanBuilder::in_scope`], for a value that cannot fail.
    #[inline(always)]
    pub fn in_scope_value<R>(self, f: impl FnOnce() -> R) -> R {
        self.scope(Anything, f)
    }

    /// For the attribute macro, which judges any type. (`f` comes first: it settles what the judge is given.)
    #[doc(hidden)]
    #[inline(always)]
    pub fn in_scope_by<R>(
        self,
        f: impl FnOnce() -> R,
        judge: impl for<'a> FnOnce(&'a R) -> Option<&'a dyn Display>,
    ) -> R {
        self.scope(By(judge), f)
    }

    #[inline(always)]
    fn scope<R, J: Judge<R>>(mut self, judge: J, f: impl FnOnce() -> R) -> R {
        self.stay_in_scope();
        let started = std::mem::replace(&mut self.started, Started::NONE);
        let mut root = std::mem::take(&mut self.root);
        if started.is_none() && root.shared.is_null() {
            return f();
        }
        hot().publish(&started);
        let is_root = !root.shared.is_null();
        let mut outer_span = 0;
        if is_root {
            if !started.is_none() {
                root.span = started.id
            }
            root.swap();
        } else {
            outer_span = ambient().span.replace(started.id) // not always the parent: see the tests
        }
        // until `f` has returned, it panics
        let mut scope = Scope { started, status: Status::Panicked, outer_span, is_root, outside: root };
        let result = f();
        scope.status = Status::Ok;
        judge.failed(&result, |e| scope.fail(e));
        result
    }

    /// A span that may be held, sent elsewhere and ended anywhere.
    #[inline]
    pub fn open(mut self) -> Span {
        let (open, context) = self.take();
        Span::new(context, open)
    }

    /// A future that runs `inner` inside the span and ends it by what it resolves to.
    #[inline]
    pub fn run<F: Future>(self, inner: F) -> InSpan<F>
    where
        F::Output: Outcome,
    {
        self.future(inner, ByOutcome)
    }

    /// As [`SpanBuilder::run`], for a value that cannot fail.
    #[inline]
    pub fn run_value<F: Future>(self, inner: F) -> InSpan<F, Anything> {
        self.future(inner, Anything)
    }

    /// For the attribute macro, which judges any type.
    #[doc(hidden)]
    #[inline]
    pub fn run_by<F, J>(self, inner: F, judge: J) -> InSpan<F, By<J>>
    where
        F: Future,
        J: for<'a> FnOnce(&'a F::Output) -> Option<&'a dyn Display>,
    {
        self.future(inner, By(judge))
    }

    /// For the attribute macro: as [`SpanBuilder::run_by`], with the making of the future inside the span as well.
    #[doc(hidden)]
    #[inline]
    pub fn make_by<R, F, M, J>(mut self, make: M, judge: J) -> InSpan<F, By<J>>
    where
        F: Future<Output = R>,
        M: FnOnce() -> F,
        J: for<'a> FnOnce(&'a R) -> Option<&'a dyn Display>,
    {
        let (open, context) = self.take();
        InSpan::made(context, open, make, By(judge))
    }

    /// For the attribute macro, where the body cannot be a closure.
    #[cfg(feature = "macros")]
    #[doc(hidden)]
    #[inline]
    pub fn enter(mut self) -> Entered {
        let (open, context) = self.take();
        Entered::new(context, open)
    }

    #[inline]
    fn future<F, J>(mut self, inner: F, judge: J) -> InSpan<F, J> {
        let (open, context) = self.take();
        InSpan::new(context, open, inner, judge)
    }

    /// The finished span and its context: what is current, where nothing is recorded.
    #[inline]
    fn take(&mut self) -> (Open, Context) {
        self.stay_in_scope();
        let started = std::mem::replace(&mut self.started, Started::NONE);
        hot().publish(&started);
        let mut context = if self.root.shared.is_null() { current::context() } else { std::mem::take(&mut self.root) };
        if !started.is_none() {
            context.span = started.id
        }
        (Open::span(started), context)
    }
}

impl Drop for SpanBuilder {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.started.is_none() {
            self.discard();
        }
    }
}

/// What an `in_scope` leaves behind, also by a panic: the span ended, and current what was so before.
struct Scope {
    started: Started,
    status: Status,
    outer_span: u64,
    is_root: bool,
    /// Of a root: what was current outside.
    outside: Context,
}

impl Scope {
    #[cold]
    fn fail(&mut self, error: &dyn Display) {
        let started = std::mem::replace(&mut self.started, Started::NONE);
        if !started.is_none() {
            fail_span(started, current_shared(), error)
        }
    }
}

/// The shared part of what is current.
#[inline(always)]
fn current_shared<'a>() -> &'a Shared {
    // SAFETY: inside a scope, and the scope keeps alive what it made current.
    unsafe { &*untag(ambient().shared.get()) }
}

impl Drop for Scope {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.started.is_none() {
            hot().end(self.started, Some(current_shared()), self.status)
        }
        if self.is_root { self.outside.swap() } else { ambient().span.set(self.outer_span) }
    }
}

macro_rules! has_children {
    ($type:ty) => {
        impl $type {
            /// Opens a child.
            pub fn start_child(&self, name: impl Into<Cow<'static, str>>) -> Span {
                current::in_scope(self.context(), || span(name).open())
            }
        }
    };
}
has_children!(Span);
has_children!(ActiveSpan);
