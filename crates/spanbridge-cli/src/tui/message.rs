//! What comes to the loop of the viewer, from whatever thread.

use super::state::ask::Input;
use std::io;
use std::sync::mpsc;

#[derive(Debug)]
pub(crate) enum Message {
    Input(Input),
    /// What is recorded cannot be followed, and why.
    NotLive(String),
    /// A part of the store cannot be read, and which.
    Damaged(String),
    /// A signal.
    Signal(i32),
    /// The terminal is gone.
    InputClosed(io::Error),
    /// A thread panicked.
    Panicked,
}

/// Sends messages to the loop. Every thread has its own: if the thread panics, the loop learns of it.
pub(crate) struct Sender {
    to: mpsc::Sender<Message>,
    is_of_thread: bool,
}

impl Sender {
    pub(crate) fn new(to: mpsc::Sender<Message>) -> Self {
        Self { to, is_of_thread: false }
    }

    /// For a thread.
    pub(crate) fn of_thread(&self) -> Self {
        Self { to: self.to.clone(), is_of_thread: true }
    }

    pub(crate) fn send(&self, message: Message) -> Result<(), mpsc::SendError<Message>> {
        self.to.send(message)
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        if self.is_of_thread && std::thread::panicking() {
            let _ = self.to.send(Message::Panicked);
        }
    }
}
