//! Keeps locks usable in forked children. A forked child has only the thread that forked, but every lock as it was: a lock that
//! another thread held would stay locked for ever.
//!
//! So the forking thread takes the locks of our statics before the fork, and both processes release them afterwards. Adapters use
//! [`PerProcess`] for their statics. There are no other static locks.

use std::cell::Cell;
use std::mem::{forget, replace};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many forks there are between the first process and this one.
pub fn forks() -> u64 {
    FORKS.load(Relaxed)
}

static FORKS: AtomicU64 = AtomicU64::new(0);

/// A lock of a static.
pub(crate) trait AtFork: Sync {
    /// Takes the lock before a fork, and completes any one-time initialisation. Code that holds it must take no other lock of
    /// this kind, and must not fork.
    fn hold(&'static self) -> Box<dyn Held>;
}

/// A lock that is held while the process forks. Both processes release it by dropping this.
pub(crate) trait Held {
    /// Called in the child before the release.
    fn in_child(&mut self) {}
}

impl<T> Held for MutexGuard<'static, T> {}

static LOCKS: Mutex<Vec<&'static dyn AtFork>> = Mutex::new(Vec::new());

thread_local! {
    /// The locks that this thread holds while it forks, in the order in which it took them.
    static HELD: Cell<Vec<Box<dyn Held>>> = const { Cell::new(Vec::new()) };
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on, takes this lock before every fork. Sets `known`.
#[cold]
pub(crate) fn watch(what: &'static dyn AtFork, known: &AtomicBool) {
    handle_forks(); // first: from here on no child finds the list locked
    let mut locks = lock(&LOCKS);
    if !known.load(Acquire) {
        locks.push(what);
        known.store(true, Release)
    }
}

fn before() {
    let held = HELD.try_with(Cell::take).unwrap_or_default();
    if !held.is_empty() {
        HELD.set(held); // registered twice
        return;
    }
    let locks = lock(&LOCKS);
    let mut held: Vec<Box<dyn Held>> = locks.iter().map(|each| each.hold()).collect();
    held.push(Box::new(locks));
    let _ = HELD.try_with(|all| all.set(held)); // let go of at once where the thread is nearly gone
}

fn in_parent() {
    drop(HELD.try_with(Cell::take))
}

fn in_child() {
    FORKS.fetch_add(1, Relaxed);
    let mut held = HELD.try_with(Cell::take).unwrap_or_default();
    held.iter_mut().for_each(|each| each.in_child());
}

#[cfg(unix)]
fn handle_forks() {
    unsafe extern "C" {
        /// POSIX. Every Unix has it in the library that the standard library links.
        fn pthread_atfork(
            before: Option<extern "C" fn()>,
            in_parent: Option<extern "C" fn()>,
            in_child: Option<extern "C" fn()>,
        ) -> std::ffi::c_int;
    }
    extern "C" fn call_before() {
        before()
    }
    extern "C" fn call_in_parent() {
        in_parent()
    }
    extern "C" fn call_in_child() {
        in_child()
    }
    static ARE_HANDLED: AtomicBool = AtomicBool::new(false);
    if !ARE_HANDLED.load(Acquire) {
        // Nobody waits for anybody here, so two threads may do it both: that does no harm.
        // SAFETY: the handlers have the signature that is asked for and do not unwind. In the child nothing is touched
        // but atomics, thread-locals of the thread that forked, and the locks that it took before.
        unsafe { pthread_atfork(Some(call_before), Some(call_in_parent), Some(call_in_child)) };
        ARE_HANDLED.store(true, Release)
    }
}

#[cfg(not(unix))]
fn handle_forks() {}

/// A value of the process, for statics, behind a lock that stays usable after a fork. A forked child starts with a new value. It
/// neither uses nor drops the parent's, whose threads and connections do not exist in the child.
///
/// ```
/// use spanbridge::adapter::PerProcess;
///
/// static ASKED: PerProcess<u64> = PerProcess::new();
///
/// assert_eq!(ASKED.with(|asked| { *asked += 1; *asked }), 1);
/// ```
#[derive(Debug, Default)]
pub struct PerProcess<T> {
    state: Mutex<State<T>>,
    is_watched: AtomicBool,
}

#[derive(Debug, Default)]
struct State<T> {
    forks: u64,
    value: Option<T>,
}

impl<T: Default + Send + 'static> PerProcess<T> {
    /// The value is created when it is first used.
    pub const fn new() -> Self {
        PerProcess { state: Mutex::new(State { forks: 0, value: None }), is_watched: AtomicBool::new(false) }
    }

    /// Calls `f` with the locked value. `f` should be short. It must not call user code or use another value of this kind.
    pub fn with<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
        if !self.is_watched.load(Acquire) {
            watch(self, &self.is_watched)
        }
        let mut state = lock(&self.state);
        let forks = forks();
        if state.forks != forks {
            forget(replace(&mut *state, State { forks, value: None }))
        }
        f(state.value.get_or_insert_default())
    }
}

impl<T: Send + 'static> AtFork for PerProcess<T> {
    fn hold(&'static self) -> Box<dyn Held> {
        Box::new(lock(&self.state))
    }
}
