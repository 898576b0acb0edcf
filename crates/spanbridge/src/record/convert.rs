//! From owned bodies of records to views, and back.

use super::mutation_view::MutationView;
use super::span_view::{EndView, SpanView};
use super::view::*;
use super::{
    Artifact, Body, Diagnostic, Edge, End, Endpoint, Event, RunAttributes, RunEnd, RunResume, RunStart, RunSuspend,
    Segment, SpanAttributes, SpanData, SpanEnd,
};
use std::borrow::Cow;

impl<'a> From<&'a Body<'_>> for BodyView<'a> {
    fn from(body: &'a Body<'_>) -> Self {
        match body {
            Body::Segment(s) => {
                let id = |id: &'a Option<Cow<'a, str>>| id.as_deref().map(IdView::from);
                BodyView::Segment(SegmentView {
                    started_at: s.started_at,
                    resource: s.resource.view(),
                    via: s.via,
                    suspension_id: id(&s.suspension_id),
                    resumption_id: id(&s.resumption_id),
                    previous_resumption_id: id(&s.previous_resumption_id),
                })
            }
            Body::RunStart(r) => BodyView::RunStart(RunStartView {
                name: &r.name,
                started_at: r.started_at,
                root_primitive: r.root_primitive.as_deref(),
                parent_run_id: r.parent_run_id,
                triggered_by_span_id: r.triggered_by_span_id,
                attributes: r.attributes.view(),
            }),
            Body::RunAttributes(r) => BodyView::RunAttributes(RunAttributesView { attributes: r.attributes.view() }),
            Body::RunSuspend(r) => BodyView::RunSuspend(RunSuspendView {
                suspension_id: &r.suspension_id,
                suspended_at: r.suspended_at,
                reason: r.reason.as_deref(),
            }),
            Body::RunResume(r) => {
                BodyView::RunResume(RunResumeView { suspension_id: &r.suspension_id, resumed_at: r.resumed_at })
            }
            Body::RunEnd(r) => {
                BodyView::RunEnd(RunEndView { ended_at: r.ended_at, status: r.status, error: r.error.as_deref() })
            }
            Body::Span(span) => BodyView::Span(SpanView::record(span)),
            Body::SpanEnd(s) => BodyView::SpanEnd(SpanEndView {
                span_id: s.span_id,
                end: EndView::record(&s.end),
                attributes: s.attributes.view(),
            }),
            Body::SpanAttributes(s) => {
                BodyView::SpanAttributes(SpanAttributesView { span_id: s.span_id, attributes: s.attributes.view() })
            }
            Body::Event(e) => BodyView::Event(EventView {
                span_id: e.span_id,
                event_id: IdView::from(&*e.event_id),
                name: &e.name,
                timestamp: e.timestamp,
                attributes: e.attributes.view(),
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
            Body::Mutation(m) => BodyView::Mutation(MutationView::of(m)),
            Body::Edge(e) => BodyView::Edge(EdgeView {
                edge_type: &e.edge_type,
                from: EndpointView::of(&e.from),
                to: EndpointView::of(&e.to),
            }),
            Body::Diagnostic(d) => BodyView::Diagnostic(DiagnosticView {
                code: &d.code,
                message: &d.message,
                count: d.count,
                span_id: d.span_id,
                attributes: d.attributes.view(),
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
            BodyView::Segment(s) => Body::Segment(Segment {
                started_at: s.started_at,
                resource: s.resource.into(),
                via: s.via,
                suspension_id: s.suspension_id.map(IdView::to_text),
                resumption_id: s.resumption_id.map(IdView::to_text),
                previous_resumption_id: s.previous_resumption_id.map(IdView::to_text),
            }),
            BodyView::RunStart(r) => Body::RunStart(RunStart {
                name: text(r.name),
                started_at: r.started_at,
                root_primitive: r.root_primitive.map(text),
                parent_run_id: r.parent_run_id,
                triggered_by_span_id: r.triggered_by_span_id,
                attributes: r.attributes.into(),
            }),
            BodyView::RunAttributes(r) => Body::RunAttributes(RunAttributes { attributes: r.attributes.into() }),
            BodyView::RunSuspend(r) => Body::RunSuspend(RunSuspend {
                suspension_id: text(r.suspension_id),
                suspended_at: r.suspended_at,
                reason: r.reason.map(text),
            }),
            BodyView::RunResume(r) => {
                Body::RunResume(RunResume { suspension_id: text(r.suspension_id), resumed_at: r.resumed_at })
            }
            BodyView::RunEnd(r) => {
                Body::RunEnd(RunEnd { ended_at: r.ended_at, status: r.status, error: r.error.map(text) })
            }
            BodyView::Span(span) => Body::Span(SpanData {
                span_id: span.span_id(),
                parent_span_id: span.parent_span_id(),
                name: text(span.name()),
                primitive: text(span.primitive()),
                kind: span.kind(),
                started_at: span.started_at(),
                end: span.end().map(end),
                attributes: span.attributes().into(),
                links: span.links().into_iter().map(Into::into).collect(),
            }),
            BodyView::SpanEnd(s) => {
                Body::SpanEnd(SpanEnd { span_id: s.span_id, end: end(s.end), attributes: s.attributes.into() })
            }
            BodyView::SpanAttributes(s) => {
                Body::SpanAttributes(SpanAttributes { span_id: s.span_id, attributes: s.attributes.into() })
            }
            BodyView::Event(e) => Body::Event(Event {
                span_id: e.span_id,
                event_id: e.event_id.to_text(),
                name: text(e.name),
                timestamp: e.timestamp,
                attributes: e.attributes.into(),
            }),
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
            BodyView::Mutation(m) => Body::Mutation(m.to_mutation()),
            BodyView::Edge(e) => {
                Body::Edge(Edge { edge_type: text(e.edge_type), from: e.from.to_endpoint(), to: e.to.to_endpoint() })
            }
            BodyView::Diagnostic(d) => Body::Diagnostic(Diagnostic {
                code: text(d.code),
                message: text(d.message),
                count: d.count,
                span_id: d.span_id,
                attributes: d.attributes.into(),
            }),
        }
    }
}

fn end(end: EndView<'_>) -> End<'_> {
    End {
        ended_at: end.ended_at(),
        status: end.status(),
        error: end.error().map(Cow::Borrowed),
        error_type: end.error_type().map(Cow::Borrowed),
    }
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
