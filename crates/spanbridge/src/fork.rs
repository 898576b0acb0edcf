//! What a fork leaves behind: a forked child has the thread alone that forked, and every lock as it was. One that another
//! thread held stays locked for ever.
//!
//! So before a fork the forking thread takes the locks that statics of ours have; after it both processes let go of them. [`PerProcess`] is for statics of adapters, and the only kind of
//! static lock that there is beside those of this crate.

use std::cell::Cell;
use std::mem::{forget, replace};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::*};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many forks lie between the first process and this one.
pub fn forks() -> u64 {
    FORKS.load(Relaxed)
}

static FORKS: AtomicU64 = AtomicU64::new(0);

/// A lock of a static.
pub(crate) trait AtFork: Sync {
    /// Takes it before a fork, and waits for what is initialised once. Whoever holds it takes no other lock of this kind meanwhile, and does not fork.
    fn hold(&'static self) -> Box<dyn Held>;
}

/// A lock that is held while the process forks. Dropped, it is let go of, in both processes.
pub(crate) trait Held {
    /// Called in the child before that.
    fn in_child(&mut self) {}
}

impl<T> Held for MutexGuard<'static, T> {}

static LOCKS: Mutex<Vec<&'static dyn AtFork>> = Mutex::new(Vec::new());

thread_local! {
    /// What this thread holds while it forks, the first first.
    static HELD: Cell<Vec<Box<dyn Held>>> = const { Cell::new(Vec::new()) };
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a lock held over every fork from now on; `known` says that it is.
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

/// A value of the process behind a lock that no fork leaves locked: for statics. A forked child begins with a new one; what
/// the parent had is neither used nor dropped there, for the threads and connections that it speaks of are not the child's.
///
/// ```
/// use spanbridge::fork::PerProcess;
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
    /// The value is made when it is first asked for.
    pub const fn new() -> Self {
        PerProcess { state: Mutex::new(State { forks: 0, value: None }), is_watched: AtomicBool::new(false) }
    }

    /// Calls `f` with the value, locked. It does short work, calls nothing of the user's, and asks for no other value of
    /// this kind.
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
