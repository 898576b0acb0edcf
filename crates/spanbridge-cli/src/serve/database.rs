//! Looking whether a database answers, and removing what is older than asked for.

use super::options::Options;
use crate::place::Place;
use spanbridge::RunId;
use spanbridge_query::keeping::{Prune, prune_store};
use spanbridge_query::{Error, Store};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How often runs are removed. They go by whole days, and to look for what is left of them reads much.
const PRUNE_EVERY: Duration = Duration::from_secs(60 * 60);

/// A database, and what was removed there.
#[derive(Debug)]
pub(super) struct Watched {
    place: Place,
    /// `None`: nothing is removed.
    prune: Option<Prune>,
    pub(super) pruned_runs: AtomicU64,
}

impl Watched {
    /// How often it is looked at.
    pub(super) const PAUSE: Duration = Duration::from_secs(5);

    pub(super) fn new(options: &Options) -> Self {
        let prune = options.keep_for.map(|age| Prune::new().older_than(age));
        Self { place: options.store.clone(), prune, pruned_runs: AtomicU64::new(0) }
    }

    /// Whether old runs are removed.
    pub(super) fn is_pruned(&self) -> bool {
        self.prune.is_some()
    }

    /// Asks for a run that is hardly there, which is quick, and from time to time removes. Opens the database anew after an error.
    /// `pruned`: when runs were removed last.
    pub(super) fn keep(
        &self,
        store: &mut Option<Store>,
        pruned: &mut Option<Instant>,
        goes_on: impl Fn() -> bool,
    ) -> Result<(), Error> {
        let mut asked = match store.take() {
            Some(store) => store,
            None => self.place.open()?,
        };
        asked.rows(RunId::new(1).as_slice())?;
        let is_time = pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY);
        if let Some(prune) = self.prune.as_ref().filter(|_| is_time) {
            let mut counted = 0;
            let report = prune_store(&mut asked, prune, |report| {
                self.pruned_runs.fetch_add(report.runs - counted, Relaxed);
                counted = report.runs;
                goes_on()
            })?;
            self.pruned_runs.fetch_add(report.runs - counted, Relaxed);
            // What failed is tried again at the next look.
            *pruned = Some(Instant::now());
        }
        *store = Some(asked);
        Ok(())
    }
}
