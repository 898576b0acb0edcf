//! Relations, payloads and diagnostics as JSON.

use crate::model::{Artifact, Diagnostic, Edge};
use serde::Serialize;
use spanbridge::record::Endpoint;
use spanbridge::{RunId, SpanId, TraceId};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EdgeView<'a> {
    edge_type: &'a str,
    from: EndpointView<'a>,
    to: EndpointView<'a>,
    derived: bool,
}

/// `{traceId, spanId}`, `{runId}` or `{artifactId}`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum EndpointView<'a> {
    #[serde(rename_all = "camelCase")]
    Span { trace_id: TraceId, span_id: SpanId },
    #[serde(rename_all = "camelCase")]
    Run { run_id: RunId },
    #[serde(rename_all = "camelCase")]
    Artifact { artifact_id: &'a str },
}

impl<'a> EndpointView<'a> {
    pub(super) fn of(endpoint: &'a Endpoint<'static>) -> Self {
        match endpoint {
            Endpoint::Span { trace_id, span_id } => Self::Span { trace_id: *trace_id, span_id: *span_id },
            Endpoint::Run(run_id) => Self::Run { run_id: *run_id },
            Endpoint::Artifact(id) => Self::Artifact { artifact_id: id },
            // Kinds of a newer core, which the graph does not hold.
            _ => Self::Artifact { artifact_id: "" },
        }
    }
}

impl<'a> EdgeView<'a> {
    pub(super) fn of(edge: &'a Edge) -> Self {
        Self {
            edge_type: &edge.edge_type,
            from: EndpointView::of(&edge.from),
            to: EndpointView::of(&edge.to),
            derived: edge.derived,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ArtifactView<'a> {
    span_id: SpanId,
    artifact_id: &'a str,
    kind: &'a str,
    content_type: &'a str,
    encoding: &'a str,
    size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<&'a str>,
}

impl<'a> ArtifactView<'a> {
    pub(super) fn of(artifact: &'a Artifact) -> Self {
        Self {
            span_id: artifact.span_id,
            artifact_id: &artifact.artifact_id,
            kind: &artifact.kind,
            content_type: &artifact.content_type,
            encoding: &artifact.encoding,
            size_bytes: artifact.size_bytes,
            hash: artifact.hash.as_deref(),
            preview: artifact.preview.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DiagnosticView<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<SpanId>,
}

impl<'a> DiagnosticView<'a> {
    pub(super) fn of(diagnostic: &'a Diagnostic) -> Self {
        Self {
            code: &diagnostic.code,
            message: &diagnostic.message,
            count: diagnostic.count,
            span_id: diagnostic.span_id,
        }
    }
}
