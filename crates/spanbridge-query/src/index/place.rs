//! Where the index lies.

use super::schema;
use crate::{Error, ErrorKind, Result};
use rusqlite::Connection;
use spanbridge_graph::hash::stable;
use std::path::{Path, PathBuf};

/// Where the index of a store lies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In the directory of the store.
    Store(PathBuf),
    /// In the user's cache directory, because the directory of the store cannot be written.
    Cache(PathBuf),
    /// In memory, for as long as it is open.
    Memory,
}

/// Device and number of a file.
pub(super) type Identity = (u64, u64);

impl Place {
    /// The file. `None`: the index is in memory.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Place::Store(path) | Place::Cache(path) => Some(path),
            Place::Memory => None,
        }
    }

    /// Which file is there now.
    pub(super) fn identity(&self) -> Option<Identity> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let about = std::fs::metadata(self.path()?).ok()?;
            Some((about.dev(), about.ino()))
        }
        #[cfg(not(unix))]
        None
    }
}

/// The file in the directory of a store.
const FILE: &str = "index.db";

/// Opens the index where it can be written.
pub(super) fn open(directory: &Path) -> Result<(Connection, Place)> {
    let path = directory.join(FILE);
    match open_at(&path) {
        Ok(connection) => return Ok((connection, Place::Store(path))),
        Err(e) if !is_elsewhere_better(&e) => return Err(e.at("open the index of", directory)),
        Err(_) => {}
    }
    if let Some(path) = cached(directory) {
        match open_at(&path) {
            Ok(connection) => return Ok((connection, Place::Cache(path))),
            Err(e) if !is_elsewhere_better(&e) => return Err(e.at("open the index of", directory)),
            Err(_) => {}
        }
    }
    Ok((schema::in_memory()?, Place::Memory))
}

/// The file of the index of this store, if there is one.
pub(super) fn existing(directory: &Path) -> Option<PathBuf> {
    [Some(directory.join(FILE)), cached(directory)].into_iter().flatten().find(|path| path.is_file())
}

/// A file that can be read but not written is of no use. What is wrong with its content stays wrong.
fn is_elsewhere_better(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Full | ErrorKind::NotFound)
}

fn open_at(path: &Path) -> Result<Connection> {
    let connection = schema::open(path)?;
    // SQLite opens a file that cannot be written without a word.
    let is_read_only = connection.is_readonly(rusqlite::MAIN_DB)?;
    match is_read_only {
        true => Err(Error::new(ErrorKind::Io, "it is read-only")),
        false => Ok(connection),
    }
}

/// The file in the user's cache, in a directory that is made.
fn cached(directory: &Path) -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache =
        set("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or(set("HOME").map(|home| home.join(".cache")))?;
    let ours = cache.join("spanbridge");
    std::fs::create_dir_all(&ours).ok()?;
    let canonical = directory.canonicalize().ok()?;
    Some(ours.join(format!("index-{:016x}.db", stable(canonical.as_os_str().as_encoded_bytes()))))
}
