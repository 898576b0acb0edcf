//! The settings of an observed function.

use super::flush::DEFAULT_LIMIT;
use spanbridge::messaging::{CapturePolicy, ReceiveOptions};
use std::time::Duration;

/// How contexts are received, what is captured, and how long a flush may take.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How contexts are received.
    pub(crate) receiving: ReceiveOptions,
    /// `None` unless something was set: then no payload is looked at.
    pub(crate) capture: Option<CapturePolicy>,
    pub(crate) flush_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { receiving: ReceiveOptions::new(), capture: None, flush_within: DEFAULT_LIMIT }
    }
}
