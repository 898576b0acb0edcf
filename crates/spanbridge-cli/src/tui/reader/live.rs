//! What is recorded while the viewer is there.

use super::super::message::{Message, Sender};
use super::super::state::ask::Input;
use spanbridge_graph::run_of;
use spanbridge_query::Store;
use spanbridge_query::index::FoldBudget;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long to wait until something new may be there. Recorders deliver as often.
const PAUSE: Duration = Duration::from_millis(200);

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
    pub(super) fn start(store: Store, to: Sender) -> Option<Self> {
        // Here, so that nothing is missed that comes after the first questions.
        let mut tail = match store.tail() {
            Ok(tail) => tail,
            Err(error) => {
                // A loop that is gone needs no message.
                let _ = to.send(Message::NotLive(format!("failed to {error}")));
                return None;
            }
        };
        let (end, ended) = mpsc::channel::<()>();
        let is_ending = Arc::new(AtomicBool::new(false));
        let ending = is_ending.clone();
        let thread = std::thread::spawn(move || {
            let mut is_told = false;
            loop {
                let mut runs = HashSet::new();
                let read = tail.read(|record| runs.extend(run_of(&record)));
                let sent = match read {
                    Ok(read) if read.records > 0 || read.missed_logs > 0 => {
                        is_told = false;
                        to.send(Message::Input(Input::Changed(runs)))
                    }
                    Ok(_) => {
                        // What goes wrong here is told by a command that folds on purpose.
                        let _ = store.fold(FoldBudget::time(FOLD_TIME), |_| !ending.load(Ordering::Relaxed));
                        Ok(())
                    }
                    Err(_) if is_told => Ok(()),
                    Err(error) => {
                        is_told = true;
                        to.send(Message::NotLive(format!("failed to {error}")))
                    }
                };
                if sent.is_err() || ended.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        });
        Some(Self { end: Some(end), is_ending, thread: Some(thread) })
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
