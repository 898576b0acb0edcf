//! Lends a consumer to its jobs, which settle with it and do not own it.
//!
//! Dropping a consumer leaves the group at once: it calls the rebalance callback, commits, and waits for the broker. If jobs
//! owned the consumer, one that happens to settle at that moment could be the last owner and do all of this instead.

use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::thread;

/// Whether lending has ended. Locked for the duration of each call.
#[derive(Debug, Default)]
pub(super) struct Gate(RwLock<bool>);

impl Gate {
    /// Calls `f` with the consumer; `None` if that is closed.
    pub(super) fn lend<X: Send + Sync + 'static, R>(&self, consumer: &Weak<X>, f: impl FnOnce(&X) -> R) -> Option<R> {
        let is_closed = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if *is_closed {
            return None;
        }
        let lent = Lent(consumer.upgrade());
        lent.0.as_deref().map(f)
    }

    /// To be called before an owner drops the consumer. Waits for calls under way; if it is the last owner, no further call
    /// begins.
    pub(super) fn let_go<X>(&self, consumer: &Arc<X>) {
        let mut is_closed = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *is_closed = Arc::strong_count(consumer) == 1
    }

    /// The consumer has an owner again.
    pub(super) fn open(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = false
    }
}

/// A consumer in use. Owners that bypass the gate may drop it meanwhile; it is then closed on a thread of its own.
struct Lent<X: Send + Sync + 'static>(Option<Arc<X>>);

impl<X: Send + Sync + 'static> Drop for Lent<X> {
    fn drop(&mut self) {
        if let Some(last) = self.0.take().and_then(Arc::into_inner) {
            // If no thread can be started, it is closed here.
            drop(thread::Builder::new().name("kafka-close".to_owned()).spawn(move || drop(last)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::sync::mpsc::{Sender, channel};
    use std::thread::ThreadId;

    /// Reports the thread on which it was dropped.
    struct Consumer(Sender<ThreadId>);

    impl Drop for Consumer {
        fn drop(&mut self) {
            let _ = self.0.send(thread::current().id());
        }
    }

    #[test]
    fn the_last_to_use_a_consumer_does_not_close_it() {
        let (tell, told) = channel();
        let owner = Arc::new(Consumer(tell));
        let (gate, consumer) = (Gate::default(), Arc::downgrade(&owner));
        assert_eq!(gate.lend(&consumer, |_| drop(owner)), Some(()));
        assert_ne!(told.recv().unwrap(), thread::current().id());
        assert_eq!(gate.lend(&consumer, |_| ()), None);
    }

    #[test]
    fn an_owner_waits_for_calls_under_way() {
        let (tell, told) = channel();
        let owner = Arc::new(Consumer(tell));
        let (gate, consumer) = (Gate::default(), Arc::downgrade(&owner));
        let (entered, is_over) = (channel(), AtomicBool::new(false));
        thread::scope(|scope| {
            let (gate, consumer, is_over, begun) = (&gate, &consumer, &is_over, entered.0);
            scope.spawn(move || {
                gate.lend(consumer, |_| {
                    begun.send(()).unwrap();
                    // As long as a call takes: the owner comes meanwhile.
                    (0..1_000).for_each(|_| thread::yield_now());
                    is_over.store(true, SeqCst)
                })
            });
            entered.1.recv().unwrap();
            gate.let_go(&owner);
            assert!(is_over.load(SeqCst));
            assert_eq!(gate.lend(consumer, |_| ()), None, "it is about to be closed");
            drop(owner);
            assert_eq!(told.recv().unwrap(), thread::current().id());
        })
    }

    #[test]
    fn one_of_several_owners_may_go() {
        let (owner, gate) = (Arc::new(()), Gate::default());
        let (other, consumer) = (owner.clone(), Arc::downgrade(&owner));
        gate.let_go(&owner);
        drop(owner);
        assert_eq!(gate.lend(&consumer, |()| ()), Some(()));
        gate.let_go(&other);
        assert_eq!(gate.lend(&consumer, |()| ()), None);
        gate.open();
        assert_eq!(gate.lend(&consumer, |()| ()), Some(()), "it was observed again");
    }
}
