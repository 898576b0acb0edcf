//! Where the index lies.

use super::schema;
use crate::unwritable::{self, Copy};
use crate::{Error, ErrorKind, Result};
use rusqlite::Connection;
use spanbridge_graph::hash::stable;
use std::fs::{self, File};
use std::io::ErrorKind::NotFound;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where the index of a store lies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In the directory of the store.
    Store(PathBuf),
    /// In the directory of the store, and it cannot be written there. It is only read: nothing is folded.
    ReadOnly(PathBuf),
    /// In the user's cache directory, because the directory of the store cannot be written and has none.
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
            Place::Store(path) | Place::ReadOnly(path) | Place::Cache(path) => Some(path),
            Place::Memory => None,
        }
    }

    /// Which file is there now.
    pub(super) fn identity(&self) -> Option<Identity> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let about = fs::metadata(self.path()?).ok()?;
            Some((about.dev(), about.ino()))
        }
        #[cfg(not(unix))]
        None
    }
}

/// The file in the directory of a store.
const FILE: &str = "index.db";

/// An index that was opened.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) place: Place,
    pub(super) frozen: Option<Frozen>,
}

/// An index that is read as it was when it was opened. Removed with this is the copy, if it is read instead.
pub(super) struct Frozen {
    state: [Option<(u64, SystemTime)>; 2],
    _copy: Option<Copy>,
}

/// Opens the index where it can be written. One that is in the directory of the store and cannot be written is read, because
/// the logs of the runs in it are gone.
pub(super) fn open(directory: &Path) -> Result<Opened> {
    let path = directory.join(FILE);
    let opened = |connection, place| Ok(Opened { connection, place, frozen: None });
    let failed = |e: Error| {
        // The directory is a store, whatever lies where its index should.
        let kind = if e.kind() == ErrorKind::NotAStore { ErrorKind::Corrupt } else { e.kind() };
        Error::new(kind, format!("its index cannot be opened: {e}")).with_cause(e)
    };
    match open_at(&path) {
        Ok(connection) => return opened(connection, Place::Store(path)),
        Err(e) if !is_elsewhere_better(&e) => return Err(failed(e)),
        Err(_) if is_there(&path) => {
            // Where the disk is full, an index may have been created, and have nothing yet.
            if let Some(opened) = read(path).map_err(failed)? {
                return Ok(opened);
            }
        }
        Err(_) => {}
    }
    if let Some(path) = cached(directory) {
        match open_at(&path) {
            Ok(connection) => return opened(connection, Place::Cache(path)),
            Err(e) if !is_elsewhere_better(&e) => return Err(failed(e)),
            Err(_) => {}
        }
    }
    opened(schema::in_memory()?, Place::Memory)
}

/// Whether there is an index, or nobody lets us look.
fn is_there(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(about) => about.is_file() && about.len() > 0,
        Err(e) => e.kind() != NotFound,
    }
}

/// Opens an index that cannot be written. `None`: it is empty.
fn read(path: PathBuf) -> Result<Option<Opened>> {
    File::open(&path).map_err(|e| Error::new(ErrorKind::Io, format!("it cannot be read ({e})")))?;
    let state = state(&path);
    let (connection, frozen) = match schema::open_to_read(&path) {
        Err(e) if unwritable::is_cause(&e) => {
            let (connection, copy) = unwritable::open(&path)?;
            (connection, Some(Frozen { state, _copy: copy }))
        }
        other => (other?, None),
    };
    let is_made = schema::is_made(&connection)?;
    Ok(is_made.then(|| Opened { connection, place: Place::ReadOnly(path), frozen }))
}

/// Length and time of the file and of its write-ahead log. Each transaction changes one of them.
pub(super) fn state(path: &Path) -> [Option<(u64, SystemTime)>; 2] {
    [path, &unwritable::log(path)].map(|path| {
        let about = fs::metadata(path).ok()?;
        Some((about.len(), about.modified().ok()?))
    })
}

impl Frozen {
    /// Fails if somebody has changed the index since it was opened.
    pub(super) fn assert_unchanged(&self, place: &Place) -> Result<()> {
        match place.path().is_none_or(|path| state(path) == self.state) {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::Moved, "others changed the index while it was read")),
        }
    }
}

/// The file of the index of this store, if there is one.
pub(super) fn existing(directory: &Path) -> Option<PathBuf> {
    [Some(directory.join(FILE)), cached(directory)].into_iter().flatten().find(|path| path.is_file())
}

/// Where nothing can be written, another place may do. What is wrong with its content stays wrong.
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
    fs::create_dir_all(&ours).ok()?;
    let canonical = directory.canonicalize().ok()?;
    Some(ours.join(format!("index-{:016x}.db", stable(canonical.as_os_str().as_encoded_bytes()))))
}
