//! Reading a store, and importing records into it.

use crate::Result;
use crate::answer::{Found, ImportReport};
use crate::engine::{Cursor, Engine, IdPrefix};
use crate::import::import;
use crate::old::OldFile;
use crate::questions::{find, gaps, graph};
use crate::reader::Reader;
use crate::runs::{RunFilter, RunRow};
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::{Checkup, Diagnostic, Gap, Graph};
use spanbridge_store::file::IfMissing;
use std::fmt;
use std::path::Path;

/// A store to read from and to import records into.
///
/// Each call sees one consistent state, even while other processes write, and holds no lock afterwards. What is damaged is
/// skipped; [`Store::damage`] reports it.
pub struct Store {
    reader: Reader,
}

impl Store {
    /// Opens the store at this path.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none. This never creates a store.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Ok(Self::with_engine(path, OldFile::open(path, IfMissing::Fail)?))
    }

    /// Opens the store at this path. Creates an empty one, and its directories, if there is none.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Ok(Self::with_engine(path, OldFile::open(path, IfMissing::Create)?))
    }

    /// A store that another engine reads. `name` says in errors which store that is, such as its address.
    pub fn with_engine(name: impl AsRef<Path>, engine: impl Engine + 'static) -> Self {
        Self { reader: Reader::new(name.as_ref().to_owned(), Box::new(engine)) }
    }

    /// Finds what an id of a run, a trace or a span stands for. The first four digits or more are enough.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidId`](crate::ErrorKind::InvalidId) for anything but 4 to 32 hexadecimal digits.
    pub fn find(&self, id: &str) -> Result<Found> {
        let prefix = IdPrefix::parse(id)?;
        self.reader.read(|snapshot| find::find(snapshot, &prefix))
    }

    /// The graph of a run. `None` if it has no records. It reports damage only if that concerns this run.
    pub fn graph(&self, run_id: RunId) -> Result<Option<Graph>> {
        self.reader.read(|snapshot| graph::graph(snapshot, run_id))
    }

    /// The runs that match the filter, newest first, at most `limit` of them.
    pub fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        self.reader.read(|snapshot| snapshot.runs(filter, limit))
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
    /// records of one delivery come by run.
    pub fn records(&self, run_id: Option<RunId>, mut each: impl FnMut(Record<'_>)) -> Result<()> {
        self.reader.read(|snapshot| match run_id {
            Some(run_id) => snapshot.records(&[run_id], &mut |_, records| {
                records.into_iter().for_each(&mut each);
                Ok(())
            }),
            None => snapshot.follow(&Cursor::default(), &mut |records| {
                records.into_iter().for_each(&mut each);
                Ok(())
            }),
        })
    }

    /// Calls `each` with every record that was stored after the cursor, in the order in which they were stored, and returns
    /// the cursor for the next call. With [`Cursor::default`], each stored record comes once. Otherwise none is left out, but
    /// some that were before the cursor may come again.
    pub fn follow(&self, after: &Cursor, mut each: impl FnMut(Record<'_>)) -> Result<Cursor> {
        self.reader.read(|snapshot| {
            snapshot.follow(after, &mut |records| {
                records.into_iter().for_each(&mut each);
                Ok(())
            })?;
            snapshot.end()
        })
    }

    /// The cursor for what will be stored from now on. See [`Store::follow`].
    pub fn end(&self) -> Result<Cursor> {
        self.reader.read(|snapshot| snapshot.end())
    }

    /// What was skipped since the store was opened, because it is damaged: one diagnostic with the code `store.damaged`
    /// and the number of damaged parts. `None` if nothing was. If nothing can be read at all, calls fail with
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) instead.
    pub fn damage(&self) -> Option<Diagnostic> {
        self.reader.damage()
    }

    /// Stores the records that are not stored yet. Importing the same records again changes nothing.
    pub fn import<'a>(&mut self, records: impl IntoIterator<Item = Record<'a>>) -> Result<ImportReport> {
        let path = &self.reader.path;
        let mut target = OldFile::open(path, IfMissing::Create)?;
        import(&mut target, records.into_iter()).map_err(|e| e.at("write to", path))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.reader.path).finish_non_exhaustive()
    }
}
