//! Logs that were folded stay until they have arrived.

use super::position::Position;
use super::result::Result;
use spanbridge_query::ErrorKind;
use spanbridge_query::index::Index;
use spanbridge_store::log::{LogFile, LogName};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// How long logs are kept for a shipper that does not come back: as long as the limits of a store keep them.
const LEASE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How often it is renewed.
const RENEWED: Duration = Duration::from_secs(60);

/// A shipper that is registered with the index.
pub(super) struct Lease {
    index: Index,
    name: String,
    renewed: Option<Instant>,
    /// Up to where the index knows logs to have arrived.
    passed: BTreeMap<LogName, u64>,
}

impl Lease {
    /// `None`: the index does not lie in the store, and whoever folds into it removes no log.
    pub(super) fn take(directory: &Path, name: &str) -> Option<Self> {
        let index = Index::open(directory).ok()?;
        let mut lease = Self { index, name: name.to_owned(), renewed: None, passed: BTreeMap::new() };
        lease.renew().then_some(lease)
    }

    /// Says which logs have arrived to their end, and are not written any more. What fails is tried again: the index may be locked.
    pub(super) fn pass(&mut self, position: &Position, files: &[LogFile]) {
        let now = SystemTime::now();
        self.note(position, files, |file| file.is_closed(files, now));
    }

    /// Says which logs have arrived, also of those that may be written again: nobody says it later, and if nothing is added to them, they
    /// need not wait until the lease ends.
    pub(super) fn leave(&mut self, position: &Position, files: &[LogFile]) {
        self.note(position, files, |_| true);
    }

    fn note(&mut self, position: &Position, files: &[LogFile], is_meant: impl Fn(&LogFile) -> bool) {
        if self.renewed.is_none_or(|renewed| renewed.elapsed() >= RENEWED) && !self.renew() {
            return;
        }
        self.passed.retain(|log, _| position.logs.contains_key(log));
        for file in files {
            let Some(arrived) = position.logs.get(&file.name).map(|at| at.arrived) else { continue };
            let is_new = self.passed.get(&file.name).is_none_or(|passed| *passed < arrived);
            if is_new && arrived >= file.length && is_meant(file) {
                if self.index.set_passed(&self.name, file.name, arrived).is_err() {
                    break;
                }
                self.passed.insert(file.name, arrived);
            }
        }
    }

    /// Whether it is registered from now on. An index that was made anew knows nobody.
    fn renew(&mut self) -> bool {
        let until = SystemTime::now() + LEASE;
        let mut renewed = self.index.register_reader_until(&self.name, until);
        if renewed.as_ref().is_err_and(|e| e.kind() != ErrorKind::Busy)
            && let Ok(index) = Index::open(self.index.directory())
        {
            (self.index, self.passed) = (index, BTreeMap::new());
            renewed = self.index.register_reader_until(&self.name, until);
        }
        if renewed.is_ok() {
            self.renewed = Some(Instant::now());
        }
        renewed.is_ok()
    }

    /// Nothing waits for this shipper any more.
    pub(super) fn forget(self) -> Result<()> {
        self.index.forget_reader(&self.name)
    }
}
