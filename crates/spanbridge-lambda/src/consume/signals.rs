//! SIGTERM, which Lambda sends before it shuts an environment down, if the function has an extension.
//!
//! Why we have our own handler and a thread: `docs/adr/0015-sigterm-is-ours-from-the-start.md`.

#[cfg(unix)]
pub(crate) use unix::own_sigterm;

/// Does nothing where there are no such signals.
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

    /// The time for the flush and for `std::process::exit`. With an internal extension, Lambda kills a process 500 ms after
    /// SIGTERM.
    const LIMIT: Duration = Duration::from_millis(400);

    /// What the signal handler needs. Set before it can be called.
    struct Installed {
        /// A byte written here wakes our thread.
        wake: UnixStream,
        /// The action on SIGTERM before ours.
        before: libc::sigaction,
        /// The process that has our thread. A forked child has only the handler.
        process: libc::pid_t,
    }

    static INSTALLED: OnceLock<Installed> = OnceLock::new();
    /// Whether our thread was woken and has not reacted yet.
    static IS_WOKEN: AtomicBool = AtomicBool::new(false);

    /// From now on everything is delivered on SIGTERM, by a thread of its own, whatever executors are doing. Then the process
    /// ends, unless the application has its own action for SIGTERM, set before or after this: then that has to end it.
    ///
    /// If this cannot be set up, SIGTERM does what it did before.
    pub(crate) fn own_sigterm() {
        // Not a `Once`: a fork while another thread is in it would leave the child's locked for ever.
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
        let (woken, wake) = UnixStream::pair()?;
        let context = observe::current_context();
        std::thread::Builder::new().name("spanbridge-sigterm".to_owned()).spawn(move || work(woken, &context))?;
        // SAFETY: `getpid` cannot fail and changes nothing.
        let process = unsafe { libc::getpid() };
        if INSTALLED.set(Installed { wake, before, process }).is_ok() {
            let is_default = before.sa_sigaction == SIG_DFL;
            // With the mask and the flags of the action that it calls, if there is one.
            let flags = if is_default { libc::SA_RESTART | libc::SA_ONSTACK } else { before.sa_flags };
            let ours = libc::sigaction { sa_sigaction: handler(), sa_flags: flags | libc::SA_SIGINFO, ..before };
            // SAFETY: `on_sigterm` has the type that SA_SIGINFO asks for, and does only what a signal handler may do.
            unsafe { libc::sigaction(libc::SIGTERM, &ours, null_mut()) };
        }
        Ok(())
    }

    /// The action on SIGTERM.
    fn current() -> libc::sigaction {
        // SAFETY: all zeros are a valid `sigaction`, which is overwritten; nothing else is changed.
        unsafe {
            let mut current = zeroed();
            libc::sigaction(libc::SIGTERM, null(), &mut current);
            current
        }
    }

    fn handler() -> libc::sighandler_t {
        on_sigterm as *const () as libc::sighandler_t
    }

    /// Called by the system at any point of the program, so it may not allocate, lock or panic.
    extern "C" fn on_sigterm(signal: c_int, info: *mut siginfo_t, machine: *mut c_void) {
        let Some(installed) = INSTALLED.get() else { return };
        // SAFETY: `getpid`, `write`, `signal` and `raise` may be called here (POSIX, 2.4.3). The handler before ours is called
        // as the system would call it: its flags say which of the two types it has.
        unsafe {
            let is_ours = libc::getpid() == installed.process;
            // The stream never fills up, so this never fails and leaves `errno` alone.
            if is_ours && !IS_WOKEN.swap(true, AcqRel) {
                libc::write(installed.wake.as_raw_fd(), [0u8].as_ptr().cast(), 1);
            }
            match installed.before.sa_sigaction {
                SIG_DFL if is_ours => {}
                SIG_DFL => {
                    libc::signal(signal, SIG_DFL);
                    libc::raise(signal); // takes effect when this returns
                }
                before if installed.before.sa_flags & libc::SA_SIGINFO != 0 => {
                    transmute::<usize, extern "C" fn(c_int, *mut siginfo_t, *mut c_void)>(before)(signal, info, machine)
                }
                before => transmute::<usize, extern "C" fn(c_int)>(before)(signal),
            }
        }
    }

    fn work(mut woken: UnixStream, context: &Context) {
        while woken.read_exact(&mut [0]).is_ok() {
            IS_WOKEN.store(false, Release);
            observe::in_scope(context, deliver_and_end)
        }
    }

    fn deliver_and_end() {
        let begun = Instant::now();
        // Other code may end the process meanwhile, and has no more time than we have.
        spanbridge::flush_at_exit(LIMIT);
        spanbridge::flush_blocking(LIMIT);
        spanbridge::flush_at_exit(LIMIT.saturating_sub(begun.elapsed()));
        if is_ours_to_end() {
            std::process::exit(0)
        }
    }

    /// Whether there was no handler before ours, and none was installed after it.
    fn is_ours_to_end() -> bool {
        INSTALLED.get().is_some_and(|installed| installed.before.sa_sigaction == SIG_DFL)
            && current().sa_sigaction == handler()
    }
}
