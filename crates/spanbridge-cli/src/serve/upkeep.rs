//! Keeping the store, all along: what is stored is folded, and what is older or more than asked for is removed.

use super::options::Options;
use spanbridge_query::keeping::{self, FoldBudget, Prune};
use spanbridge_query::{Error, ErrorKind};
use spanbridge_store::resolve;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long to wait until something new may be there.
const PAUSE: Duration = Duration::from_millis(500);

/// How often runs are removed. Each time, everything is folded first, into blocks that may be small.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// How long one fold may take, so that the end of the server does not wait long.
const FOLD_TIME: Duration = Duration::from_secs(2);

/// Less than this is left in the logs. It is read as fast there, and would become small blocks.
const LEAST: u64 = 1 << 20;

/// What is done to keep the store, and how it goes.
#[derive(Debug)]
pub(super) struct Upkeep {
    store: PathBuf,
    /// `None`: nothing is removed.
    prune: Option<Prune>,
    stop: Mutex<bool>,
    wake: Condvar,
    problem: Mutex<Option<String>>,
    pub(super) folded_spans: AtomicU64,
    pub(super) folded_bytes: AtomicU64,
    pub(super) pruned_runs: AtomicU64,
    pub(super) failures: AtomicU64,
}

impl Upkeep {
    pub(super) fn new(options: &Options) -> Self {
        let mut prune = Prune::new();
        if let Some(age) = options.keep_for {
            prune = prune.older_than(age);
        }
        if let Some(bytes) = options.keep_bytes {
            prune = prune.max_bytes(bytes);
        }
        let is_asked = options.keep_for.is_some() || options.keep_bytes.is_some();
        Self {
            store: options.store.clone(),
            prune: is_asked.then_some(prune),
            stop: Mutex::default(),
            wake: Condvar::new(),
            problem: Mutex::default(),
            folded_spans: AtomicU64::new(0),
            folded_bytes: AtomicU64::new(0),
            pruned_runs: AtomicU64::new(0),
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

    /// Waits until something new may be there, or for the end.
    fn pause(&self) {
        let stop = self.stop.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.wake.wait_timeout_while(stop, PAUSE, |stop| !*stop));
    }

    /// Keeps the store until it is told to stop.
    pub(super) fn run(&self) {
        let mut pruned: Option<Instant> = None;
        while self.goes_on() {
            let is_time = pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY);
            let prune = self.prune.as_ref().filter(|_| is_time);
            pruned = if prune.is_some() { Some(Instant::now()) } else { pruned };
            self.note(self.fold().and_then(|()| prune.map_or(Ok(()), |prune| self.prune(prune))));
            self.pause();
        }
    }

    fn fold(&self) -> Result<(), Error> {
        let mut budget = FoldBudget::time(FOLD_TIME);
        budget.least = LEAST;
        let report = keeping::compact(&self.store, budget, |_| self.goes_on())?;
        self.folded_spans.fetch_add(report.spans, Relaxed);
        self.folded_bytes.fetch_add(report.bytes, Relaxed);
        Ok(())
    }

    fn prune(&self, prune: &Prune) -> Result<(), Error> {
        let report = keeping::prune(&self.store, prune, |_| self.goes_on())?;
        self.pruned_runs.fetch_add(report.runs, Relaxed);
        Ok(())
    }

    fn note(&self, result: Result<(), Error>) {
        // An old store is only read, so there is nothing to keep.
        let is_old = || resolve(&self.store).is_ok_and(|location| location.old.is_some());
        let result = result.or_else(|e| if e.kind() == ErrorKind::NotFound && is_old() { Ok(()) } else { Err(e) });
        self.failures.fetch_add(u64::from(result.is_err()), Relaxed);
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = result.err().map(|e| e.to_string());
    }
}
