//! An open index.

use super::block::Packer;
use super::fold::blocks::Workshop;
use super::logs::{has_runs_without_logs, list};
use super::names::Names;
use super::place::{self, Frozen, Identity, Opened, Place};
use super::records::BlockReader;
use super::tails::Tails;
use super::view::View;
use crate::engine::now;
use crate::{Error, ErrorKind, Result};
use rusqlite::Connection;
use spanbridge_store::log::LogName;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The index of a directory with logs, and what is not folded: the [engine](crate::engine::Engine) of a store.
pub struct Index {
    pub(super) directory: PathBuf,
    pub(super) place: Place,
    pub(super) connection: Connection,
    pub(super) workshop: RefCell<Workshop>,
    pub(super) tails: RefCell<Tails>,
    pub(super) view: RefCell<View>,
    /// The watermarks of the view.
    pub(super) seen: Cell<BTreeMap<LogName, u64>>,
    /// The view must be made again.
    pub(super) is_stale: Cell<bool>,
    pub(super) names: RefCell<Names>,
    pub(super) packer: RefCell<Packer>,
    pub(super) reader: RefCell<BlockReader>,
    /// SQLite's number for what others wrote.
    pub(super) version: Cell<i64>,
    /// What time it is, in nanoseconds since the Unix epoch.
    pub(super) clock: fn() -> u64,
    /// Which file the index is.
    identity: Option<Identity>,
    frozen: Option<Frozen>,
}

impl Index {
    /// Opens the index of the store in this directory, and creates it if there is none. If the directory cannot be
    /// written or is on a network file system, an index that is there is read as it is; if there is none, the index lies in the
    /// user's cache, or in memory if it cannot be there either.
    ///
    /// # Errors
    /// If a newer release wrote the index, or it is damaged, or it can be neither written nor read.
    pub fn open(directory: &Path) -> Result<Self> {
        Self::at(directory, place::open(directory)?)
    }

    /// An index that is open, of the store in this directory.
    pub(super) fn at(directory: &Path, opened: Opened) -> Result<Self> {
        let Opened { connection, place, frozen } = opened;
        let identity = place.identity();
        Ok(Self {
            directory: directory.to_owned(),
            place,
            connection,
            workshop: RefCell::new(Workshop::new()?),
            tails: RefCell::default(),
            view: RefCell::default(),
            seen: Cell::default(),
            is_stale: Cell::new(true),
            names: RefCell::default(),
            packer: RefCell::new(Packer::new()?),
            reader: RefCell::default(),
            version: Cell::default(),
            clock: now,
            identity,
            frozen,
        })
    }

    /// Where the index lies.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The directory with the logs.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether runs are stored whose logs may be gone: whoever reads the logs alone does not see these.
    pub(crate) fn has_runs_without_logs(&self) -> Result<bool> {
        has_runs_without_logs(&self.connection)
    }

    /// Fails if the file of the index was removed or replaced since it was opened. What is folded into it then would be lost with
    /// the logs, so a fold asks this while it holds the lock for writing. Whoever replaces the file holds that lock.
    pub(super) fn assert_in_place(&self) -> Result<()> {
        if self.place.identity() != self.identity {
            return Err(Error::new(ErrorKind::Moved, "the index was removed or replaced while it was in use"));
        }
        if matches!(self.place, Place::Cache(_)) && !place::goes_with(&self.connection, &list(&self.directory)?)? {
            return Err(Error::new(ErrorKind::Moved, "its directory was replaced while it was in use"));
        }
        Ok(())
    }

    /// Fails if the index is read as it was, and was changed since.
    pub(super) fn assert_unchanged(&self) -> Result<()> {
        self.frozen.as_ref().map_or(Ok(()), |frozen| frozen.assert_unchanged(&self.place))
    }

    /// Bytes of each table and of each index on one, the largest first.
    #[doc(hidden)]
    pub fn sizes(&self) -> Result<Vec<(String, u64)>> {
        self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        let sql = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name HAVING sum(pgsize) > 8192 ORDER BY 2 DESC";
        let mut query = self.connection.prepare(sql)?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("directory", &self.directory).field("place", &self.place).finish_non_exhaustive()
    }
}
