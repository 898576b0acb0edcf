//! Reading the values that all sources have: strings, headers, times.

use crate::carrier::{StandardHeaders, context_or};
use crate::json::Json;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use spanbridge::carrier::{Extraction, Header, Problem, extract};
use spanbridge::payload::{FIELD, Taken};
use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

/// A string; `None` if it is empty.
pub(super) fn text(value: Option<Json<'_>>) -> Option<String> {
    value.and_then(Json::text).map(Cow::into_owned).filter(|text| !text.is_empty())
}

/// The longest name shared by many records, in bytes: a Kafka topic has up to 249, followed by the partition.
const MAX_SHARED_NAME: usize = 260;

/// A name that many records share; `None` if it is too long to be one, because every record keeps a copy.
pub(super) fn shared_name(name: &str) -> Option<&str> {
    (name.len() <= MAX_SHARED_NAME).then_some(name)
}

/// The group of a record from a pipe. (In an event from an event source mapping, records are grouped under it instead.)
pub(super) fn source_key(record: Json<'_>) -> Cow<'_, str> {
    record.get("eventSourceKey").and_then(Json::text).unwrap_or_default()
}

/// A header that is a string.
pub(super) fn text_header(value: Json<'_>) -> Header<'_> {
    match value.text() {
        Some(Cow::Borrowed(text)) => Header::Value(text.as_bytes().into()),
        Some(Cow::Owned(text)) => Header::Value(text.into_bytes().into()),
        None if value.is_null() => Header::Unusable("is null, not text"),
        None if value.is_array() => Header::Unusable("is an array, not text"),
        None if value.is_object() => Header::Unusable("is an object, not text"),
        None => Header::Unusable("is not text"),
    }
}

/// A header in base64.
pub(super) fn base64_header(value: Json<'_>) -> Header<'static> {
    base64(value).map_or(Header::Unusable("is not base64"), |bytes| Header::Value(bytes.into()))
}

/// Decodes base64.
pub(super) fn base64(value: Json<'_>) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(value.text()?.as_bytes()).ok()
}

/// The number of bytes that base64 stands for.
pub(super) fn base64_size(value: Json<'_>) -> Option<usize> {
    Some(value.text()?.trim_end_matches('=').len() * 3 / 4)
}

/// A header that is an array of bytes, signed (as in Java) or unsigned, or a string.
pub(super) fn bytes_header(value: Json<'_>) -> Header<'_> {
    match bytes(value) {
        Some(bytes) => Header::Value(bytes.into()),
        None if value.is_array() => Header::Unusable("is not an array of bytes"),
        None => text_header(value),
    }
}

/// The bytes of an array.
pub(super) fn bytes(value: Json<'_>) -> Option<Vec<u8>> {
    serde_json::from_slice(value.written()).ok().map(|Bytes(bytes)| bytes)
}

/// Numbers from -128 to 255, each as one byte.
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(OfNumbers)
    }
}

struct OfNumbers;

impl<'de> Visitor<'de> for OfNumbers {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of bytes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Bytes, A::Error> {
        let mut bytes = vec![];
        while let Some(n) = numbers.next_element::<i16>()? {
            let byte = u8::try_from(n).or(i8::try_from(n).map(|n| n as u8));
            bytes.push(byte.map_err(|_| A::Error::custom("not a byte"))?)
        }
        Ok(Bytes(bytes))
    }
}

/// The part of an ARN or a URL after the last separator.
pub(super) fn last_part(name: &str, separator: char) -> &str {
    name.rsplit(separator).next().unwrap_or_default()
}

/// A time in milliseconds since 1970; 0 means unknown.
pub(super) fn millis(value: Option<Json<'_>>) -> Option<SystemTime> {
    let ms = value?.number().filter(|ms| *ms > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms))
}

/// A time in seconds since 1970, with a fraction.
pub(super) fn seconds(value: Option<Json<'_>>) -> Option<SystemTime> {
    let seconds: f64 = std::str::from_utf8(value?.written()).ok()?.parse().ok()?;
    // Rounded to milliseconds, the precision of the source.
    let ms = Duration::try_from_secs_f64(seconds).ok()?.saturating_add(Duration::from_micros(500)).as_millis();
    let ms = u64::try_from(ms).ok().filter(|ms| *ms > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms))
}

/// The context in the standard headers among these members, of which `value` reads each. Of several of one name the last
/// counts.
pub(super) fn extract_from<'a>(
    members: impl IntoIterator<Item = (Cow<'a, str>, Json<'a>)>,
    value: impl Fn(Json<'a>) -> Header<'a>,
) -> Extraction {
    let mut found = StandardHeaders::default();
    for (name, header) in members {
        found.offer(&name, || value(header))
    }
    found.extract()
}

/// The first trace and the first baggage of two extractions; problems are kept.
pub(super) fn or_else(mut found: Extraction, next: impl FnOnce() -> Extraction) -> Extraction {
    if found.context.is_empty() {
        let next = next();
        found.context = context_or(found.context, || next.context);
        found.problems.extend(next.problems)
    }
    found
}

/// The context in a hidden field.
pub(super) fn hidden(taken: &Taken<'_>) -> Extraction {
    let mut found = taken.fields.as_ref().map(extract).unwrap_or_default();
    found.problems.extend(taken.problem.map(|reason| Problem::new(FIELD, reason)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &'static str) -> Json<'static> {
        Json::new(text.as_bytes())
    }

    #[test]
    fn bytes_are_signed_or_not() {
        assert_eq!(bytes(json("[0, 127, 128, 255, -1, -128]")), Some(vec![0, 127, 128, 255, 255, 128]));
        for bad in
            ["[256]", "[-129]", "[1.5]", "[\"1\"]", "[null]", "\"text\"", "null", "[1e2]", "[99999999999999999999]"]
        {
            assert_eq!(bytes(json(bad)), None, "{bad}");
        }
        assert_eq!(bytes_header(json("\"text\"")), Header::Value(b"text".as_slice().into()));
        assert_eq!(bytes_header(json("[256]")), Header::Unusable("is not an array of bytes"));
        assert_eq!(bytes_header(json("null")), Header::Unusable("is null, not text"));
    }

    #[test]
    fn unknown_times() {
        let ms = |text| millis(Some(json(text))).map(|t| t.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis());
        assert_eq!(ms("1545084650987"), Some(1_545_084_650_987));
        assert_eq!(ms("\"1545084650987\""), Some(1_545_084_650_987));
        assert_eq!((ms("0"), ms("-1"), ms("\"x\""), ms("{}")), (None, None, None, None));
        let s = |text| seconds(Some(json(text))).map(|t| t.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis());
        assert_eq!(s("1545084650.987"), Some(1_545_084_650_987));
        assert_eq!(s("1.4948888e9"), Some(1_494_888_800_000));
        assert_eq!((s("0"), s("-1"), s("1e300"), s("\"x\"")), (None, None, None, None));
    }
}
