//! Carriers: the headers, or the payload, in which a transport carries a context. Every transport implements two traits,
//! [`Extract`] and [`Inject`].
//!
//! ```
//! use spanbridge::{carrier, w3c};
//! use std::collections::HashMap;
//!
//! let message = HashMap::from([(
//!     "traceparent".to_string(),
//!     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_string(),
//! )]);
//! let received = carrier::extract(&message).context;
//! assert_eq!(received.trace_id().unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
//!
//! let mut next = HashMap::<String, String>::new();
//! carrier::inject(&received, &mut next);
//! assert_eq!(next[w3c::TRACEPARENT], message["traceparent"]);
//! ```

mod in_place;
mod map;
mod read;
mod write;

#[cfg(feature = "http")]
mod http;
#[cfg(feature = "json")]
pub(crate) mod in_payload;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "json")]
pub(crate) mod json_text;
#[cfg(feature = "json")]
pub mod payload;
mod serde;

#[cfg(feature = "json")]
pub use in_payload::{extract_payload, inject_payload};
pub use read::{Extraction, extract};
pub use write::{Budget, Outgoing, inject, inject_within, outgoing};

use crate::w3c;
use std::borrow::Cow;
use std::fmt;

/// What a carrier has under a name.
#[derive(Clone, Debug, PartialEq)]
pub enum Header<'a> {
    /// Nothing.
    Absent,
    /// A value; not necessarily UTF-8.
    Value(Cow<'a, [u8]>),
    /// Something that cannot be one of our headers, and what it is.
    Unusable(&'static str),
}

impl<'a> From<Option<&'a str>> for Header<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Header::Absent, |v| Header::Value(Cow::Borrowed(v.as_bytes())))
    }
}

/// A carrier that can be read: received headers.
pub trait Extract {
    /// The value of the header with exactly this name. If the transport's names are case-insensitive, with this name in any case.
    /// Of several values, the last counts, unless the transport has other rules.
    fn get(&self, name: &str) -> Header<'_>;

    /// Calls `f` with the name of every header. This is called if [`get`](Extract::get) does not find all three headers, to find
    /// names that a sender has written in another case. If names are case-insensitive, it need not do anything.
    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        let _ = f;
    }

    /// Gives every header to `f`, name and value, in their order, and returns true. Headers with other names than the three may
    /// be left out. Implement it if one pass over all headers is cheaper than looking up three of them; nothing else is asked
    /// then. Default: gives nothing and returns false.
    fn each<'c>(&'c self, f: &mut dyn FnMut(&'c [u8], Header<'c>)) -> bool {
        let _ = f;
        false
    }
}

impl<E: Extract + ?Sized> Extract for &E {
    fn get(&self, name: &str) -> Header<'_> {
        (**self).get(name)
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        (**self).each_name(f)
    }

    fn each<'c>(&'c self, f: &mut dyn FnMut(&'c [u8], Header<'c>)) -> bool {
        (**self).each(f)
    }
}

/// A carrier that can be written: outgoing headers.
pub trait Inject {
    /// Sets a header, and replaces every header with exactly this name.
    fn set(&mut self, name: &'static str, value: &str);

    /// Removes the headers with exactly this name.
    fn remove(&mut self, name: &'static str);

    /// Removes every header whose name is one of the three in another case ([`w3c::is_other_case`]), because a receiver might read
    /// it. If names are case-insensitive, it need not do anything.
    fn remove_other_case(&mut self) {}

    /// Writes all three headers, in the order of [`w3c::HEADERS`]: replaces the ones that have a value here, and removes the
    /// others. What has one of these names in another case is removed, too. Implement it if that is cheaper together. Default:
    /// [`remove_other_case`](Inject::remove_other_case), then [`set`](Inject::set) or [`remove`](Inject::remove) for each.
    fn set_all(&mut self, values: [Option<&str>; 3]) {
        one_by_one(self, values)
    }
}

/// What [`Inject::set_all`] does by default.
fn one_by_one(carrier: &mut (impl Inject + ?Sized), values: [Option<&str>; 3]) {
    carrier.remove_other_case();
    for (name, value) in w3c::HEADERS.into_iter().zip(values) {
        match value {
            Some(value) => carrier.set(name, value),
            None => carrier.remove(name),
        }
    }
}

/// Something that was wrong with a received header. The message is still handled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The header.
    pub header: &'static str,
    /// What was wrong with it.
    pub reason: Cow<'static, str>,
}

impl Problem {
    /// A problem with a header.
    pub fn new(header: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Problem { header, reason: reason.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.header, self.reason)
    }
}
