//! Being told to stop.

use std::time::Duration;
use tokio::sync::watch::Receiver;

/// Whether it is to stop, at the latest after this time.
pub(super) async fn stopped_within(stop: &mut Receiver<bool>, time: Duration) -> bool {
    tokio::time::timeout(time, stopped(stop)).await.is_ok()
}

/// Waits until it is to stop. If nobody can say so any more, forever.
pub(super) async fn stopped(stop: &mut Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending().await
    }
}
