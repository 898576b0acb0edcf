//! The loop: look, read, send, remember.

use super::backoff::Backoff;
use super::batch::{Batch, Filled};
use super::event::Event;
use super::far_end::{FarEnd, Sent};
use super::figures::Figures;
use super::lease::Lease;
use super::logs::{self, Found};
use super::name::Name;
use super::options::Options;
use super::position::Position;
use super::result::{Result, failed};
use super::stop::Stop;
use spanbridge_query::engine::Cursor;
use spanbridge_query::{Error, ErrorKind, Store};
use spanbridge_store::log;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Attempts at a batch, with [`Options::once`].
const ATTEMPTS: u32 = 3;

/// How often it looks for what is lost while the far end is away.
const LOOK: Duration = Duration::from_secs(1);

/// Follows the logs of a store and sends the records to one far end.
pub struct Shipper {
    directory: PathBuf,
    name: Name,
    position: Position,
    /// Where the position is stored, and what is stored there.
    file: PathBuf,
    stored: Option<Position>,
    lease: Option<Lease>,
    store: Option<Store>,
    far_end: Box<dyn FarEnd>,
    options: Options,
    figures: Arc<Figures>,
    is_first: bool,
    /// Others are kept out while it is open.
    _lock: File,
}

impl Shipper {
    /// Opens the position of this name in a store, and begins one if there is none: at the oldest log.
    ///
    /// # Errors
    /// The store cannot be written, or [`ErrorKind::Busy`]: another shipper uses the position.
    pub fn open(store: Store, name: Name, far_end: Box<dyn FarEnd>, options: Options) -> Result<Self> {
        let Some(directory) = store.directory().map(PathBuf::from) else {
            return Err(Error::new(
                ErrorKind::InvalidPath,
                "ship the store: it is no directory that applications write to",
            ));
        };
        let lock = name.lock(&directory)?;
        // Before the logs are listed: what is there then stays.
        let lease = Lease::take(&directory, name.id());
        let file = name.file(&directory);
        let stored = Position::read(&file)?;
        let is_first = stored.is_none();
        let position = match &stored {
            Some(position) => position.clone(),
            None if options.from_start => logs::begin_at_ends(&directory)?,
            None => logs::begin(&directory)?,
        };
        let figures = Arc::default();
        let store = Some(store);
        let mut shipper = Self {
            directory,
            name,
            position,
            file,
            stored,
            lease,
            store,
            far_end,
            options,
            figures,
            is_first,
            _lock: lock,
        };
        shipper.save()?;
        Ok(shipper)
    }

    /// What it has done, for who looks at it meanwhile.
    pub fn figures(&self) -> Arc<Figures> {
        self.figures.clone()
    }

    /// Sends records until it is told to stop, or to the end of the logs with [`Options::once`].
    ///
    /// # Errors
    /// The store cannot be read or written; or, with [`Options::once`], the far end does not take the records. What has arrived is known
    /// the next time.
    pub fn run(&mut self, stop: &Stop, tell: &mut dyn FnMut(Event<'_>)) -> Result<()> {
        if let Some(store) = self.store.take()
            && !self.begin(&store, stop, tell)?
        {
            return Ok(());
        }
        self.follow(stop, tell)?;
        if let Some(lease) = &mut self.lease {
            lease.leave(&self.position, &log::list(&self.directory)?);
        }
        Ok(())
    }

    /// Sends what is in the logs.
    fn follow(&mut self, stop: &Stop, tell: &mut dyn FnMut(Event<'_>)) -> Result<()> {
        while !stop.is_set() {
            let found = self.look(tell)?;
            let mut batch = Batch::new(&mut *self.far_end, &self.options);
            let damaged = batch.read(&found.waiting, &mut self.position)?;
            let filled = batch.end();
            damaged.iter().for_each(|loss| tell(Event::Lost(loss)));
            self.position.lose(&damaged);
            if !filled.is_empty() && !self.send(&filled, stop, tell)? {
                return Ok(());
            }
            if let Some(lease) = &mut self.lease {
                lease.pass(&self.position, &found.files);
            }
            let has_more = filled.is_full || !self.position.untold.is_empty();
            if !has_more && (self.options.once || stop.wait(self.options.interval)) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends what is before the logs, or tells that it is not sent. Returns whether to go on.
    fn begin(&mut self, store: &Store, stop: &Stop, tell: &mut dyn FnMut(Event<'_>)) -> Result<bool> {
        if !self.position.from_start {
            if !self.is_first && self.options.from_start {
                tell(Event::NotFirst);
            } else if self.is_first && store.has_runs_without_logs()? {
                tell(Event::LeftOut);
            }
            return Ok(true);
        }
        let (max_bytes, max_records) = (self.options.max_bytes, self.options.max_records as u64);
        let (mut filled, mut weight, mut outcome) = (Filled::default(), 0, Ok(true));
        store.follow_while(&Cursor::default(), |record| {
            weight += self.far_end.add(record);
            filled.records += 1;
            if weight < max_bytes && filled.records < max_records {
                return true;
            }
            outcome = self.send(&filled, stop, tell).map(|arrived| arrived && !stop.is_set());
            (filled, weight) = (Filled::default(), 0);
            matches!(outcome, Ok(true))
        })?;
        if !outcome? || !filled.is_empty() && !self.send(&filled, stop, tell)? {
            return Ok(false);
        }
        self.position.from_start = false;
        self.save()?;
        Ok(true)
    }

    /// Looks at what is there, and tells what went before it was sent.
    fn look(&mut self, tell: &mut dyn FnMut(Event<'_>)) -> Result<Found> {
        let found = logs::look(&self.directory, &mut self.position)?;
        found.losses.iter().for_each(|loss| tell(Event::Lost(loss)));
        self.figures.stand(&self.position);
        // Its record must be the same after a kill.
        if !found.losses.is_empty() {
            self.save()?;
        }
        Ok(found)
    }

    /// Sends a batch until it has arrived. `false`: it was told to stop before.
    fn send(&mut self, batch: &Filled, stop: &Stop, tell: &mut dyn FnMut(Event<'_>)) -> Result<bool> {
        let mut backoff = Backoff::default();
        loop {
            let away = match self.far_end.send(stop) {
                Ok(sent) => {
                    if backoff.failed > 0 {
                        tell(Event::Back);
                        self.figures.away.store(0, Relaxed);
                    }
                    self.arrived(batch, &sent, tell)?;
                    return Ok(true);
                }
                Err(away) => away,
            };
            if stop.is_set() {
                return Ok(false);
            }
            if backoff.failed == 0 {
                tell(Event::Away(&away.why));
                self.figures.away.store(1, Relaxed);
            }
            self.figures.retries.fetch_add(1, Relaxed);
            let pause = backoff.next(away.pause);
            if self.options.once && backoff.failed >= ATTEMPTS {
                return Err(failed(format!("send records to {}", self.name.to()), away.why));
            }
            if !self.wait(pause, stop, tell)? {
                return Ok(false);
            }
        }
    }

    /// Waits while the far end is away, and sees meanwhile what the limits of the store remove. `false`: it was told to stop.
    fn wait(&mut self, pause: Duration, stop: &Stop, tell: &mut dyn FnMut(Event<'_>)) -> Result<bool> {
        let mut left = pause;
        while !left.is_zero() {
            let step = left.min(LOOK);
            if stop.wait(step) {
                return Ok(false);
            }
            left -= step;
            self.look(tell)?;
            self.save()?;
        }
        Ok(true)
    }

    fn arrived(&mut self, batch: &Filled, sent: &Sent, tell: &mut dyn FnMut(Event<'_>)) -> Result<()> {
        self.position.arrive();
        self.position.untold.drain(..batch.losses.min(self.position.untold.len()));
        self.save()?;
        if let Some(why) = &sent.why {
            tell(Event::Rejected(sent.rejected, why));
        }
        let figures = &self.figures;
        figures.records.fetch_add(batch.records.saturating_sub(sent.rejected), Relaxed);
        figures.rejected.fetch_add(sent.rejected, Relaxed);
        figures.bytes.fetch_add(batch.bytes, Relaxed);
        figures.batches.fetch_add(1, Relaxed);
        figures.stand(&self.position);
        tell(Event::Arrived);
        Ok(())
    }

    /// Stores the position, if it has changed.
    fn save(&mut self) -> Result<()> {
        let position = self.position.to_store();
        if self.stored.as_ref() != Some(&position) {
            position.write(&self.file, self.name.to())?;
            self.stored = Some(position);
        }
        Ok(())
    }
}

impl fmt::Debug for Shipper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shipper").field("directory", &self.directory).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Forgets the position of this name in a store, which then begins anew, and lets the logs go that waited for it. Returns whether there
/// was one.
///
/// # Errors
/// It cannot be removed, or [`ErrorKind::Busy`]: a shipper uses it.
pub fn forget(store: &Store, name: &Name) -> Result<bool> {
    let Some(directory) = store.directory() else { return Ok(false) };
    let _lock = name.lock(directory)?;
    if let Some(lease) = Lease::take(directory, name.id()) {
        lease.forget()?;
    }
    match fs::remove_file(name.file(directory)) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(failed("remove the position", e)),
    }
}
