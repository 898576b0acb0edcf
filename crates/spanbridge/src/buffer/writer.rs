//! The writing end: what one thread does.

use super::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering::*};
use super::{Chunk, END, Pool, WORDS};
use std::cell::Cell;
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// What a writing thread and the reader share.
pub(crate) struct Lane {
    pub(super) first: AtomicPtr<Chunk>,
    pub(super) closed: AtomicBool,
    /// Records that found no room. Written by the lane's thread only.
    pub(crate) dropped: AtomicU64,
    /// Attributes and texts that were cut or left out. Written by the lane's thread only.
    pub(crate) cut: AtomicU64,
}

impl Lane {
    /// A lane with nothing in it.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Lane {
            first: AtomicPtr::new(null_mut()),
            closed: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            cut: AtomicU64::new(0),
        })
    }

    /// The writer's last word: from here on the reader owns the current chunk too.
    pub(crate) fn close(&self) {
        self.closed.store(true, Release)
    }

    /// Adds to a counter that only this thread writes.
    pub(crate) fn count(counter: &AtomicU64, many: u64) {
        counter.store(counter.load(Relaxed) + many, Relaxed)
    }
}

static EPOCH: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

/// The epoch while there is no chunk: of no token, not even of the 0 that stands for none.
const NO_EPOCH: u64 = u64::MAX;

/// Lives in a thread-local. A token is `epoch << 16 | index`: it names a record of one tenure of one chunk, so
/// comparing the epoch answers both "is this my thread" and "is this chunk still mine".
pub(crate) struct Writer {
    chunk: Cell<*const Chunk>,
    /// Where the next word goes; `WORDS` while there is no chunk.
    pub(crate) pos: Cell<usize>,
    epoch: Cell<u64>,
    /// The serial of the context whose record stands last in the chunk.
    pub(crate) context: Cell<u64>,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// Without a chunk.
    pub(crate) const fn new() -> Self {
        Writer { chunk: Cell::new(null()), pos: Cell::new(WORDS), epoch: Cell::new(NO_EPOCH), context: Cell::new(0) }
    }

    /// Forgets the chunk. The lane must be closed afterwards, or never read.
    pub(crate) fn detach(&self) {
        self.chunk.set(null());
        self.pos.set(WORDS);
        self.epoch.set(NO_EPOCH);
        self.context.set(0);
    }

    /// Whether `n` more words fit.
    #[inline(always)]
    pub(crate) fn room(&self, n: usize) -> bool {
        self.pos.get() + n <= WORDS
    }

    /// Names the record that starts at `at`.
    #[inline(always)]
    pub(crate) fn token(&self, at: usize) -> u64 {
        self.epoch.get() << 16 | at as u64
    }

    /// The words from `at` on.
    ///
    /// # Safety
    /// There is a current chunk, which follows from `room(n)` with n > 0; the caller stays within the room it checked.
    #[inline(always)]
    pub(crate) unsafe fn ptr(&self, at: usize) -> *const AtomicU64 {
        debug_assert!(at < WORDS);
        // SAFETY: the chunk is there by the caller's promise, and `at` lies inside it. The pointer derives from the
        // whole array.
        unsafe { (*self.chunk.get()).words.as_ptr().add(at) }
    }

    /// # Safety
    /// As for [`Writer::ptr`].
    #[inline(always)]
    pub(crate) unsafe fn put(&self, at: usize, word: u64) {
        // SAFETY: the caller's promise.
        unsafe { (*self.ptr(at)).store(word, Relaxed) }
    }

    /// What we wrote there.
    ///
    /// # Safety
    /// As for [`Writer::ptr`].
    #[inline(always)]
    pub(crate) unsafe fn get(&self, at: usize) -> u64 {
        // SAFETY: the caller's promise.
        unsafe { (*self.ptr(at)).load(Relaxed) }
    }

    /// Makes everything up to `pos` readable.
    ///
    /// # Safety
    /// There is a current chunk.
    #[inline(always)]
    pub(crate) unsafe fn publish(&self) {
        // SAFETY: the caller's promise.
        unsafe { (*self.chunk.get()).len.store(self.pos.get(), Release) }
    }

    /// As `publish`, if there is a chunk.
    pub(crate) fn publish_tail(&self) {
        if !self.chunk.get().is_null() {
            // SAFETY: there is a current chunk.
            unsafe { self.publish() }
        }
    }

    /// Whether the record of this token lies in our current chunk.
    #[inline(always)]
    pub(crate) fn is_mine(&self, token: u64) -> bool {
        token >> 16 == self.epoch.get()
    }

    /// Where the record of this token starts, if it is the unpublished one at the tail.
    #[inline(always)]
    pub(crate) fn tail(&self, token: u64) -> Option<usize> {
        let at = (token & 0xffff) as usize;
        // SAFETY: an equal epoch means that the token's chunk is the current one.
        (self.is_mine(token) && unsafe { (*self.chunk.get()).len.load(Relaxed) } <= at).then_some(at)
    }

    /// Takes the unpublished record at the tail back, as if it had never been.
    pub(crate) fn retract(&self, token: u64) -> bool {
        let at = self.tail(token);
        if let Some(at) = at {
            self.pos.set(at)
        }
        at.is_some()
    }

    /// Sets the end word, if the record is still in our current chunk.
    #[inline(always)]
    pub(crate) fn patch(&self, token: u64, word: u64) -> bool {
        let mine = self.is_mine(token);
        if mine {
            // SAFETY: equal epochs: the current chunk is there, and the index was valid when the token was made.
            unsafe { (*self.ptr((token & 0xffff) as usize + END)).store(word, Release) }
        }
        mine
    }

    /// Leaves the current chunk for a fresh one that starts with `context`; an unpublished tail from `keep` on moves
    /// along. False: the pool is empty, and nothing changed.
    #[cold]
    pub(crate) fn refill(&self, pool: &Pool, lane: &Lane, for_end: bool, context: &[u64], keep: Option<usize>) -> bool {
        let Some(new) = pool.take(for_end) else { return false };
        let (old, end) = (self.chunk.get(), self.pos.get());
        // SAFETY: `new` is ours alone; `old`, when there is one, is ours until `next` is stored.
        unsafe {
            let mut n = 0;
            let mut push = |word| {
                (&(*new).words)[n].store(word, Relaxed);
                n += 1
            };
            context.iter().for_each(|w| push(*w));
            if old.is_null() {
                lane.first.store(new as *mut _, Release)
            } else {
                let keep = keep.unwrap_or(end);
                (keep..end).for_each(|i| push((&(*old).words)[i].load(Relaxed)));
                (*old).len.store(keep, Release);
                (*old).next.store(new as *mut _, Release);
            }
            (*new).len.store(context.len(), Release);
            self.pos.set(n);
        }
        self.chunk.set(new);
        self.epoch.set(EPOCH.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        true
    }
}
