//! Messages to records.

use super::{FORMAT, FORMAT_HEADER};
use spanbridge::record::Record;
use std::fmt;

/// What is in a message.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Decoded<'m> {
    /// The records, in order. They borrow from the message.
    pub records: Vec<Record<'m>>,
    /// What is in it that is no record.
    pub faults: Vec<Fault>,
}

/// Why a message, or a line of it, is not read. Shown, it is a sentence without a beginning: `line 3: it has no …`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The line, from 1. `None`: the message as a whole.
    pub line: Option<u64>,
    /// What is wrong.
    pub why: String,
}

impl Fault {
    fn of_message(why: impl Into<String>) -> Self {
        Self { line: None, why: why.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl std::error::Error for Fault {}

/// Reads a message. `format` is the content of its header [`FORMAT_HEADER`]; without one, it is read as if it said [`FORMAT`].
///
/// # Errors
/// The message as a whole cannot be read: it has another format, or no value. What is wrong with single lines is in
/// [`Decoded::faults`].
pub fn decode<'m>(format: Option<&[u8]>, value: Option<&'m [u8]>) -> Result<Decoded<'m>, Fault> {
    if let Some(other) = format.filter(|format| *format != FORMAT.as_bytes()) {
        // From outside, and of any length.
        let shown: String = String::from_utf8_lossy(other).chars().take(16).collect();
        let why = format!("the header {FORMAT_HEADER} says {shown:?}, and this release reads {FORMAT:?}");
        return Err(Fault::of_message(why));
    }
    let value = value.ok_or_else(|| Fault::of_message("it has no value"))?;
    let mut decoded = Decoded::default();
    for (at, line) in value.split(|byte| *byte == b'\n').enumerate() {
        match record(line) {
            Ok(None) => {}
            Ok(Some(record)) => decoded.records.push(record),
            Err(why) => decoded.faults.push(Fault { line: Some(at as u64 + 1), why }),
        }
    }
    if decoded.records.is_empty() && decoded.faults.is_empty() {
        return Err(Fault::of_message("it has no record"));
    }
    Ok(decoded)
}

/// `None`: the line is blank.
fn record(line: &[u8]) -> Result<Option<Record<'_>>, String> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    match Record::from_json(text) {
        Ok(Some(record)) => Ok(Some(record)),
        Ok(None) => Err("this release does not know this type of record".to_owned()),
        Err(error) => {
            let text = error.to_string();
            Err(text.strip_prefix("read a record: ").unwrap_or(&text).to_owned())
        }
    }
}
