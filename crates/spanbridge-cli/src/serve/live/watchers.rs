//! Who watches, and what they are told.

use super::update::{Interest, Update};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, broadcast, watch};

/// How many updates are kept for slow readers, all of them together: about 15 seconds.
const KEPT: usize = 64;

/// Those who watch, as the thread that follows the store sees them.
pub(super) struct Watchers {
    updates: broadcast::Sender<Arc<Update>>,
    want_records: AtomicUsize,
    /// Whether a thread follows the store.
    follows: Mutex<bool>,
    /// Whether that thread sees everything that is stored from now on, or cannot.
    ready: watch::Sender<bool>,
}

/// One who watches.
pub(super) struct Watcher {
    updates: broadcast::Receiver<Arc<Update>>,
    interest: Interest,
    watchers: Arc<Watchers>,
    _place: OwnedSemaphorePermit,
}

impl Watchers {
    pub(super) fn new() -> Self {
        Self {
            updates: broadcast::Sender::new(KEPT),
            want_records: AtomicUsize::new(0),
            follows: Mutex::new(false),
            ready: watch::Sender::new(false),
        }
    }

    /// One more, who takes this place.
    pub(super) fn watcher(this: &Arc<Self>, interest: Interest, place: OwnedSemaphorePermit) -> Watcher {
        this.want_records.fetch_add(usize::from(interest.records), Ordering::Relaxed);
        Watcher { updates: this.updates.subscribe(), interest, watchers: this.clone(), _place: place }
    }

    /// Starts the thread that follows the store, unless there is one. Says how to wait until it is ready; `None` if it cannot be
    /// started.
    pub(super) fn start(&self, thread: impl FnOnce() -> bool) -> Option<watch::Receiver<bool>> {
        let mut follows = self.follows.lock().unwrap_or_else(PoisonError::into_inner);
        if !*follows {
            self.ready.send_replace(false);
            *follows = thread();
        }
        follows.then(|| self.ready.subscribe())
    }

    /// Runs the thread. If it ends in a panic, the next one who comes starts another.
    pub(super) fn while_following(&self, follow: impl FnOnce()) {
        struct Panicked<'w>(&'w Watchers);
        impl Drop for Panicked<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    *self.0.follows.lock().unwrap_or_else(PoisonError::into_inner) = false;
                }
            }
        }
        let _panicked = Panicked(self);
        follow();
    }

    /// Whether somebody still watches. If not, the thread must end: the next one who comes starts another.
    pub(super) fn watch(&self) -> bool {
        let mut follows = self.follows.lock().unwrap_or_else(PoisonError::into_inner);
        *follows = self.updates.receiver_count() > 0;
        *follows
    }

    pub(super) fn want_records(&self) -> bool {
        self.want_records.load(Ordering::Relaxed) > 0
    }

    /// From now on, everything is seen, or it is known that it cannot be.
    pub(super) fn ready(&self) {
        self.ready.send_replace(true);
    }

    pub(super) fn tell(&self, update: Update) {
        // Nobody may be left.
        let _ = self.updates.send(Arc::new(update));
    }
}

impl Watcher {
    pub(super) fn interest(&self) -> Interest {
        self.interest
    }

    /// The next update. A reader that is too slow is told that it missed something, and goes on with what is kept.
    pub(super) async fn next(&mut self) -> Option<Arc<Update>> {
        match self.updates.recv().await {
            Ok(update) => Some(update),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Arc::new(Update::missed())),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.watchers.want_records.fetch_sub(usize::from(self.interest.records), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::Semaphore;

    fn event(watcher: &mut Watcher) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let update = runtime.block_on(watcher.next()).unwrap();
        let event = update.event(watcher.interest()).unwrap_or_default();
        String::from_utf8(event.to_vec()).unwrap()
    }

    /// What is kept for readers that do not read is bounded. When they read again, they are told to load anew, and get the rest.
    #[test]
    fn a_slow_reader_is_told_to_load_anew() {
        let (places, watchers) = (Arc::new(Semaphore::new(2)), Arc::new(Watchers::new()));
        let place = || places.clone().try_acquire_owned().unwrap();
        let mut slow = Watchers::watcher(&watchers, Interest::default(), place());
        let mut quick = Watchers::watcher(&watchers, Interest { records: true, ..Interest::default() }, place());
        assert!(watchers.want_records());
        for n in 0..KEPT * 3 {
            let mut update = Update::missed();
            update.id = Some(format!("{n:04x}"));
            watchers.tell(update);
            assert!(event(&mut quick).starts_with(&format!("id: {n:04x}\n")));
        }
        assert_eq!(event(&mut slow), "event: resync\ndata: {}\n\n");
        for n in KEPT * 2..KEPT * 3 {
            assert!(event(&mut slow).starts_with(&format!("id: {n:04x}\n")));
        }
        drop((slow, quick));
        assert_eq!((places.available_permits(), watchers.want_records(), watchers.watch()), (2, false, false));
    }
}
