//! The JSON form of a record, one object per line: its version, and the errors of reading it.
//!
//! | JSON | here |
//! |---|---|
//! | times | RFC 3339; written in UTC with nine digits behind the second, read with any offset and any number of digits |
//! | ids | lower-case hexadecimal digits of fixed number |
//! | `recordId` | not kept if it is `<segmentId>-<segmentSeq>`, as the recorder's are; any other is |
//! | `family` | follows from `primitive`: written, but ignored on reading |
//! | attributes | an object. Written, a key that repeats has its last value; NaN and the infinities, for which JSON has no form, are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`, and stay texts when read |
//! | an attribute that is an array, an object or null | [`Value::Json`](crate::Value::Json), word for word; so is a number that neither an `i64` nor an `f64` holds |
//! | rows of a database | objects, word for word; what is no object is written as `{"text": …}` |
//!
//! Reading ignores unknown fields, treats null as absent, and accepts later versions if the fields of this version are
//! there. Text without escapes is borrowed from the line.

mod field;
mod object;
mod read;
mod write;

use std::error::Error;
use std::fmt;

/// The version of the JSON form that this release writes.
pub const SCHEMA_VERSION: u32 = 1;

/// Why a line is not a record. The message follows "failed to …".
#[derive(Debug)]
pub struct RecordError {
    kind: RecordErrorKind,
    field: &'static str,
    expected: &'static str,
    source: Option<serde_json::Error>,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordErrorKind {
    /// It is not one JSON object, or has a field of ours twice.
    NotAnObject,
    /// A field that this type of record requires is missing.
    MissingField,
    /// A field has a value that it cannot have.
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

    /// What is wrong.
    pub fn kind(&self) -> RecordErrorKind {
        self.kind
    }

    /// The field that is wrong. `None`: the line as a whole.
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
