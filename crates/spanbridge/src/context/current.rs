//! The current context of a thread. No async runtime is needed.
//!
//! The current context is a thread-local. A wrapper around a future, stream or sink sets it for each poll ([`WithContext`]), a
//! scope sets it for a call ([`in_scope`]), and a closure takes it along to another thread ([`bind`]). Spawned tasks and threads
//! do not inherit it: wrap what you spawn with [`in_current_context`](ContextExt::in_current_context) or [`bind`].

pub(crate) use super::ambient::{SAME, ambient};
use super::{entered, spare};
use crate::context::Context;
use futures_core::Stream;
use futures_sink::Sink;
use pin_project_lite::pin_project;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{self, Poll};

impl Context {
    /// Whether its shared part is that of what is current.
    pub(crate) fn is_current(&self) -> bool {
        self.shared == ambient().shared.get()
    }

    /// Exchanges the current context with `self`, at the beginning of a call. It returns by [`Context::swap_back`].
    #[inline(always)]
    pub(crate) fn swap_in(&mut self) {
        let a = ambient();
        a.depth.set(a.depth.get() + 1);
        self.exchange()
    }

    /// Exchanges them again: `self` is what it was, whatever was entered meanwhile and not left.
    #[inline(always)]
    pub(crate) fn swap_back(&mut self) {
        let a = ambient();
        let depth = a.depth.get();
        if a.entered.get() > depth {
            return entered::return_from_call(self);
        }
        a.depth.set(depth - 1);
        self.exchange()
    }

    #[inline(always)]
    pub(super) fn exchange(&mut self) {
        let a = ambient();
        self.shared = a.shared.replace(self.shared);
        self.span = a.span.replace(self.span);
    }
}

/// The current context. Empty if there is none.
#[inline]
pub fn context() -> Context {
    with_span(ambient().span.get())
}

/// The current context, inside this span.
#[inline]
pub(crate) fn with_span(span: u64) -> Context {
    let shared = ambient().shared.get();
    // The ambient slot counts its own reference, so what is made here must not give one up.
    let current = ManuallyDrop::new(Context { shared, span });
    if spare::take(shared) {
        return ManuallyDrop::into_inner(current);
    }
    let context = (*current).clone();
    spare::give_up(); // last: it may be what drops a recorder, and the application's sinks with it
    context
}

/// Its context is current until it is dropped, also by a panic. Then it is what it was.
pub(crate) struct Swapped<'a>(&'a mut Context);

impl<'a> Swapped<'a> {
    #[inline(always)]
    pub(crate) fn new(context: &'a mut Context) -> Self {
        context.swap_in();
        Swapped(context)
    }
}

impl Drop for Swapped<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.swap_back()
    }
}

/// Calls `f` with `context` as the current one.
///
/// There is no guard that you could hold across an `.await`.
///
/// The context is current for everything that this thread does during the call. So do not call `block_on` inside if the runtime
/// has other tasks on this thread, as tokio's `current_thread` runtime has: their polls would get this context, too. Instead,
/// give the future its context: `runtime.block_on(future.in_context(context))`.
pub fn in_scope<R>(context: &Context, f: impl FnOnce() -> R) -> R {
    // Borrowed for as long as it is current, so it needs no reference of its own.
    let mut context = ManuallyDrop::new(Context { ..*context });
    let _swapped = Swapped::new(&mut context);
    f()
}

/// As [`in_scope`], for a context that nobody else needs: without a reference more.
pub(crate) fn in_own_scope<R>(mut context: Context, f: impl FnOnce() -> R) -> R {
    let _swapped = Swapped::new(&mut context);
    f()
}

/// Gives a closure the context that is current now, whichever thread calls it. For `std::thread::spawn`, rayon and
/// `spawn_blocking`.
pub fn bind<R>(f: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let context = context();
    move || in_scope(&context, f)
}

/// Whether spans that begin here are recorded, by a recorder that nobody stands in for.
#[cfg(feature = "record")]
#[inline(always)]
pub(crate) fn is_recorded_and_live() -> bool {
    ambient().shared.get().addr() & super::RECORDED != 0
}

/// Whether the recorder in effect has somebody who stands in for the outside.
pub(crate) fn stands_in() -> bool {
    #[cfg(feature = "record")]
    {
        // SAFETY: what is current is kept alive by the ambient slot while we look at it.
        let current = unsafe { crate::context::untag(ambient().shared.get()).as_ref() };
        match current {
            Some(s) if s.intake.is_some() => s.intake.as_deref().is_some_and(|i| i.has_stand_in()),
            Some(s) if s.trace == 0 => false,
            _ => crate::context::intake::installed_stands_in(),
        }
    }
    #[cfg(not(feature = "record"))]
    false
}

/// The recorder in effect: the recorder of the current context, else the installed one.
#[cfg(feature = "record")]
pub(crate) fn intake() -> Option<std::sync::Arc<crate::context::intake::Intake>> {
    // SAFETY: what is current is kept alive by the ambient slot while we look at it.
    let current = unsafe { crate::context::untag(ambient().shared.get()).as_ref() };
    match current {
        Some(s) if s.intake.as_ref().is_some_and(|i| i.is_on()) => s.intake.clone(),
        Some(s) if s.trace == 0 && s.intake.is_none() => None, // a sink's thread: what it does itself is not recorded
        _ => crate::context::intake::global(),
    }
}

pin_project! {
    /// A future, stream or sink with a context that is current during every poll. It is current in the destructor, too, so what
    /// a cancelled body drops is recorded in the right place.
    #[must_use = "does nothing unless polled"]
    pub struct WithContext<T> {
        #[pin]
        inner: ManuallyDrop<T>,
        context: Context,
    }

    impl<T> PinnedDrop for WithContext<T> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let _swapped = Swapped::new(this.context);
            // SAFETY: structurally pinned, dropped exactly once and never touched again.
            unsafe { ManuallyDrop::drop(this.inner.get_unchecked_mut()) }
        }
    }
}

impl<T> WithContext<T> {
    pub(crate) fn new(context: Context, inner: T) -> Self {
        WithContext { inner: ManuallyDrop::new(inner), context }
    }

    /// Wraps what `make` returns. `make` is called inside the context.
    #[inline]
    pub(crate) fn made(mut context: Context, make: impl FnOnce() -> T) -> Self {
        let swapped = Swapped::new(&mut context);
        let inner = make();
        drop(swapped);
        WithContext::new(context, inner)
    }

    /// The context.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The wrapped value.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    #[inline(always)]
    fn parts(self: Pin<&mut Self>) -> (Pin<&mut T>, &mut Context) {
        let this = self.project();
        // SAFETY: a projection through ManuallyDrop keeps the promise of the pin.
        (unsafe { this.inner.map_unchecked_mut(|m| &mut **m) }, this.context)
    }
}

impl<F: Future> Future for WithContext<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let (inner, context) = self.parts();
        let _swapped = Swapped::new(context);
        inner.poll(cx)
    }
}

impl<S: Stream> Stream for WithContext<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<S::Item>> {
        let (inner, context) = self.parts();
        let _swapped = Swapped::new(context);
        inner.poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<I, S: Sink<I>> Sink<I> for WithContext<S> {
    type Error = S::Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        let (inner, context) = self.parts();
        let _swapped = Swapped::new(context);
        inner.poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, item: I) -> Result<(), S::Error> {
        let (inner, context) = self.parts();
        let _swapped = Swapped::new(context);
        inner.start_send(item)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        let (inner, context) = self.parts();
        let _swapped = Swapped::new(context);
        inner.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Result<(), S::Error>> {
        let (inner, context) = self.parts();
        let _swapped = Swapped::new(context);
        inner.poll_close(cx)
    }
}

/// Wraps futures, streams and sinks.
///
/// Combinators that you apply after the wrapper run outside of it: in `stream.in_context(cx).map(f)`, `f` does not see the
/// context. If each item has a context of its own, wrap the future that handles the item.
///
/// It is implemented for every type, and only here.
pub trait ContextExt: Sized + sealed::Sealed {
    /// `context` is current during every poll.
    fn in_context(self, context: Context) -> WithContext<Self> {
        WithContext::new(context, self)
    }

    /// The context that is current now is current during every poll. Use it for what you spawn.
    fn in_current_context(self) -> WithContext<Self> {
        self.in_context(context())
    }
}

impl<T> ContextExt for T {}

mod sealed {
    /// Keeps others from implementing [`ContextExt`](super::ContextExt), so that it can get more methods.
    pub trait Sealed {}

    impl<T> Sealed for T {}
}
