//! The functions, and how callers name them.

use super::deployed::Deployed;
use super::response::ServiceError;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The functions by name.
#[derive(Debug, Default)]
pub(super) struct Service(Mutex<HashMap<String, Arc<Deployed>>>);

impl Service {
    pub(super) fn functions(&self) -> MutexGuard<'_, HashMap<String, Arc<Deployed>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds a function by its name, partial ARN or full ARN, each with or without a version.
    ///
    /// # Errors
    ///
    /// There is no such function.
    pub(super) fn find(&self, name: &str) -> Result<Arc<Deployed>, ServiceError> {
        let short = name.rsplit_once("function:").map_or(name, |(_, rest)| rest);
        let short = short.split(':').next().unwrap_or(short);
        self.functions().get(short).cloned().ok_or_else(|| ServiceError::not_found(short))
    }
}
