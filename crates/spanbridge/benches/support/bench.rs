//! What a bench is.

use std::sync::atomic::AtomicU64;

/// Spans that reached a sink. Sinks count here.
pub(crate) static DELIVERED: AtomicU64 = AtomicU64::new(0);

/// CPU time of threads that work for the application, where it is not the one thread that is measured.
pub(crate) static ELSEWHERE: AtomicU64 = AtomicU64::new(0);

/// A bench that was set up.
pub(crate) struct Work {
    /// Does so many iterations.
    pub(crate) go: Box<dyn FnMut(u64)>,
    /// Waits until everything was delivered.
    pub(crate) settle: Box<dyn FnMut()>,
    /// Keeps the recorder.
    pub(crate) _keep: Box<dyn std::any::Any>,
}

impl Work {
    /// Nothing to keep, nothing to wait for.
    pub(crate) fn plain(go: impl FnMut(u64) + 'static) -> Self {
        Work { go: Box::new(go), settle: Box::new(|| {}), _keep: Box::new(()) }
    }
}

/// A bench that may be set up.
pub(crate) struct Bench {
    pub(crate) name: String,
    /// Operations of an iteration.
    pub(crate) operations: u64,
    /// The most iterations in one go.
    pub(crate) most: u64,
    pub(crate) start: Box<dyn FnOnce() -> Work>,
}

pub(crate) fn bench(
    name: impl Into<String>,
    operations: u64,
    most: u64,
    start: impl FnOnce() -> Work + 'static,
) -> Bench {
    Bench { name: name.into(), operations, most, start: Box::new(start) }
}
