//! Signals: whatever ends the viewer, the terminal is given back first.

use super::message::{Message, Sender};
use super::session::give_back;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::io;

/// What ends a process.
const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// Starts a thread that sends the signals to the loop. If the loop does not end after the first one, the second one ends the process.
///
/// # Errors
/// If the system refuses it.
pub(crate) fn start(to: Sender) -> io::Result<()> {
    let mut signals = Signals::new(ENDING.into_iter().chain([SIGTSTP, SIGCONT]))?;
    std::thread::spawn(move || {
        let mut is_ending = false;
        for signal in signals.forever() {
            let ends = ENDING.contains(&signal);
            if to.send(Message::Signal(signal)).is_err() || (ends && is_ending) {
                give_back();
                let _ = emulate_default_handler(signal);
            }
            is_ending |= ends;
        }
    });
    Ok(())
}

/// What the loop does after a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    End,
    Stop,
    Resume,
}

pub(crate) fn after(signal: i32) -> After {
    match signal {
        SIGTSTP => After::Stop,
        SIGCONT => After::Resume,
        _ => After::End,
    }
}

/// Does what the signal does without a handler: ends the process, so that whoever started it sees why.
pub(crate) fn end(signal: i32) {
    let _ = emulate_default_handler(signal);
}

/// Stops the process, and returns once it continues. `false`: there is no shell that could continue it, since the process leads its
/// session, as under `ssh HOST spanbridge tui`.
pub(crate) fn stop() -> bool {
    let own = rustix::process::getpid();
    if rustix::process::getsid(None).is_ok_and(|leader| leader == own) {
        return false;
    }
    emulate_default_handler(SIGTSTP).is_ok()
}
