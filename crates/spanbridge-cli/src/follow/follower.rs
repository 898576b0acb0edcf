//! Following: rounds, pauses, and new connections.

use super::connection;
use super::error::{Error, ErrorKind};
use super::event::Event;
use super::options::Options;
use super::round::{Round, round};
use super::session::Session;
use super::slot;
use super::stop::{stopped, stopped_within};
use super::writing::Writing;
use crate::followed::Followed;
use crate::values::now;
use spanbridge_db::pgoutput::Lsn;
use spanbridge_postgres::Server;
use std::time::{Duration, Instant};
use tokio::sync::watch::Receiver;

/// Pauses after a connection was lost: from, and to at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// How often the slot is looked at, and noted in the store.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// After a round that has read everything, the pause is at least so many times as long as the round. A round decodes from the oldest
/// transaction that is open, so it can take long.
const PAUSE_PER_ROUND: u32 = 4;

/// Follows a database until `stop` becomes true, or, with [`Options::once`], until everything is read that was there at the beginning.
///
/// # Errors
/// If it cannot begin. Afterwards only if somebody has to do something about it: connections that are lost, servers that restart and
/// disks that are full are waited for.
pub async fn follow(
    options: &Options,
    mut stop: Receiver<bool>,
    each: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<(), Error> {
    let mut follower = Follower::new(options)?;
    let mut pause = RETRY.0;
    loop {
        let Err(error) = follower.connection(&mut stop, each).await else { return Ok(()) };
        let may_wait = !options.once && (follower.was_ready || error.kind() == ErrorKind::InUse);
        if !may_wait || !error.is_temporary() {
            return Err(error);
        }
        if std::mem::take(&mut follower.has_progress) {
            pause = RETRY.0;
        }
        each(Event::Interrupted { error: &error, retry_in: pause });
        if stopped_within(&mut stop, jittered(pause)).await {
            return Ok(());
        }
        pause = (pause * 2).min(RETRY.1);
    }
}

/// Between half of it and all of it, so that many do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let half = pause / 2;
    half + half.mul_f64(f64::from(std::process::id() % 100) / 100.0)
}

struct Follower<'o> {
    options: &'o Options,
    server: Server,
    writing: Writing,
    /// It has begun once.
    was_ready: bool,
    /// A round was read since the last interruption.
    has_progress: bool,
    /// Everything was read once. Before, it is behind because nobody has followed.
    has_caught_up: bool,
    started_at: u64,
    /// When the slot was looked at.
    looked_at: Option<Instant>,
}

impl<'o> Follower<'o> {
    fn new(options: &'o Options) -> Result<Self, Error> {
        let server = connection::server(&options.postgres)?;
        let mut writing = Writing::new(&options.store);
        writing.open()?;
        if let (Err(_), Some(notes)) = (options.store.as_directory(), &options.notes) {
            // If it cannot be made, the first note says so.
            let _ = std::fs::create_dir_all(notes);
        }
        let (was_ready, has_progress, has_caught_up, looked_at) = (false, false, false, None);
        Ok(Self { options, server, writing, was_ready, has_progress, has_caught_up, started_at: now(), looked_at })
    }

    /// Follows on one connection.
    async fn connection(
        &mut self,
        stop: &mut Receiver<bool>,
        each: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<(), Error> {
        let session = tokio::select! {
            session = Session::open(&self.server, self.options) => session?,
            () = stopped(stop) => return Ok(()),
        };
        let read_to = self.begin(&session, each).await?;
        let result = self.rounds(&session, read_to, stop, each).await;
        // What was read up to here, also if it ends with an error.
        let read_to = *result.as_ref().unwrap_or(&read_to);
        if result.is_ok() {
            self.looked_at = None;
            self.look(&session, read_to, each).await?;
        }
        result.map(drop)
    }

    async fn begin(&mut self, session: &Session, each: &mut (dyn FnMut(Event<'_>) + Send)) -> Result<Lsn, Error> {
        let (slot, system) = (&self.options.slot, session.server.system_identifier);
        self.writing.begin(system, slot, session.began_at);
        let created = session.prepared.created;
        if let Some(created) = created {
            let notes = self.options.notes.as_deref();
            let known = notes.and_then(|notes| Followed::read(notes, system, slot));
            let known = known.and_then(|known| known.position.parse().ok());
            if let Some(after) = session.prepared.lost_after.or(known) {
                let why = format!(
                    "changes of {} between {after} and {created} were not read: the slot was lost",
                    self.server.name
                );
                each(Event::Note(&why));
                self.writing.note_loss(created, why)?;
            }
        }
        let is_first = !std::mem::replace(&mut self.was_ready, true);
        each(Event::Ready { server: &self.server.name, created });
        if is_first {
            session.prepared.notes.iter().for_each(|note| each(Event::Note(note)));
        }
        let status = slot::status(&session.client, slot).await?;
        Ok(status.and_then(|status| status.confirmed).unwrap_or_default())
    }

    /// Rounds, until it is to stop. Returns up to where everything is stored.
    async fn rounds(
        &mut self,
        session: &Session,
        mut read_to: Lsn,
        stop: &mut Receiver<bool>,
        each: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<Lsn, Error> {
        while !*stop.borrow() {
            let started = Instant::now();
            let Round { read_to: now_at, is_more } =
                round(session, &self.server, self.options, &mut self.writing, read_to, stop, each).await?;
            (read_to, self.has_progress) = (now_at, true);
            self.has_caught_up |= !is_more;
            self.look(session, read_to, each).await?;
            if !is_more {
                let pause = self.options.interval.max(started.elapsed() * PAUSE_PER_ROUND);
                if self.options.once || stopped_within(stop, pause).await {
                    break;
                }
            }
        }
        Ok(read_to)
    }

    /// Looks at the slot from time to time, and notes in the store how it is.
    async fn look(
        &mut self,
        session: &Session,
        read_to: Lsn,
        each: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<(), Error> {
        if self.looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        self.looked_at = Some(Instant::now());
        let slot = &self.options.slot;
        let status = slot::status(&session.client, slot).await?;
        let kept_bytes = status.as_ref().and_then(|status| status.kept_bytes);
        let followed = Followed {
            system_identifier: session.server.system_identifier,
            server: self.server.name.clone(),
            slot: slot.clone(),
            publication: self.options.publication.clone(),
            host: crate::followed::host_name(),
            pid: std::process::id(),
            started_at: self.started_at,
            followed_at: now(),
            position: read_to.to_string(),
            kept_bytes,
            max_kept_bytes: session.server.max_kept,
        };
        let written = self.options.notes.as_deref().map_or(Ok(()), |notes| followed.write(notes));
        if let Err(error) = written {
            each(Event::Note(&format!("there is no note of the slot: {error}")));
        }
        match (kept_bytes, self.options.max_lag) {
            (Some(kept), Some(max)) if kept > max && self.has_caught_up => self.give_up(session, kept, read_to).await,
            _ => Ok(()),
        }
    }

    /// Drops the slot, so that the server's disk does not fill up.
    async fn give_up(&mut self, session: &Session, kept: u64, read_to: Lsn) -> Result<(), Error> {
        let slot = &self.options.slot;
        let sql = super::advice::drop_slot(slot);
        session.client.batch_execute(&sql).await.map_err(|e| Error::of("drop the slot", &e))?;
        let why = format!("the slot {slot:?} held back {kept} bytes of the log, so it was dropped");
        self.writing
            .note_loss(read_to, format!("changes of {} after {read_to} are not read: {why}", self.server.name))?;
        Err(Error::new(
            ErrorKind::TooFarBehind,
            format!("follow the slot {slot:?}: {why}; changes after {read_to} are not read"),
        ))
    }
}
