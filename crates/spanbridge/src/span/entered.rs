//! A span around the rest of a function, for the attribute macro.

use super::open::Open;
use crate::panics::Watch;
use crate::{Context, Status};
use std::marker::PhantomData;

/// The span that is current until this is dropped, which ends it.
///
/// Not public: nothing keeps a guard from being held across an `.await`, and it never sees what a function returns.
#[doc(hidden)]
#[must_use = "the span ends when this is dropped"]
pub struct Entered {
    /// What was current outside.
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
        outside.swap();
        let was_panicking = std::thread::panicking();
        Entered { outside, context, open, was_panicking, watch: Watch::new(), this_thread: PhantomData }
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        self.outside.swap();
        // in a destructor that a panic runs, this function may well have returned
        let panicked = !self.was_panicking && std::thread::panicking();
        if panicked { self.open.unwound(&self.context, self.watch) } else { self.open.end(&self.context, Status::Ok) }
    }
}
