//! Waits for conditions with a time limit. No test relies on the length of a sleep.

use std::future::Future;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(90);

/// Waits for a future.
///
/// # Panics
///
/// The future takes longer than 90 s.
pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(TIMEOUT, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} took longer than {TIMEOUT:?}"),
    }
}

/// Waits until `is_done` returns `true`, for any time, as long as `progress` keeps growing.
///
/// # Panics
///
/// `progress` has not grown for 90 s.
pub async fn wait_with_progress(what: &str, mut is_done: impl FnMut() -> bool, mut progress: impl FnMut() -> usize) {
    let mut last = (progress(), Instant::now());
    while !is_done() {
        let now = progress();
        if now > last.0 {
            last = (now, Instant::now())
        }
        assert!(last.1.elapsed() < TIMEOUT, "{what}: no progress for {TIMEOUT:?}, at {now}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Calls `poll` repeatedly until it returns a value.
///
/// # Panics
///
/// There is no value after 90 s.
pub async fn until<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = poll() {
            return value;
        }
        assert!(begun.elapsed() < TIMEOUT, "{what} took longer than {TIMEOUT:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
