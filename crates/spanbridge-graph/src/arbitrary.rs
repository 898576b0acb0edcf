//! Records of every kind, for property tests.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use spanbridge::record::*;
use spanbridge::{Kind, RunId, SegmentId, SpanId, Status, TraceId};
use std::borrow::Cow;
use std::collections::BTreeMap;

type Text = Cow<'static, str>;

/// Ids of few values, so that they meet, and of any value.
fn id() -> BoxedStrategy<u64> {
    prop_oneof![4 => 1..6u64, 1 => 1..=u64::MAX].boxed()
}

fn span_id() -> BoxedStrategy<SpanId> {
    id().prop_filter_map("zero", SpanId::new).boxed()
}

fn run_id() -> BoxedStrategy<RunId> {
    let any = any::<u128>().prop_filter_map("zero", RunId::new);
    prop_oneof![4 => (1..4u128).prop_map(|n| RunId::new(n << 64 | n).unwrap()), 1 => any].boxed()
}

fn trace_id() -> BoxedStrategy<TraceId> {
    run_id().prop_map(|run| TraceId::new(run.get()).unwrap()).boxed()
}

fn text() -> BoxedStrategy<Text> {
    prop_oneof![3 => "[a-c]{0,3}", 1 => any::<String>(), 1 => Just("ÿ€".repeat(20))].prop_map(Cow::Owned).boxed()
}

fn time() -> BoxedStrategy<u64> {
    const NOW: u64 = 1_790_000_000_000_000_000;
    prop_oneof![4 => NOW..NOW + 1_000_000_000, 1 => any::<u64>()].boxed()
}

fn value() -> BoxedStrategy<AttributeValue<'static>> {
    prop_oneof![
        any::<i64>().prop_map(AttributeValue::I64),
        any::<f64>().prop_map(AttributeValue::F64),
        any::<bool>().prop_map(AttributeValue::Bool),
        text().prop_map(AttributeValue::Str),
        prop_oneof![Just("[1,{\"a\":null}]"), Just("{"), Just("null")].prop_map(|s| AttributeValue::Json(s.into())),
    ]
    .boxed()
}

fn attributes() -> BoxedStrategy<Attributes<'static>> {
    vec((text(), value()), 0..4).prop_map(|items| items.into_iter().collect()).boxed()
}

fn start() -> BoxedStrategy<SpanData<'static>> {
    let kinds = [Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer];
    let link = (trace_id(), span_id(), attributes());
    let link = link.prop_map(|(trace_id, span_id, attributes)| Link::new(trace_id, span_id, attributes));
    let kind = (0..5usize).prop_map(move |i| kinds[i]);
    (span_id(), of(span_id()), text(), text(), kind, time(), attributes(), vec(link, 0..3))
        .prop_map(|(span_id, parent_span_id, name, primitive, kind, started_at, attributes, links)| {
            let mut start = SpanData::new(span_id, name, started_at);
            (start.parent_span_id, start.primitive, start.kind) = (parent_span_id, primitive, kind);
            (start.attributes, start.links) = (attributes, links);
            start
        })
        .boxed()
}

fn status() -> BoxedStrategy<Status> {
    (0..4usize).prop_map(|i| [Status::Ok, Status::Error, Status::Panicked, Status::Cancelled][i]).boxed()
}

fn end() -> BoxedStrategy<End<'static>> {
    (time(), status(), of(text()), of(text()))
        .prop_map(|(ended_at, status, error, class)| {
            End::new(ended_at, status).with_error(error).with_error_type(class)
        })
        .boxed()
}

fn endpoint() -> BoxedStrategy<Endpoint<'static>> {
    prop_oneof![
        (trace_id(), span_id()).prop_map(|(trace_id, span_id)| Endpoint::Span { trace_id, span_id }),
        run_id().prop_map(Endpoint::Run),
        text().prop_map(Endpoint::Artifact),
    ]
    .boxed()
}

fn run_body() -> BoxedStrategy<Body<'static>> {
    let via = (0..3usize).prop_map(|i| [Via::Start, Via::Resume, Via::Receive][i]);
    prop_oneof![
        (time(), attributes(), via, of(text()), of(text()), of(text())).prop_map(
            |(started_at, resource, via, suspension_id, resumption_id, previous_resumption_id)| Body::Segment(
                Segment::new(started_at, resource, via)
                    .with_suspension_id(suspension_id)
                    .with_resumption_id(resumption_id)
                    .with_previous_resumption_id(previous_resumption_id)
            ),
        ),
        (text(), time(), of(text()), of(run_id()), of(span_id()), attributes()).prop_map(
            |(name, started_at, root_primitive, parent_run_id, triggered_by_span_id, attributes)| Body::RunStart(
                RunStart::new(name, started_at)
                    .with_root_primitive(root_primitive)
                    .with_parent_run_id(parent_run_id)
                    .with_triggered_by_span_id(triggered_by_span_id)
                    .with_attributes(attributes)
            )
        ),
        attributes().prop_map(|attributes| Body::RunAttributes(RunAttributes::new(attributes))),
        (text(), time(), of(text())).prop_map(|(suspension_id, suspended_at, reason)| Body::RunSuspend(
            RunSuspend::new(suspension_id, suspended_at).with_reason(reason)
        )),
        (text(), time())
            .prop_map(|(suspension_id, resumed_at)| Body::RunResume(RunResume::new(suspension_id, resumed_at))),
        (time(), status(), of(text()))
            .prop_map(|(ended_at, status, error)| Body::RunEnd(RunEnd::new(ended_at, status).with_error(error))),
    ]
    .boxed()
}

fn span_body() -> BoxedStrategy<Body<'static>> {
    prop_oneof![
        start().prop_map(Body::Span),
        (span_id(), end(), attributes()).prop_map(|(span_id, end, attributes)| Body::SpanEnd(
            SpanEnd::new(span_id, end).with_attributes(attributes)
        )),
        (start(), end()).prop_map(|(start, end)| Body::Span(start.with_end(Some(end)))),
        (span_id(), attributes())
            .prop_map(|(span_id, attributes)| Body::SpanAttributes(SpanAttributes::new(span_id, attributes))),
        (span_id(), text(), text(), time(), attributes()).prop_map(
            |(span_id, event_id, name, timestamp, attributes)| Body::Event(
                Event::new(span_id, event_id, name, timestamp).with_attributes(attributes)
            )
        ),
    ]
    .boxed()
}

/// A JSON object of a few columns.
fn row() -> BoxedStrategy<Cow<'static, str>> {
    vec((0..3usize, 0..3i64), 0..3)
        .prop_map(|columns| {
            let columns: BTreeMap<_, _> = columns.into_iter().map(|(at, n)| (["a", "b", "é"][at], n)).collect();
            let columns: Vec<String> = columns.into_iter().map(|(name, n)| format!("\"{name}\":{n}")).collect();
            Cow::Owned(format!("{{{}}}", columns.join(",")))
        })
        .boxed()
}

fn mutation() -> BoxedStrategy<Mutation<'static>> {
    let columns = vec((0..3usize).prop_map(|at| Cow::Borrowed(["a", "b", "c"][at])), 0..3);
    let of_row = (row(), of(row()), of(row()), columns);
    (text(), of(span_id()), [text(), text()], 0..4usize, of_row, of(time()), of(text()))
        .prop_map(|(id, span_id, [database, table], op, (key, before, after, columns), committed_at, position)| {
            Mutation::new(id, database, table, key, MutationOp::ALL[op])
                .with_span_id(span_id)
                .with_before(before)
                .with_after(after)
                .with_columns(columns)
                .with_committed_at(committed_at)
                .with_position(position)
        })
        .boxed()
}

fn other_body() -> BoxedStrategy<Body<'static>> {
    prop_oneof![
        (span_id(), [text(), text(), text(), text()], any::<u64>(), of(text()), of(text())).prop_map(
            |(span_id, [artifact_id, kind, content_type, encoding], size_bytes, hash, preview)| {
                let mut artifact = Artifact::new(span_id, artifact_id, kind, content_type, size_bytes);
                (artifact.encoding, artifact.hash, artifact.preview) = (encoding, hash, preview);
                Body::Artifact(artifact)
            }
        ),
        mutation().prop_map(Body::Mutation),
        (text(), endpoint(), endpoint()).prop_map(|(edge_type, from, to)| Body::Edge(Edge::new(edge_type, from, to))),
        (text(), text(), of(any::<u64>()), of(span_id()), attributes()).prop_map(
            |(code, message, count, span_id, attributes)| Body::Diagnostic(
                Diagnostic::new(code, message).with_count(count).with_span_id(span_id).with_attributes(attributes)
            )
        ),
    ]
    .boxed()
}

/// Any record: of all bodies, with and without ids of its own, a run, a trace.
pub fn record() -> BoxedStrategy<Record<'static>> {
    let body = prop_oneof![2 => run_body(), 4 => span_body(), 2 => other_body()];
    // Mostly a run with its own trace; also another trace, one of the two, or neither.
    let ids = prop_oneof![
        4 => run_id().prop_map(|run| (Some(run), TraceId::new(run.get()))),
        1 => (of(run_id()), of(trace_id())),
    ];
    let seq = prop_oneof![4 => 1..9u64, 1 => any::<u64>()];
    (of(text()), ids, id(), seq, text(), body)
        .prop_map(|(id, (run_id, trace_id), segment, segment_seq, service, body)| {
            let segment_id = SegmentId::new(segment).unwrap();
            Record::new(segment_id, segment_seq, service, body).of_run(run_id, trace_id).with_id(id)
        })
        .boxed()
}
