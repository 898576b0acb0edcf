//! A running service.

use std::any::Any;
use std::path::{Path, PathBuf};

/// A running service: its address, and what keeps it running.
pub(crate) struct Running {
    address: String,
    scripts: Option<PathBuf>,
    _keeps_it_up: Option<Box<dyn Any>>,
}

impl Running {
    /// A service that we have started. It ends when `keeps_it_up` is dropped; `scripts` is a directory with scripts that `kill`, `start`
    /// and `restart` it.
    pub(crate) fn ours(address: String, scripts: PathBuf, keeps_it_up: impl Any) -> Self {
        Self { address, scripts: Some(scripts), _keeps_it_up: Some(Box::new(keeps_it_up)) }
    }

    /// A service that we have not started, and do not end.
    pub(crate) fn foreign(address: String) -> Self {
        Self { address, scripts: None, _keeps_it_up: None }
    }

    /// The address for clients.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The directory of the scripts.
    pub(crate) fn scripts(&self) -> Option<&Path> {
        self.scripts.as_deref()
    }
}
