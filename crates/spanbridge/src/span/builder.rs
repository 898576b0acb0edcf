//! Beginning a span.

use super::class::PANIC;
#[cfg(feature = "macros")]
use super::entered::Entered;
use super::handle::{ActiveSpan, Span};
use super::in_span::InSpan;
use super::open::{Open, end_span};
use crate::context::{BEGINS, RECORDED, Shared, untag};
use crate::current::{self, ambient};
use crate::encoder::layout::MAX_STATIC;
use crate::encoder::origin;
use crate::encoder::{Key, Started, thread_recorder};
use crate::panics::Watch;
use crate::span::outcome::{Anything, By, ByOutcome, Judge, Outcome};
use crate::{Context, Failure, IntoValue, Kind, Primitive, Status};
use std::borrow::Cow;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;

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
    // Before a look at what is current: it may be the user's code, and change that.
    match name.into() {
        Cow::Borrowed(name) if name.len() <= MAX_STATIC => begin(Name::Static(name)),
        Cow::Borrowed(name) => begin(Name::Text(name)),
        Cow::Owned(name) => begin(Name::Text(&name)),
    }
}

/// As [`span`], for a name that is put together and copied.
pub(crate) fn span_of_text(name: &str) -> SpanBuilder {
    begin(Name::Text(name))
}

/// What a span is called.
#[derive(Clone, Copy)]
enum Name<'a> {
    /// Recorded by its address.
    Static(&'static str),
    /// Copied.
    Text(&'a str),
}

impl From<Name<'_>> for Cow<'static, str> {
    fn from(name: Name<'_>) -> Self {
        match name {
            Name::Static(name) => Cow::Borrowed(name),
            Name::Text(name) => Cow::Owned(name.to_owned()),
        }
    }
}

#[inline(always)]
fn begin(name: Name<'_>) -> SpanBuilder {
    let shared = ambient().shared.get();
    if shared.addr() & RECORDED != 0 {
        // SAFETY: what is current is kept alive by whoever made it current, and nothing below is the user's code.
        let shared = unsafe { &*untag(shared) };
        let parent = ambient().span.get();
        let started = match name {
            Name::Static(name) => thread_recorder().begin(shared, parent, name),
            Name::Text(name) => thread_recorder().begin_owned(shared, parent, name),
        };
        SpanBuilder { started, root: Context::EMPTY, within: shared.serial(), this_thread: PhantomData }
    } else if may_begin_trace(shared) {
        // Word by word, for what is returned through a pointer stays in memory.
        let (started, root) = begin_trace(name);
        let root = Context { shared: root.shared, span: root.span };
        SpanBuilder { started, root, within: 0, this_thread: PhantomData }
    } else {
        SpanBuilder { started: Started::NONE, root: Context::EMPTY, within: 0, this_thread: PhantomData }
    }
}

/// As [`span`](fn@span), under an id that is known before: for work whose ids are derived from what it works on, so that
/// they are the same in whichever process asks. Who gives an id twice says that it is the same span.
#[doc(hidden)]
pub fn span_with_id(name: impl Into<Cow<'static, str>>, id: crate::SpanId) -> SpanBuilder {
    let mut span = span(name);
    if !span.started.is_none() {
        span.started = thread_recorder().set_id(span.started, id.get())
    }
    span
}

/// Whether a span that begins here may be recorded: for what costs something to find out for one.
#[doc(hidden)]
pub fn may_record() -> bool {
    let shared = ambient().shared.get();
    shared.addr() & RECORDED != 0 || may_begin_trace(shared)
}

#[cfg(feature = "record")]
#[inline(always)]
fn may_begin_trace(shared: *const Shared) -> bool {
    if shared.is_null() { crate::context::intake::installed() } else { shared.addr() & crate::context::BEGINS != 0 }
}

#[cfg(not(feature = "record"))]
#[inline(always)]
fn may_begin_trace(_: *const Shared) -> bool {
    false
}

/// A span without a recorded run around it: a new trace, if there is none and somebody records, or one that arrived and that
/// nobody has decided about. Such a root is held back until its builder is finished.
#[cold]
#[inline(never)]
fn begin_trace(name: Name<'_>) -> (Started, ManuallyDrop<Context>) {
    let outside = current::context();
    let root = match () {
        () if outside.is_empty() => origin::new_trace(&outside),
        () if outside.is_undecided() => outside,
        () => Context::EMPTY,
    };
    let started = match (root.shared(), name) {
        _ if root.is_undecided() => thread_recorder().hold(name.into()),
        (Some(shared), Name::Static(name)) if root.is_recorded() => thread_recorder().begin(shared, 0, name),
        (Some(shared), Name::Text(name)) if root.is_recorded() => thread_recorder().begin_owned(shared, 0, name),
        _ => Started::NONE,
    };
    (started, ManuallyDrop::new(root))
}

/// Has the sampler decide about a root that was held back.
#[cold]
#[inline(never)]
fn settle(started: Started, root: &Context) -> (Started, ManuallyDrop<Context>) {
    let Some(held) = thread_recorder().take_held(started.id) else {
        return (Started::NONE, ManuallyDrop::new(origin::decided(root, false)));
    };
    let context = origin::decide(root, &held.name, held.primitive(), held.kind(), &held.attributes());
    let started = match context.shared().filter(|_| context.is_recorded()) {
        Some(shared) => thread_recorder().begin_held(shared, root.span, &held),
        None => Started::NONE,
    };
    (started, ManuallyDrop::new(context))
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

    /// What was begun, if it was not taken out of its scope, and the root.
    #[inline(always)]
    fn into_parts(self) -> (Started, Context) {
        let this = ManuallyDrop::new(self);
        let mut started = this.started;
        if this.root.shared.addr() & BEGINS != 0 {
            // SAFETY: `this` is not dropped, so the root is not either, and it is read once.
            let undecided = unsafe { std::ptr::read(&this.root) };
            // Word by word, as above.
            let (started, root) = settle(started, &undecided);
            return (started, Context { shared: root.shared, span: root.span });
        }
        if !started.is_none() && this.shared().is_none() {
            stray(started);
            started = Started::NONE
        }
        // SAFETY: `this` is not dropped, so the root is not either, and it is read once.
        (started, unsafe { std::ptr::read(&this.root) })
    }

    /// Adds an attribute: see [`IntoValue`]. Text is copied; see [`Value::Static`](crate::Value::Static) for text that need
    /// not be.
    #[inline(always)]
    pub fn attribute<'v>(mut self, key: &'static str, value: impl IntoValue<'v>) -> Self {
        if !self.started.is_none() {
            if let Some(given) = value.into_given() {
                let value = given.value();
                self.started = thread_recorder().add(self.started, || self.shared(), Key::Attribute(key), value);
            }
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
            self.started = thread_recorder().set_kind(self.started, || self.shared(), primitive, kind);
        }
        self
    }

    /// Links to a span that belongs to it without being its parent.
    pub fn link(mut self, other: &Context) -> Self {
        if let Some(p) = other.trace_parent().filter(|_| !self.started.is_none()) {
            self.started = thread_recorder().add_all(self.started, self.shared(), &super::details::link_items(p));
        }
        self
    }

    /// With `false`: a span that is only a detail of something larger. Where there is no run it is not recorded, and
    /// begins none; inside a run it is recorded in full.
    #[inline]
    pub fn implicit_run(mut self, yes: bool) -> Self {
        // An undecided root that came from elsewhere has a run around it.
        if !yes && self.root.shared().is_some_and(|root| !root.remote) {
            discard(std::mem::replace(&mut self.started, Started::NONE), self.root.shared());
            self.root = Context::EMPTY;
        }
        self
    }

    /// The span's id, where it is recorded.
    #[inline]
    pub fn id(&self) -> Option<crate::SpanId> {
        crate::SpanId::new(self.started.id)
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
    pub fn in_scope_by<R>(self, f: impl FnOnce() -> R, judge: impl for<'a> FnOnce(&'a R) -> Option<Failure<'a>>) -> R {
        self.scope(By(judge), f)
    }

    #[inline(always)]
    fn scope<R, J: Judge<R>>(self, judge: J, f: impl FnOnce() -> R) -> R {
        let (started, root) = self.into_parts();
        if started.is_none() && root.shared.is_null() {
            return f();
        }
        let mut scope = Scope::enter(started, root);
        let result = f();
        // A destructor would not be inlined: it is for panics.
        judge.failed(&result, |e| fail_here(std::mem::replace(&mut scope.started, Started::NONE), e));
        ManuallyDrop::new(scope).leave(Status::Ok);
        result
    }

    /// A span that may be held, sent elsewhere and ended anywhere.
    #[inline]
    pub fn open(self) -> Span {
        let (open, context) = self.finish();
        Span::new(context, open)
    }

    /// Calls `work` inside the span, and returns the future that it makes: every poll is inside, and the span ends by its
    /// output.
    ///
    /// `work` is called once, now, so whatever it makes belongs to this span, also spans that it begins. It is not stored:
    /// the future that is returned is `Send` and `'static` if the one that `work` made is.
    ///
    /// ```
    /// # use spanbridge::observe::span;
    /// # async fn pack(_: &str) -> Result<(), std::fmt::Error> { Ok(()) }
    /// # async fn work(order: &str) -> Result<(), std::fmt::Error> {
    /// span("ship").run(|| span("pack").run(|| pack(order))).await?;
    /// span("ship").run(async || {
    ///     pack(order).await?;
    ///     pack("the invoice").await
    /// }).await
    /// # }
    /// ```
    ///
    /// Dropped before it is ready, the span is cancelled. A panic of `work` or of its future ends it as panicked, and goes on.
    ///
    /// A future that was made before does not compile, because what it has begun would be outside:
    ///
    /// ```compile_fail,E0277
    /// # use spanbridge::observe::span;
    /// # async fn pack() {}
    /// # async fn work() {
    /// span("ship").run(pack()).await; // write `span("ship").run(|| pack())`
    /// # }
    /// ```
    #[inline]
    pub fn run<F, Fut>(self, work: F) -> InSpan<Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        Fut::Output: Outcome,
    {
        self.future(work, ByOutcome)
    }

    /// As [`SpanBuilder::run`], for a value that cannot fail.
    #[inline]
    pub fn run_value<F, Fut>(self, work: F) -> InSpan<Fut, Anything>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
    {
        self.future(work, Anything)
    }

    /// For the attribute macro, which judges any type. (The output comes first, so that the macro can name it.)
    #[doc(hidden)]
    #[inline]
    pub fn run_by<R, F, Fut, J>(self, work: F, judge: J) -> InSpan<Fut, By<J>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = R>,
        J: for<'a> FnOnce(&'a R) -> Option<Failure<'a>>,
    {
        self.future(work, By(judge))
    }

    /// For the attribute macro, where the body cannot be a closure.
    #[cfg(feature = "macros")]
    #[doc(hidden)]
    #[inline]
    pub fn enter(self) -> Entered {
        let (open, context) = self.finish();
        Entered::new(context, open)
    }

    #[inline]
    fn future<F, J>(self, work: impl FnOnce() -> F, judge: J) -> InSpan<F, J> {
        let (open, context) = self.finish();
        InSpan::new(context, open, work, judge)
    }

    /// The finished span and its context: what is current, where nothing is recorded.
    #[inline]
    fn finish(self) -> (Open, Context) {
        let (started, root) = self.into_parts();
        thread_recorder().publish(&started);
        let mut context = if root.shared.is_null() { current::context() } else { root };
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
            discard(self.started, self.shared());
        }
    }
}

// What is rare stands in functions of its own and takes values, so that a builder can live in registers.

/// Never to be seen, if nobody has seen it yet; else cancelled, and false.
#[cold]
#[inline(never)]
fn discard(started: Started, shared: Option<&Shared>) -> bool {
    let unseen = started.is_none() || thread_recorder().retract(&started);
    if !unseen {
        thread_recorder().end(started, || shared, Status::Cancelled)
    }
    unseen
}

/// Gives up a span that was taken out of its scope.
#[cold]
#[inline(never)]
fn stray(started: Started) {
    if discard(started, None) {
        thread_recorder().count_dropped()
    }
}

/// Ends a span whose scope is current.
#[cold]
#[inline(never)]
fn fail_here(started: Started, failure: Failure<'_>) {
    if started.is_none() {
        return; // nobody will read it
    }
    let error = failure.message(); // before a look at what is current: it is the user's code, and may change that
    if let Some(shared) = current_shared() {
        end_span(started, shared, Status::Error, &error, failure.error_type())
    }
}

/// The same, by a panic.
#[cold]
#[inline(never)]
fn panicked_here(started: Started, watch: Watch) {
    if let Some(shared) = current_shared().filter(|_| !started.is_none()) {
        end_span(started, shared, Status::Panicked, &watch.text(), PANIC)
    }
}

/// What an `in_scope` leaves behind, also by a panic: the span ended, and current what was so before.
struct Scope {
    started: Started,
    outer_span: u64,
    is_root: bool,
    watch: Watch,
    /// Of a root: what was current outside. Else nothing.
    outside: ManuallyDrop<Context>,
}

impl Scope {
    #[inline(always)]
    fn enter(started: Started, root: Context) -> Self {
        thread_recorder().publish(&started);
        let is_root = !root.shared.is_null();
        let mut outside = ManuallyDrop::new(root);
        let mut outer_span = 0;
        if is_root {
            if !started.is_none() {
                outside.span = started.id
            }
            outside.swap()
        } else {
            outer_span = ambient().span.replace(started.id) // not always the parent: see the tests
        }
        Scope { started, outer_span, is_root, watch: Watch::new(), outside }
    }

    #[inline(always)]
    fn leave(&mut self, status: Status) {
        if !self.started.is_none() {
            thread_recorder().end(self.started, current_shared, status)
        }
        if self.is_root {
            self.outside.swap();
            // SAFETY: a root's context is dropped once, here; it is not current any more.
            unsafe { ManuallyDrop::drop(&mut self.outside) }
        } else {
            ambient().span.set(self.outer_span)
        }
    }
}

/// The shared part of what is current, inside a scope.
#[inline(always)]
fn current_shared<'a>() -> Option<&'a Shared> {
    // SAFETY: the scope keeps alive what it made current.
    unsafe { untag(ambient().shared.get()).as_ref() }
}

impl Drop for Scope {
    #[cold]
    fn drop(&mut self) {
        panicked_here(self.started, self.watch);
        self.started = Started::NONE;
        self.leave(Status::Panicked)
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
