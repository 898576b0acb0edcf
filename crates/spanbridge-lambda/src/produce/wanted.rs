//! What is wanted beside the defaults, of one call or of all of a client.

use spanbridge::messaging::CapturePolicy;
#[cfg(feature = "invoke")]
use std::sync::Arc;

/// What is wanted beside the defaults, of one call or of all of a client.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) in_payload: InPayload,
    pub(super) capture: Option<CapturePolicy>,
}

/// Which calls of functions carry the context in their payload, so that the function sees it unless it is one of ours.
#[derive(Clone, Debug, Default)]
pub(super) enum InPayload {
    #[default]
    Never,
    /// Those that have no other place for it.
    IfNeeded,
    /// Those of the functions of these names.
    #[cfg(feature = "invoke")]
    Of(Arc<[String]>),
    Always,
}

#[cfg(feature = "invoke")]
impl InPayload {
    /// Whether a call of a function of this name does; `has_other` where there is another place.
    pub(super) fn is_wanted(&self, function: &str, has_other: bool) -> bool {
        match self {
            InPayload::Never => false,
            InPayload::IfNeeded => !has_other,
            InPayload::Of(names) => names.iter().any(|name| name == function),
            InPayload::Always => true,
        }
    }
}
