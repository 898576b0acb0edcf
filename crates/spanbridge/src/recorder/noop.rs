//! What the recorder in effect is asked for, without the feature `record`: there is none, so there is nothing to do.

use crate::recorder::summary::Report;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Resolves at once: nothing was recorded.
#[must_use = "the flush was asked for; this is how to hear when it is done"]
#[derive(Debug)]
pub struct Flush(());

impl Future for Flush {
    type Output = Report;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Report> {
        Poll::Ready(nothing())
    }
}

/// Without the feature `record` there is nothing to deliver, and the flush is complete at once.
pub fn flush(_: Duration) -> Flush {
    Flush(())
}

/// As [`flush`].
pub fn flush_blocking(_: Duration) -> Report {
    nothing()
}

/// Without the feature `record` nothing has to be waited for.
pub fn flush_at_exit(_: Duration) {}

/// Without the feature `record` there are no clocks to read again, and ids are only passed on.
pub fn reseed() {}

fn nothing() -> Report {
    Report { complete: true, ..Report::default() }
}
