//! The error of a call that a replay answers from its record.

use spanbridge::adapter::RecordedError;
use std::error::Error;
use std::fmt::{self, Display};
use std::io;
use std::sync::Arc;

/// A recorded error, as a cause of one of reqwest's.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    pub(crate) error: RecordedError,
    /// That it was a timeout is read from this.
    timeout: Option<Arc<io::Error>>,
}

impl Again {
    pub(crate) fn new(error: &RecordedError) -> Self {
        let is_timeout = error.class() == Some("timeout");
        let timeout = is_timeout.then(|| Arc::new(io::Error::new(io::ErrorKind::TimedOut, "operation timed out")));
        Again { error: error.clone(), timeout }
    }
}

impl Again {
    /// The one among the causes of an error, if it has one.
    pub(crate) fn among<'a>(causes: impl Iterator<Item = &'a (dyn Error + 'static)>) -> Option<&'a Again> {
        causes.into_iter().find_map(|error| match error.downcast_ref() {
            Some(reqwest_middleware::Error::Middleware(error)) => error.downcast_ref(),
            _ => error.downcast_ref(),
        })
    }
}

impl Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Again {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.timeout.as_deref().map(|timeout| timeout as _)
    }
}
