//! The settings of an observed function.

use super::cause::ReceiveOptions;
use super::flush::DEFAULT_LIMIT;
use spanbridge::messaging::CapturePolicy;
use std::time::Duration;

/// How contexts are received, what is captured, and how long a flush may take.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) receive: ReceiveOptions,
    pub(crate) flush_within: Duration,
}

impl Settings {
    /// The capture policy. Without one no payload is looked at.
    pub(crate) fn capture(&self) -> Option<&CapturePolicy> {
        self.receive.capture_policy().map(|policy| &**policy)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings { receive: ReceiveOptions::new(), flush_within: DEFAULT_LIMIT }
    }
}
