//! The JSON form of a record.
use super::Record;
use std::fmt;

/// The version of the JSON form that is written.
pub const SCHEMA_VERSION: u32 = 1;

/// Why a line is not a record.
#[derive(Debug)]
pub struct RecordError(String);
impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read a record: {}", self.0)
    }
}
impl std::error::Error for RecordError {}

impl<'a> Record<'a> {
    /// One line of JSON, without the line's end.
    pub fn to_json(&self) -> String {
        let _ = self;
        String::new()
    }

    /// From one line of JSON. `Ok(None)`: a type of record that this release does not know.
    pub fn from_json(_line: &'a str) -> Result<Option<Record<'a>>, RecordError> {
        Err(RecordError("not written yet".into()))
    }
}
