//! What a server can do, by its version.

use crate::error::{Error, ErrorKind, Result};
use std::fmt;

/// The version of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32, pub(crate) u32);

impl Version {
    /// Reads `18.16.1` and `26.9.2.1-testing`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        match (parts.next().flatten(), parts.next().flatten()) {
            (Some(major), Some(minor)) => Ok(Self(major, minor)),
            _ => Err(Error::new(ErrorKind::Corrupt, format!("read the version of the server: it says {text:?}"))),
        }
    }

    /// `LowCardinality` has to be allowed by a setting, which later servers do not know.
    pub(crate) fn asks_for_low_cardinality(self) -> bool {
        self < Version(19, 0)
    }

    /// Columns may have codecs.
    pub(crate) fn has_codecs(self) -> bool {
        self >= Version(19, 17)
    }

    /// A table may have a codec for columns that name none.
    pub(crate) fn has_default_codec(self) -> bool {
        self >= Version(25, 4)
    }

    /// Rows may have a time to live, after which whole parts of a table are dropped.
    pub(crate) fn has_ttl(self) -> bool {
        self >= Version(20, 3)
    }

    /// Inserts may be collected by the server, which later servers do unless they are told not to.
    pub(crate) fn has_async_inserts(self) -> bool {
        self >= Version(21, 11)
    }

    /// A batch that was inserted is recognised by a token, in tables that are not replicated as well.
    pub(crate) fn has_tokens(self) -> bool {
        self >= Version(22, 3)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let [old, new] = ["18.16.1", "26.9.2.1-testing"].map(|text| Version::parse(text).unwrap());
        assert_eq!((old, new), (Version(18, 16), Version(26, 9)));
        assert_eq!([old, new].map(Version::has_codecs), [false, true]);
        assert_eq!([old, new].map(Version::asks_for_low_cardinality), [true, false]);
        for can in [Version::has_tokens, Version::has_ttl, Version::has_async_inserts, Version::has_default_codec] {
            assert_eq!([old, new].map(can), [false, true]);
        }
        assert_eq!(old.to_string(), "18.16");
        assert!(Version::parse("ok").is_err());
    }
}
