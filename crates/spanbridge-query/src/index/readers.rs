//! Others who read the logs themselves, such as to ship records elsewhere: a log stays until each of them has passed it.

use super::handle::Index;
use crate::Result;
use rusqlite::params;
use spanbridge_store::log::LogName;
use std::time::SystemTime;

/// A log that cannot exist. A reader has passed it up to the time, in seconds since 1970, until which it counts; 0: for ever.
const LEASE: LogName = LogName { writer: 0, number: 0 };

/// Those who still count, at this time.
pub(super) const READERS: &str = "SELECT DISTINCT name FROM reader AS r WHERE NOT EXISTS (SELECT 1 FROM reader AS lease \
     WHERE lease.name = r.name AND lease.writer = 0 AND lease.number = 0 AND lease.passed BETWEEN 1 AND ?)";

/// Forgets those who do not.
pub(super) const FORGET_EXPIRED: &str = "DELETE FROM reader WHERE name IN \
     (SELECT name FROM reader WHERE writer = 0 AND number = 0 AND passed BETWEEN 1 AND ?)";

impl Index {
    /// Registers somebody who reads the logs, under a name of their own. From now on, no log is removed before they have
    /// [passed](Index::set_passed) it. Registering twice changes nothing.
    ///
    /// # Errors
    /// If the index cannot be written, or does not lie in the directory of the store: then whoever removes logs would not know.
    pub fn register_reader(&self, name: &str) -> Result<()> {
        self.set_passed(name, LEASE, 0)
    }

    /// As [`register_reader`](Index::register_reader), for somebody who may go away without a word: after this time, no log waits
    /// for them. Registering again with a later time extends it.
    ///
    /// # Errors
    /// As [`Index::register_reader`].
    pub fn register_reader_until(&self, name: &str, until: SystemTime) -> Result<()> {
        let seconds = until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        self.set_passed(name, LEASE, seconds.max(1))
    }

    /// Notes up to where a reader has read a log. Registers the reader.
    ///
    /// # Errors
    /// As [`Index::register_reader`].
    pub fn set_passed(&self, name: &str, log: LogName, offset: u64) -> Result<()> {
        self.place.assert_shared()?;
        self.assert_in_place()?;
        let mut set = self.connection.prepare_cached(
            "INSERT INTO reader(name, writer, number, passed) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT(name, writer, number) DO UPDATE SET passed = max(passed, ?4)",
        )?;
        set.execute(params![name, log.writer as i64, log.number, offset as i64])?;
        Ok(())
    }

    /// Forgets a reader: logs are removed without waiting for it.
    ///
    /// # Errors
    /// If the index cannot be written.
    pub fn forget_reader(&self, name: &str) -> Result<()> {
        self.connection.prepare_cached("DELETE FROM reader WHERE name = ?")?.execute([name])?;
        Ok(())
    }
}
