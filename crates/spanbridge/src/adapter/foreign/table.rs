//! All open spans of the process: in slots, and beyond them in a map.

use super::kept::Kept;
use super::{overflow, slots};
use crate::context::Shared;
use crate::context::entered::Key;

#[inline(always)]
pub(super) fn put(key: Key, kept: Kept) {
    if let Err(kept) = slots::put(key, kept) {
        overflow::put(key, kept)
    }
}

/// Whether there has been any span. Where nothing is recorded, that is the only question.
#[inline(always)]
pub(super) fn is_used() -> bool {
    slots::is_used()
}

/// The shared part and the span of its context, if they are easily found. The shared part may be gone.
#[inline(always)]
pub(super) fn look(key: Key) -> Option<(*const Shared, u64)> {
    slots::look(key)
}

/// Calls `f` with the span, which is locked meanwhile: `f` is short, and calls nobody's code.
pub(super) fn with<R>(key: Key, f: impl FnOnce(&mut Kept) -> R) -> Option<R> {
    let mut f = Some(f);
    let mut call = |kept: &mut Kept| f.take().map(|f| f(kept));
    match slots::with(key, &mut call) {
        Some(result) => result,
        None => overflow::with(key, &mut call)?,
    }
}

#[inline(always)]
pub(super) fn take(key: Key) -> Option<Kept> {
    match slots::take(key) {
        Some(kept) => Some(kept),
        None => overflow::take(key),
    }
}

/// Whether a span has this owner.
pub(super) fn any(owner: u32) -> bool {
    slots::any(owner) || overflow::any(owner)
}
