//! A recorded payload.

use serde::{Deserialize, Serialize};
use spanbridge::SpanId;
use std::borrow::Cow;

/// A payload that was recorded with a span: whole, its beginning, or only its size and its hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Artifact {
    /// The span that it belongs to.
    pub span_id: SpanId,
    /// What it is to the span: `input`, `input.properties`, `output`, …
    pub kind: String,
    /// Its media type.
    #[serde(default)]
    pub content_type: String,
    /// How much there is of it.
    #[serde(flatten)]
    pub content: Content,
    /// The size of the whole payload, in bytes.
    pub size_bytes: u64,
    /// A hash of the whole payload, as `<algorithm>:<hexadecimal digits>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// What was recorded of a payload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Content {
    /// `utf-8`, or `hex` for bytes that are not text.
    #[serde(default)]
    pub encoding: String,
    /// The payload, or its beginning. `None` if it was recorded by reference only.
    #[serde(default, rename = "content", skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Content {
    /// Content of this encoding.
    pub fn new(encoding: impl Into<String>, text: Option<String>) -> Self {
        Content { encoding: encoding.into(), text }
    }

    /// The bytes that were recorded. `None` if there are none, or if they are not in the encoding that they claim.
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        let text = self.text.as_deref()?;
        if self.encoding != "hex" {
            return Some(Cow::Borrowed(text.as_bytes()));
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
        bytes.filter(|_| rest.is_empty()).map(Cow::Owned)
    }
}

impl Artifact {
    /// A whole payload.
    pub fn whole(
        span_id: SpanId,
        kind: impl Into<String>,
        content_type: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        let text = text.into();
        Artifact {
            span_id,
            kind: kind.into(),
            content_type: content_type.into(),
            size_bytes: text.len() as u64,
            content: Content::new("utf-8", Some(text)),
            hash: None,
        }
    }

    /// A payload of `size_bytes`, of which `content` was recorded.
    pub fn new(
        span_id: SpanId,
        kind: impl Into<String>,
        content_type: impl Into<String>,
        content: Content,
        size_bytes: u64,
    ) -> Self {
        Artifact { span_id, kind: kind.into(), content_type: content_type.into(), content, size_bytes, hash: None }
    }

    /// The payload, if all of it was recorded. Of an empty one, that is its size.
    pub fn payload(&self) -> Option<Cow<'_, [u8]>> {
        if self.size_bytes == 0 {
            return Some(Cow::Borrowed(b""));
        }
        self.content.bytes().filter(|bytes| bytes.len() as u64 == self.size_bytes)
    }

    /// Whether only its beginning was recorded.
    pub fn is_cut(&self) -> bool {
        self.content.text.is_some() && self.payload().is_none()
    }
}
