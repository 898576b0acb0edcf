//! The slot of a thread that has the current context.

use super::Shared;
use std::cell::Cell;
use std::ptr::null;

pub(crate) struct Ambient {
    pub(crate) shared: Cell<*const Shared>,
    pub(crate) span: Cell<u64>,
    /// How many calls around us have exchanged the shared part, and restore it when they return.
    pub(super) depth: Cell<u32>,
    /// One more than the depth at which the latest context was entered that has not been left, or 0. `u32::MAX`, if the next
    /// call that returns has something else to tidy up. See [`super::entered`].
    pub(super) entered: Cell<u32>,
}

thread_local! {
    // const-initialised and without Drop: access is a plain load, and it still works in other thread-locals'
    // destructors. The reference that it counts is leaked if a thread ends inside a scope, which it cannot.
    static AMBIENT: Ambient = const {
        Ambient { shared: Cell::new(null()), span: Cell::new(0), depth: Cell::new(0), entered: Cell::new(0) }
    };
}

/// `LocalKey::with` is not always inlined when its closure is large; a pointer is.
#[inline(always)]
pub(crate) fn ambient<'a>() -> &'a Ambient {
    // SAFETY: AMBIENT has no destructor, so it lives as long as the thread, and the reference is never stored or sent.
    unsafe { &*AMBIENT.with(|a| a as *const Ambient) }
}
