//! A store of an earlier release: one SQLite file with a row for each delivery.
//!
//! Such a file is only read. A question scans the directories of all deliveries, which takes time in a large file; importing
//! the file into a store of this release makes that quick.

mod deliveries;
mod ids;
mod list;
mod mentions;
mod places;
mod row;
mod snapshot;
mod totals;

use crate::engine::{Engine, Snapshot};
use crate::import::Target;
use crate::{Error, Result};
use deliveries::Deliveries;
use rusqlite::{Connection, TransactionBehavior};
use snapshot::FileSnapshot;
use spanbridge_store::delivery::Delivery;
use spanbridge_store::file::{self, IfMissing};
use spanbridge_store::write::insert;
use std::path::Path;

/// An open file.
pub(crate) struct OldFile {
    pub(crate) connection: Connection,
}

impl OldFile {
    pub(crate) fn open(path: &Path, if_missing: IfMissing) -> Result<Self> {
        let connection = file::open(path, if_missing)?;
        // A question scans the directories of many deliveries. The next question finds them in memory.
        let cache = connection.execute_batch("PRAGMA cache_size = -32768").map_err(Error::from);
        cache.map_err(|e| e.at("open", path))?;
        Ok(Self { connection })
    }
}

impl Engine for OldFile {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        let transaction = self.connection.unchecked_transaction()?;
        Ok(Box::new(FileSnapshot { deliveries: Deliveries::new(transaction) }))
    }
}

impl Target for OldFile {
    fn engine(&self) -> &dyn Engine {
        self
    }

    fn locked(&mut self, compare: &mut dyn FnMut(&dyn Snapshot) -> Result<Option<Delivery>>) -> Result<()> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let snapshot = FileSnapshot { deliveries: Deliveries::new(transaction) };
        if let Some(delivery) = compare(&snapshot)? {
            insert(&snapshot.deliveries.transaction, None, &delivery)?;
        }
        Ok(snapshot.deliveries.transaction.commit()?)
    }
}
