//! All chunks of a recorder: lock-free, capped.

use super::WORDS;
use super::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering::*};
use std::ptr::null_mut;

/// A fixed piece of memory that belongs to one writer, then to the reader, then to the pool again.
#[repr(C, align(64))]
pub(crate) struct Chunk {
    /// Words that the reader may look at.
    pub(super) len: AtomicUsize,
    /// Where the writer went when it left this chunk.
    pub(super) next: AtomicPtr<Chunk>,
    /// The free list: slot number of the next free chunk, 0 for none.
    free_next: AtomicU32,
    /// Its own slot number, from 1.
    slot: AtomicU32,
    pub(super) words: [AtomicU64; WORDS],
}

impl Chunk {
    /// A zeroed chunk on the heap. Boxed zeroing would build 32 KiB on the stack first.
    #[cfg(not(all(loom, test)))]
    fn allocate() -> *mut Chunk {
        let layout = std::alloc::Layout::new::<Chunk>();
        // SAFETY: the layout is not empty; all-zero bytes are a valid Chunk (atomics and a null pointer).
        let p = unsafe { std::alloc::alloc_zeroed(layout) } as *mut Chunk;
        if p.is_null() {
            std::alloc::handle_alloc_error(layout)
        }
        p
    }

    #[cfg(all(loom, test))]
    fn allocate() -> *mut Chunk {
        Box::into_raw(Box::new(Chunk {
            len: AtomicUsize::new(0),
            next: AtomicPtr::new(null_mut()),
            free_next: AtomicU32::new(0),
            slot: AtomicU32::new(0),
            words: std::array::from_fn(|_| AtomicU64::new(0)),
        }))
    }
}

/// The chunks of one recorder. Writers never wait for the reader or for each other.
pub(crate) struct Pool {
    slots: Box<[AtomicPtr<Chunk>]>,
    /// Free list head: a tag against ABA in the upper half, a slot number in the lower.
    free: AtomicU64,
    made: AtomicUsize,
    used: AtomicUsize,
    reserve: usize,
}

impl Pool {
    /// `cap` chunks in all; the last `reserve` may only be taken for ends, so that what began can still end.
    pub(crate) fn new(cap: usize, reserve: usize) -> Self {
        Pool {
            slots: (0..cap).map(|_| AtomicPtr::new(null_mut())).collect(),
            free: AtomicU64::new(0),
            made: AtomicUsize::new(0),
            used: AtomicUsize::new(0),
            reserve,
        }
    }

    /// Chunks that writers or the reader hold.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Chunks that were ever allocated: the memory that is held.
    pub(crate) fn made(&self) -> usize {
        self.made.load(Relaxed)
    }

    /// The most chunks there will be.
    pub(crate) fn cap(&self) -> usize {
        self.slots.len()
    }

    /// So many chunks may be in use.
    fn limit(&self, for_end: bool) -> usize {
        self.slots.len() - if for_end { 0 } else { self.reserve }
    }

    /// Whether there is a chunk to be had, as far as one can tell.
    pub(crate) fn has_room(&self, for_end: bool) -> bool {
        self.used() < self.limit(for_end)
    }

    pub(super) fn take(&self, for_end: bool) -> Option<*const Chunk> {
        let limit = self.limit(for_end);
        let mut n = self.used.load(Relaxed);
        loop {
            if n >= limit {
                return None;
            }
            match self.used.compare_exchange_weak(n, n + 1, AcqRel, Relaxed) {
                Ok(_) => break,
                Err(now) => n = now,
            }
        }
        // The permit above means that a free or an unmade chunk is there for us.
        loop {
            let head = self.free.load(Acquire);
            if head as u32 != 0 {
                let chunk = self.slots[head as u32 as usize - 1].load(Acquire);
                // SAFETY: chunks live as long as the pool; a stale `free_next` is caught by the tag.
                let next = unsafe { (*chunk).free_next.load(Relaxed) };
                let new = ((head >> 32) + 1) << 32 | next as u64;
                if self.free.compare_exchange(head, new, AcqRel, Relaxed).is_ok() {
                    return Some(chunk);
                }
                continue;
            }
            let made = self.made.load(Relaxed);
            if made < self.slots.len() && self.made.compare_exchange(made, made + 1, AcqRel, Relaxed).is_ok() {
                let chunk = Chunk::allocate();
                // SAFETY: fresh and valid.
                unsafe { (*chunk).slot.store(made as u32 + 1, Relaxed) };
                self.slots[made].store(chunk, Release);
                return Some(chunk);
            }
            #[cfg(all(loom, test))]
            loom::thread::yield_now();
        }
    }

    /// Gives a chunk back that no writer uses and no reader looks at.
    pub(super) fn put(&self, chunk: *const Chunk) {
        // SAFETY: the reader owns retired chunks, and the pool outlives it.
        let c = unsafe { &*chunk };
        c.len.store(0, Relaxed);
        c.next.store(null_mut(), Relaxed);
        let slot = c.slot.load(Relaxed) as u64;
        let mut head = self.free.load(Relaxed);
        loop {
            c.free_next.store(head as u32, Relaxed);
            match self.free.compare_exchange_weak(head, ((head >> 32) + 1) << 32 | slot, AcqRel, Relaxed) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        self.used.fetch_sub(1, AcqRel);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for slot in &*self.slots {
            let chunk = slot.load(Acquire);
            if !chunk.is_null() {
                // SAFETY: every slot holds null or a chunk from `allocate` (Box and alloc_zeroed agree: same layout,
                // global allocator), and nobody is left who could look at it.
                drop(unsafe { Box::from_raw(chunk) })
            }
        }
    }
}
