//! SIGTERM: Lambda sends it before it shuts an environment down, if the function has an extension.
//!
//! Why there is a handler of our own, and a thread: `docs/adr/0015-sigterm-is-ours-from-the-start.md`.

#[cfg(unix)]
pub(crate) use unix::own_sigterm;

/// There are no such signals.
#[cfg(not(unix))]
pub(crate) fn own_sigterm() {}

#[cfg(unix)]
mod unix {
    use libc::{SIG_DFL, SIG_IGN, c_int, c_void, siginfo_t};
    use spanbridge::{Context, observe};
    use std::io::{Read, Result};
    use std::mem::{transmute, zeroed};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;
    use std::ptr::{null, null_mut};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering::*};
    use std::time::{Duration, Instant};

    /// Lambda kills a process 500 ms after SIGTERM if its extension is internal: for the flush, and for what
    /// `std::process::exit` waits for.
    const WITHIN: Duration = Duration::from_millis(400);

    /// What the signal's handler needs, from before it can be called.
    struct Ours {
        /// A byte in here wakes our thread.
        wake: UnixStream,
        /// What was done on SIGTERM before us.
        before: libc::sigaction,
        /// The process that has our thread: a child by `fork` has the handler only.
        process: libc::pid_t,
    }

    static OURS: OnceLock<Ours> = OnceLock::new();
    /// Our thread has been woken, and has not looked yet.
    static IS_WOKEN: AtomicBool = AtomicBool::new(false);

    /// From now on everything is delivered on SIGTERM, by a thread of its own, whatever executors do. Then the process ends,
    /// unless somebody else has said what it does on SIGTERM, before this or since: then it is theirs to end.
    ///
    /// Where it cannot be set up, SIGTERM does what it did.
    pub(crate) fn own_sigterm() {
        // Not a `Once`: a fork while another thread is in it would leave it so for ever.
        static IS_CALLED: AtomicBool = AtomicBool::new(false);
        if !IS_CALLED.swap(true, Relaxed) {
            let _ = set_up();
        }
    }

    fn set_up() -> Result<()> {
        let before = current();
        if before.sa_sigaction == SIG_IGN {
            return Ok(());
        }
        let (told, wake) = UnixStream::pair()?;
        let context = observe::current_context();
        std::thread::Builder::new().name("spanbridge-sigterm".to_owned()).spawn(move || work(told, &context))?;
        // SAFETY: it cannot fail, and touches nothing.
        let process = unsafe { libc::getpid() };
        if OURS.set(Ours { wake, before, process }).is_ok() {
            let is_default = before.sa_sigaction == SIG_DFL;
            // With the mask and the flags of the one that it calls; else without any.
            let flags = if is_default { libc::SA_RESTART | libc::SA_ONSTACK } else { before.sa_flags };
            let ours = libc::sigaction { sa_sigaction: handler(), sa_flags: flags | libc::SA_SIGINFO, ..before };
            // SAFETY: `on_sigterm` is a function of the type that SA_SIGINFO says, and does only what a signal's handler may.
            unsafe { libc::sigaction(libc::SIGTERM, &ours, null_mut()) };
        }
        Ok(())
    }

    /// What is done on SIGTERM.
    fn current() -> libc::sigaction {
        // SAFETY: all zeros are a `sigaction`, which is written over; nothing is changed.
        unsafe {
            let mut current = zeroed();
            libc::sigaction(libc::SIGTERM, null(), &mut current);
            current
        }
    }

    fn handler() -> libc::sighandler_t {
        on_sigterm as *const () as libc::sighandler_t
    }

    /// Called by the system in the midst of anything: it may not allocate, lock or panic.
    extern "C" fn on_sigterm(signal: c_int, info: *mut siginfo_t, machine: *mut c_void) {
        let Some(ours) = OURS.get() else { return };
        // SAFETY: `getpid`, `write`, `signal` and `raise` may be called here (POSIX, 2.4.3). The handler before ours is called
        // as the system would have done: its flags say which of the two types it has.
        unsafe {
            let is_ours = libc::getpid() == ours.process;
            // Never so often that the stream is full, so this never fails and leaves `errno` alone.
            if is_ours && !IS_WOKEN.swap(true, AcqRel) {
                libc::write(ours.wake.as_raw_fd(), [0u8].as_ptr().cast(), 1);
            }
            match ours.before.sa_sigaction {
                SIG_DFL if is_ours => {}
                SIG_DFL => {
                    libc::signal(signal, SIG_DFL);
                    libc::raise(signal); // as soon as this returns
                }
                before if ours.before.sa_flags & libc::SA_SIGINFO != 0 => {
                    transmute::<usize, extern "C" fn(c_int, *mut siginfo_t, *mut c_void)>(before)(signal, info, machine)
                }
                before => transmute::<usize, extern "C" fn(c_int)>(before)(signal),
            }
        }
    }

    fn work(mut told: UnixStream, context: &Context) {
        while told.read_exact(&mut [0]).is_ok() {
            IS_WOKEN.store(false, Release);
            observe::in_scope(context, deliver_and_end)
        }
    }

    fn deliver_and_end() {
        let begun = Instant::now();
        // Somebody else may end the process meanwhile, and has no more time than we.
        spanbridge::flush_at_exit(WITHIN);
        spanbridge::flush_blocking(WITHIN);
        spanbridge::flush_at_exit(WITHIN.saturating_sub(begun.elapsed()));
        if is_ours_to_end() {
            std::process::exit(0)
        }
    }

    /// Nobody had a handler before us, and nobody has put another in front of ours.
    fn is_ours_to_end() -> bool {
        OURS.get().is_some_and(|ours| ours.before.sa_sigaction == SIG_DFL) && current().sa_sigaction == handler()
    }
}
