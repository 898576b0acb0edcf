//! What the words of a record in a batch say.

use super::attributes::AttributesView;
use super::mutation_view::MutationView;
use super::span_view::{EndView, SpanView};
use super::view::*;
use super::words::{ENDED, Items, Words, is_link};
use crate::buffer;
use crate::encoder::layout::*;
use crate::{RunId, SpanId, Status, TraceId};

/// The type of the edge that stands for a link of a span whose start had been delivered when the link was made.
const LINK_EDGE: &str = "custom.link";

/// What the record at `at` says. `join` is where the records begin that are joined to it, `trace` is its trace.
#[inline(always)]
pub(super) fn body(words: &Words, at: usize, join: u32, trace: u128) -> BodyView<'_> {
    match words.words[at..].first_chunk() {
        Some(fixed) if buffer::kind(fixed[0]) == buffer::SPAN => {
            BodyView::Span(SpanView::packed(fixed, words.items(at, join)))
        }
        _ => other(words, at, join, trace),
    }
}

/// When the record was made; of a span when it began.
pub(super) fn time(words: &Words, at: usize) -> u64 {
    let (w, clock) = (|i: usize| words.words[at + i], &words.clock);
    match buffer::kind(w(0)) {
        buffer::SPAN => clock.ns(w(5)),
        buffer::FACT => clock.ns(w(3)),
        buffer::LATE_END | ENDED => clock.ns(w(buffer::END) >> 3),
        _ => clock.latest(), // it does not say; it is not older than a delivery
    }
}

#[cold]
#[inline(never)]
fn other(words: &Words, at: usize, join: u32, trace: u128) -> BodyView<'_> {
    let w = |i: usize| words.words[at + i];
    let items = words.items(at, join);
    let attributes = AttributesView::packed(items);
    match buffer::kind(w(0)) {
        ENDED => BodyView::SpanEnd(SpanEndView {
            span_id: SpanId(w(2)),
            end: EndView::packed(w(buffer::END), Some(w(3)), items),
            attributes,
        }),
        buffer::LATE_END => BodyView::SpanEnd(SpanEndView {
            span_id: SpanId(w(2)),
            end: EndView::packed(w(buffer::END), None, items),
            attributes,
        }),
        // A link that came after its span was delivered.
        buffer::MORE if is_link(&words.words, at) => BodyView::Edge(EdgeView {
            edge_type: LINK_EDGE,
            from: EndpointView::Span { trace_id: TraceId(trace), span_id: SpanId(w(1)) },
            to: endpoint(items, Field::Link, Field::ToRun),
        }),
        buffer::MORE => BodyView::SpanAttributes(SpanAttributesView { span_id: SpanId(w(1)), attributes }),
        _ => fact([w(0), w(1), w(2)], words.clock.ns(w(3)), items, || words.large.of(at)),
    }
}

fn fact<'a>(
    [header, span, id]: [u64; 3],
    time: u64,
    items: Items<'a>,
    large: impl FnOnce() -> Option<&'a str>,
) -> BodyView<'a> {
    let optional = |field| items.text(field);
    let text = |field| optional(field).unwrap_or_default();
    let number = |field| { items }.field_number(field);
    let attributes = AttributesView::packed(items);
    let kind = Fact::of(header);
    match kind {
        Some(Fact::RunStart) => BodyView::RunStart(RunStartView {
            name: text(Field::Name),
            started_at: time,
            root_primitive: optional(Field::Primitive),
            parent_run_id: run(items, Field::ParentRun),
            triggered_by_span_id: SpanId::new(span),
            attributes,
        }),
        Some(Fact::RunEnd) => BodyView::RunEnd(RunEndView {
            ended_at: time,
            status: number(Field::Status).and_then(Status::from_bits).unwrap_or(Status::Ok),
            error: optional(Field::Error),
        }),
        Some(Fact::RunSuspend) => BodyView::RunSuspend(RunSuspendView {
            suspension_id: text(Field::Suspension),
            suspended_at: time,
            reason: optional(Field::Reason),
        }),
        Some(Fact::RunResume) => {
            BodyView::RunResume(RunResumeView { suspension_id: text(Field::Suspension), resumed_at: time })
        }
        Some(Fact::RunAttributes) => BodyView::RunAttributes(RunAttributesView { attributes }),
        Some(Fact::Event) => BodyView::Event(EventView {
            span_id: SpanId(span),
            event_id: IdView::number(id),
            name: text(Field::Name),
            timestamp: time,
            attributes,
        }),
        Some(Fact::Artifact | Fact::LargeArtifact) => BodyView::Artifact(ArtifactView {
            span_id: SpanId(span),
            artifact_id: IdView::number(id),
            kind: text(Field::ArtifactKind),
            content_type: text(Field::ContentType),
            encoding: text(Field::Encoding),
            size_bytes: number(Field::Size).unwrap_or(0),
            hash: optional(Field::Hash),
            preview: if kind == Some(Fact::LargeArtifact) { large() } else { optional(Field::Preview) },
        }),
        Some(Fact::Mutation) => BodyView::Mutation(MutationView::packed(SpanId::new(span), items)),
        Some(Fact::Edge) => BodyView::Edge(EdgeView {
            edge_type: text(Field::Name),
            from: endpoint(items, Field::FromSpan, Field::FromRun),
            to: endpoint(items, Field::ToSpan, Field::ToRun),
        }),
        Some(Fact::Diagnostic) | None => BodyView::Diagnostic(DiagnosticView {
            code: text(Field::Name),
            message: text(Field::Message),
            count: number(Field::Count),
            span_id: SpanId::new(span),
            attributes,
        }),
    }
}

fn run(mut items: Items<'_>, field: Field) -> Option<RunId> {
    let mut part = || items.field_number(field);
    RunId::new(u128::from(part()?) << 64 | u128::from(part()?))
}

fn endpoint(items: Items<'_>, span: Field, run: Field) -> EndpointView<'_> {
    let linked = |mut items: Items<'_>| {
        let mut part = || items.field_number(span);
        let (trace, span) = (u128::from(part()?) << 64 | u128::from(part()?), part()?);
        Some(EndpointView::Span { trace_id: TraceId::new(trace)?, span_id: SpanId::new(span)? })
    };
    // A run is two numbers, an artifact is a text.
    let named = || items.text(run).map(EndpointView::Artifact);
    linked(items)
        .or_else(named)
        .or_else(|| self::run(items, run).map(EndpointView::Run))
        .unwrap_or(EndpointView::Artifact(""))
}
