//! Reading a store, and importing records into it.

mod elsewhere;
mod import;
mod import_log;
pub(crate) mod imported;
pub(crate) mod open;
mod within;

use crate::answer::{Found, ImportReport, Imported};
use crate::engine::parts::parts;
use crate::engine::{Cursor, Engine, IdPrefix};
use crate::engines::Engines;
use crate::index::{FoldBudget, FoldReport, Index};
use crate::questions::changed_tables::changed_tables;
use crate::questions::descendants::{self, Descendants};
use crate::questions::{find, gaps, list, operations, state};
use crate::reader::Reader;
use crate::runs::{RunFilter, RunQuery, RunRow};
use crate::state::{ChangedTable, RowQuery, StateAnswer};
use crate::{Error, ErrorKind, Result};
use elsewhere::Elsewhere;
use import::{Import, KnownRecords};
use import_log::ImportLog;
use open::Opened;
use spanbridge::record::Record;
use spanbridge::{RunId, SpanId};
use spanbridge_graph::{Checkup, Diagnostic, Diff, DiffOptions, Gap, Graph, GraphLimit, Why};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
pub use within::Within;

/// A store to read from and to import records into.
///
/// Each call sees one consistent state, even while other processes write, and holds no lock afterwards. What is damaged is
/// skipped; [`Store::damage`] reports it.
pub struct Store {
    pub(crate) reader: Reader,
    /// Where imported records go. `None` for engines of other crates, which take them themselves.
    directory: Option<PathBuf>,
    /// Made by the first import.
    import_log: Option<ImportLog>,
    /// What the last import has read, so that the next one need not read it again.
    known: KnownRecords,
    notes: Vec<String>,
}

impl Store {
    /// Opens the store at this path: a directory, the file of an old store, or the
    /// [default](spanbridge_store::default_path). If an old store and a directory belong together
    /// ([`resolve`](spanbridge_store::resolve)), it reads both.
    ///
    /// The store need not be writable.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none. This never creates a store.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_if(path.as_ref(), false)
    }

    /// Opens the store at this path. Creates an empty one, and its directories, if there is none.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_if(path.as_ref(), true)
    }

    fn open_if(path: &Path, create: bool) -> Result<Self> {
        let Opened { engine, directory, notes } = open::open(path, create)?;
        Ok(Self {
            reader: Reader::new(path.to_owned(), engine),
            directory: Some(directory),
            import_log: None,
            known: KnownRecords::default(),
            notes,
        })
    }

    /// A store that another engine reads. `name` says in errors which store that is, such as its address.
    pub fn with_engine(name: impl AsRef<Path>, engine: impl Engine + 'static) -> Self {
        let reader = Reader::new(name.as_ref().to_owned(), Engines::Other(Box::new(engine)));
        Self { reader, directory: None, import_log: None, known: KnownRecords::default(), notes: Vec::new() }
    }

    /// The directory that applications write logs to. `None` for engines of other crates.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// Finds what an id of a run, a trace or a span stands for. The first four digits or more are enough, in any form that
    /// [`IdPrefix::parse`] reads.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidId`] for anything that it does not read.
    pub fn find(&self, id: &str) -> Result<Found> {
        let prefix = IdPrefix::parse(id)?;
        self.reader.read(|snapshot| find::find(snapshot, &prefix))
    }

    /// The graph of a run, whole: about 1.5 KB of memory for each span. For runs of any size, see [`Store::within`]. `None` if it has
    /// no records. It reports damage only if that concerns this run.
    pub fn graph(&self, run_id: RunId) -> Result<Option<Graph>> {
        self.within(GraphLimit::none()).graph(run_id)
    }

    /// Why these runs failed: where the first failure began, in causal order, the path to it, the attempts before it, and what it
    /// took down. `None` if none of them is stored. Several runs are asked about together if they are one trace.
    ///
    /// This also reads the runs that they caused and those that caused them, up to 500; a [note](Why::notes) says if there are more.
    pub fn why(&self, run_ids: &[RunId]) -> Result<Option<Why>> {
        self.within(GraphLimit::none()).why(run_ids)
    }

    /// The runs that a run started, directly or through others: at most `max_runs` of them, with at most `max_spans` spans together.
    /// For [`Graph::inline`], or for the [critical path](spanbridge_graph::CriticalPath) through them.
    pub fn descendants(&self, run_id: RunId, max_runs: usize, max_spans: u64) -> Result<Descendants> {
        self.reader.read(|snapshot| descendants::descendants(snapshot, run_id, max_runs, max_spans))
    }

    /// How the right run differs from the left one, each with the runs that it caused. `None` if one of them is not stored.
    pub fn diff(&self, left: RunId, right: RunId, options: &DiffOptions) -> Result<Option<Diff>> {
        self.within(GraphLimit::none()).diff(left, right, options)
    }

    /// The last run of the same kind (name, service, kind of the first step) that began before this one, and in which nothing
    /// failed, nor in what it caused. `None` if none is found among the nearest runs.
    pub fn last_good(&self, run_id: RunId) -> Result<Option<RunId>> {
        self.within(GraphLimit::none()).last_good(run_id)
    }

    /// Whether this run was stored and is [pruned](crate::keeping::prune). Only pruned runs that a stored run is connected with are
    /// remembered.
    pub fn is_pruned(&self, run_id: RunId) -> Result<bool> {
        self.reader.read(|snapshot| Ok(!snapshot.pruned(&[run_id])?.is_empty()))
    }

    /// What became of a row of a database, over all runs and processes, and who made it so: see
    /// [`RowHistory::blame`](crate::state::RowHistory::blame).
    ///
    /// ```no_run
    /// use spanbridge_query::Store;
    /// use spanbridge_query::state::{RowKey, RowQuery};
    /// # fn main() -> Result<(), spanbridge_query::Error> {
    /// let store = Store::open(spanbridge_store::default_path()?)?;
    /// let order = RowQuery::new("orders", RowKey::parse("1").expect("a key"));
    /// for row in store.state(&order)?.rows {
    ///     for column in row.blame().columns {
    ///         let writer = column.change.and_then(|change| change.writer.as_ref());
    ///         println!("{}: {}", column.column, writer.map_or("unknown writer", |writer| &writer.run_name));
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn state(&self, query: &RowQuery) -> Result<StateAnswer> {
        self.reader.read(|snapshot| state::state(snapshot, query))
    }

    /// The tables of which rows were changed, by name: for somebody who does not know what to ask [`Store::state`] for. At most 500 of
    /// the newest runs are read for it, and as many changes by unknown writers as is quickly done.
    pub fn changed_tables(&self) -> Result<Vec<ChangedTable>> {
        self.reader.read(changed_tables)
    }

    /// The runs that match the filter, newest first, at most `limit` of them: each by itself. For operations, see [`Store::list`].
    pub fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        self.reader.read(|snapshot| snapshot.runs(filter, limit))
    }

    /// The rows of these runs, in any order. Runs that are not stored are left out.
    pub fn rows(&self, run_ids: &[RunId]) -> Result<Vec<RunRow>> {
        self.reader.read(|snapshot| snapshot.rows(run_ids))
    }

    /// The operations that match, in the order of the query, at most `limit` of them: each by its first run.
    pub fn list(&self, query: &RunQuery, limit: usize) -> Result<Vec<RunRow>> {
        self.reader.read(|snapshot| list::list(snapshot, query, limit))
    }

    /// How many operations match, whatever the query skips.
    pub fn count(&self, query: &RunQuery) -> Result<u64> {
        self.reader.read(|snapshot| list::count(snapshot, query))
    }

    /// The lines of the list that these runs are in, each once, in any order: those of the operations that they belong to. Runs that
    /// are not stored are left out.
    pub fn operations_of(&self, run_ids: &[RunId]) -> Result<Vec<RunRow>> {
        self.reader.read(|snapshot| operations::operations_of(snapshot, run_ids))
    }

    /// The stored runs that this one started, directly or through others; parents before children.
    pub fn started_by(&self, run_id: RunId) -> Result<Vec<RunRow>> {
        self.reader.read(|snapshot| parts(snapshot, run_id))
    }

    /// What is missing in these runs, or cannot be true. The checkup says what time it is, and how long things may take.
    ///
    /// To learn what happened to a message, this also reads the runs of the same traces, parents and children, and linked
    /// runs. If that does not explain everything, it reads up to 500 runs that began at about the same time. It keeps few
    /// runs in memory at a time, and some ten bytes for each span.
    pub fn gaps(&self, run_ids: &[RunId], checkup: Checkup) -> Result<Vec<Gap>> {
        Ok(self.check_up(run_ids, checkup)?.gaps())
    }

    /// The same as [`Store::gaps`], with what could not be judged: see [`Checkup::not_judged`].
    pub fn check_up(&self, run_ids: &[RunId], mut checkup: Checkup) -> Result<Checkup> {
        gaps::check(&self.reader, run_ids, &mut checkup)?;
        Ok(checkup)
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
            Some(run_id) => snapshot.pieces(&[run_id], &mut |_, records| {
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

    /// As [`Store::follow`], and ends as soon as `each` answers `false`: `None` then.
    pub fn follow_while(&self, after: &Cursor, mut each: impl FnMut(Record<'_>) -> bool) -> Result<Option<Cursor>> {
        self.reader.read(|snapshot| {
            let mut goes_on = true;
            let followed = snapshot.follow(after, &mut |records| {
                goes_on = records.into_iter().all(&mut each);
                // An error is how an engine is told to stop. Nobody sees it.
                if goes_on { Ok(()) } else { Err(Error::new(ErrorKind::Io, "enough was read")) }
            });
            if goes_on { followed.and_then(|()| snapshot.end().map(Some)) } else { Ok(None) }
        })
    }

    /// The cursor for what will be stored from now on. See [`Store::follow`].
    pub fn end(&self) -> Result<Cursor> {
        self.reader.read(|snapshot| snapshot.end())
    }

    /// What was skipped since the store was opened, because it is damaged: one diagnostic with the code `store.damaged`
    /// and the number of damaged parts; or, if all of that was removed before it was folded, with the code `store.logs_removed`.
    /// `None` if nothing was. If nothing can be read at all, calls fail with
    /// [`ErrorKind::Corrupt`] instead.
    pub fn damage(&self) -> Option<Diagnostic> {
        self.reader.damage()
    }

    /// Whether runs are stored that the logs may not have any more: their logs were folded and removed, or an earlier release wrote them.
    pub fn has_runs_without_logs(&self) -> Result<bool> {
        let engine = &self.reader.engine;
        let folded = engine.index().map_or(Ok(false), Index::has_runs_without_logs);
        Ok(engine.old().is_some() || folded.map_err(|e| e.at("read", &self.reader.path))?)
    }

    /// What a user of this store should know, one sentence each: that it is an old one, and how to bring it to the current
    /// form. Usually empty.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Folds what the logs have into the index, so that questions get quicker. Calls `after_step` after each step, and ends
    /// when it returns `false`. `None` if there is nothing to fold into: an old store alone, or an engine of another crate.
    ///
    /// Other processes may write, ask and fold meanwhile. If another one folds, this returns at once.
    pub fn fold(&self, budget: FoldBudget, after_step: impl FnMut(&FoldReport) -> bool) -> Result<Option<FoldReport>> {
        let Some(index) = self.reader.engine.index() else { return Ok(None) };
        index.fold(budget, after_step).map(Some).map_err(|e| e.at("fold", &self.reader.path))
    }

    /// Lets questions be given up: once this is true, they end with [`ErrorKind::Stopped`](crate::ErrorKind::Stopped). They look at it
    /// between the steps in which they read. `None`: they go on to their end.
    pub fn stop_when(&mut self, stop: Option<Arc<AtomicBool>>) {
        self.reader.stop = stop;
    }

    /// Stores the records that are not stored yet. Importing the same records again changes nothing.
    ///
    /// # Errors
    /// If the store cannot be written. What was stored before stays.
    pub fn import<'a>(&mut self, records: impl IntoIterator<Item = Record<'a>>) -> Result<ImportReport> {
        self.import_each(records, |_, _| ())
    }

    /// As [`Store::import`], and tells `each` what became of every record, by its position in the input from 0.
    ///
    /// # Errors
    /// As [`Store::import`]. The last records that `each` was told of may not be stored then.
    pub fn import_each<'a>(
        &mut self,
        records: impl IntoIterator<Item = Record<'a>>,
        each: impl FnMut(u64, Imported),
    ) -> Result<ImportReport> {
        self.import_unless_recorded(records.into_iter().map(|record| (record, None)), each)
    }

    /// As [`Store::import_each`], of records that were made of exported spans. One that names a span counts as repeated if the store
    /// has that span of its run as it was recorded: a recorder's own records say more, and would contradict it. It need not be read
    /// for that: what an import compares records with is enough.
    ///
    /// # Errors
    /// As [`Store::import_each`].
    pub fn import_unless_recorded<'a>(
        &mut self,
        records: impl IntoIterator<Item = (Record<'a>, Option<SpanId>)>,
        mut each: impl FnMut(u64, Imported),
    ) -> Result<ImportReport> {
        self.import_as(records, true, &mut each)
    }

    /// Stores records that nobody can have stored before. Nothing is read to compare them with, so this takes the same time however much is
    /// stored. One that is stored after all is stored twice in a directory: graphs and histories show it once, but lists count a span
    /// twice. Engines of other crates [know it again](Engine::store).
    ///
    /// # Errors
    /// As [`Store::import`].
    pub fn append<'a>(&mut self, records: impl IntoIterator<Item = Record<'a>>) -> Result<ImportReport> {
        self.import_as(records.into_iter().map(|record| (record, None)), false, &mut |_, _| ())
    }

    fn import_as<'a>(
        &mut self,
        records: impl IntoIterator<Item = (Record<'a>, Option<SpanId>)>,
        is_compared: bool,
        each: &mut dyn FnMut(u64, Imported),
    ) -> Result<ImportReport> {
        let path = self.reader.path.clone();
        let import = || {
            if let Engines::Other(engine) = &mut self.reader.engine {
                let known = std::mem::take(&mut self.known).for_next();
                let mut import = Elsewhere::new(&mut **engine, is_compared.then_some(known), each);
                import.add(records.into_iter())?;
                let (report, known) = import.finish()?;
                self.known = known;
                return Ok(report);
            }
            self.prepare_import()?;
            let log = self.import_log.as_mut().ok_or_else(no_directory)?;
            let index = self.reader.engine.index().ok_or_else(no_directory)?;
            let known = std::mem::take(&mut self.known).for_next();
            let is_index = matches!(self.reader.engine, Engines::Directory(_));
            let import = Import::new((&self.reader.engine, is_index), index, log, known, each);
            let mut import = if is_compared { import } else { import.of_new_records() };
            import.add_unless_recorded(records.into_iter())?;
            let (report, known) = import.finish()?;
            self.known = known;
            Ok(report)
        };
        import().map_err(|e: Error| e.at("write to", &path))
    }

    /// Stores all records of another store that are not stored yet: of an old one, or of a copy of one from another host.
    /// What is damaged there is skipped, and `from` [says so](Store::damage).
    ///
    /// # Errors
    /// As [`Store::import`], and if the other store cannot be read.
    pub fn import_store(&mut self, from: &Store) -> Result<ImportReport> {
        let path = self.reader.path.clone();
        let write_failed = |e: Error| e.at("write to", &path);
        if self.directory.is_none() {
            return self.import_store_elsewhere(from);
        }
        self.prepare_import().map_err(write_failed)?;
        let (Some(directory), Some(log)) = (&self.directory, &mut self.import_log) else { return Err(no_directory()) };
        // An old store beside the directory may be what is imported, so it does not count as stored.
        let Some(index) = self.reader.engine.index() else { return Err(no_directory()) };
        let mark = from.reader.engine.old().map(|old| imported::mark(directory, old)).transpose()?;
        let mut nobody = |_, _| ();
        let mut import = Import::new((index, true), index, log, KnownRecords::default(), &mut nobody);
        from.reader.read(|snapshot| {
            snapshot.follow(&Cursor::default(), &mut |records| import.add(records.into_iter()).map_err(write_failed))
        })?;
        let (report, _) = import.finish().map_err(write_failed)?;
        if report.rejected.is_empty() && from.damage().is_none() {
            mark.map_or(Ok(()), |mark| imported::set(&mark))?;
        }
        Ok(report)
    }

    /// The same, into the engine of another crate. What one writer delivered is little, so it is stored together with others.
    fn import_store_elsewhere(&mut self, from: &Store) -> Result<ImportReport> {
        let Engines::Other(engine) = &mut self.reader.engine else { return Err(no_directory()) };
        let path = &self.reader.path;
        let mut nobody = |_, _| ();
        let mut import = Elsewhere::new(&mut **engine, Some(KnownRecords::default()), &mut nobody);
        from.reader.read(|snapshot| {
            snapshot.follow(&Cursor::default(), &mut |records| {
                let records = records.into_iter().map(|record| (record.into_owned(), None));
                import.add(records).map_err(|e| e.at("write to", path))
            })
        })?;
        let (report, _) = import.finish().map_err(|e| e.at("write to", path))?;
        Ok(report)
    }

    /// Makes the log of imports, and the directory it is in, unless they are there.
    fn prepare_import(&mut self) -> Result<()> {
        let Some(directory) = &self.directory else { return Err(no_directory()) };
        if self.reader.engine.index().is_none() {
            self.reader.engine = open::open(&self.reader.path, true)?.engine;
        }
        if self.import_log.is_none() {
            let index = self.reader.engine.index().ok_or_else(no_directory)?;
            self.import_log = Some(ImportLog::new(directory, index)?);
        }
        Ok(())
    }
}

/// Whoever asks for a directory asked before whether there is one.
fn no_directory() -> Error {
    Error::new(ErrorKind::Io, "records can be imported only into a directory")
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.reader.path).finish_non_exhaustive()
    }
}
