//! Names and attributes of spans, by OpenTelemetry's conventions for functions, AWS Lambda and messaging.

#[cfg(any(feature = "invoke", test))]
mod call;
#[cfg(test)]
mod check;
#[cfg(any(feature = "runtime", test))]
mod handling;
#[cfg(feature = "runtime")]
mod properties;

#[cfg(feature = "invoke")]
pub(crate) use call::{invoke, invoked_name};
#[cfg(feature = "runtime")]
pub(crate) use handling::{FunctionInfo, batch, invocation, invocation_name, message};
#[cfg(feature = "runtime")]
pub(crate) use properties::properties;
