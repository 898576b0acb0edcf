//! Calling functions and sending messages, with the AWS SDK.
//!
//! There is one mechanism, an interceptor of the SDK: it opens the span where nobody has, packs the context into the
//! typed request, and ends the span when the SDK is done. `.observed()` opens the span before, so that it is current
//! while the SDK sends, and gives it to the same interceptor.

mod call;
mod failure;
mod observed;
mod open;
mod operation;
mod propagate;
mod wanted;

#[cfg(feature = "invoke")]
mod invoke;
#[cfg(any(feature = "sqs", feature = "sns"))]
mod message;
#[cfg(feature = "sns")]
mod sns;
#[cfg(feature = "sqs")]
mod sqs;
#[cfg(feature = "invoke")]
mod stream;

pub use observed::{CallExt, ObservedCall};
pub use propagate::Propagate;
