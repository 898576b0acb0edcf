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

use spanbridge::Context;
use spanbridge::carrier::{Extract, Extraction, Header, extract};
use spanbridge::w3c;
use std::borrow::Cow;

/// The three standard headers, looked for among whatever else is there.
#[derive(Debug)]
pub(crate) struct Standard<'a>([Found<'a>; 3]);

/// What stands under a name.
#[derive(Debug)]
struct Found<'a> {
    exact: Header<'a>,
    /// And under the same name in other case, which that is.
    other: Option<(String, Header<'a>)>,
}

impl Default for Standard<'_> {
    fn default() -> Self {
        Standard([const { Found { exact: Header::Absent, other: None } }; 3])
    }
}

impl<'a> Standard<'a> {
    /// Takes the value if it stands under one of the three names, as they are or in other case. The last counts.
    pub(crate) fn offer(&mut self, name: &str, value: impl FnOnce() -> Header<'a>) {
        match self.place(name) {
            None => {}
            Some((found, true)) => found.exact = value(),
            Some((found, false)) => found.other = Some((name.to_owned(), value())),
        }
    }

    /// The same for names that have no case.
    pub(crate) fn offer_any_case(&mut self, name: &str, value: impl FnOnce() -> Header<'a>) {
        if let Some((found, _)) = self.place(name) {
            found.exact = value()
        }
    }

    /// Where a header belongs, and whether its name is exactly that.
    fn place(&mut self, name: &str) -> Option<(&mut Found<'a>, bool)> {
        let header = w3c::header_named(name)?;
        let at = w3c::HEADERS.iter().position(|ours| *ours == header)?;
        Some((&mut self.0[at], header == name))
    }

    /// The context that they say.
    pub(crate) fn extract(&self) -> Extraction {
        extract(self)
    }
}

impl Extract for Standard<'_> {
    fn get(&self, name: &str) -> Header<'_> {
        let exact = w3c::HEADERS.iter().zip(&self.0).find(|(ours, _)| **ours == name).map(|(_, found)| &found.exact);
        let others = || self.0.iter().filter_map(|found| found.other.as_ref());
        match exact.or_else(|| others().find(|(other, _)| other == name).map(|(_, value)| value)) {
            Some(Header::Value(value)) => Header::Value(Cow::Borrowed(value)),
            Some(Header::Unusable(what)) => Header::Unusable(what),
            Some(Header::Absent) | None => Header::Absent,
        }
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        self.0.iter().filter_map(|found| found.other.as_ref()).for_each(|(name, _)| f(name))
    }
}

/// The first of two contexts that has a trace, with the baggage of the first that has any.
pub(crate) fn first_of(found: Context, next: impl FnOnce() -> Context) -> Context {
    match (found.is_empty(), found.travels()) {
        (false, _) => found,
        (true, false) => next(),
        (true, true) => next().with_baggage(found.baggage().clone()),
    }
}

/// What was found, or, where that is no trace, what X-Ray says; baggage that was found stays. Whether X-Ray records the trace
/// is kept in either case: a header of its that is written later says the same.
pub(crate) fn or_xray(mut found: Extraction, xray: Option<&[u8]>) -> Extraction {
    let Some(header) = xray else { return found };
    match (XRay::parse(header), found.context.is_empty()) {
        (Ok(xray), true) => found.context = first_of(found.context, || xray.context()),
        (Ok(xray), false) => found.context = found.context.with_peer_sampled(xray.sampled),
        (Err(problem), true) => found.problems.push(problem),
        (Err(_), false) => {}
    }
    found
}
