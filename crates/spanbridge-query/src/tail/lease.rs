//! Logs stay until a tail has read them.

use crate::ErrorKind;
use crate::index::Index;
use spanbridge_store::log::LogName;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

/// How long logs are kept for a tail that does not come back.
const LEASE: Duration = Duration::from_secs(5 * 60);

/// How often it is renewed.
const RENEWED: Duration = Duration::from_secs(2);

/// A reader that is registered for a while. If its process is killed, logs wait no longer than that.
pub(super) struct Lease {
    index: Index,
    name: String,
    renewed: Instant,
    finished: Vec<(LogName, u64)>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Lease {
    /// `None` if the index cannot be written.
    pub(super) fn take(index: Index) -> Option<Self> {
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = format!("tail-{}-{nanos}", std::process::id());
        index.register_reader_until(&name, SystemTime::now() + LEASE).ok()?;
        Some(Self { index, name, renewed: Instant::now(), finished: Vec::new() })
    }

    /// Renews it from time to time, and says which logs are read to their end. What fails is tried again: the index may be locked,
    /// and one that was made anew knows nobody.
    pub(super) fn renew(&mut self, finished: Vec<(LogName, u64)>) {
        self.finished.extend(finished);
        if self.renewed.elapsed() < RENEWED {
            return;
        }
        self.renewed = Instant::now();
        match self.index.register_reader_until(&self.name, SystemTime::now() + LEASE) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::Busy => return,
            Err(_) => {
                if let Ok(index) = Index::open(self.index.directory()) {
                    self.index = index;
                }
                return;
            }
        }
        let (index, name) = (&self.index, &self.name);
        self.finished.retain(|(log, length)| index.set_passed(name, *log, *length).is_err());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Otherwise it runs out.
        let _ = self.index.forget_reader(&self.name);
    }
}
