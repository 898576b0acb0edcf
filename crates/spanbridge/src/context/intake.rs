//! What recording threads and the delivering thread of one recorder share.

use crate::buffer::{Chunk, Lane, LargeTexts, Pool};
use crate::context::sampler::Sampler;
use crate::fork::forks;
use std::any::Any;
use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering::*, fence};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockWriteGuard};

/// The receiving side of a recorder, as contexts and recording threads see it.
pub(crate) struct Intake {
    pub(crate) pool: Pool,
    /// Texts that are too large for chunks. Their memory is a part of what waits for sinks, see `Outlet`.
    pub(crate) large: Arc<LargeTexts>,
    pub(crate) sampler: Sampler,
    lanes: Mutex<Vec<Arc<Lane>>>,
    thread: OnceLock<std::thread::Thread>,
    /// What the recorder keeps here for whoever comes by way of a context: only it knows what that is.
    flush_handle: OnceLock<AssertUnwindSafe<Arc<dyn Any + Send + Sync>>>,
    /// What is recorded of content, if anything is: as above.
    content: OnceLock<AssertUnwindSafe<Box<dyn Any + Send + Sync>>>,
    /// Who answers calls instead of the outside, if anybody does: as above.
    stand_in: Option<AssertUnwindSafe<Box<dyn Any + Send + Sync>>>,
    woken: AtomicBool,
    on: AtomicBool,
    /// Threads that were attached when delivery last looked. Each holds a chunk, though nothing may wait in it.
    attached: AtomicUsize,
    /// Chunks beside those at which delivery is woken early: soon enough for caches and for head-room under the cap.
    wake_at: usize,
    /// Records of threads that could not have a lane any more.
    pub(crate) orphans: AtomicU64,
    forks: u64,
}

/// More would not be limited by memory: 32 GiB. Chunks are numbered in 32 bits, and 8 bytes are set aside for each.
const MOST_CHUNKS: usize = 1 << 20;

/// Of the memory for what threads record, as much again may be in large texts, divided by this.
const LARGE_SHARE: usize = 4;

/// Bytes waiting that wake delivery early.
const WAKE: usize = 1 << 20;

impl Intake {
    pub(crate) fn new(memory: usize, sampler: Sampler) -> Self {
        let cap = (memory / size_of::<Chunk>()).clamp(4, MOST_CHUNKS);
        Intake {
            pool: Pool::new(cap, cap / 16 + 1),
            large: Arc::new(LargeTexts::new(memory / LARGE_SHARE)),
            sampler,
            lanes: Mutex::new(vec![]),
            thread: OnceLock::new(),
            flush_handle: OnceLock::new(),
            content: OnceLock::new(),
            stand_in: None,
            woken: AtomicBool::new(false),
            on: AtomicBool::new(true),
            attached: AtomicUsize::new(0),
            wake_at: (cap / 4).clamp(1, WAKE / size_of::<Chunk>()),
            orphans: AtomicU64::new(0),
            forks: forks(),
        }
    }

    /// Whether somebody delivers what is recorded: not after shutdown, and not in a forked child.
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Relaxed) && !self.is_forked()
    }

    /// This process is a fork of the one that delivers.
    pub(crate) fn is_forked(&self) -> bool {
        self.forks != forks()
    }

    pub(crate) fn turn_off(&self) {
        self.on.store(false, Relaxed)
    }

    pub(crate) fn register(&self, lane: Arc<Lane>) {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).push(lane)
    }

    pub(crate) fn new_lanes(&self) -> Vec<Arc<Lane>> {
        std::mem::take(&mut *self.lanes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_thread(&self, thread: std::thread::Thread) {
        let _ = self.thread.set(thread);
    }

    pub(crate) fn set_desk(&self, flush_handle: Arc<dyn Any + Send + Sync>) {
        let _ = self.flush_handle.set(AssertUnwindSafe(flush_handle));
    }

    pub(crate) fn flush_handle<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.flush_handle.get().and_then(|d| Arc::clone(d).downcast().ok())
    }

    pub(crate) fn set_content(&self, policy: impl Any + Send + Sync) {
        let _ = self.content.set(AssertUnwindSafe(Box::new(policy)));
    }

    /// What is recorded of content. `None`: nothing is.
    pub(crate) fn content<T: Any>(&self) -> Option<&T> {
        self.content.get().and_then(|policy| policy.downcast_ref())
    }

    /// Before there is a context that is bound to it.
    pub(crate) fn set_stand_in(&mut self, stand_in: impl Any + Send + Sync) {
        self.stand_in = Some(AssertUnwindSafe(Box::new(stand_in)));
    }

    /// Whether somebody answers calls instead of the outside.
    #[inline(always)]
    pub(crate) fn has_stand_in(&self) -> bool {
        self.stand_in.is_some()
    }

    /// Who answers calls instead of the outside, if anybody does.
    pub(crate) fn stand_in<T: Any>(&self) -> Option<&T> {
        self.stand_in.as_ref().and_then(|stand_in| stand_in.downcast_ref())
    }

    /// Wakes delivery early when much is waiting. Called once per chunk.
    pub(crate) fn pressure(&self) {
        if self.is_pressed() {
            self.wake()
        }
    }

    /// Much is waiting.
    pub(crate) fn is_pressed(&self) -> bool {
        let attached = self.attached.load(Relaxed);
        let wake_at = self.wake_at.min(self.pool.cap().saturating_sub(attached) / 4).max(1);
        self.pool.used().saturating_sub(attached) >= wake_at
    }

    /// So many threads are attached, and everything of theirs was read.
    pub(crate) fn set_attached(&self, threads: usize) {
        self.attached.store(threads, Relaxed)
    }

    /// Has what was recorded until now delivered at once.
    ///
    /// Whoever wakes has published a record and looks at `woken`; the delivering thread clears `woken` and looks at what
    /// is published. The fences see to it that at least one of them sees what the other did.
    pub(crate) fn wake(&self) {
        fence(SeqCst);
        if !self.woken.load(Relaxed) && !self.woken.swap(true, AcqRel) {
            self.unpark()
        }
    }

    pub(crate) fn unpark(&self) {
        if let Some(t) = self.thread.get() {
            t.unpark()
        }
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.woken.load(Acquire)
    }

    pub(crate) fn clear_woken(&self) {
        self.woken.store(false, Release);
        fence(SeqCst)
    }
}

static GLOBAL: RwLock<Option<Arc<Intake>>> = RwLock::new(None);
/// The address of what is installed, or null.
static INSTALLED: AtomicPtr<Intake> = AtomicPtr::new(null_mut());
/// Whether what is installed has somebody who answers calls instead of the outside.
static STANDS_IN: AtomicBool = AtomicBool::new(false);
static RESTORES: AtomicU64 = AtomicU64::new(0);

/// Whether a recorder is installed for the whole process.
#[inline(always)]
pub(crate) fn installed() -> bool {
    !INSTALLED.load(Relaxed).is_null()
}

/// Whether the installed recorder has somebody who answers calls instead of the outside.
#[inline]
pub(crate) fn installed_stands_in() -> bool {
    STANDS_IN.load(Relaxed)
}

thread_local! {
    static KEPT_ALIVE: Cell<*const Intake> = const { Cell::new(null()) };
}

/// Says which recorder this thread keeps alive from now on, or null.
///
/// # Safety
/// The thread owns a reference to it until it says otherwise.
pub(crate) unsafe fn set_kept_alive(intake: *const Intake) {
    KEPT_ALIVE.with(|kept| kept.set(intake))
}

/// The installed recorder. It is asked for with every message that is received, so a thread that records for it takes no lock.
pub(crate) fn global() -> Option<Arc<Intake>> {
    let installed = INSTALLED.load(Relaxed).cast_const();
    if installed.is_null() {
        return None;
    }
    if KEPT_ALIVE.with(|kept| std::ptr::eq(kept.get(), installed)) {
        // SAFETY: this thread owns a reference, so the address is still that of the recorder that was installed.
        return Some(unsafe {
            Arc::increment_strong_count(installed);
            Arc::from_raw(installed)
        });
    }
    GLOBAL.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Whether a recorder that still works is installed.
pub(crate) fn is_taken() -> bool {
    global().is_some_and(|g| g.is_on())
}

/// Installs; false when one that still works is installed already.
pub(crate) fn install(intake: &Arc<Intake>) -> bool {
    let mut global = GLOBAL.write().unwrap_or_else(PoisonError::into_inner);
    if global.as_ref().is_some_and(|g| g.is_on()) {
        return false;
    }
    *global = Some(intake.clone());
    INSTALLED.store(Arc::as_ptr(intake).cast_mut(), Relaxed);
    STANDS_IN.store(intake.has_stand_in(), Relaxed);
    true
}

/// Takes the installed recorder out, if it is this one.
pub(crate) fn uninstall(intake: &Arc<Intake>) {
    let mut global = GLOBAL.write().unwrap_or_else(PoisonError::into_inner);
    if global.as_ref().is_some_and(|g| Arc::ptr_eq(g, intake)) {
        *global = None;
        INSTALLED.store(null_mut(), Relaxed);
        STANDS_IN.store(false, Relaxed);
    }
}

pub(crate) type Lock = RwLockWriteGuard<'static, Option<Arc<Intake>>>;

/// Takes the lock of the installed recorder before a fork: if another thread held it, nobody could unlock it in the child.
pub(crate) fn hold() -> Lock {
    GLOBAL.write().unwrap_or_else(PoisonError::into_inner)
}

/// How often this process was restored from a snapshot.
pub(crate) fn restores() -> u64 {
    RESTORES.load(Acquire)
}

/// Tells every recorder that the process was restored from a snapshot.
pub(crate) fn restored() {
    RESTORES.fetch_add(1, AcqRel);
}

/// In a forked child nothing is installed: what the parent had delivers nothing here.
pub(crate) fn forget_installed() {
    INSTALLED.store(null_mut(), Relaxed)
}
