//! Reading what the sources have in common.

use crate::carrier::first_of;
use crate::json::Json;
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use spanbridge::carrier::{Extraction, Header, Problem, extract};
use spanbridge::payload::{FIELD, Taken};
use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

/// A text; nothing when it is empty.
pub(super) fn text(value: Option<Json<'_>>) -> Option<String> {
    value.and_then(Json::text).map(Cow::into_owned).filter(|text| !text.is_empty())
}

/// The most bytes of a name that stands once for many records: Kafka's topics have 249, and a number behind.
const MAX_SHARED_NAME: usize = 260;

/// A name that many records share; nothing when it is too long to be one. Each record has a copy.
pub(super) fn shared_name(name: &str) -> Option<&str> {
    (name.len() <= MAX_SHARED_NAME).then_some(name)
}

/// What a pipe has put to a record, of the group that the record stands under in a function's own event.
pub(super) fn source_key(record: Json<'_>) -> Cow<'_, str> {
    record.get("eventSourceKey").and_then(Json::text).unwrap_or_default()
}

/// A header that is a text.
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

/// A header that is bytes in base64.
pub(super) fn base64_header(value: Json<'_>) -> Header<'static> {
    base64(value).map_or(Header::Unusable("is not base64"), |bytes| Header::Value(bytes.into()))
}

/// Bytes in base64.
pub(super) fn base64(value: Json<'_>) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(value.text()?.as_bytes()).ok()
}

/// How many bytes there are in base64.
pub(super) fn base64_size(value: Json<'_>) -> Option<usize> {
    Some(value.text()?.trim_end_matches('=').len() * 3 / 4)
}

/// A header that is an array of bytes, signed as Java has them or not; or a text after all.
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

/// Numbers, each kept as the byte that it is.
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

/// What stands behind the last of these in an ARN or a URL.
pub(super) fn last_part(name: &str, separator: char) -> &str {
    name.rsplit(separator).next().unwrap_or_default()
}

/// A time in milliseconds since 1970; 0 is none.
pub(super) fn millis(value: Option<Json<'_>>) -> Option<SystemTime> {
    let ms = value?.number().filter(|ms| *ms > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms))
}

/// A time in seconds since 1970, with fractions.
pub(super) fn seconds(value: Option<Json<'_>>) -> Option<SystemTime> {
    let seconds: f64 = std::str::from_utf8(value?.written()).ok()?.parse().ok()?;
    // To the millisecond, which is what there is.
    let ms = Duration::try_from_secs_f64(seconds).ok()?.saturating_add(Duration::from_micros(500)).as_millis();
    let ms = u64::try_from(ms).ok().filter(|ms| *ms > 0)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms))
}

/// The first trace there is, with the first baggage; what was wrong before it is kept.
pub(super) fn or_else(mut found: Extraction, next: impl FnOnce() -> Extraction) -> Extraction {
    if found.context.is_empty() {
        let next = next();
        found.context = first_of(found.context, || next.context);
        found.problems.extend(next.problems)
    }
    found
}

/// What a hidden field holds.
pub(super) fn hidden(taken: &Taken<'_>) -> Extraction {
    let mut found = taken.fields.as_ref().map(extract).unwrap_or_default();
    found.problems.extend(taken.problem.map(|reason| Problem { header: FIELD, reason: reason.into() }));
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
    fn times_that_are_none() {
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
