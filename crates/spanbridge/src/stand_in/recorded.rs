//! What a call was answered when it was recorded.

use crate::Value;
use std::fmt;

/// What a call was answered when it was recorded: what its span has of it.
///
/// ```
/// use spanbridge::adapter::{Recorded, RecordedArtifact};
///
/// let found = Recorded::new()
///     .with_attribute("http.response.status_code", 200)
///     .with_artifact(RecordedArtifact::new("output", br#"{"total": 3}"#).content_type("application/json"));
/// assert_eq!(found.integer("http.response.status_code"), Some(200));
/// assert_eq!(found.artifact("output").unwrap().content(), br#"{"total": 3}"#);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    attributes: Vec<(String, Kept)>,
    artifacts: Vec<RecordedArtifact>,
    error: Option<RecordedError>,
}

/// The value of an attribute.
#[derive(Clone, Debug)]
enum Kept {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Json(String),
}

impl Kept {
    fn of(value: Value<'_>) -> Self {
        match value {
            Value::I64(n) => Kept::Integer(n),
            Value::F64(n) => Kept::Float(n),
            Value::Bool(yes) => Kept::Bool(yes),
            Value::Static(text) | Value::Str(text) => Kept::Text(text.to_owned()),
            Value::Json(text) => Kept::Json(text.to_owned()),
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Kept::Text(text) => Value::Str(text),
            Kept::Integer(n) => Value::I64(*n),
            Kept::Float(n) => Value::F64(*n),
            Kept::Bool(yes) => Value::Bool(*yes),
            Kept::Json(text) => Value::Json(text),
        }
    }
}

impl Recorded {
    /// An answer of which nothing is known but that it was one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attribute of the recorded span.
    pub fn with_attribute<'v>(mut self, key: impl Into<String>, value: impl Into<Value<'v>>) -> Self {
        self.attributes.push((key.into(), Kept::of(value.into())));
        self
    }

    /// Adds an artifact of the recorded span.
    pub fn with_artifact(mut self, artifact: RecordedArtifact) -> Self {
        self.artifacts.push(artifact);
        self
    }

    /// The call failed.
    pub fn with_error(self, error: RecordedError) -> Self {
        Recorded { error: Some(error), ..self }
    }

    /// The value of an attribute of the recorded span. The last one counts.
    pub fn attribute(&self, key: &str) -> Option<Value<'_>> {
        self.attributes.iter().rfind(|(has, _)| has == key).map(|(_, value)| value.value())
    }

    /// The value of an attribute that is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.attribute(key)?.as_str()
    }

    /// The value of an attribute that is an integer, also one that was recorded as text.
    pub fn integer(&self, key: &str) -> Option<i64> {
        match self.attribute(key)? {
            Value::I64(n) => Some(n),
            value => value.as_str()?.parse().ok(),
        }
    }

    /// An artifact of the recorded span, by its kind (`output`, `output.properties`), if its content was recorded whole.
    pub fn artifact(&self, kind: &str) -> Option<&RecordedArtifact> {
        self.artifacts.iter().find(|artifact| artifact.kind == kind)
    }

    /// The headers of the answer, in order, as the artifact `output.properties` has them. None if there is no such artifact.
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        self.artifact("output.properties").map(|properties| headers(properties.content())).unwrap_or_default()
    }

    /// The error with which the call failed, if it did.
    pub fn error(&self) -> Option<&RecordedError> {
        self.error.as_ref()
    }
}

/// The member `headers` of properties, by `docs/conventions.md`.
#[cfg(feature = "record")]
fn headers(properties: &[u8]) -> Vec<(String, Vec<u8>)> {
    use serde_json::Value;
    let bytes = |value: &Value| match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        other => base64(other.get("base64")?.as_str()?),
    };
    let pair = |pair: &Value| Some((String::from_utf8(bytes(pair.get(0)?)?).ok()?, bytes(pair.get(1)?)?));
    let properties: Value = serde_json::from_slice(properties).unwrap_or_default();
    properties.get("headers").and_then(Value::as_array).into_iter().flatten().filter_map(pair).collect()
}

/// Nobody stands in for anything.
#[cfg(not(feature = "record"))]
fn headers(_: &[u8]) -> Vec<(String, Vec<u8>)> {
    vec![]
}

/// The bytes of base64 with the usual alphabet, padded or not.
#[cfg(feature = "record")]
fn base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut kept, mut bits) = (vec![], 0u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (kept, bits) = ((kept << 6 | u32::from(digit)) & 0xffff, bits + 6);
        if bits >= 8 {
            bits -= 8;
            bytes.push((kept >> bits) as u8)
        }
    }
    Some(bytes)
}

/// A payload that was recorded whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedArtifact {
    kind: String,
    content_type: Option<String>,
    content: Vec<u8>,
}

impl RecordedArtifact {
    /// By what it is of (`output`, `output.properties`).
    pub fn new(kind: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        RecordedArtifact { kind: kind.into(), content_type: None, content: content.into() }
    }

    /// What the content is, as a media type.
    pub fn content_type(self, content_type: impl Into<String>) -> Self {
        RecordedArtifact { content_type: Some(content_type.into()), ..self }
    }

    /// What the content is, as a media type, if that was recorded.
    pub fn media_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The content.
    pub fn content(&self) -> &[u8] {
        &self.content
    }
}

/// The error of a recorded call. As an error it is what the caller gets again, where the client's own error can hold one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedError {
    message: String,
    class: Option<String>,
}

impl RecordedError {
    /// With the text that was recorded.
    pub fn new(message: impl Into<String>) -> Self {
        RecordedError { message: message.into(), class: None }
    }

    /// With its class, as in `error.type`.
    pub fn of_class(self, class: impl Into<String>) -> Self {
        RecordedError { class: Some(class.into()), ..self }
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Its class, if that was recorded.
    pub fn class(&self) -> Option<&str> {
        self.class.as_deref()
    }
}

impl fmt::Display for RecordedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.message.is_empty() { "the recorded call failed" } else { &self.message })
    }
}

impl std::error::Error for RecordedError {}
