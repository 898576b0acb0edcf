//! The options of one call, or of all calls of a client.

use spanbridge::messaging::CapturePolicy;
#[cfg(feature = "invoke")]
use std::sync::Arc;

#[derive(Clone, Debug, Default)]
pub(super) struct CallOptions {
    pub(super) in_payload: InPayload,
    pub(super) capture: Option<CapturePolicy>,
}

/// Which calls of functions carry the context in their payload, where functions that are not observed see it.
#[derive(Clone, Debug, Default)]
pub(super) enum InPayload {
    #[default]
    Never,
    /// Calls with no other place for it.
    IfNeeded,
    /// Calls of the functions with these names.
    #[cfg(feature = "invoke")]
    Of(Arc<[String]>),
    Always,
}

#[cfg(feature = "invoke")]
impl InPayload {
    /// Whether a call of the function with this name carries the context in its payload. `has_other` is whether there is
    /// another place for it.
    pub(super) fn is_wanted(&self, function: &str, has_other: bool) -> bool {
        match self {
            InPayload::Never => false,
            InPayload::IfNeeded => !has_other,
            InPayload::Of(names) => names.iter().any(|name| name == function),
            InPayload::Always => true,
        }
    }
}
