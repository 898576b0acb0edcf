//! Panics of destructors that we run before their owner would.

use spanbridge::panics;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

/// The panic of something that was dropped early. It continues when this is dropped, which is where it would have come
/// without us. (The lock only makes it `Sync`.)
#[derive(Default)]
pub(super) struct LatePanic(Option<Mutex<Box<dyn Any + Send>>>);

impl LatePanic {
    /// Calls `drop`. If that panics, keeps the panic and returns its message.
    pub(super) fn catch(&mut self, drop: impl FnOnce()) -> Option<String> {
        let panic = catch_unwind(AssertUnwindSafe(drop)).err()?;
        let message = panics::text(&*panic);
        self.0 = Some(Mutex::new(panic));
        Some(message)
    }
}

impl Drop for LatePanic {
    fn drop(&mut self) {
        if let Some(panic) = self.0.take().filter(|_| !std::thread::panicking()) {
            resume_unwind(panic.into_inner().unwrap_or_else(PoisonError::into_inner))
        }
    }
}
