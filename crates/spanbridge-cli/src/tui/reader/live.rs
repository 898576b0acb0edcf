//! What is recorded while the viewer is there.

use super::super::message::{Message, Sender};
use super::super::state::ask::Input;
use crate::place::Place;
use spanbridge_graph::run_of;
use spanbridge_query::index::FoldBudget;
use spanbridge_query::{Store, Tail};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SendError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long to wait, at least, until a store that could not be read is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// How long it folds at a time, while nothing is recorded. So the next questions are quicker.
const FOLD_TIME: Duration = Duration::from_millis(100);

/// The thread that follows the store. It ends when this is dropped, and gives back what it held in the store.
pub(super) struct Live {
    end: Option<mpsc::Sender<()>>,
    is_ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Live {
    /// `None` if nothing can be followed: to a store of an earlier release, nothing is written. A message says so.
    pub(super) fn start(place: &Place, store: Store, to: Sender) -> Option<Self> {
        // Here, so that nothing is missed that comes after the first questions.
        let tail = match store.tail() {
            Ok(tail) => tail,
            Err(error) => {
                // A loop that is gone needs no message.
                let _ = to.send(Message::NotLive(format!("failed to {error}")));
                return None;
            }
        };
        let (end, ended) = mpsc::channel::<()>();
        let is_ending = Arc::new(AtomicBool::new(false));
        let mut following =
            Following { place: place.clone(), store, tail, to, is_away: false, is_ending: is_ending.clone() };
        let thread = std::thread::spawn(move || {
            while following.read().is_ok() && ended.recv_timeout(following.pause()) == Err(RecvTimeoutError::Timeout) {}
        });
        Some(Self { end: Some(end), is_ending, thread: Some(thread) })
    }
}

/// What the thread has.
struct Following {
    place: Place,
    store: Store,
    tail: Tail,
    to: Sender,
    /// The last read has failed, and that was told.
    is_away: bool,
    is_ending: Arc<AtomicBool>,
}

impl Following {
    /// Reads what is new, and tells of it. An error: the loop is gone.
    fn read(&mut self) -> Result<(), SendError<Message>> {
        let mut runs = HashSet::new();
        match self.tail.read(&self.store, |record| runs.extend(run_of(&record))) {
            Ok(read) => {
                if std::mem::take(&mut self.is_away) {
                    return self.to.send(Message::Input(Input::Back));
                }
                if read.records > 0 || read.missed_logs > 0 {
                    return self.to.send(Message::Input(Input::Changed(runs)));
                }
                // What goes wrong here is told by a command that folds on purpose.
                let goes_on = |_: &_| !self.is_ending.load(Ordering::Relaxed);
                let _ = self.store.fold(FoldBudget::time(FOLD_TIME), goes_on);
                Ok(())
            }
            Err(error) => {
                let told = std::mem::replace(&mut self.is_away, true);
                if self.place.directory().is_none()
                    && let Ok(again) = self.place.open()
                {
                    self.store = again;
                }
                if told {
                    Ok(())
                } else {
                    self.to.send(Message::NotLive(format!("failed to follow the store: {}", error.reason())))
                }
            }
        }
    }

    fn pause(&self) -> Duration {
        if self.is_away { self.tail.pause().max(RETRY) } else { self.tail.pause() }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.is_ending.store(true, Ordering::Relaxed);
        self.end = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
