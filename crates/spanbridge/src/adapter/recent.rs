//! What is the same for many messages is described once.

use std::cell::RefCell;
use std::sync::Arc;

/// Descriptions that are kept of each thread's last destinations.
const MAX_KEPT: usize = 16;

/// The last few things that a thread has described: for names and attributes that are the same for every message of a queue, a
/// topic or a consumer. It is for a `thread_local!`, so that a look costs no lock.
///
/// ```
/// use spanbridge::adapter::Recent;
///
/// struct Described { topic: String, name: String }
///
/// thread_local! {
///     static RECENT: Recent<Described> = const { Recent::new() };
/// }
///
/// fn described(topic: &str) -> std::sync::Arc<Described> {
///     Recent::of(&RECENT, |it| it.topic == topic, || {
///         Described { topic: topic.to_owned(), name: format!("process {topic}") }
///     })
/// }
/// assert!(std::sync::Arc::ptr_eq(&described("orders"), &described("orders")));
/// ```
#[derive(Debug)]
pub struct Recent<T> {
    /// The one that was asked for most is likely the first.
    kept: RefCell<Vec<Arc<T>>>,
}

impl<T> Recent<T> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Recent { kept: RefCell::new(Vec::new()) }
    }

    /// The description that is wanted, or a new one.
    pub fn of(
        recent: &'static std::thread::LocalKey<Self>,
        is_wanted: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
    ) -> Arc<T> {
        let found = recent.try_with(|recent| recent.find(is_wanted)).ok().flatten();
        found.unwrap_or_else(|| {
            let made = Arc::new(make());
            // Where the thread is nearly gone nothing is kept.
            let _ = recent.try_with(|recent| recent.keep(made.clone()));
            made
        })
    }

    /// The same, for a look at it: it counts no reference more.
    pub fn with<R>(
        recent: &'static std::thread::LocalKey<Self>,
        is_wanted: impl Fn(&T) -> bool,
        make: impl FnOnce() -> T,
        look: impl FnOnce(&T) -> R,
    ) -> R {
        let found = recent.try_with(|recent| recent.place(is_wanted)).ok().flatten();
        let Some(at) = found else { return look(&Recent::of(recent, |_| false, make)) };
        recent.with(|recent| look(&recent.kept.borrow()[at]))
    }

    /// Where it is. What is asked for often moves to the front.
    fn place(&self, is_wanted: impl Fn(&T) -> bool) -> Option<usize> {
        let mut kept = self.kept.try_borrow_mut().ok()?;
        let at = kept.iter().position(|each| is_wanted(each))?;
        let before = at.saturating_sub(1);
        if before != at {
            kept.swap(at, before)
        }
        Some(before)
    }

    fn find(&self, is_wanted: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let at = self.place(is_wanted)?;
        self.kept.try_borrow().ok()?.get(at).cloned()
    }

    fn keep(&self, made: Arc<T>) {
        if let Ok(mut kept) = self.kept.try_borrow_mut() {
            kept.truncate(MAX_KEPT - 1);
            kept.push(made)
        }
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Recent::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static RECENT: Recent<usize> = const { Recent::new() };
        static MADE: Cell<usize> = const { Cell::new(0) };
    }

    fn ask(n: usize) -> usize {
        let make = || {
            MADE.set(MADE.get() + 1);
            n
        };
        *Recent::of(&RECENT, |kept| *kept == n, make)
    }

    #[test]
    fn the_last_few_are_kept() {
        for round in 0..3 {
            (0..MAX_KEPT).for_each(|n| assert_eq!(ask(n), n));
            assert_eq!(MADE.get(), MAX_KEPT, "{round}");
        }
        // One that is asked for again and again is not pushed out by many others.
        for n in 0..10 * MAX_KEPT {
            ask(0);
            ask(1000 + n);
        }
        let made = MADE.get();
        assert_eq!((ask(0), MADE.get()), (0, made));
        assert!(RECENT.with(|recent| recent.kept.borrow().len()) <= MAX_KEPT);
    }
}
