//! What each recording thread has: a writer, its lane, its id generators.

use crate::buffer::{Lane, Writer};
use crate::intake::Intake;
use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::ptr::null;
use std::sync::Arc;

/// Everything that the hot path touches: const-initialised and without Drop, so that access is a plain load, and works
/// in other thread-locals' destructors.
pub(crate) struct Hot {
    pub(crate) writer: Writer,
    pub(super) lane: Cell<*const Lane>,
    intake: Cell<*const Intake>,
    seeds: [Cell<u64>; 3],
}

thread_local! {
    static HOT: Hot = const {
        Hot {
            writer: Writer::new(),
            lane: Cell::new(null()),
            intake: Cell::new(null()),
            seeds: [const { Cell::new(0) }; 3],
        }
    };
    static OWNED: Owned = const { Owned(Cell::new(None)) };
}

/// `LocalKey::with` is not always inlined when its closure is large; a pointer is.
#[inline(always)]
pub(crate) fn hot<'a>() -> &'a Hot {
    // SAFETY: HOT has no destructor, so it lives as long as the thread, and the reference is never stored or sent.
    unsafe { &*HOT.with(|h| h as *const Hot) }
}

/// Keeps the lane and the pool alive that `Hot` points into, and closes the lane when the thread ends, after which the
/// reader adopts its last chunk.
struct Owned(Cell<Option<(Arc<Lane>, Arc<Intake>)>>);

impl Drop for Owned {
    fn drop(&mut self) {
        hot().forget();
        if let Some((lane, _)) = self.0.take() {
            lane.close()
        }
    }
}

impl Hot {
    fn forget(&self) {
        self.writer.detach();
        self.lane.set(null());
        self.intake.set(null());
    }

    /// Makes this thread a writer of `intake`. False when that cannot be: the recorder is gone, or the thread nearly.
    pub(super) fn attach(&self, intake: &Arc<Intake>) -> bool {
        if std::ptr::eq(self.intake.get(), Arc::as_ptr(intake)) {
            return true;
        }
        if !intake.is_on() {
            return false;
        }
        let lane = Lane::new();
        let Ok(old) = OWNED.try_with(|o| o.0.replace(Some((lane.clone(), intake.clone())))) else { return false };
        self.writer.publish_tail(); // a builder may be unfinished
        self.forget();
        if let Some((lane, _)) = old {
            lane.close()
        }
        self.lane.set(Arc::as_ptr(&lane));
        self.intake.set(Arc::as_ptr(intake));
        intake.register(lane);
        true
    }

    /// This thread's lane.
    pub(super) fn lane(&self) -> Option<&Lane> {
        // SAFETY: set by `attach` to a lane that OWNED keeps alive until `forget`.
        unsafe { self.lane.get().as_ref() }
    }

    /// A Weyl sequence through a bijective mixer: never twice on a thread, from a random start. Never zero.
    #[inline(always)]
    fn next(&self, i: usize) -> u64 {
        let seed = &self.seeds[i];
        if seed.get() == 0 {
            self.reseed()
        }
        seed.set(seed.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
        let z = (seed.get() ^ seed.get() >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        (z ^ z >> 32) | (z == 0) as u64
    }

    /// For spans and everything else of eight bytes.
    #[inline(always)]
    pub(crate) fn id(&self) -> u64 {
        self.next(0)
    }

    /// For traces and runs.
    pub(crate) fn long_id(&self) -> u128 {
        (self.next(1) as u128) << 64 | self.next(2) as u128
    }

    #[cold]
    #[inline(never)]
    fn reseed(&self) {
        let mut bytes = [0; 24];
        let from_os = getrandom::fill(&mut bytes).is_ok();
        for (seed, b) in self.seeds.iter().zip(bytes.chunks_exact(8)) {
            let os = b.iter().fold(0u64, |v, b| v << 8 | u64::from(*b));
            // Without the OS's help: the standard library's hash keys, which are as random as it could get them.
            seed.set(if from_os { os } else { RandomState::new().hash_one(seed as *const _ as usize) } | 1)
        }
    }
}

/// A new id of eight bytes.
pub(crate) fn new_id() -> u64 {
    hot().id()
}

/// Ids begin anew from the operating system's randomness: after a snapshot of this process was restored elsewhere.
pub(crate) fn reseed() {
    hot().seeds.iter().for_each(|s| s.set(0))
}

/// In a forked child: nothing of the parent's buffers is ours to write to, and ids must not repeat the parent's.
#[cfg(unix)]
pub(crate) fn watch_forks() {
    extern "C" fn before() {
        crate::intake::before_fork()
    }
    extern "C" fn in_parent() {
        crate::intake::after_fork_in_parent()
    }
    extern "C" fn in_child() {
        crate::intake::after_fork_in_child();
        hot().forget();
        reseed();
    }
    static ONCE: std::sync::Once = std::sync::Once::new();
    // SAFETY: the handlers do not unwind; in the child nothing is touched but atomics, thread-locals of the thread that
    // forked, and the lock that it took before.
    ONCE.call_once(|| unsafe {
        libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child));
    });
}

#[cfg(not(unix))]
pub(crate) fn watch_forks() {}
