//! What each recording thread has: a writer, its lane, its id generators.

use super::clock;
use crate::buffer::{Lane, Writer};
use crate::context::intake::{self, Intake};
use crate::fork::{self, AtFork, Held};
use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::ptr::null;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};

/// Everything that the hot path touches: const-initialised and without Drop, so that access is a plain load, and works
/// in other thread-locals' destructors.
pub(crate) struct ThreadRecorder {
    pub(crate) writer: Writer,
    pub(super) lane: Cell<*const Lane>,
    intake: Cell<*const Intake>,
    seeds: [Cell<u64>; 3],
}

thread_local! {
    static THREAD_RECORDER: ThreadRecorder = const {
        ThreadRecorder {
            writer: Writer::new(),
            lane: Cell::new(null()),
            intake: Cell::new(null()),
            seeds: [const { Cell::new(0) }; 3],
        }
    };
    static OWNED: Owned = const { Owned(Cell::new(None)) };
}

/// What all threads' ids are mixed with: the seeds of other threads are out of reach when a snapshot of the process was
/// restored.
static SALTS: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

/// `LocalKey::with` is not always inlined when its closure is large; a pointer is.
#[inline(always)]
pub(crate) fn thread_recorder<'a>() -> &'a ThreadRecorder {
    // SAFETY: THREAD_RECORDER has no destructor, so it lives as long as the thread, and the reference is never stored or sent.
    unsafe { &*THREAD_RECORDER.with(|h| h as *const ThreadRecorder) }
}

/// Keeps the lane and the pool alive that `ThreadRecorder` points into, and closes the lane when the thread ends, after which the
/// reader adopts its last chunk.
struct Owned(Cell<Option<(Arc<Lane>, Arc<Intake>)>>);

impl Drop for Owned {
    fn drop(&mut self) {
        thread_recorder().forget();
        if let Some((lane, _)) = self.0.take() {
            lane.close()
        }
    }
}

impl ThreadRecorder {
    fn forget(&self) {
        self.writer.detach();
        self.lane.set(null());
        self.keep(null());
    }

    /// Notes what OWNED keeps alive.
    fn keep(&self, owned: *const Intake) {
        self.intake.set(owned);
        // SAFETY: OWNED has a reference to it, and this is called again, with another, before it gives that up.
        unsafe { intake::set_kept_alive(owned) }
    }

    /// Makes this thread a writer of `intake`. False when that cannot be: the recorder is gone, or has no room, or the thread is
    /// nearly gone.
    pub(super) fn attach(&self, intake: &Arc<Intake>, for_end: bool) -> bool {
        if std::ptr::eq(self.intake.get(), Arc::as_ptr(intake)) {
            return true;
        }
        // Without room a lane would have nothing in it, and threads that come and go would leave any number of them.
        if !intake.is_on() || !intake.pool.has_room(for_end) {
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
        self.keep(Arc::as_ptr(intake));
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
        let z = seed.get() ^ SALTS[i].load(Relaxed);
        let z = (z ^ z >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
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
        for (seed, random) in self.seeds.iter().zip(random()) {
            seed.set(random | 1)
        }
    }
}

/// From the operating system. Without its help: the standard library's hash keys, which are as random as it could get
/// them.
fn random() -> [u64; 3] {
    let mut bytes = [0; 24];
    let from_os = getrandom::fill(&mut bytes).is_ok();
    std::array::from_fn(|i| {
        let os = bytes[8 * i..8 * i + 8].iter().fold(0u64, |v, b| v << 8 | u64::from(*b));
        if from_os { os } else { RandomState::new().hash_one(i) }
    })
}

/// A new id of eight bytes.
pub(crate) fn new_id() -> u64 {
    thread_recorder().id()
}

/// The ids of all threads begin anew from the operating system's randomness: after a snapshot of this process was
/// restored, perhaps in many places.
pub(crate) fn reseed() {
    for (salt, random) in SALTS.iter().zip(random()) {
        salt.store(random, Relaxed)
    }
}

/// Has recording end in forked children: nothing of the parent's buffers is theirs to write to, and their ids must not
/// repeat the parent's.
pub(crate) fn watch_forks() {
    static IS_WATCHED: AtomicBool = AtomicBool::new(false);
    if !IS_WATCHED.load(Acquire) {
        fork::watch(&Forking, &IS_WATCHED)
    }
}

struct Forking;

impl AtFork for Forking {
    fn hold(&'static self) -> Box<dyn Held> {
        clock::init(); // done, or waited for: a child finds nothing half initialised
        Box::new(Installed(intake::hold()))
    }
}

/// The lock of what is installed.
struct Installed(#[expect(dead_code, reason = "let go of when it is dropped")] intake::Lock);

impl Held for Installed {
    fn in_child(&mut self) {
        intake::forget_installed();
        thread_recorder().forget();
        thread_recorder().seeds.iter().for_each(|s| s.set(0)); // there is no other thread
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Two processes that begin as the same snapshot: threads that have made ids before the snapshot go on differently.
    #[test]
    fn restored_twice_no_thread_makes_the_same_ids() {
        let (told, hears) = mpsc::channel();
        let (tells, is_told) = mpsc::channel::<()>();
        let other = std::thread::spawn(move || {
            let ids = || (thread_recorder().id(), thread_recorder().long_id());
            ids();
            let frozen: Vec<u64> = thread_recorder().seeds.iter().map(Cell::get).collect();
            for () in is_told {
                thread_recorder().seeds.iter().zip(&frozen).for_each(|(s, f)| s.set(*f));
                told.send(ids()).unwrap()
            }
        });
        let restored = || {
            reseed();
            tells.send(()).unwrap();
            hears.recv().unwrap()
        };
        let (first, second) = (restored(), restored());
        assert!(first.0 != second.0 && first.1 != second.1);
        assert!(first.1 as u64 != second.1 as u64 && first.1 >> 64 != second.1 >> 64);
        drop(tells);
        other.join().unwrap();
    }
}
