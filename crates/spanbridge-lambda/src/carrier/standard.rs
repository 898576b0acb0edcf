//! The three standard headers, picked out of whatever else a carrier holds.

use spanbridge::carrier::{Extract, Extraction, Header, extract};
use spanbridge::w3c;
use std::borrow::Cow;

/// The values of `traceparent`, `tracestate` and `baggage`.
#[derive(Debug)]
pub(crate) struct StandardHeaders<'a>([Found<'a>; 3]);

/// What was found for one header.
#[derive(Debug)]
struct Found<'a> {
    /// Under the exact name.
    exact: Header<'a>,
    /// Under the name in another case, and how that was written.
    other_case: Option<(String, Header<'a>)>,
}

impl Default for StandardHeaders<'_> {
    fn default() -> Self {
        StandardHeaders([const { Found { exact: Header::Absent, other_case: None } }; 3])
    }
}

impl<'a> StandardHeaders<'a> {
    /// Takes the value if `name` is one of the three, in any case. The last value counts.
    pub(crate) fn offer(&mut self, name: &str, value: impl FnOnce() -> Header<'a>) {
        match self.place(name) {
            None => {}
            Some((found, true)) => found.exact = value(),
            Some((found, false)) => found.other_case = Some((name.to_owned(), value())),
        }
    }

    /// The same for carriers whose names have no case, such as HTTP.
    pub(crate) fn offer_any_case(&mut self, name: &str, value: impl FnOnce() -> Header<'a>) {
        if let Some((found, _)) = self.place(name) {
            found.exact = value()
        }
    }

    /// The place of a header, and whether `name` is its exact name.
    fn place(&mut self, name: &str) -> Option<(&mut Found<'a>, bool)> {
        let header = w3c::header_named(name)?;
        let at = w3c::HEADERS.iter().position(|ours| *ours == header)?;
        Some((&mut self.0[at], header == name))
    }

    /// The context in the headers.
    pub(crate) fn extract(&self) -> Extraction {
        extract(self)
    }
}

impl Extract for StandardHeaders<'_> {
    fn get(&self, name: &str) -> Header<'_> {
        let exact = w3c::HEADERS.iter().zip(&self.0).find(|(ours, _)| **ours == name).map(|(_, found)| &found.exact);
        let others = || self.0.iter().filter_map(|found| found.other_case.as_ref());
        match exact.or_else(|| others().find(|(other, _)| other == name).map(|(_, value)| value)) {
            Some(Header::Value(value)) => Header::Value(Cow::Borrowed(value)),
            Some(Header::Unusable(what)) => Header::Unusable(what),
            Some(Header::Absent) | None => Header::Absent,
        }
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        self.0.iter().filter_map(|found| found.other_case.as_ref()).for_each(|(name, _)| f(name))
    }
}
