//! What a shipper's position is called.

use super::result::{Result, failed};
use spanbridge_query::{Error, ErrorKind};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// The name of a position: each far end of a store has one of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    id: String,
    to: String,
}

impl Name {
    /// The name for this address, which must have no password: it is stored.
    pub fn of(address: impl Into<String>) -> Self {
        let to = address.into();
        Self { id: format!("ship-{:016x}", xxh3_64(to.as_bytes())), to }
    }

    /// The address.
    pub fn to(&self) -> &str {
        &self.to
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Where the position is stored.
    pub(super) fn file(&self, directory: &Path) -> PathBuf {
        directory.join(format!("{}.json", self.id))
    }

    /// Keeps others out until the file is dropped, or the process ends.
    pub(super) fn lock(&self, directory: &Path) -> Result<File> {
        let path = directory.join(format!("{}.lock", self.id));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let doing = || format!("lock the position in {}", path.display());
        let file = options.open(&path).map_err(|e| failed(doing(), e))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                let message = format!("{}: another process sends the records of this store to {}", doing(), self.to);
                Err(Error::new(ErrorKind::Busy, message))
            }
            Err(TryLockError::Error(e)) => Err(failed(doing(), e)),
        }
    }
}
