//! Folding a directory, and removing what is older or more than asked for.

use super::options::Options;
use spanbridge_query::keeping::{self, FoldBudget, Prune};
use spanbridge_query::{Error, ErrorKind};
use spanbridge_store::resolve;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How often runs are removed. Each time, everything is folded first, into blocks that may be small.
const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// How long one fold may take, so that the end of the server does not wait long.
const FOLD_TIME: Duration = Duration::from_secs(2);

/// Less than this is left in the logs. It is read as fast there, and would become small blocks.
const LEAST: u64 = 1 << 20;

/// A directory that is folded, and how much was.
#[derive(Debug)]
pub(super) struct Folding {
    store: PathBuf,
    /// `None`: nothing is removed.
    prune: Option<Prune>,
    pub(super) folded_spans: AtomicU64,
    pub(super) folded_bytes: AtomicU64,
    pub(super) pruned_runs: AtomicU64,
}

impl Folding {
    /// How long to wait until something new may be there.
    pub(super) const PAUSE: Duration = Duration::from_millis(500);

    pub(super) fn new(store: &Path, options: &Options) -> Self {
        let mut prune = Prune::new();
        if let Some(age) = options.keep_for {
            prune = prune.older_than(age);
        }
        if let Some(bytes) = options.keep_bytes {
            prune = prune.max_bytes(bytes);
        }
        let is_asked = options.keep_for.is_some() || options.keep_bytes.is_some();
        Self {
            store: store.to_owned(),
            prune: is_asked.then_some(prune),
            folded_spans: AtomicU64::new(0),
            folded_bytes: AtomicU64::new(0),
            pruned_runs: AtomicU64::new(0),
        }
    }

    /// Folds, and from time to time removes. `pruned`: when that was done last.
    pub(super) fn keep(&self, pruned: &mut Option<Instant>, goes_on: impl Fn() -> bool) -> Result<(), Error> {
        let is_time = pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY);
        let prune = self.prune.as_ref().filter(|_| is_time);
        if prune.is_some() {
            *pruned = Some(Instant::now());
        }
        let kept = self.fold(&goes_on).and_then(|()| prune.map_or(Ok(()), |prune| self.prune(prune, &goes_on)));
        // An old store is only read, so there is nothing to keep.
        let is_old = || resolve(&self.store).is_ok_and(|location| location.old.is_some());
        kept.or_else(|e| if e.kind() == ErrorKind::NotFound && is_old() { Ok(()) } else { Err(e) })
    }

    fn fold(&self, goes_on: impl Fn() -> bool) -> Result<(), Error> {
        let mut budget = FoldBudget::time(FOLD_TIME);
        budget.least = LEAST;
        let report = keeping::compact(&self.store, budget, |_| goes_on())?;
        self.folded_spans.fetch_add(report.spans, Relaxed);
        self.folded_bytes.fetch_add(report.bytes, Relaxed);
        Ok(())
    }

    fn prune(&self, prune: &Prune, goes_on: impl Fn() -> bool) -> Result<(), Error> {
        let report = keeping::prune(&self.store, prune, |_| goes_on())?;
        self.pruned_runs.fetch_add(report.runs, Relaxed);
        Ok(())
    }
}
