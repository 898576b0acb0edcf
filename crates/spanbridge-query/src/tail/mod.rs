//! Following what is written to a store.

mod files;
mod following;
mod known;
mod lease;
mod logs;
mod read;
mod seen;

use crate::{Error, ErrorKind, Result, Store};
use following::Following;
use logs::Logs;
pub use read::TailRead;
use spanbridge::record::Record;
use std::time::Duration;

/// Follows what is written to a store from now on: each record once, whoever folds, compacts or prunes meanwhile.
///
/// Over a directory it reads the logs of the writers, so it needs no index, and what it returns is at most one delivery old (200 ms by
/// default). While it is there, folding removes no log that it has not read. A writer may remove logs to stay within its own limits;
/// what was not read before is counted as [missed](TailRead).
///
/// Over another engine it [follows](Store::follow) a cursor, and leaves out what the engine tells again. What was lost before it was
/// stored there, nobody knows: see [`Tail::knows_losses`].
///
/// Whoever holds a tail must [read](Tail::read) every few minutes; otherwise logs are not kept for it. How long to wait until something
/// new may be there, it [says](Tail::pause).
///
/// ```no_run
/// # fn main() -> Result<(), spanbridge_query::Error> {
/// let store = spanbridge_query::Store::open("/var/lib/spanbridge/store")?;
/// let mut tail = store.tail()?;
/// loop {
///     let read = tail.read(&store, |record| println!("{}", record.to_json()))?;
///     if read.missed_logs > 0 {
///         eprintln!("{} logs were removed before they could be read", read.missed_logs);
///     }
///     std::thread::sleep(tail.pause());
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Tail(Source);

#[derive(Debug)]
enum Source {
    Logs(Box<Logs>),
    Engine(Box<Following>),
}

impl Store {
    /// Follows what is written from now on.
    ///
    /// # Errors
    /// If the store cannot be read. [`ErrorKind::NotFound`] if it is of an earlier release, to which nothing is written any more.
    pub fn tail(&self) -> Result<Tail> {
        match self.directory() {
            Some(directory) if directory.is_dir() => Ok(Tail(Source::Logs(Box::new(Logs::open(directory)?)))),
            Some(_) => Err(Error::new(ErrorKind::NotFound, "follow the store: nothing is written to it")),
            None => Ok(Tail(Source::Engine(Box::new(Following::open(&self.reader)?)))),
        }
    }
}

impl Tail {
    /// Calls `each` with every record that was written since the last call: those of one writer in their order, and those of a
    /// run in one delivery together. The store is the one that it is a tail of. It may have been opened again: after an error, that
    /// makes a new connection.
    ///
    /// # Errors
    /// If the store cannot be read. A later call goes on where this one has stopped.
    pub fn read(&mut self, store: &Store, each: impl FnMut(Record<'_>)) -> Result<TailRead> {
        match &mut self.0 {
            Source::Logs(logs) => logs.read(each),
            Source::Engine(following) => following.read(&store.reader, each),
        }
    }

    /// How long to wait until the next [read](Tail::read). A database is asked less often while nothing happens, and while its answers
    /// take long.
    pub fn pause(&self) -> Duration {
        match &self.0 {
            Source::Logs(_) => logs::PAUSE,
            Source::Engine(following) => following.pause(),
        }
    }

    /// Whether a read can tell what was lost. If not, [`TailRead::missed_logs`] and [`TailRead::missed_bytes`] are always 0: what writers
    /// lost before it reached the engine, the engine does not know.
    pub fn knows_losses(&self) -> bool {
        matches!(self.0, Source::Logs(_))
    }
}
