//! Others who read the logs themselves, such as to ship records elsewhere: a log stays until each of them has passed it.

use super::handle::Index;
use crate::Result;
use rusqlite::params;
use spanbridge_store::log::LogName;

impl Index {
    /// Registers somebody who reads the logs, under a name of their own. From now on, no log is removed before they have
    /// [passed](Index::set_passed) it. Registering twice changes nothing.
    ///
    /// # Errors
    /// If the index cannot be written, or does not lie in the directory of the store: then whoever removes logs would not know.
    pub fn register_reader(&self, name: &str) -> Result<()> {
        // A log that cannot exist, so that whoever has passed none is known.
        self.set_passed(name, LogName { writer: 0, number: 0 }, 0)
    }

    /// Notes up to where a reader has read a log. Registers the reader.
    ///
    /// # Errors
    /// As [`Index::register_reader`].
    pub fn set_passed(&self, name: &str, log: LogName, offset: u64) -> Result<()> {
        self.place.assert_shared()?;
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
