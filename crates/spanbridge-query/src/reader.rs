//! Asking questions of an open file.

use crate::damage::Damage;
use crate::snapshot::Snapshot;
use crate::{Error, Result};
use rusqlite::Connection;
use spanbridge_store::file::{self, IfMissing};
use std::path::{Path, PathBuf};

/// An open file, and the damage that was found in it.
pub(crate) struct Reader {
    pub(crate) path: PathBuf,
    pub(crate) connection: Connection,
    pub(crate) damage: Damage,
}

impl Reader {
    pub(crate) fn open(path: &Path, if_missing: IfMissing) -> Result<Self> {
        let connection = file::open(path, if_missing)?;
        // A question scans the directories of many deliveries. The next question finds them in memory.
        let cache = connection.execute_batch("PRAGMA cache_size = -32768").map_err(Error::from);
        cache.map_err(|e| e.at("open", path))?;
        Ok(Self { path: path.to_owned(), connection, damage: Damage::default() })
    }

    /// Asks a question of one consistent state of the file.
    pub(crate) fn read<'s, T>(&'s self, question: impl FnOnce(&Snapshot<'s>) -> Result<T>) -> Result<T> {
        self.read_noting(&self.damage, question)
    }

    /// The same, but notes damage elsewhere.
    pub(crate) fn read_noting<'s, T>(
        &'s self,
        damage: &'s Damage,
        question: impl FnOnce(&Snapshot<'s>) -> Result<T>,
    ) -> Result<T> {
        let transaction = self.connection.unchecked_transaction().map_err(Error::from);
        let snapshot = transaction.map(|transaction| Snapshot { transaction, damage });
        snapshot.and_then(|snapshot| question(&snapshot)).map_err(|e| e.at("read", &self.path))
    }
}
