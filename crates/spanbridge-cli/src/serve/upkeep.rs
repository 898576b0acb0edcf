//! Keeping the store, all along. A directory is folded, and what is older or more than asked for is removed; whether a database answers
//! is looked at.

use super::folding::Folding;
use super::options::Options;
use crate::place::Place;
use spanbridge::RunId;
use spanbridge_query::{Error, Store};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How often a database is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is done to keep the store, and how it goes.
#[derive(Debug)]
pub(super) struct Upkeep {
    store: Place,
    /// `None` for a database, which keeps itself.
    pub(super) folding: Option<Folding>,
    stop: Mutex<bool>,
    wake: Condvar,
    problem: Mutex<Option<String>>,
    pub(super) failures: AtomicU64,
}

impl Upkeep {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            store: options.store.clone(),
            folding: options.store.directory().map(|path| Folding::new(path, options)),
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
            match &self.folding {
                Some(folding) => {
                    self.note(folding.keep(&mut pruned, || self.goes_on()));
                    self.pause(Folding::PAUSE);
                }
                None => {
                    self.note(look(&self.store, &mut store));
                    self.pause(LOOK_EVERY);
                }
            }
        }
    }

    fn note(&self, result: Result<(), Error>) {
        self.failures.fetch_add(u64::from(result.is_err()), Relaxed);
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = result.err().map(|e| e.to_string());
    }
}

/// Asks a database for a run that is hardly there, which is quick. Opens it anew after an error.
fn look(place: &Place, store: &mut Option<Store>) -> Result<(), Error> {
    let asked = match store.take() {
        Some(store) => store,
        None => place.open()?,
    };
    asked.rows(RunId::new(1).as_slice())?;
    *store = Some(asked);
    Ok(())
}
