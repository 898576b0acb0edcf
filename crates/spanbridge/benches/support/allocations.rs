//! Counts allocations, of this thread and of all.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

static ON: AtomicBool = AtomicBool::new(false);
static ALL: AtomicU64 = AtomicU64::new(0);
thread_local!(static OWN: Cell<u64> = const { Cell::new(0) });

/// How many allocations there were: of this thread, of all threads.
pub(crate) fn counted() -> (u64, u64) {
    (OWN.get(), ALL.load(Relaxed))
}

pub(crate) fn count(on: bool) {
    ON.store(on, Relaxed)
}

fn note() {
    if ON.load(Relaxed) {
        ALL.fetch_add(1, Relaxed);
        let _ = OWN.try_with(|n| n.set(n.get() + 1));
    }
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, p: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(p, layout) }
    }
    unsafe fn realloc(&self, p: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(p, layout, size) }
    }
}
