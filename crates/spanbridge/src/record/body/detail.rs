//! What records say beside runs and spans: artifacts, edges, diagnostics.

use super::text::owned;
use crate::record::Attributes;
use crate::{RunId, SpanId, TraceId};
use std::borrow::Cow;

/// A bounded preview of a payload, or a reference to one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Artifact<'a> {
    /// The span it belongs to.
    pub span_id: SpanId,
    /// Names the artifact.
    pub artifact_id: Cow<'a, str>,
    /// What it is to the span: `input`, `output`, or any other word.
    pub kind: Cow<'a, str>,
    /// Its media type.
    pub content_type: Cow<'a, str>,
    /// How the preview is encoded: `utf-8`, or `hex` for bytes that are not text.
    pub encoding: Cow<'a, str>,
    /// The size of the whole payload, in bytes.
    pub size_bytes: u64,
    /// A hash of the whole payload, as `<algorithm>:<hex>`.
    pub hash: Option<Cow<'a, str>>,
    /// The beginning of the payload.
    pub preview: Option<Cow<'a, str>>,
}

/// A relation that is not the tree.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Edge<'a> {
    /// One of the closed list of edge types, or `custom.*`.
    pub edge_type: Cow<'a, str>,
    /// From what.
    pub from: Endpoint<'a>,
    /// To what.
    pub to: Endpoint<'a>,
}

/// One end of an edge.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Endpoint<'a> {
    /// A span.
    Span {
        /// Its trace.
        trace_id: TraceId,
        /// Its id.
        span_id: SpanId,
    },
    /// A run.
    Run(RunId),
    /// An artifact.
    Artifact(Cow<'a, str>),
}

/// Something a reader should know about the recording itself: drops, truncations, malformed headers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Diagnostic<'a> {
    /// A stable code.
    pub code: Cow<'a, str>,
    /// A sentence.
    pub message: Cow<'a, str>,
    /// How often.
    pub count: Option<u64>,
    /// The span it is about.
    pub span_id: Option<SpanId>,
    /// Details.
    pub attributes: Attributes<'a>,
}

impl<'a> Artifact<'a> {
    /// A reference to a payload of this size, in bytes: without a hash and without a preview.
    pub fn new(
        span_id: SpanId,
        artifact_id: impl Into<Cow<'a, str>>,
        kind: impl Into<Cow<'a, str>>,
        content_type: impl Into<Cow<'a, str>>,
        size_bytes: u64,
    ) -> Self {
        let (artifact_id, kind, content_type) = (artifact_id.into(), kind.into(), content_type.into());
        let encoding = Cow::Borrowed("utf-8");
        Artifact { span_id, artifact_id, kind, content_type, encoding, size_bytes, hash: None, preview: None }
    }

    /// The same artifact, its preview encoded so.
    pub fn with_encoding(self, encoding: impl Into<Cow<'a, str>>) -> Self {
        Artifact { encoding: encoding.into(), ..self }
    }

    /// The same artifact, with a hash of the whole payload.
    pub fn with_hash(self, hash: Option<Cow<'a, str>>) -> Self {
        Artifact { hash, ..self }
    }

    /// The same artifact, with the beginning of the payload.
    pub fn with_preview(self, preview: Option<Cow<'a, str>>) -> Self {
        Artifact { preview, ..self }
    }

    pub(super) fn into_owned(self) -> Artifact<'static> {
        Artifact {
            span_id: self.span_id,
            artifact_id: owned(self.artifact_id),
            kind: owned(self.kind),
            content_type: owned(self.content_type),
            encoding: owned(self.encoding),
            size_bytes: self.size_bytes,
            hash: self.hash.map(owned),
            preview: self.preview.map(owned),
        }
    }
}

impl<'a> Edge<'a> {
    /// An edge of this type.
    pub fn new(edge_type: impl Into<Cow<'a, str>>, from: Endpoint<'a>, to: Endpoint<'a>) -> Self {
        Edge { edge_type: edge_type.into(), from, to }
    }

    pub(super) fn into_owned(self) -> Edge<'static> {
        Edge { edge_type: owned(self.edge_type), from: self.from.into_owned(), to: self.to.into_owned() }
    }
}

impl Endpoint<'_> {
    fn into_owned(self) -> Endpoint<'static> {
        match self {
            Endpoint::Span { trace_id, span_id } => Endpoint::Span { trace_id, span_id },
            Endpoint::Run(id) => Endpoint::Run(id),
            Endpoint::Artifact(id) => Endpoint::Artifact(owned(id)),
        }
    }
}

impl<'a> Diagnostic<'a> {
    /// A diagnostic about no span, without a count and details.
    pub fn new(code: impl Into<Cow<'a, str>>, message: impl Into<Cow<'a, str>>) -> Self {
        let (code, message) = (code.into(), message.into());
        Diagnostic { code, message, count: None, span_id: None, attributes: Attributes::new() }
    }

    /// The same diagnostic, of what happened this often.
    pub fn with_count(self, count: Option<u64>) -> Self {
        Diagnostic { count, ..self }
    }

    /// The same diagnostic, about this span.
    pub fn with_span_id(self, span_id: Option<SpanId>) -> Self {
        Diagnostic { span_id, ..self }
    }

    /// The same diagnostic, with details.
    pub fn with_attributes(self, attributes: Attributes<'a>) -> Self {
        Diagnostic { attributes, ..self }
    }

    pub(super) fn into_owned(self) -> Diagnostic<'static> {
        Diagnostic {
            code: owned(self.code),
            message: owned(self.message),
            count: self.count,
            span_id: self.span_id,
            attributes: self.attributes.into_owned(),
        }
    }
}
