//! Spawning on tokio, inside what is current.

use crate::ContextExt;
use crate::current::bind;
use ::tokio::task::JoinHandle;
use std::future::Future;

/// As [`tokio::spawn`], with the task inside what is current here: its spans and messages belong to this run.
///
/// ```
/// use spanbridge::observe;
/// # async fn pack() {}
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// observe::run("ship").run_value(|| async {
///     let task = observe::spawn(async { observe::span("pack").run_value(pack).await });
///     task.await
/// }).await.ok();
/// # }
/// ```
///
/// The task may outlive the span that it is spawned in. For work that belongs to nothing here, use `tokio::spawn`.
///
/// # Panics
/// Outside a runtime, as tokio's function does.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    ::tokio::spawn(future.in_current_context())
}

/// As [`tokio::task::spawn_local`], with the task inside what is current here.
///
/// # Panics
/// Outside a `LocalSet` or local runtime, as tokio's function does.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    ::tokio::task::spawn_local(future.in_current_context())
}

/// As [`tokio::task::spawn_blocking`], with the closure inside what is current here.
///
/// # Panics
/// Outside a runtime, as tokio's function does.
#[track_caller]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    ::tokio::task::spawn_blocking(bind(f))
}
