//! Where the index lies.
//!
//! Beside the logs, if it can be: then whoever folds can remove them. If the directory cannot be written or is on a network file
//! system, it is in the user's cache, and the logs stay, because others may have an index of their own. Runs may be in the file
//! beside the logs alone, so if there is one that cannot be written, it is read as it is; no other takes its place.

use super::logs::{self, watermarks};
use super::{network, schema};
use crate::unwritable::{self, Copy};
use crate::{Error, ErrorKind, Result};
use rusqlite::Connection;
use spanbridge_graph::hash::stable;
use spanbridge_store::log::LogFile;
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
    /// In the directory of the store, which cannot be written or is on a network file system. It is only read: nothing is folded.
    ReadOnly(PathBuf),
    /// In the user's cache directory, because that of the store has none, and cannot be written or is on a network file system.
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

    /// Fails if others could not know what is noted in this index, or nothing can be.
    pub(crate) fn assert_shared(&self) -> Result<()> {
        let why = match self {
            Place::Store(_) => return Ok(()),
            Place::ReadOnly(_) => return self.assert_writable(),
            Place::Cache(_) => {
                "its index is in the user's cache; its directory cannot be written, or is on another host"
            }
            Place::Memory => "its index is in memory; neither its directory nor the user's cache can have it",
        };
        Err(Error::new(ErrorKind::Io, why))
    }

    /// Fails if the index can only be read.
    pub(crate) fn assert_writable(&self) -> Result<()> {
        match self {
            Place::ReadOnly(_) => {
                Err(Error::new(ErrorKind::Io, "its directory cannot be written, or is on another host"))
            }
            Place::Store(_) | Place::Cache(_) | Place::Memory => Ok(()),
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

/// How many indexes a path may have in the cache. Each is of another store that was there.
const MAX_CACHED: u32 = 16;

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
    open_in(directory, cached(directory), network::has)
}

/// The same, with the first file in the cache, and somebody who knows which directories are on a network file system.
pub(super) fn open_in(
    directory: &Path,
    cached: Option<PathBuf>,
    is_on_network: impl Fn(&Path) -> bool,
) -> Result<Opened> {
    let path = directory.join(FILE);
    let opened = |connection, place| Ok(Opened { connection, place, frozen: None });
    let failed = |e: Error| {
        // The directory is a store, whatever lies where its index should.
        let kind = if e.kind() == ErrorKind::NotAStore { ErrorKind::Corrupt } else { e.kind() };
        Error::new(kind, format!("its index cannot be opened: {e}")).with_cause(e)
    };
    let is_remote = is_on_network(directory);
    let at = if is_remote { Err(Error::new(ErrorKind::Io, "it is on another host")) } else { open_at(&path) };
    match at {
        Ok(connection) => return opened(connection, Place::Store(path)),
        Err(e) if !is_elsewhere_better(&e) => return Err(failed(e)),
        Err(_) if is_there(&path) => {
            // Where the disk is full, an index may have been created, and have nothing yet.
            if let Some(opened) = read(path, is_remote).map_err(failed)? {
                return Ok(opened);
            }
        }
        Err(_) => {}
    }
    if let Some(first) = cached.filter(|first| !first.parent().is_some_and(&is_on_network)) {
        let logs = logs::list(directory)?;
        for path in variants(&first) {
            match open_at(&path) {
                Ok(connection) if !goes_with(&connection, &logs)? => {}
                Ok(connection) => return opened(connection, Place::Cache(path)),
                Err(e) if !is_elsewhere_better(&e) => return Err(failed(e)),
                Err(_) => break,
            }
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

/// Opens an index that cannot be written. `None`: it is empty. On another host, nothing is made beside it, and no lock is asked for.
fn read(path: PathBuf, is_remote: bool) -> Result<Option<Opened>> {
    File::open(&path).map_err(|e| Error::new(ErrorKind::Io, format!("it cannot be read ({e})")))?;
    let state = state(&path);
    let as_it_is = || -> Result<_> {
        let (connection, copy) = unwritable::open(&path)?;
        Ok((connection, Some(Frozen { state, _copy: copy })))
    };
    let (connection, frozen) = match is_remote {
        true => as_it_is()?,
        false => match schema::open_to_read(&path) {
            Err(e) if unwritable::is_cause(&e) => as_it_is()?,
            other => (other?, None),
        },
    };
    let is_made = schema::is_made(&connection)?;
    schema::read_as_current(&connection)?;
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
pub(super) fn existing(directory: &Path) -> Result<Option<Place>> {
    let path = directory.join(FILE);
    if path.is_file() {
        return Ok(Some(Place::Store(path)));
    }
    let Some(first) = cached(directory) else { return Ok(None) };
    let logs = logs::list(directory)?;
    let is_it = |path: &PathBuf| {
        // One that nobody can read may be of this store.
        path.is_file() && schema::open_to_read(path).and_then(|index| goes_with(&index, &logs)).unwrap_or(true)
    };
    Ok(variants(&first).find(is_it).map(Place::Cache))
}

/// Whether an index in the cache is of the store that has these logs. Another directory may be at the same path by now. Writers
/// have random names; so an index that knows some, but none of those that are there, is of another store.
pub(super) fn goes_with(connection: &Connection, logs: &[LogFile]) -> Result<bool> {
    let known = watermarks(connection)?;
    let is_known = |log: &LogFile| known.keys().any(|name| name.writer == log.name.writer);
    Ok(known.is_empty() || logs.iter().any(is_known))
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

/// The first file in the user's cache, in a directory that is made.
fn cached(directory: &Path) -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache =
        set("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or(set("HOME").map(|home| home.join(".cache")))?;
    let ours = cache.join("spanbridge");
    fs::create_dir_all(&ours).ok()?;
    let canonical = directory.canonicalize().ok()?;
    Some(ours.join(format!("index-{:016x}.db", stable(canonical.as_os_str().as_encoded_bytes()))))
}

/// The files in the cache for the stores that were at one path.
fn variants(first: &Path) -> impl Iterator<Item = PathBuf> {
    let later = (2..=MAX_CACHED).map(|n| first.with_extension(format!("{n}.db")));
    std::iter::once(first.to_owned()).chain(later)
}
