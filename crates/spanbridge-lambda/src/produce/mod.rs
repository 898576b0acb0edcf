//! Calling functions and sending messages with the AWS SDK.
//!
//! There is one mechanism, an interceptor of the SDK. It opens the span unless that is open, packs the context into the
//! typed request, and ends the span when the SDK is done. `.observed()` opens the span first, so that it is current while the
//! SDK sends, and passes it to the same interceptor.

mod call;
mod call_error;
mod call_span;
mod observed;
mod operation;
mod options;
mod propagate;
#[cfg(any(feature = "invoke", feature = "sqs", feature = "sns"))]
mod replayed;

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
