//! What whoever replays asked for.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Calls that may leave the process: an operation, and a target if not all calls of the operation may.
///
/// ```
/// use spanbridge_replay::LiveCall;
///
/// let stock: LiveCall = "http.client GET http://stock:8080/items/42".parse()?;
/// assert!(stock.allows("http.client", "GET http://stock:8080/items/42"));
/// assert!(!stock.allows("http.client", "POST http://stock:8080/items/42"));
/// assert!("http.client".parse::<LiveCall>()?.allows("http.client", "GET http://elsewhere/"));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LiveCall {
    operation: String,
    target: Option<String>,
}

impl LiveCall {
    /// Whether a call may leave.
    pub fn allows(&self, operation: &str, target: &str) -> bool {
        self.operation == operation && self.target.as_deref().is_none_or(|own| own == target)
    }

    /// The operation, such as `http.client`.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The target, if not every one is meant.
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }
}

/// The operations that a replay answers, so that they can be let through.
const OPERATIONS: [&str; 4] = ["http.client", "messaging.publish", "messaging.settle", "function.invoke"];

impl FromStr for LiveCall {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (operation, target) = match text.trim().split_once(' ') {
            Some((operation, target)) => (operation, Some(target.trim().to_owned())),
            None => (text.trim(), None),
        };
        match operation {
            "db.query" => Err("queries are let through by the name of the scratch database"),
            "messaging.settle" => Err("nothing is settled in a replay"),
            _ if OPERATIONS.contains(&operation) => Ok(LiveCall { operation: operation.to_owned(), target }),
            _ => Err("a live call begins with http.client, messaging.publish or function.invoke"),
        }
    }
}

/// A difference that the report does not show: `header:NAME`, or `body:/JSON/POINTER` for a field with everything in it.
///
/// ```
/// use spanbridge_replay::Ignore;
///
/// let ignore: Ignore = "body:/items/0".parse()?;
/// assert!(ignore.covers_field("/items/0/price") && !ignore.covers_field("/items/01"));
/// assert!("header:X-Request-Id".parse::<Ignore>()?.covers_header("x-request-id"));
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ignore(What);

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// In lower case.
    Header(String),
    Body(String),
}

impl Ignore {
    /// Whether a header of this name, in any case, is not shown.
    pub fn covers_header(&self, name: &str) -> bool {
        matches!(&self.0, What::Header(own) if own.eq_ignore_ascii_case(name))
    }

    /// Whether a field of a body, as a JSON pointer, is not shown. It is not if a field around it is not.
    pub fn covers_field(&self, pointer: &str) -> bool {
        let What::Body(own) = &self.0 else { return false };
        pointer.strip_prefix(own.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl FromStr for Ignore {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("header", name)) if !name.is_empty() => Ok(Ignore(What::Header(name.to_ascii_lowercase()))),
            Some(("body", pointer)) if pointer.is_empty() || pointer.starts_with('/') => {
                Ok(Ignore(What::Body(pointer.to_owned())))
            }
            _ => Err("what is ignored is `header:NAME` or `body:/JSON/POINTER`"),
        }
    }
}

impl fmt::Display for LiveCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.operation)?;
        self.target.iter().try_for_each(|target| write!(f, " {target}"))
    }
}

impl fmt::Display for Ignore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            What::Header(name) => write!(f, "header:{name}"),
            What::Body(pointer) => write!(f, "body:{pointer}"),
        }
    }
}

/// Serde's way to and from text.
macro_rules! as_text {
    ($($rule:ident),*) => {$(
        impl TryFrom<String> for $rule {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$rule> for String {
            fn from(rule: $rule) -> String {
                rule.to_string()
            }
        }
    )*};
}

as_text!(LiveCall, Ignore);

/// How a handler should end, for tests: see [`Case::expect`](super::Case::expect).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Wanted {
    /// It succeeds.
    Ok,
    /// It fails.
    Error,
}

impl Wanted {
    /// It in a word.
    pub fn text(self) -> &'static str {
        match self {
            Wanted::Ok => "ok",
            Wanted::Error => "error",
        }
    }
}
