//! Locks of a library whose users may panic while one is held.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a thread panicked inside. No critical section of this crate leaves its data half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
