//! A recorded span.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use spanbridge::SpanId;

/// A recorded span, in the form that `spanbridge trace --format json` shows: what a replay needs of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Span {
    /// Its id.
    pub span_id: SpanId,
    /// The span above it. Of the entry this is the sender's, which is not part of the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_span_id: Option<SpanId>,
    /// What it is called.
    pub name: String,
    /// What step it is, such as `http.client`.
    pub primitive: String,
    /// `internal`, `server`, `client`, `producer` or `consumer`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The service that recorded it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service: String,
    /// How it ended: `ok`, `error`, `panicked`, `cancelled` or `open`. Empty if that is not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// The text of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The class of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// When it began, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it ended, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Its attributes.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// What happened during it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// Something that happened during a span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Event {
    /// What it is called.
    pub name: String,
    /// When it happened, as RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Its attributes.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
}

impl Span {
    /// A span without attributes, of which it is not known how it ended.
    pub fn new(span_id: SpanId, name: impl Into<String>, primitive: impl Into<String>) -> Self {
        Span {
            span_id,
            parent_span_id: None,
            name: name.into(),
            primitive: primitive.into(),
            kind: String::new(),
            service: String::new(),
            status: String::new(),
            error: None,
            error_type: None,
            started_at: None,
            ended_at: None,
            attributes: Map::new(),
            events: vec![],
        }
    }

    /// The attribute of this name, if it is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.attributes.get(key)?.as_str()
    }

    /// Whether it failed: it ended as `error` or `panicked`.
    pub fn failed(&self) -> bool {
        matches!(self.status.as_str(), "error" | "panicked")
    }
}

impl Event {
    /// An event without attributes.
    pub fn new(name: impl Into<String>) -> Self {
        Event { name: name.into(), timestamp: None, attributes: Map::new() }
    }
}
