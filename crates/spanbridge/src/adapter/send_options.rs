//! What an observed producer was told.

use crate::messaging::CapturePolicy;
use std::sync::Arc;

/// What a user has said about what an observed producer sends. Nothing is chosen by default, and then it costs nothing; else a clone
/// costs one count, so a producer can be stored and cloned with its options.
#[derive(Clone, Debug, Default)]
pub struct SendOptions {
    chosen: Option<Arc<Chosen>>,
}

#[derive(Clone, Debug)]
struct Chosen {
    max_bytes: usize,
    capture: Option<CapturePolicy>,
}

impl Default for Chosen {
    fn default() -> Self {
        Chosen { max_bytes: usize::MAX, capture: None }
    }
}

impl SendOptions {
    /// The default options.
    pub const fn new() -> Self {
        SendOptions { chosen: None }
    }

    /// Maximum number of bytes that the context may take. Default: no limit but the transport's.
    pub fn budget(self, bytes: usize) -> Self {
        self.choose(|chosen| chosen.max_bytes = bytes)
    }

    /// What is recorded of payloads, headers and other values. Default: the size of payloads.
    pub fn capture(self, capture: impl Into<CapturePolicy>) -> Self {
        self.choose(|chosen| chosen.capture = Some(capture.into()))
    }

    fn choose(mut self, change: impl FnOnce(&mut Chosen)) -> Self {
        change(Arc::make_mut(self.chosen.get_or_insert_default()));
        self
    }

    /// The budget, in bytes.
    pub fn max_bytes(&self) -> usize {
        self.chosen.as_ref().map_or(usize::MAX, |chosen| chosen.max_bytes)
    }

    /// The capture policy, if one was chosen.
    pub fn capture_policy(&self) -> Option<&CapturePolicy> {
        self.chosen.as_ref()?.capture.as_ref()
    }
}
