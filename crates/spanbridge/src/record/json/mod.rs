//! The JSON form of a record, one object a line: its version, and why a line is not one.
//!
//! | JSON | here |
//! |---|---|
//! | times | RFC 3339; written in UTC with nine digits behind the second, read with any offset and any number of digits |
//! | ids | lower-case hexadecimal of fixed width |
//! | `recordId` | ours, `<segmentId>-<segmentSeq>`, is not kept; another's is |
//! | `family` | follows from `primitive`; written, and ignored on reading |
//! | attributes | an object. Written, a key that repeats has its last value; NaN and the infinities, for which JSON has no form, are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`, and stay texts when read |
//! | an attribute that is an array, an object or null | [`Value::Json`](crate::Value::Json), word for word; so is a number that neither an `i64` nor an `f64` holds |
//!
//! Reading ignores fields it does not know, takes null for absent, and takes lines of later versions whose fields are
//! those of this one. It borrows from the line what has no escapes.

mod field;
mod object;
mod read;
mod write;

use std::error::Error;
use std::fmt;

/// The version of the JSON form that is written.
pub const SCHEMA_VERSION: u32 = 1;

/// Why a line is not a record. Reads on after "failed to …".
#[derive(Debug)]
pub struct RecordError {
    kind: RecordErrorKind,
    field: &'static str,
    expected: &'static str,
    source: Option<serde_json::Error>,
}

/// What kind of fault a line has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordErrorKind {
    /// It is not one JSON object, or has a field of ours twice.
    NotAnObject,
    /// A field that its type of record has is not there.
    MissingField,
    /// A field holds what it cannot hold.
    InvalidField,
}

impl RecordError {
    fn not_an_object(source: serde_json::Error) -> Self {
        Self { kind: RecordErrorKind::NotAnObject, field: "", expected: "", source: Some(source) }
    }

    fn missing(field: &'static str) -> Self {
        Self { kind: RecordErrorKind::MissingField, field, expected: "", source: None }
    }

    fn invalid(field: &'static str, expected: &'static str, source: Option<serde_json::Error>) -> Self {
        Self { kind: RecordErrorKind::InvalidField, field, expected, source }
    }

    /// What kind of fault it is.
    pub fn kind(&self) -> RecordErrorKind {
        self.kind
    }

    /// The field it is about; `None` when the line as a whole is at fault.
    pub fn field(&self) -> Option<&'static str> {
        Some(self.field).filter(|f| !f.is_empty())
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, field, expected, source } = self;
        match kind {
            RecordErrorKind::NotAnObject => write!(f, "read a record: it is not one JSON object")?,
            RecordErrorKind::MissingField => write!(f, "read a record: it has no `{field}`")?,
            RecordErrorKind::InvalidField => write!(f, "read a record: `{field}` is not {expected}")?,
        }
        source.as_ref().map_or(Ok(()), |s| write!(f, ": {s}"))
    }
}

impl Error for RecordError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().and_then(Error::source) // the cause itself is in our text
    }
}
