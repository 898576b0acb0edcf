//! Runs the worker. What it prints passes through, and it gets the keyboard: it may be a debugger.

use super::files::Files;
#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};
#[cfg(unix)]
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use std::ffi::OsString;
use std::fmt;
use std::io;
#[cfg(unix)]
use std::process::Child;
use std::process::{Command, ExitStatus, Stdio};

/// What would end us.
#[cfg(unix)]
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// How a worker ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// Whether we were told to end in the meantime, as by Ctrl-C.
    pub(super) interrupted: bool,
}

/// `ended with exit code 3`, `was killed by signal 9`.
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&self.status) {
            let name = signal_hook::low_level::signal_name(signal);
            return match name {
                Some(name) => write!(f, "was killed by {name}"),
                None => write!(f, "was killed by signal {signal}"),
            };
        }
        match self.status.code() {
            Some(code) => write!(f, "ended with exit code {code}"),
            None => f.write_str("ended in an unknown way"),
        }
    }
}

/// Where the worker finds its case, and where it writes the report.
const CASE_VARIABLE: &str = "SPANBRIDGE_REPLAY";
const REPORT_VARIABLE: &str = "SPANBRIDGE_REPLAY_REPORT";

/// A worker that has not been started. From its creation on, signals are noticed and passed on, and do not end us: the files can be
/// removed when it has ended.
pub(super) struct Worker {
    command: Command,
    #[cfg(unix)]
    signals: signal_hook::iterator::Signals,
}

impl Worker {
    pub(super) fn new(command: &[OsString]) -> io::Result<Self> {
        let [program, arguments @ ..] = command else { return Err(io::ErrorKind::InvalidInput.into()) };
        let mut command = Command::new(program);
        command.args(arguments);
        #[cfg(unix)]
        let signals = signal_hook::iterator::Signals::new(std::iter::once(SIGCHLD).chain(ENDING))?;
        Ok(Self {
            command,
            #[cfg(unix)]
            signals,
        })
    }

    /// Runs the worker to its end. `quiet`: standard output is ours, so what it prints there goes to standard error.
    pub(super) fn run(&mut self, files: &Files, quiet: bool) -> io::Result<Ended> {
        self.command.env(CASE_VARIABLE, files.case()).env(REPORT_VARIABLE, files.report());
        if quiet {
            self.command.stdout(Stdio::from(io::stderr()));
        }
        self.wait()
    }

    #[cfg(not(unix))]
    fn wait(&mut self) -> io::Result<Ended> {
        Ok(Ended { status: self.command.status()?, interrupted: false })
    }

    #[cfg(unix)]
    fn wait(&mut self) -> io::Result<Ended> {
        let mut worker = self.command.spawn()?;
        let mut interrupted = false;
        loop {
            if let Some(status) = worker.try_wait()? {
                return Ok(Ended { status, interrupted });
            }
            for signal in self.signals.wait().filter(|signal| *signal != SIGCHLD) {
                interrupted = true;
                // What is typed on a terminal is sent to the worker, too.
                if !(matches!(signal, SIGINT | SIGQUIT) && is_in_foreground()) {
                    pass_on(&worker, signal);
                }
            }
        }
    }
}

/// Signals end us again.
#[cfg(unix)]
impl Drop for Worker {
    fn drop(&mut self) {
        let always = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        for signal in ENDING {
            let _ = signal_hook::flag::register_conditional_default(signal, std::sync::Arc::clone(&always));
        }
    }
}

/// Sends a signal to a worker that has not been waited for, so that the id is its own.
#[cfg(unix)]
fn pass_on(worker: &Child, signal: i32) {
    let signal = match signal {
        SIGHUP => Signal::HUP,
        SIGINT => Signal::INT,
        SIGQUIT => Signal::QUIT,
        _ => Signal::TERM,
    };
    if let Some(pid) = i32::try_from(worker.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Whether what is typed on the terminal is for us.
#[cfg(unix)]
fn is_in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    terminal.is_ok_and(|terminal| rustix::termios::tcgetpgrp(terminal).is_ok_and(|of| of == rustix::process::getpgrp()))
}
