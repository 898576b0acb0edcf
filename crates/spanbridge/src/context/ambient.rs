//! The slot of a thread that has the current context.

use super::Shared;
use std::cell::Cell;
use std::ptr::{null, without_provenance};

/// What a call keeps as the shared part around it that exchanges only the span. No shared part has this address.
pub(crate) const SAME: *const Shared = without_provenance(align_of::<Shared>());

/// What no call keeps.
pub(super) const NO_CALLS: *const Shared = without_provenance(2 * align_of::<Shared>());

pub(crate) struct Ambient {
    pub(crate) shared: Cell<*const Shared>,
    pub(crate) span: Cell<u64>,
    /// How many calls around us have exchanged the shared part, and restore it when they return.
    pub(super) depth: Cell<u32>,
    /// One more than the depth at which the latest context was entered that has not been left, or 0. `u32::MAX`, if the next
    /// call that returns has something else to tidy up. See [`super::entered`].
    pub(super) entered: Cell<u32>,
    /// What a call keeps that has only the span to restore: [`SAME`] unless anything is entered on this thread. (One
    /// comparison tells both.)
    pub(crate) only_span: Cell<*const Shared>,
}

thread_local! {
    // const-initialised and without Drop: access is a plain load, and it still works in other thread-locals'
    // destructors. The reference that it counts is leaked if a thread ends inside a scope, which it cannot.
    static AMBIENT: Ambient = const {
        Ambient { shared: Cell::new(null()), span: Cell::new(0), depth: Cell::new(0), entered: Cell::new(0), only_span: Cell::new(SAME) }
    };
}

/// `LocalKey::with` is not always inlined when its closure is large; a pointer is.
#[inline(always)]
pub(crate) fn ambient<'a>() -> &'a Ambient {
    // SAFETY: AMBIENT has no destructor, so it lives as long as the thread, and the reference is never stored or sent.
    unsafe { &*AMBIENT.with(|a| a as *const Ambient) }
}
