//! The sink: deliveries of a recorder, written as they come.

mod note;
mod place;

use crate::delivery::{Assembler, Delivery};
use crate::error::Result;
use crate::location::{Location, resolve};
use crate::log::{BatchId, CLOSED_AFTER, Header, Limits, LogName, LogWriter, Presence, prune};
use crate::path::default_path;
use note::Note;
use place::{check, failed, make, random, warn_once};
use spanbridge::record::{Record, RecordView};
use spanbridge::{Receipt, RecordBatch, SegmentId, Sink, SinkError};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A writer that was silent for so long begins another file, well before anybody takes this one for closed.
const SILENCE: Duration = Duration::from_secs(CLOSED_AFTER.as_secs() / 3);

/// Writes deliveries into a store. Any number of processes may have sinks for the same store: each writes files of its own, and none
/// waits for another, or for a reader.
///
/// A delivery is written with one call, whole or not at all, so a process may die at any instruction. A
/// [flush](Sink::flush), and the end of a file, sync it to the disk: a power cut takes at most what was written since.
///
/// | what happens | what the sink does |
/// |---|---|
/// | the batch that it wrote last comes again | it is not written twice. Readers recognise older ones |
/// | a record can never be stored (over 8 MiB) | the receipt names it |
/// | the disk is full | removes what was written in part, and asks for the batch again |
/// | the file or the directory is deleted, moved or replaced | begins another file, at the next delivery. A diagnostic (`store.log_lost`) and a [warning](Receipt::warning) say how much may be lost |
/// | the process forks | the child's sink writes to a file of its own |
/// | the store is too large or too old | removes the oldest closed files ([`Limits`]). A diagnostic (`store.logs_removed`) says how much |
///
/// What it makes can only be read by this user. It takes no locks, so a store may be on a network file system.
#[derive(Debug)]
pub struct StoreSink {
    directory: PathBuf,
    limits: Limits,
    assembler: Assembler,
    open: Option<LogWriter>,
    /// The name of the next file. `None`: of a writer that is yet to be chosen.
    next: Option<LogName>,
    /// The process that writes, and the recorder whose batches these are. Another takes files of its own.
    owner: (u32, u64),
    /// The batch that was written last, and its hash.
    last: Option<(BatchId, u64)>,
    /// What is to be recorded with the next delivery.
    notes: Vec<Note>,
    /// A file that was closed could not be synced.
    unsynced: Option<io::Error>,
}

impl StoreSink {
    /// Opens the store at this path, and makes it, with the directories above it, where there is none.
    ///
    /// If the path is a file that an earlier release wrote, the records go to a directory beside it ([`resolve`]), and a line on stderr
    /// says so.
    ///
    /// # Errors
    /// If nothing can be written there: better now than at the first delivery. To go on without being recorded, ignore the error, as
    /// [`install_from_env`](crate::install_from_env) does.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, Limits::default())
    }

    /// The same, with other limits.
    ///
    /// # Errors
    /// As [`StoreSink::open`].
    pub fn open_with(path: impl AsRef<Path>, limits: Limits) -> Result<Self> {
        let Location { directory, old } = resolve(path.as_ref())?;
        let opened = check(&directory).and_then(|()| std::path::absolute(&directory));
        let directory = opened.map_err(|e| failed(e).at("open", &directory))?;
        if let Some(old) = old.filter(|old| old == path.as_ref()) {
            warn_once(&old, &directory);
        }
        Ok(Self {
            directory,
            limits,
            assembler: Assembler::default(),
            open: None,
            next: None,
            owner: (0, 0),
            last: None,
            notes: Vec::new(),
            unsynced: None,
        })
    }

    /// Opens the store at [`default_path`], and makes it where there is none. The limits are those of the environment
    /// ([`Limits::from_env`]).
    ///
    /// # Errors
    /// As [`StoreSink::open`] and [`default_path`].
    pub fn open_default() -> Result<Self> {
        Self::open_with(default_path()?, Limits::from_env().0)
    }

    /// Where the files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What [`Sink::deliver`] does, for records that are not in a batch: tests and benches have none.
    #[doc(hidden)]
    pub fn deliver_records(&mut self, instance: u64, number: u64, records: &[Record<'_>]) -> Result<Receipt> {
        let service = records.first().map_or("", |record| &*record.service);
        self.store(BatchId { instance, number }, service, records.iter().map(Record::view))
    }

    fn store<'a>(
        &mut self,
        batch: BatchId,
        service: &str,
        records: impl Iterator<Item = RecordView<'a>> + Clone,
    ) -> Result<Receipt> {
        let mut delivery = self.assembler.assemble(records.clone())?;
        let receipt = Receipt::rejecting(std::mem::take(&mut delivery.rejected));
        let now = SystemTime::now();
        self.leave_file(batch.instance, now);
        let Some(first) = records.clone().next().filter(|_| delivery.records > 0) else { return Ok(receipt) };
        if self.last == Some((batch, delivery.hash)) {
            return Ok(receipt);
        }
        self.write(batch, service, &delivery, first.segment_id(), now)
            .map_err(|e| e.at("write to", &self.directory))?;
        self.last = Some((batch, delivery.hash));
        let written = std::mem::take(&mut self.notes);
        Ok(written.iter().filter_map(Note::warning).fold(receipt, Receipt::warning))
    }

    /// Closes the open file if nothing more may be written to it, and notes what was lost with it.
    fn leave_file(&mut self, instance: u64, now: SystemTime) {
        let owner = (process::id(), instance);
        if self.owner != owner {
            // In a forked child, what is open belongs to the parent, and so do its notes.
            if self.owner.0 == owner.0 {
                self.close();
            } else {
                self.notes.clear();
            }
            (self.owner, self.open, self.next) = (owner, None, None);
        }
        let Some(open) = &self.open else { return };
        let age = |then: SystemTime| now.duration_since(then).unwrap_or_default();
        // After so long, whoever folded the file may remove it.
        let is_silent = |modified: Option<SystemTime>| modified.is_some_and(|then| age(then) > SILENCE);
        match open.presence() {
            // What was written in part is still there.
            _ if open.is_broken() => self.close(),
            Presence::There { modified } => {
                let begun = UNIX_EPOCH + Duration::from_nanos(open.header().created_at);
                let is_full = open.length() >= self.limits.of_a_file() || age(begun) >= self.limits.file_age;
                if open.length() > 0 && (is_full || is_silent(modified)) {
                    self.close();
                }
            }
            Presence::Lost { modified } => {
                if open.frames() > 0 && !is_silent(modified) {
                    self.notes.push(Note::log_lost(open));
                }
                (self.open, self.last) = (None, None);
            }
        }
    }

    /// Closes the open file. It is complete on the disk.
    fn close(&mut self) {
        if let Some(mut open) = self.open.take()
            && let Err(e) = open.sync()
        {
            self.unsynced = Some(e);
        }
    }

    fn write(
        &mut self,
        batch: BatchId,
        service: &str,
        delivery: &Delivery,
        segment: SegmentId,
        now: SystemTime,
    ) -> Result<()> {
        if self.open.is_none() {
            self.begin_file(service, now).map_err(failed)?;
        }
        let notes = self.notes.iter().map(|note| note.record(batch, segment)).collect::<Vec<_>>();
        let told = match notes.is_empty() {
            true => None,
            false => Some(self.assembler.assemble(notes.iter().map(Record::view))?),
        };
        let Some(open) = &mut self.open else { return Ok(()) };
        if let Some(told) = told {
            open.put(None, &told)?;
        }
        open.put(Some(batch), delivery)?;
        let written = open.write();
        if written.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::FileTooLarge) {
            self.close(); // another one may still grow
        }
        written.map_err(failed)
    }

    /// Begins the next file, and looks whether the directory keeps within its limits.
    fn begin_file(&mut self, service: &str, now: SystemTime) -> io::Result<()> {
        let mut attempts = 0;
        let created = loop {
            let name = self.next.unwrap_or_else(|| LogName { writer: random(), number: 1 });
            let since = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let created_at = u64::try_from(since).unwrap_or(u64::MAX);
            let created = LogWriter::create(&self.directory, Header { name, created_at, service: service.to_owned() });
            attempts += 1;
            match created {
                Ok(created) => break created,
                // The directory was deleted.
                Err(e) if e.kind() == io::ErrorKind::NotFound && attempts < 3 => make(&self.directory)?,
                // Somebody uses our name.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && attempts < 9 => self.next = None,
                Err(e) => return Err(e),
            }
        };
        let name = created.header().name;
        self.next = name.number.checked_add(1).map(|number| LogName { number, ..name });
        self.open = Some(created);
        // What cannot be listed cannot be removed; that is no reason not to record.
        if let Ok(removed) = prune(&self.directory, &self.limits, name, now)
            && removed.files > 0
        {
            self.notes.push(Note::logs_removed(removed.files, removed.bytes));
        }
        Ok(())
    }
}

impl Sink for StoreSink {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        let id = BatchId { instance: batch.instance(), number: batch.number() };
        self.store(id, batch.service(), batch.iter()).map_err(SinkError::new)
    }

    /// Syncs what was written to the disk.
    fn flush(&mut self) -> Result<(), SinkError> {
        let is_ours = self.owner.0 == process::id();
        let synced = match &mut self.open {
            Some(open) if is_ours => open.sync(),
            _ => Ok(()),
        };
        let synced = self.unsynced.take().map_or(Ok(()), Err).and(synced);
        synced.map_err(|e| SinkError::new(failed(e).at("sync", &self.directory)))
    }

    fn name(&self) -> &str {
        "store"
    }
}
