//! One field of a record, read from the JSON text of its value.

use super::RecordError;
use crate::record::{AttributeValue, Attributes, Endpoint, Link, parse_time};
use crate::{RunId, SpanId, TraceId};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A field's value as it is in the line. `None`: absent or null.
pub(super) type Raw<'a> = Option<&'a RawValue>;
pub(super) type Result<T> = std::result::Result<T, RecordError>;

pub(super) fn required<'a>(field: &'static str, raw: Raw<'a>) -> Result<&'a RawValue> {
    raw.ok_or(RecordError::missing(field))
}

/// Reads a field that may be absent.
pub(super) fn optional<'a, T>(
    read: impl Fn(&'static str, Raw<'a>) -> Result<T>,
    field: &'static str,
    raw: Raw<'a>,
) -> Result<Option<T>> {
    raw.is_some().then(|| read(field, raw)).transpose()
}

pub(super) fn text<'a>(field: &'static str, raw: Raw<'a>) -> Result<Cow<'a, str>> {
    let raw = required(field, raw)?;
    text_of(raw).map_err(|e| RecordError::invalid(field, "a text", Some(e)))
}

fn text_of(raw: &RawValue) -> serde_json::Result<Cow<'_, str>> {
    match raw.get().strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        // Without escapes, the text is what is between the quotes. Control characters were refused before.
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text)),
        _ => serde_json::from_str(raw.get()).map(Cow::Owned),
    }
}

pub(super) fn id<T: std::str::FromStr>(field: &'static str, raw: Raw<'_>) -> Result<T> {
    text(field, raw)?.parse().map_err(|_| {
        RecordError::invalid(field, "an id: lower-case hexadecimal digits of fixed number, not all zero", None)
    })
}

pub(super) fn number(field: &'static str, raw: Raw<'_>) -> Result<u64> {
    required(field, raw)?
        .get()
        .parse()
        .map_err(|_| RecordError::invalid(field, "a whole number between 0 and 18446744073709551615", None))
}

pub(super) fn time(field: &'static str, raw: Raw<'_>) -> Result<u64> {
    parse_time(&text(field, raw)?)
        .ok_or_else(|| RecordError::invalid(field, "an RFC 3339 time between 1970 and 2554", None))
}

pub(super) fn attributes<'a>(field: &'static str, raw: Raw<'a>) -> Result<Attributes<'a>> {
    let Some(raw) = raw else { return Ok(Attributes::new()) };
    let object: AttributeObject<'a> =
        serde_json::from_str(raw.get()).map_err(|e| RecordError::invalid(field, "an object", Some(e)))?;
    Ok(object.0)
}

/// A JSON object, word for word.
pub(super) fn json_object<'a>(field: &'static str, raw: Raw<'a>) -> Result<Cow<'a, str>> {
    let json = required(field, raw)?.get();
    if json.starts_with('{') { Ok(Cow::Borrowed(json)) } else { Err(RecordError::invalid(field, "an object", None)) }
}

/// A list of texts, empty if it is absent.
pub(super) fn texts<'a>(field: &'static str, raw: Raw<'a>) -> Result<Vec<Cow<'a, str>>> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let texts: Vec<Text<'a>> =
        serde_json::from_str(raw.get()).map_err(|e| RecordError::invalid(field, "a list of texts", Some(e)))?;
    if texts.len() > MAX_ATTRIBUTES {
        return Err(RecordError::invalid(field, "a list of at most 65536 texts", None));
    }
    Ok(texts.into_iter().map(|text| text.0).collect())
}

pub(super) fn links<'a>(raw: Raw<'a>) -> Result<Vec<Link<'a>>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct LinkFields<'a> {
        trace_id: TraceId,
        span_id: SpanId,
        #[serde(borrow)]
        attributes: Raw<'a>,
    }
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let links: Vec<LinkFields<'a>> =
        serde_json::from_str(raw.get()).map_err(|e| RecordError::invalid("links", "a list of links", Some(e)))?;
    let link = |l: LinkFields<'a>| {
        Ok(Link { trace_id: l.trace_id, span_id: l.span_id, attributes: attributes("links", l.attributes)? })
    };
    links.into_iter().map(link).collect()
}

pub(super) fn endpoint<'a>(field: &'static str, raw: Raw<'a>) -> Result<Endpoint<'a>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Ends<'a> {
        trace_id: Option<TraceId>,
        span_id: Option<SpanId>,
        run_id: Option<RunId>,
        #[serde(borrow)]
        artifact_id: Option<Text<'a>>,
    }
    const EXPECTED: &str = "an end: {traceId, spanId}, {runId} or {artifactId}";
    let raw = required(field, raw)?;
    let ends: Ends<'a> = serde_json::from_str(raw.get()).map_err(|e| RecordError::invalid(field, EXPECTED, Some(e)))?;
    match ends {
        Ends { trace_id: Some(trace_id), span_id: Some(span_id), .. } => Ok(Endpoint::Span { trace_id, span_id }),
        Ends { run_id: Some(run_id), span_id: None, .. } => Ok(Endpoint::Run(run_id)),
        Ends { artifact_id: Some(id), span_id: None, .. } => Ok(Endpoint::Artifact(id.0)),
        _ => Err(RecordError::invalid(field, EXPECTED, None)),
    }
}

/// A text, borrowed if it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> std::result::Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> std::result::Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(V)
    }
}

/// Maximum number of attributes of a record that is read; more than the recorder puts into one. Lines may come from anywhere,
/// and an attribute of six bytes takes ten times as much in memory.
const MAX_ATTRIBUTES: usize = 1 << 16;

struct AttributeObject<'a>(Attributes<'a>);

impl<'de> Deserialize<'de> for AttributeObject<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = AttributeObject<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> std::result::Result<Self::Value, M::Error> {
                let mut items = Vec::new();
                while let Some((key, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    if items.len() == MAX_ATTRIBUTES {
                        return Err(Error::custom(format_args!("more than {MAX_ATTRIBUTES} attributes")));
                    }
                    items.push((key.0, attribute(value).map_err(Error::custom)?));
                }
                Ok(AttributeObject(items.into_iter().collect()))
            }
        }
        deserializer.deserialize_map(V)
    }
}

fn attribute(raw: &RawValue) -> serde_json::Result<AttributeValue<'_>> {
    let json = raw.get();
    Ok(match json.as_bytes() {
        [b'"', ..] => AttributeValue::Str(text_of(raw)?),
        b"true" => AttributeValue::Bool(true),
        b"false" => AttributeValue::Bool(false),
        [b'-' | b'0'..=b'9', ..] => match (json.parse(), json.parse::<f64>()) {
            (Ok(v), _) => AttributeValue::I64(v),
            (_, Ok(v)) if v.is_finite() && json.contains(['.', 'e', 'E']) => AttributeValue::F64(v),
            // More than an i64 holds exactly, or an f64 at all: kept digit by digit.
            _ => AttributeValue::Json(json.into()),
        },
        _ => AttributeValue::Json(json.into()),
    })
}
