//! Reading a store, and importing records into one.

mod answer;
mod damage;
mod export;
mod find;
mod gaps;
mod import;
mod linked;
mod list;
mod snapshot;

pub use answer::{Candidate, Found, Id, ImportReport, RunFilter, RunRow};

use crate::error::{Error, Result};
use crate::file::{self, Missing};
use crate::graph::{Checkup, Diagnostic, Gap, Graph};
use damage::Damage;
use rusqlite::Connection;
use snapshot::Snapshot;
use spanbridge::RunId;
use spanbridge::record::Record;
use std::fmt;
use std::path::{Path, PathBuf};

/// A store that is read, and that records can be imported into.
///
/// Each call sees one consistent state of the file, also while other processes write, and holds no lock afterwards. What a
/// damaged delivery held is left out of the answers, and [`Store::damage`] tells of it.
pub struct Store {
    path: PathBuf,
    connection: Connection,
    damage: Damage,
}

impl Store {
    /// Opens the store at this path.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is none: reading never makes one.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path.as_ref(), Missing::Refuse)
    }

    /// Opens the store at this path, and makes an empty one, with its directories, where there is none.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path.as_ref(), Missing::Make)
    }

    fn open_with(path: &Path, missing: Missing) -> Result<Self> {
        let connection = file::open(path, missing)?;
        // A question scans the directories of many deliveries; the next one finds them in memory.
        let cache = connection.execute_batch("PRAGMA cache_size = -32768").map_err(Error::from);
        cache.map_err(|e| e.at("open", path))?;
        Ok(Self { path: path.to_owned(), connection, damage: Damage::default() })
    }

    /// What an id of a run, a trace or a span, or the first four or more digits of one, stands for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidId`](crate::ErrorKind::InvalidId) for anything but 4 to 32 hexadecimal digits.
    pub fn find(&self, id: &str) -> Result<Found> {
        let prefix = find::Prefix::parse(id)?;
        self.read(|snapshot| find::find(snapshot, &prefix))
    }

    /// The graph of a run; `None` when no record of it is there.
    pub fn graph(&self, run_id: RunId) -> Result<Option<Graph>> {
        // Of this question alone: what is told of a run does not depend on what was asked before.
        let damage = Damage::default();
        let graph = self.read_noting(&damage, |snapshot| {
            let stored = snapshot.run(run_id)?;
            let records = stored.records()?;
            if records.is_empty() {
                return Ok(None);
            }
            let mut graph = Graph::build(run_id, &records);
            list::surroundings(snapshot, &mut graph)?;
            graph.diagnostics.extend(snapshot.damage.told());
            Ok(Some(graph))
        });
        self.damage.remember(damage);
        graph
    }

    /// The runs that pass the filter, newest first, `limit` of them at most.
    pub fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        self.read(|snapshot| list::runs(snapshot, filter, limit))
    }

    /// What is missing from these runs, or cannot be true in them. The checkup says what time it is, and how long things
    /// may take.
    ///
    /// To know what became of a message it also looks at the runs of the same traces, at parents and children, at those at
    /// the far ends of links, and where that does not explain everything at up to 500 runs that began at about the same time.
    /// Few runs are read at a time, however many are asked about; of each span that is looked at some ten bytes are kept.
    pub fn gaps(&self, run_ids: &[RunId], mut checkup: Checkup) -> Result<Vec<Gap>> {
        gaps::check(self, run_ids, &mut checkup)?;
        Ok(checkup.gaps())
    }

    /// The runs that began since then (`None`: all of them), newest first, and how many runs there are at all: what a checkup of
    /// a whole store, however large, is asked about.
    pub fn runs_since(&self, since: Option<u64>) -> Result<(Vec<RunId>, usize)> {
        self.read(|snapshot| gaps::since(snapshot, since))
    }

    /// Every record of a run, or with `None` of the whole store, in the order in which they came; those of one delivery
    /// by run. Reading everything holds no lock between deliveries, so what is written meanwhile may be seen too.
    pub fn records(&self, run_id: Option<RunId>, each: impl FnMut(Record<'_>)) -> Result<()> {
        match run_id {
            Some(run_id) => {
                let stored = self.read(|snapshot| snapshot.run(run_id))?;
                let records = stored.records().map_err(|e| e.at("read", &self.path))?;
                records.into_iter().for_each(each);
                Ok(())
            }
            None => export::all(self, each),
        }
    }

    /// What was stepped over since the store was opened, because it is damaged, in one diagnostic with the code
    /// `store.damaged`; `None` as nearly always. Its count is that of the deliveries. Where SQLite itself cannot read the
    /// file, questions fail with [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) instead.
    pub fn damage(&self) -> Option<Diagnostic> {
        self.damage.told()
    }

    /// Stores the records that are not there yet. Importing the same records again changes nothing.
    pub fn import<'a>(&mut self, records: impl IntoIterator<Item = Record<'a>>) -> Result<ImportReport> {
        import::import(&mut self.connection, &self.damage, records.into_iter())
            .map_err(|e| e.at("write to", &self.path))
    }

    /// Asks a question of one consistent state.
    fn read<'s, T>(&'s self, question: impl FnOnce(&Snapshot<'s>) -> Result<T>) -> Result<T> {
        self.read_noting(&self.damage, question)
    }

    /// The same, with the damage that it meets noted there.
    fn read_noting<'s, T>(
        &'s self,
        damage: &'s Damage,
        question: impl FnOnce(&Snapshot<'s>) -> Result<T>,
    ) -> Result<T> {
        let transaction = self.connection.unchecked_transaction().map_err(Error::from);
        let snapshot = transaction.map(|transaction| Snapshot { transaction, damage });
        snapshot.and_then(|snapshot| question(&snapshot)).map_err(|e| e.at("read", &self.path))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}
