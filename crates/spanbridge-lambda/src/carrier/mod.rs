//! Where a context travels on its way to a function.

#[cfg(any(feature = "sqs", feature = "sns"))]
mod attributes;
mod client_context;
mod fallback;
#[cfg(feature = "sqs")]
mod sqs_message;
mod standard;
mod xray;

#[cfg(any(feature = "sqs", feature = "sns"))]
pub(crate) use attributes::{Attribute, Attributes};
pub use client_context::ClientContext;
pub(crate) use fallback::{context_or, or_xray};
#[cfg(feature = "sqs")]
pub use sqs_message::extract_message;
pub(crate) use standard::StandardHeaders;
pub use xray::XRay;
