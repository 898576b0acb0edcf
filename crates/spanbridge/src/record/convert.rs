//! From owned bodies of records to views, and back.

use super::span_view::{EndView, SpanView};
use super::view::*;
use super::{Artifact, Body, End, Endpoint, Start};
use std::borrow::Cow;

impl<'a> From<&'a Body<'_>> for BodyView<'a> {
    fn from(body: &'a Body<'_>) -> Self {
        match body {
            Body::Segment { started_at, resource, via, suspension_id, resumption_id, previous_resumption_id } => {
                let id = |id: &'a Option<Cow<'a, str>>| id.as_deref().map(IdView::from);
                BodyView::Segment(SegmentView {
                    started_at: *started_at,
                    resource: resource.view(),
                    via: *via,
                    suspension_id: id(suspension_id),
                    resumption_id: id(resumption_id),
                    previous_resumption_id: id(previous_resumption_id),
                })
            }
            Body::RunStart { name, started_at, root_primitive, parent_run_id, triggered_by_span_id, attributes } => {
                BodyView::RunStart(RunStartView {
                    name,
                    started_at: *started_at,
                    root_primitive: root_primitive.as_deref(),
                    parent_run_id: *parent_run_id,
                    triggered_by_span_id: *triggered_by_span_id,
                    attributes: attributes.view(),
                })
            }
            Body::RunSuspend { suspension_id, suspended_at, reason } => BodyView::RunSuspend(RunSuspendView {
                suspension_id,
                suspended_at: *suspended_at,
                reason: reason.as_deref(),
            }),
            Body::RunResume { suspension_id, resumed_at } => {
                BodyView::RunResume(RunResumeView { suspension_id, resumed_at: *resumed_at })
            }
            Body::RunEnd { ended_at, status, error } => {
                BodyView::RunEnd(RunEndView { ended_at: *ended_at, status: *status, error: error.as_deref() })
            }
            Body::SpanStart(start) => BodyView::Span(SpanView::record(start, None)),
            Body::Span(start, end) => BodyView::Span(SpanView::record(start, Some(end))),
            Body::SpanEnd { span_id, end, attributes } => BodyView::SpanEnd(SpanEndView {
                span_id: *span_id,
                end: EndView::record(end),
                attributes: attributes.view(),
            }),
            Body::SpanAttributes { span_id, attributes } => {
                BodyView::SpanAttributes(SpanAttributesView { span_id: *span_id, attributes: attributes.view() })
            }
            Body::Event { span_id, event_id, name, timestamp, attributes } => BodyView::Event(EventView {
                span_id: *span_id,
                event_id: IdView::from(&**event_id),
                name,
                timestamp: *timestamp,
                attributes: attributes.view(),
            }),
            Body::Artifact(a) => BodyView::Artifact(ArtifactView {
                span_id: a.span_id,
                artifact_id: IdView::from(&*a.artifact_id),
                kind: &a.kind,
                content_type: &a.content_type,
                encoding: &a.encoding,
                size_bytes: a.size_bytes,
                hash: a.hash.as_deref(),
                preview: a.preview.as_deref(),
            }),
            Body::Edge { edge_type, from, to } => {
                BodyView::Edge(EdgeView { edge_type, from: EndpointView::of(from), to: EndpointView::of(to) })
            }
            Body::Diagnostic { code, message, count, span_id, attributes } => BodyView::Diagnostic(DiagnosticView {
                code,
                message,
                count: *count,
                span_id: *span_id,
                attributes: attributes.view(),
            }),
        }
    }
}

impl<'a> BodyView<'a> {
    /// The owned form. Texts stay borrowed where they can; [`Record::into_owned`](super::Record::into_owned) copies
    /// them.
    pub fn to_body(self) -> Body<'a> {
        let text = Cow::Borrowed;
        match self {
            BodyView::Segment(s) => Body::Segment {
                started_at: s.started_at,
                resource: s.resource.into(),
                via: s.via,
                suspension_id: s.suspension_id.map(IdView::to_text),
                resumption_id: s.resumption_id.map(IdView::to_text),
                previous_resumption_id: s.previous_resumption_id.map(IdView::to_text),
            },
            BodyView::RunStart(r) => Body::RunStart {
                name: text(r.name),
                started_at: r.started_at,
                root_primitive: r.root_primitive.map(text),
                parent_run_id: r.parent_run_id,
                triggered_by_span_id: r.triggered_by_span_id,
                attributes: r.attributes.into(),
            },
            BodyView::RunSuspend(r) => Body::RunSuspend {
                suspension_id: text(r.suspension_id),
                suspended_at: r.suspended_at,
                reason: r.reason.map(text),
            },
            BodyView::RunResume(r) => {
                Body::RunResume { suspension_id: text(r.suspension_id), resumed_at: r.resumed_at }
            }
            BodyView::RunEnd(r) => Body::RunEnd { ended_at: r.ended_at, status: r.status, error: r.error.map(text) },
            BodyView::Span(span) => {
                let start = Start {
                    span_id: span.span_id(),
                    parent_span_id: span.parent_span_id(),
                    name: text(span.name()),
                    primitive: text(span.primitive()),
                    kind: span.kind(),
                    started_at: span.started_at(),
                    attributes: span.attributes().into(),
                    links: span.links().into_iter().map(Into::into).collect(),
                };
                match span.end().map(end) {
                    Some(end) => Body::Span(start, end),
                    None => Body::SpanStart(start),
                }
            }
            BodyView::SpanEnd(s) => {
                Body::SpanEnd { span_id: s.span_id, end: end(s.end), attributes: s.attributes.into() }
            }
            BodyView::SpanAttributes(s) => Body::SpanAttributes { span_id: s.span_id, attributes: s.attributes.into() },
            BodyView::Event(e) => Body::Event {
                span_id: e.span_id,
                event_id: e.event_id.to_text(),
                name: text(e.name),
                timestamp: e.timestamp,
                attributes: e.attributes.into(),
            },
            BodyView::Artifact(a) => Body::Artifact(Artifact {
                span_id: a.span_id,
                artifact_id: a.artifact_id.to_text(),
                kind: text(a.kind),
                content_type: text(a.content_type),
                encoding: text(a.encoding),
                size_bytes: a.size_bytes,
                hash: a.hash.map(text),
                preview: a.preview.map(text),
            }),
            BodyView::Edge(e) => {
                Body::Edge { edge_type: text(e.edge_type), from: e.from.to_endpoint(), to: e.to.to_endpoint() }
            }
            BodyView::Diagnostic(d) => Body::Diagnostic {
                code: text(d.code),
                message: text(d.message),
                count: d.count,
                span_id: d.span_id,
                attributes: d.attributes.into(),
            },
        }
    }
}

fn end(end: EndView<'_>) -> End<'_> {
    let (error, error_type) = (end.error().map(Cow::Borrowed), end.error_type().map(Cow::Borrowed));
    End::new(end.ended_at(), end.status()).with_error(error, error_type)
}

impl<'a> EndpointView<'a> {
    fn of(endpoint: &'a Endpoint<'a>) -> Self {
        match endpoint {
            Endpoint::Span { trace_id, span_id } => EndpointView::Span { trace_id: *trace_id, span_id: *span_id },
            Endpoint::Run(id) => EndpointView::Run(*id),
            Endpoint::Artifact(id) => EndpointView::Artifact(id),
        }
    }

    fn to_endpoint(self) -> Endpoint<'a> {
        match self {
            EndpointView::Span { trace_id, span_id } => Endpoint::Span { trace_id, span_id },
            EndpointView::Run(id) => Endpoint::Run(id),
            EndpointView::Artifact(id) => Endpoint::Artifact(Cow::Borrowed(id)),
        }
    }
}
