//! Asking the store: away from the threads that talk to clients, and a few questions at a time.

use super::refusal::Refusal;
use crate::place::Place;
use spanbridge_query::Store;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// How many wait for their turn. Whoever comes then is told to come again.
const MAX_WAITING: usize = 1024;

/// Some stores at the same place, each for one question at a time.
#[derive(Clone)]
pub(super) struct Stores(Arc<Inner>);

struct Inner {
    place: Place,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
    free: Mutex<Vec<Store>>,
}

impl Stores {
    /// At most so many questions at once.
    pub(super) fn new(place: &Place, at_once: usize) -> Self {
        Self(Arc::new(Inner {
            place: place.clone(),
            turns: Arc::new(Semaphore::new(at_once)),
            waiting: AtomicUsize::new(0),
            free: Mutex::default(),
        }))
    }

    /// Asks a question, on a thread that may block. If the client leaves, so that nobody waits for this any more, the question ends with
    /// an error at its next look at the store, and its turn is another's.
    ///
    /// # Errors
    /// The question's own, and [`Refusal::busy`] if too many wait.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Store) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let waiting = Waiting::enter(self.0.clone())?;
        let turn = self.0.turns.clone().acquire_owned().await.map_err(|_| Refusal::busy())?;
        drop(waiting);
        let (inner, left) = (self.0.clone(), Left::default());
        let stop = left.0.clone();
        // The turn goes along: if the client leaves, the thread is still busy for a moment.
        let answer = tokio::task::spawn_blocking(move || {
            let answer = inner.answer(stop, question);
            drop(turn);
            answer
        });
        answer.await.unwrap_or_else(|_| Err(Refusal::internal("answer the request: it ended unexpectedly")))
    }

    /// How many wait for their turn.
    pub(super) fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }
}

impl Inner {
    fn answer<T>(
        &self,
        stop: Arc<AtomicBool>,
        question: impl FnOnce(&mut Store) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let free = self.free.lock().ok().and_then(|mut free| free.pop());
        let mut store = match free {
            Some(store) => store,
            None => self.place.open_again()?,
        };
        store.stop_when(Some(stop));
        let answer = question(&mut store)?;
        // After an error or damage, the next question opens the store anew: it may have been mended.
        if store.damage().is_none()
            && let Ok(mut free) = self.free.lock()
        {
            free.push(store);
        }
        Ok(answer)
    }
}

/// Whoever asked. When this is dropped, they have left, or have their answer.
#[derive(Default)]
struct Left(Arc<AtomicBool>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One who waits for a turn.
struct Waiting(Arc<Inner>);

impl Waiting {
    fn enter(inner: Arc<Inner>) -> Result<Self, Refusal> {
        if inner.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            inner.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Refusal::busy());
        }
        Ok(Self(inner))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use std::time::Duration;

    fn run<T>(stores: impl FnOnce(Stores) -> T, at_once: usize) -> T::Output
    where
        T: Future,
    {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(stores(Stores::new(&dir.path().into(), at_once)))
    }

    #[test]
    fn a_few_questions_are_asked_at_once() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counts = (now.clone(), most.clone());
        let ask_many = |stores: Stores| async move {
            let ask = |_| {
                let (now, most) = counts.clone();
                stores.ask(move |_| {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    // The first ones until there are others beside them.
                    let begun = std::time::Instant::now();
                    while most.load(Ordering::SeqCst) < 3 && begun.elapsed() < Duration::from_secs(60) {
                        std::thread::yield_now();
                    }
                    std::thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                })
            };
            assert!(join_all((0..20).map(ask)).await.into_iter().all(|answer| answer.is_ok()));
            stores.waiting()
        };
        assert_eq!(run(ask_many, 3), 0);
        assert_eq!((now.load(Ordering::SeqCst), most.load(Ordering::SeqCst)), (0, 3));
    }

    #[test]
    fn too_many_are_told_to_come_again() {
        run(
            |stores| async move {
                let waiting: Vec<_> = (0..MAX_WAITING).filter_map(|_| Waiting::enter(stores.0.clone()).ok()).collect();
                assert_eq!(waiting.len(), MAX_WAITING);
                let refusal = stores.ask(|_| Ok(())).await.unwrap_err();
                assert_eq!(refusal.status(), axum::http::StatusCode::SERVICE_UNAVAILABLE);
                drop(waiting);
                assert!(stores.ask(|_| Ok(())).await.is_ok());
            },
            1,
        );
    }

    /// The only turn is free again for the next one, who is not disturbed by the flag of the one before.
    #[test]
    fn a_question_ends_when_its_client_left() {
        run(
            |stores| async move {
                let (told, ended) = std::sync::mpsc::channel();
                let goes_on = stores.ask(move |store| {
                    loop {
                        if let Err(error) = store.end() {
                            told.send(error.kind()).unwrap();
                            return Err::<(), _>(error.into());
                        }
                        std::thread::sleep(Duration::from_millis(1));
                    }
                });
                assert!(tokio::time::timeout(Duration::from_millis(50), goes_on).await.is_err());
                assert!(stores.ask(|store| Ok(store.end()?)).await.is_ok());
                assert_eq!(ended.recv(), Ok(spanbridge_query::ErrorKind::Stopped));
            },
            1,
        );
    }

    /// The thread that asked is lost, and nothing else.
    #[test]
    fn a_question_that_panics_disturbs_no_other() {
        run(
            |stores| async move {
                let panics: Result<(), _> = stores.ask(|_| panic!("on purpose")).await;
                assert_eq!(panics.unwrap_err().status(), axum::http::StatusCode::INTERNAL_SERVER_ERROR);
                assert!(stores.ask(|store| Ok(store.end()?)).await.is_ok());
            },
            1,
        );
    }
}
