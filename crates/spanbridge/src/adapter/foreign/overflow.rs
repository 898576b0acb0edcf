//! Open spans that found no slot.

use super::kept::Kept;
use crate::context::entered::Key;
use crate::fork::PerProcess;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::*};

static SPANS: PerProcess<BTreeMap<Key, Kept>> = PerProcess::new();

/// How many there are, so that usually nobody takes the lock. A span is counted before its number is told to anybody.
static COUNT: AtomicUsize = AtomicUsize::new(0);

#[cold]
pub(super) fn put(key: Key, kept: Kept) {
    COUNT.fetch_add(1, Relaxed);
    // Dropped outside of the lock.
    let replaced = SPANS.with(|spans| spans.insert(key, kept));
    if replaced.is_some() {
        COUNT.fetch_sub(1, Relaxed);
    }
}

pub(super) fn with<R>(key: Key, f: impl FnOnce(&mut Kept) -> R) -> Option<R> {
    if COUNT.load(Relaxed) == 0 {
        return None;
    }
    SPANS.with(|spans| spans.get_mut(&key).map(f))
}

#[inline(never)]
pub(super) fn take(key: Key) -> Option<Kept> {
    if COUNT.load(Relaxed) == 0 {
        return None;
    }
    let taken = SPANS.with(|spans| spans.remove(&key))?;
    COUNT.fetch_sub(1, Relaxed);
    Some(taken)
}

pub(super) fn any(owner: u32) -> bool {
    let first = Key { owner, id: 0 };
    let last = Key { owner, id: u64::MAX };
    COUNT.load(Relaxed) > 0 && SPANS.with(|spans| spans.range(first..=last).next().is_some())
}
