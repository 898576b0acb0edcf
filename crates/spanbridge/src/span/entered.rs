//! A span that is current until a guard is dropped, for the attribute macro.

use super::open::Open;
use crate::panics::Watch;
use crate::{Context, Status};
use std::marker::PhantomData;

/// The span is current until this is dropped, and ends then.
///
/// Hidden: a guard could be held across an `.await`, and it cannot see what the function returns.
#[doc(hidden)] // for the code that the macros write
#[must_use = "the span ends when this is dropped"]
pub struct Entered {
    /// The context before.
    outside: Context,
    context: Context,
    open: Open,
    was_panicking: bool,
    watch: Watch,
    this_thread: PhantomData<*const ()>,
}

impl Entered {
    #[inline]
    pub(crate) fn new(context: Context, open: Open) -> Self {
        let mut outside = context.clone();
        outside.swap_in();
        let was_panicking = std::thread::panicking();
        Entered { outside, context, open, was_panicking, watch: Watch::new(), this_thread: PhantomData }
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        self.outside.swap_back();
        // During unwinding, a destructor may call this function, and it may return.
        let panicked = !self.was_panicking && std::thread::panicking();
        if panicked { self.open.unwound(&self.context, self.watch) } else { self.open.end(&self.context, Status::Ok) }
    }
}
