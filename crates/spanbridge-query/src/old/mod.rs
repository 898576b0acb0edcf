//! A store of an earlier release: one SQLite file with a row for each delivery.
//!
//! Such a file is only read. A question scans the directories of all deliveries, which takes time in a large file; importing
//! the file into a store of this release makes that quick.

mod deliveries;
mod file;
mod ids;
mod list;
mod mentions;
mod places;
mod row;
mod snapshot;
mod totals;

use crate::Result;
use crate::engine::{Engine, Snapshot};
use deliveries::Deliveries;
use file::File;
use snapshot::FileSnapshot;
use std::path::{Path, PathBuf};

/// An open file.
pub(crate) struct OldFile {
    path: PathBuf,
    file: File,
}

impl OldFile {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = file::open(path).map_err(|e| e.at("open", path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Engine for OldFile {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>> {
        let transaction = self.file.connection.unchecked_transaction()?;
        let deliveries = Deliveries::new(transaction, self.file.has_links);
        Ok(Box::new(FileSnapshot { deliveries }))
    }
}
