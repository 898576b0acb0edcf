//! Reading a store, and importing records into it.

use crate::Result;
use crate::answer::{Found, ImportReport, RunFilter, RunRow};
use crate::damage::Damage;
use crate::reader::Reader;
use crate::{export, find, gaps, import, list, related};
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::{Checkup, Diagnostic, Gap, Graph};
use spanbridge_store::file::IfMissing;
use std::fmt;
use std::path::Path;

/// A store to read from and to import records into.
///
/// Each call sees one consistent state of the file, even while other processes write, and holds no lock afterwards. Damaged
/// deliveries are skipped; [`Store::damage`] reports them.
pub struct Store {
    reader: Reader,
}

impl Store {
    /// Opens the store at this path.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none. This never creates a store.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { reader: Reader::open(path.as_ref(), IfMissing::Fail)? })
    }

    /// Opens the store at this path. Creates an empty one, and its directories, if there is none.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self> {
        Ok(Self { reader: Reader::open(path.as_ref(), IfMissing::Create)? })
    }

    /// Finds what an id of a run, a trace or a span stands for. The first four digits or more are enough.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidId`](crate::ErrorKind::InvalidId) for anything but 4 to 32 hexadecimal digits.
    pub fn find(&self, id: &str) -> Result<Found> {
        let prefix = find::Prefix::parse(id)?;
        self.reader.read(|snapshot| find::find(snapshot, &prefix))
    }

    /// The graph of a run. `None` if it has no records.
    pub fn graph(&self, run_id: RunId) -> Result<Option<Graph>> {
        // The graph reports only damage that concerns this run, whatever was read before.
        let damage = Damage::default();
        let graph = self.reader.read_noting(&damage, |snapshot| {
            let stored = snapshot.run(run_id)?;
            let records = stored.records()?;
            if records.is_empty() {
                return Ok(None);
            }
            let mut graph = Graph::build(run_id, &records);
            related::add_other_runs(snapshot, &mut graph)?;
            graph.diagnostics.extend(snapshot.damage.diagnostic());
            Ok(Some(graph))
        });
        self.reader.damage.merge(damage);
        graph
    }

    /// The runs that match the filter, newest first, at most `limit` of them.
    pub fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        self.reader.read(|snapshot| list::runs(snapshot, filter, limit))
    }

    /// What is missing in these runs, or cannot be true. The checkup says what time it is, and how long things may take.
    ///
    /// To learn what happened to a message, this also reads the runs of the same traces, parents and children, and linked
    /// runs. If that does not explain everything, it reads up to 500 runs that began at about the same time. It keeps few
    /// runs in memory at a time, and some ten bytes for each span.
    pub fn gaps(&self, run_ids: &[RunId], mut checkup: Checkup) -> Result<Vec<Gap>> {
        gaps::check(&self.reader, run_ids, &mut checkup)?;
        Ok(checkup.gaps())
    }

    /// The runs that began at this time or later (`None`: all runs), newest first, and the number of all runs. Use this to
    /// check a whole store with [`Store::gaps`], however large it is.
    pub fn runs_since(&self, since: Option<u64>) -> Result<(Vec<RunId>, usize)> {
        self.reader.read(|snapshot| gaps::since(snapshot, since))
    }

    /// Calls `each` with every record of a run (`None`: of the whole store), in the order in which they were stored. The
    /// records of one delivery come by run. Reading the whole store holds no lock between deliveries, so it may include
    /// what is written meanwhile.
    pub fn records(&self, run_id: Option<RunId>, each: impl FnMut(Record<'_>)) -> Result<()> {
        let Some(run_id) = run_id else { return export::all(&self.reader, each) };
        let stored = self.reader.read(|snapshot| snapshot.run(run_id))?;
        let records = stored.records().map_err(|e| e.at("read", &self.reader.path))?;
        records.into_iter().for_each(each);
        Ok(())
    }

    /// What was skipped since the store was opened, because it is damaged: one diagnostic with the code `store.damaged`
    /// and the number of deliveries. `None` if nothing was. If SQLite itself cannot read the file, calls fail with
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) instead.
    pub fn damage(&self) -> Option<Diagnostic> {
        self.reader.damage.diagnostic()
    }

    /// Stores the records that are not stored yet. Importing the same records again changes nothing.
    pub fn import<'a>(&mut self, records: impl IntoIterator<Item = Record<'a>>) -> Result<ImportReport> {
        let Reader { path, connection, damage } = &mut self.reader;
        import::import(connection, damage, records.into_iter()).map_err(|e| e.at("write to", path))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.reader.path).finish_non_exhaustive()
    }
}
