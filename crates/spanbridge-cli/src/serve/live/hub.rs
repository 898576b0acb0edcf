//! Where readers come to watch the store.

use super::follower::follow;
use super::update::Interest;
use super::watchers::{Watcher, Watchers};
use crate::place::Place;
use crate::serve::refusal::Refusal;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// How many readers there may be.
const MAX_READERS: usize = 512;

/// Where readers come to watch the store.
#[derive(Clone)]
pub(in crate::serve) struct Hub {
    place: Place,
    watchers: Arc<Watchers>,
    places: Arc<Semaphore>,
}

impl Hub {
    pub(in crate::serve) fn new(place: Place) -> Self {
        let watchers = Watchers::new();
        Self { place, watchers: Arc::new(watchers), places: Arc::new(Semaphore::new(MAX_READERS)) }
    }

    /// How many readers there are.
    pub(in crate::serve) fn readers(&self) -> usize {
        MAX_READERS - self.places.available_permits()
    }

    /// Begins to watch: everything that is stored once this has returned is told.
    ///
    /// # Errors
    /// If there are too many readers.
    pub(super) async fn watch(&self, interest: Interest) -> Result<Watcher, Refusal> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Refusal::busy())?;
        let watcher = Watchers::watcher(&self.watchers, interest, place);
        let ready = self.follow();
        if let Some(mut ready) = ready {
            let _ = ready.wait_for(|ready| *ready).await;
        }
        Ok(watcher)
    }

    /// Starts the thread, unless there is one. Says how to wait until it is ready.
    fn follow(&self) -> Option<watch::Receiver<bool>> {
        self.watchers.start(|| {
            let (place, watchers) = (self.place.clone(), self.watchers.clone());
            let thread = std::thread::Builder::new().name("spanbridge-live".to_owned());
            thread.spawn(move || watchers.while_following(|| follow(&place, &watchers))).is_ok()
        })
    }
}
