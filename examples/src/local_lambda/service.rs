//! The functions of the service.

use super::answer::Refusal;
use super::deployed::Deployed;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The functions, by name.
#[derive(Debug, Default)]
pub(super) struct Service(Mutex<HashMap<String, Arc<Deployed>>>);

impl Service {
    pub(super) fn functions(&self) -> MutexGuard<'_, HashMap<String, Arc<Deployed>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By the name, the partial or the whole ARN, each with or without a version behind it.
    pub(super) fn find(&self, name: &str) -> Result<Arc<Deployed>, Refusal> {
        let short = name.rsplit_once("function:").map_or(name, |(_, rest)| rest);
        let short = short.split(':').next().unwrap_or(short);
        self.functions().get(short).cloned().ok_or_else(|| Refusal::not_found(short))
    }
}
