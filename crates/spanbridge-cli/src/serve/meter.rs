//! How many requests there were, how they ended, and how long they took.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A path as it is in the router, and the method. Empty for what is refused before it gets there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
}

/// Counts requests, by route and status.
#[derive(Debug, Default)]
pub(super) struct Meter(Mutex<BTreeMap<(Route, u16), (u64, Duration)>>);

impl Meter {
    pub(super) fn add(&self, route: Route, status: u16, took: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, sum) = all.entry((route, status)).or_default();
        *count += 1;
        *sum += took;
    }

    /// Route, status, how many, and how long they took together.
    pub(super) fn all(&self) -> Vec<(Route, u16, u64, Duration)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|((route, status), (count, sum))| (*route, *status, *count, *sum)).collect()
    }
}
