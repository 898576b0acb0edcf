//! The one thread that writes into the store.

use super::batch::Batch;
use super::budget::Held;
use super::decode::Decoded;
use super::form::Form;
use super::limits::{MAX_DECODED, MAX_RECORDS, MAX_WAITING};
use super::outcome::Outcome;
use super::refused::Refused;
use super::{records, traces};
use crate::place::Place;
use spanbridge_query::Store;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

/// Requests that are stored together: nobody waits for very many others. Nor for very many bytes or records.
const MAX_TOGETHER: usize = 64;

/// Hands requests to the thread. It ends when the last of these is dropped.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: SyncSender<Job>,
    waiting: Arc<AtomicUsize>,
}

struct Job {
    decoded: Decoded,
    reply: oneshot::Sender<Result<(Outcome, Held), Refused>>,
}

impl Writer {
    /// Starts the thread. It opens the store when something is to be stored. If there is no thread to be had, nothing is taken.
    pub(super) fn start(store: &Place) -> Self {
        let (jobs, waiting) = sync_channel(MAX_WAITING);
        let place = store.clone();
        let thread = std::thread::Builder::new().name("spanbridge-ingest".to_owned());
        let _ = thread.spawn(move || work(&place, &waiting));
        Self { jobs, waiting: Arc::default() }
    }

    /// How many requests wait to be stored.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Stores a request, and says what became of it once it is safe. Also returned: its part of the memory.
    ///
    /// # Errors
    /// Too many wait, or the store cannot be written.
    pub(super) async fn store(&self, decoded: Decoded) -> Result<(Outcome, Held), Refused> {
        let (reply, answer) = oneshot::channel();
        let _waiting = Waiting::enter(&self.waiting);
        match self.jobs.try_send(Job { decoded, reply }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(Refused::busy("too many requests wait to be stored")),
            Err(TrySendError::Disconnected(_)) => return Err(ended()),
        }
        answer.await.unwrap_or_else(|_| Err(ended()))
    }
}

/// A request that waits.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(waiting: &Arc<AtomicUsize>) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn ended() -> Refused {
    Refused::busy("nothing can be stored now")
}

fn work(place: &Place, waiting: &Receiver<Job>) {
    let mut store = None;
    while let Ok(first) = waiting.recv() {
        let (mut bytes, mut records) = (first.decoded.bytes.len(), first.decoded.found);
        let mut jobs = vec![first];
        while jobs.len() < MAX_TOGETHER && bytes < MAX_DECODED && records < MAX_RECORDS {
            let Ok(job) = waiting.try_recv() else { break };
            bytes += job.decoded.bytes.len();
            records += job.decoded.found;
            jobs.push(job);
        }
        // Who left will send it again.
        jobs.retain(|job| !job.reply.is_closed());
        let together = || together(place, &mut store, &jobs);
        let stored = catch_unwind(AssertUnwindSafe(together))
            .unwrap_or_else(|_| Err(Refused::busy("storing it ended unexpectedly")));
        match stored {
            Ok(outcomes) => {
                for (job, outcome) in jobs.into_iter().zip(outcomes) {
                    let _ = job.reply.send(Ok((outcome, job.decoded.held)));
                }
            }
            Err(refused) => {
                // It may have been mended meanwhile.
                store = None;
                for job in jobs {
                    let _ = job.reply.send(Err(refused.clone()));
                }
            }
        }
    }
}

/// Stores these requests with as few imports as possible.
fn together(place: &Place, store: &mut Option<Store>, jobs: &[Job]) -> Result<Vec<Outcome>, Refused> {
    let mut outcomes: Vec<Outcome> = jobs.iter().map(|_| Outcome::default()).collect();
    let store = match store {
        Some(store) => store,
        none => none.insert(place.open_again()?),
    };
    let mut batch = Batch::new(store, &mut outcomes);
    for (request, job) in jobs.iter().enumerate() {
        let Decoded { form, bytes, .. } = &job.decoded;
        match form {
            Form::Records => records::push(request, bytes, &mut batch)?,
            Form::Protobuf | Form::Json => traces::push(request, *form, bytes, &mut batch)?,
        }
    }
    batch.store()?;
    drop(batch);
    outcomes.iter_mut().for_each(|outcome| outcome.rejected.sort_by_key(|(number, _)| *number));
    Ok(outcomes)
}
