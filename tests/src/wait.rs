//! Waiting for conditions, with a deadline: nothing sleeps to be right.

use std::future::Future;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(90);

/// Waits for a future that ought to resolve soon.
///
/// # Panics
/// When it takes a minute and a half.
pub async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(LONG, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} took longer than {LONG:?}"),
    }
}

/// Waits for something that takes as long as it takes: while `moved` goes up there is nothing to complain of.
///
/// # Panics
/// When nothing has moved for a minute and a half.
pub async fn while_it_moves(what: &str, mut is: impl FnMut() -> bool, mut moved: impl FnMut() -> usize) {
    let mut last = (moved(), Instant::now());
    while !is() {
        let now = moved();
        if now > last.0 {
            last = (now, Instant::now())
        }
        assert!(last.1.elapsed() < LONG, "{what}: nothing has moved for {LONG:?}, at {now}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// When there is none in a minute and a half.
pub async fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < LONG, "{what} took longer than {LONG:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
