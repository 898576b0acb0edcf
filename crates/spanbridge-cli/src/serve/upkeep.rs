//! Keeping the store, all along. A directory is folded, and what is older or more than asked for is removed; whether a database answers
//! is looked at, and what is older is removed there, too.

use super::database::Watched;
use super::folding::Folding;
use super::options::Options;
use spanbridge_query::Error;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// What is done to keep the store, and how it goes.
#[derive(Debug)]
pub(super) struct Upkeep {
    pub(super) kept: Kept,
    stop: Mutex<bool>,
    wake: Condvar,
    problem: Mutex<Option<String>>,
    pub(super) failures: AtomicU64,
}

/// What is kept.
#[derive(Debug)]
pub(super) enum Kept {
    Directory(Folding),
    Database(Watched),
}

impl Upkeep {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            kept: match options.store.directory() {
                Some(path) => Kept::Directory(Folding::new(path, options)),
                None => Kept::Database(Watched::new(options)),
            },
            stop: Mutex::default(),
            wake: Condvar::new(),
            problem: Mutex::default(),
            failures: AtomicU64::new(0),
        }
    }

    /// What went wrong last, until it goes well again.
    pub(super) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends [`run`](Self::run) soon.
    pub(super) fn stop(&self) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.notify_all();
    }

    fn goes_on(&self) -> bool {
        !*self.stop.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so long, or for the end.
    fn pause(&self, pause: Duration) {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.wake.wait_timeout_while(stop, pause, |stop| !*stop));
    }

    /// Keeps the store until it is told to stop.
    pub(super) fn run(&self) {
        let (mut pruned, mut store) = (None, None);
        while self.goes_on() {
            match &self.kept {
                Kept::Directory(folding) => {
                    self.note(folding.keep(&mut pruned, || self.goes_on()));
                    self.pause(Folding::PAUSE);
                }
                Kept::Database(database) => {
                    self.note(database.keep(&mut store, &mut pruned, || self.goes_on()));
                    self.pause(Watched::PAUSE);
                }
            }
        }
    }

    fn note(&self, result: Result<(), Error>) {
        self.failures.fetch_add(u64::from(result.is_err()), Relaxed);
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = result.err().map(|e| e.to_string());
    }
}
