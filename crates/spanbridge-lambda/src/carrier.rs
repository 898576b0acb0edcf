//! Where a context travels on its way to a function.

#[cfg(any(feature = "sqs", feature = "sns"))]
mod attributes;
mod client_context;
#[cfg(feature = "sqs")]
mod received;
mod xray;

#[cfg(any(feature = "sqs", feature = "sns"))]
pub(crate) use attributes::{Attribute, Attributes};
pub use client_context::ClientContext;
#[cfg(feature = "sqs")]
pub use received::extract_message;
pub use xray::XRay;

use spanbridge::carrier::{Extract, Extraction, Header, extract};
use spanbridge::w3c;
use std::borrow::Cow;

/// The three standard headers, looked for among whatever else is there.
#[derive(Debug)]
pub(crate) struct Standard<'a>([(&'static str, Header<'a>); 3]);

impl Default for Standard<'_> {
    fn default() -> Self {
        Standard([w3c::TRACEPARENT, w3c::TRACESTATE, w3c::BAGGAGE].map(|name| (name, Header::Absent)))
    }
}

impl<'a> Standard<'a> {
    /// Takes the value if it stands under one of the three names, as they are. The last counts.
    pub(crate) fn offer(&mut self, name: &str, value: impl FnOnce() -> Header<'a>) {
        if let Some((_, place)) = self.0.iter_mut().find(|(standard, _)| *standard == name) {
            *place = value()
        }
    }

    /// The same without regard to case, for names that have none.
    pub(crate) fn offer_any_case(&mut self, name: &str, value: impl FnOnce() -> Header<'a>) {
        if let Some((_, place)) = self.0.iter_mut().find(|(standard, _)| standard.eq_ignore_ascii_case(name)) {
            *place = value()
        }
    }

    /// The context that they say.
    pub(crate) fn extract(&self) -> Extraction {
        extract(self)
    }
}

impl Extract for Standard<'_> {
    fn get(&self, name: &str) -> Header<'_> {
        match self.0.iter().find(|(standard, _)| *standard == name) {
            Some((_, Header::Value(value))) => Header::Value(Cow::Borrowed(value)),
            Some((_, Header::Unusable(what))) => Header::Unusable(what),
            _ => Header::Absent,
        }
    }
}

/// What was found, or, where that is no context, what X-Ray says.
pub(crate) fn or_xray(mut found: Extraction, xray: Option<&[u8]>) -> Extraction {
    if found.context.is_empty()
        && let Some(header) = xray
    {
        match XRay::parse(header) {
            Ok(xray) => found.context = xray.context(),
            Err(problem) => found.problems.push(problem),
        }
    }
    found
}
