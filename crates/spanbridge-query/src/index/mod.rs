//! The index: runs, folded from the logs of all writers into one SQLite file.
//!
//! Applications only append to logs. Whoever asks questions folds what the logs have into the index, for a moment or all along,
//! and answers from the index and from what is not folded yet together.
//!
//! `block` is how records are kept, `schema` the tables, `place` where the file lies. `fold` brings records in. `tails` holds
//! what is not folded, `view` is what a question sees of it, and `snapshot` answers.

mod block;
mod fold;
mod place;
mod records;
mod run;
mod schema;
mod snapshot;
mod source;
mod tails;
#[cfg(test)]
mod tests;
mod texts;
mod view;

use crate::Result;
use block::Packer;
use fold::Workshop;
use records::BlockReader;
use rusqlite::Connection;
use snapshot::{Names, Seen};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::path::{Path, PathBuf};
use tails::Tails;
use view::View;

pub use fold::{FoldBudget, FoldReport};
pub use place::Place;

/// The index of a directory with logs, and what is not folded: the [engine](crate::engine::Engine) of a store.
pub struct Index {
    directory: PathBuf,
    place: Place,
    connection: Connection,
    workshop: RefCell<Workshop>,
    tails: RefCell<Tails>,
    view: RefCell<View>,
    /// The watermarks of the view.
    seen: Seen,
    /// The view must be made again.
    is_stale: Cell<bool>,
    names: RefCell<Names>,
    packer: RefCell<Packer>,
    reader: RefCell<BlockReader>,
}

impl Index {
    /// Opens the index of the store in this directory, and creates it if there is none. Where the directory cannot be written,
    /// the index lies in the user's cache; if it cannot be there either, in memory.
    ///
    /// # Errors
    /// If a newer release wrote the index, or it is damaged.
    pub fn open(directory: &Path) -> Result<Self> {
        let (connection, place) = place::open(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            place,
            connection,
            workshop: RefCell::new(Workshop::new()?),
            tails: RefCell::default(),
            view: RefCell::default(),
            seen: Seen::default(),
            is_stale: Cell::new(true),
            names: RefCell::default(),
            packer: RefCell::new(Packer::new()?),
            reader: RefCell::default(),
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
