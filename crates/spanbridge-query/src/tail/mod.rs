//! Following what is written to a store.

mod files;
mod lease;
mod read;
mod seen;

use crate::index::Index;
use crate::{Result, Store};
use files::Files;
use lease::Lease;
pub use read::TailRead;
use seen::Seen;
use spanbridge::record::Record;
use std::path::{Path, PathBuf};

/// Follows what is written to a store from now on: each record once, whoever folds, compacts or prunes meanwhile.
///
/// It reads the logs of the writers, so it needs no index, and what it returns is at most one delivery old (200 ms by default).
/// While it is there, folding removes no log that it has not read. A writer may remove logs to stay within its own limits; what
/// was not read before is counted as [missed](TailRead).
///
/// Whoever holds a tail must [read](Tail::read) every few minutes; otherwise its logs are not kept for it.
///
/// ```no_run
/// # fn main() -> Result<(), spanbridge_query::Error> {
/// let store = spanbridge_query::Store::open("/var/lib/spanbridge/store")?;
/// let mut tail = store.tail()?;
/// loop {
///     let read = tail.read(|record| println!("{}", record.to_json()))?;
///     if read.missed_logs > 0 {
///         eprintln!("{} logs were removed before they could be read", read.missed_logs);
///     }
///     std::thread::sleep(std::time::Duration::from_millis(200));
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Tail {
    directory: PathBuf,
    files: Files,
    seen: Seen,
    /// `None` if the store cannot be written: then nothing folds into it either.
    lease: Option<Lease>,
}

impl Store {
    /// Follows what is written from now on.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if this store has no directory: it is of another engine, or of an
    /// earlier release to which nothing is written any more.
    pub fn tail(&self) -> Result<Tail> {
        match self.directory() {
            Some(directory) if directory.is_dir() => Tail::open(directory),
            _ => Err(crate::Error::new(crate::ErrorKind::NotFound, "follow the store: nothing is written to it")),
        }
    }
}

impl Tail {
    fn open(directory: &Path) -> Result<Self> {
        // Before the files are listed: what is there then stays.
        let lease = Index::open(directory).ok().and_then(Lease::take);
        Ok(Self { directory: directory.to_owned(), files: Files::now(directory)?, seen: Seen::default(), lease })
    }

    /// Calls `each` with every record that was written since the last call: those of one writer in their order, and those of a
    /// run in one delivery together.
    ///
    /// # Errors
    /// If the directory or a log cannot be read. A later call goes on where this one has stopped.
    pub fn read(&mut self, mut each: impl FnMut(Record<'_>)) -> Result<TailRead> {
        let mut read = TailRead::default();
        self.files.read(&self.directory, &mut read, |frame, read| {
            if !self.seen.is_new(frame.directory.batch, frame.directory.hash) {
                return Ok(());
            }
            frame.records(|record| {
                read.records += 1;
                each(record)
            })
        })?;
        if let Some(lease) = &mut self.lease {
            lease.renew(self.files.take_finished());
        }
        Ok(read)
    }
}
