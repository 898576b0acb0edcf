//! A counted reference that a thread keeps back: what ends a span gives it to the next one, and nothing is counted.
//!
//! It is of what was current then, and one per thread. It is given up when the thread opens a span of something else, or ends.

use super::ambient::ambient;
use super::{Context, Shared};
use std::cell::Cell;
use std::mem::forget;
use std::ptr::null;

struct Spare {
    shared: Cell<*const Shared>,
    state: Cell<State>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// The thread has not kept anything so far.
    New,
    /// What it keeps is given up when it ends.
    Watched,
    /// It has ended.
    Gone,
}

thread_local! {
    // Without Drop, so that access is a plain load.
    static SPARE: Spare = const { Spare { shared: Cell::new(null()), state: Cell::new(State::New) } };
    static AT_END: AtEnd = const { AtEnd };
}

/// Gives up what is kept when the thread ends.
struct AtEnd;

impl Drop for AtEnd {
    fn drop(&mut self) {
        spare().state.set(State::Gone);
        give_up()
    }
}

#[inline(always)]
fn spare<'a>() -> &'a Spare {
    // SAFETY: SPARE has no destructor, so it lives as long as the thread, and the reference is never stored or sent.
    unsafe { &*SPARE.with(|s| s as *const Spare) }
}

/// Takes the reference that is kept to this shared part. False, if there is none: then it is to be counted, and what is kept
/// [given up](give_up).
#[inline(always)]
pub(super) fn take(shared: *const Shared) -> bool {
    let spare = spare();
    if spare.shared.get() == shared {
        spare.shared.set(null());
        return true;
    }
    false
}

/// Keeps the reference of a context that is no longer needed, if it is of what is current.
#[inline(always)]
pub(crate) fn keep(context: Context) {
    let spare = spare();
    let current = ambient().shared.get();
    if context.shared == current && spare.shared.get().is_null() && spare.state.get() == State::Watched {
        spare.shared.set(current);
        return forget(context);
    }
    keep_not(context)
}

#[inline(never)]
fn keep_not(context: Context) {
    let (spare, current) = (spare(), ambient().shared.get());
    if spare.state.get() == State::New && AT_END.try_with(|_| ()).is_ok() {
        spare.state.set(State::Watched)
    }
    if spare.shared.get() != current {
        give_up()
    }
    drop(context)
}

/// Gives up what is kept, if anything.
#[inline(always)]
pub(super) fn give_up() {
    if !spare().shared.get().is_null() {
        give_up_kept()
    }
}

#[cold]
#[inline(never)]
fn give_up_kept() {
    drop(Context { shared: spare().shared.replace(null()), span: 0 })
}
