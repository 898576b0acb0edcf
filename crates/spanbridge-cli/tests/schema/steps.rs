//! A run with everything that records can say of it.

use crate::common::*;
use spanbridge::record::*;
use spanbridge::{Kind, SpanId, Status};

fn some() -> Attributes<'static> {
    attributes(&[("http.route", text("/orders")), ("rows", AttributeValue::Json("[1,{\"a\":null}]".into()))])
}

/// A run that another one started, which waits three times and fails: of the waits, the start of one, the end of one, and both
/// of one are recorded.
pub(crate) fn all() -> Vec<Record<'static>> {
    let mut shop = Recording::of(run(1), 1, "shop");
    let mut out = vec![
        shop.record(Body::Segment(Segment::new(T0, some(), Via::Start))),
        shop.record(Body::RunStart(
            RunStart::new("order", T0)
                .with_root_primitive(Some("http.server".into()))
                .with_parent_run_id(Some(run(2)))
                .with_triggered_by_span_id(Some(span_id(201)))
                .with_attributes(some()),
        )),
        shop.record(Body::RunAttributes(RunAttributes::new(some()))),
        shop.record(Body::RunAttributes(RunAttributes::new(Attributes::new()))),
    ];
    out.extend(steps(&mut shop));
    out.extend(details(&mut shop));
    out.push(shop.record(suspend("asked", 200, Some("a person"))));
    out.push(shop.record(suspend("lost", 210, None)));
    let mut back = Recording::of(run(1), 2, "decisions");
    let segment = Segment::new(T0 + 300 * MS, Attributes::new(), Via::Resume);
    let segment = segment.with_suspension_id(Some("asked".into())).with_resumption_id(Some("second".into()));
    let segment = segment.with_previous_resumption_id(Some("first".into()));
    out.push(back.record(Body::Segment(segment)));
    out.push(back.record(Body::RunResume(RunResume::new("asked", T0 + 300 * MS))));
    out.push(back.record(Body::RunResume(RunResume::new("begun elsewhere", T0 + 310 * MS))));
    out.push(back.span(40, 0, "decide", 301, 305));
    let mut mail = Recording::of(run(1), 3, "mail");
    out.push(mail.record(Body::Segment(Segment::new(T0 + 20 * MS, some(), Via::Receive))));
    out.push(mail.span(30, 5, "process orders", 30, 40));
    // A segment without its beginning.
    out.push(Recording::of(run(1), 4, "audit").span(31, 99, "an orphan", 50, 60));
    out.push(back.record(Body::RunEnd(
        RunEnd::new(T0 + 320 * MS, Status::Error).with_error(Some("the order was not paid".into())),
    )));
    // Of no run, and of a trace without a run.
    let diagnostic = Diagnostic::new("dropped.memory", "records dropped").with_count(Some(7)).with_attributes(some());
    let mut process = shop.record(Body::Diagnostic(diagnostic));
    (process.run_id, process.trace_id) = (None, None);
    out.push(process.with_id(Some("of another recorder".into())));
    out
}

fn suspend(id: &'static str, at: u64, reason: Option<&'static str>) -> Body<'static> {
    Body::RunSuspend(RunSuspend::new(id, T0 + at * MS).with_reason(reason.map(Into::into)))
}

/// A span for each category, kind and status.
fn steps(shop: &mut Recording) -> Vec<Record<'static>> {
    let (ok, error) = (Some(Status::Ok), Some(Status::Error));
    let steps = [
        (1, 0, "http.server", Kind::Server, error),
        (2, 1, "function.invoke", Kind::Client, Some(Status::Panicked)),
        (3, 1, "db.query", Kind::Client, Some(Status::Cancelled)),
        (4, 1, "http.client", Kind::Client, ok),
        (5, 1, "messaging.publish", Kind::Producer, ok),
        (6, 1, "messaging.process", Kind::Consumer, ok),
        (7, 1, "messaging.settle", Kind::Client, ok),
        (8, 1, "custom.operation", Kind::Internal, None),
    ];
    let mut out = Vec::new();
    for (id, parent, primitive, kind, status) in steps {
        let mut span = start(id, parent, "a step", 10 * id);
        (span.primitive, span.kind) = (primitive.into(), kind);
        if id == 1 {
            span.links =
                vec![Link::new(trace(3), span_id(301), some()), Link::new(trace(4), span_id(401), Attributes::new())];
        }
        let failed = status == error;
        let end = status.map(|status| {
            let end = end(10 * id + 9, status).with_error(failed.then(|| "card declined".into()));
            end.with_error_type(failed.then(|| "CardError".into()))
        });
        out.push(shop.record(Body::Span(span.with_end(end))));
    }
    // One that ended before it began, one that is only known by its end, and one that ran while the run waited.
    out.push(shop.span(9, 1, "back in time", 30, 20));
    out.push(shop.span_end(10, 90, Status::Ok));
    out.push(shop.span(11, 1, "during the wait", 190, 315));
    let mut linking = start(12, 1, "links to its sibling", 91);
    (linking.links, linking.attributes) = (vec![Link::new(trace(1), span_id(4), some())], Attributes::new());
    out.push(shop.record(Body::Span(linking.with_end(Some(end(92, Status::Ok))))));
    out
}

fn details(shop: &mut Recording) -> Vec<Record<'static>> {
    let span = || Endpoint::Span { trace_id: trace(1), span_id: span_id(4) };
    let about = |id| Some(span_id(id));
    let bodies = [
        Body::SpanAttributes(SpanAttributes::new(span_id(8), some())),
        Body::SpanAttributes(SpanAttributes::new(span_id(8), Attributes::new())),
        Body::SpanEnd(SpanEnd::new(span_id(13), end(95, Status::Error)).with_attributes(some())),
        Body::Event(Event::new(span_id(1), "e1", "retry", T0 + 11 * MS).with_attributes(some())),
        Body::Event(Event::new(span_id(1), "e2", "give up", T0 + 12 * MS)),
        Body::Artifact(
            Artifact::new(span_id(1), "a1", "input", "application/json", 12)
                .with_hash(Some("sha256:ab".into()))
                .with_preview(Some("{\"a\":1}".into())),
        ),
        Body::Artifact(Artifact::new(span_id(1), "a2", "output", "text/plain", 0)),
        Body::Mutation(
            Mutation::new("m1", "shop", "public.orders", "{\"id\":1}", MutationOp::Update)
                .with_span_id(about(1))
                .with_before(Some("{\"status\":\"new\"}".into()))
                .with_after(Some("{\"status\":\"paid\"}".into()))
                .with_columns(vec!["status".into(), "card".into()])
                .with_committed_at(Some(T0 + 35 * MS))
                .with_position(Some("0/16B3748 1".into())),
        ),
        Body::Mutation(Mutation::new("m2", "shop", "public.carts", "{}", MutationOp::Truncate)),
        Body::Mutation(Mutation::new("m3", "shop", "public.orders", "{\"id\":2}", MutationOp::Insert)),
        Body::Mutation(Mutation::new("m4", "shop", "public.orders", "{\"id\":3}", MutationOp::Delete)),
        Body::Edge(Edge::new("handoff.payload", span(), Endpoint::Artifact("a1".into()))),
        Body::Edge(Edge::new("triggered", Endpoint::Run(run(2)), span())),
        Body::Diagnostic(Diagnostic::new("header.malformed", "it was left out").with_span_id(about(6))),
        Body::Diagnostic(Diagnostic::new("event.dropped", "too many").with_count(Some(3)).with_attributes(some())),
    ];
    bodies.into_iter().map(|body| shop.record(body)).collect()
}

/// A message that waited in a queue, in a run that was suspended, waited for nothing and has clocks that disagree.
pub(crate) fn path() -> Vec<Record<'static>> {
    let mut shop = Recording::of(run(5), 51, "shop");
    let mut mail = Recording::of(run(5), 52, "mail");
    let root = |mut span: SpanData<'static>, kind, primitive: &'static str, to| {
        (span.kind, span.primitive) = (kind, primitive.into());
        Body::Span(span.with_end(Some(end(to, Status::Ok))))
    };
    let top: SpanId = run(5).as_parent();
    let mut first = start(501, 0, "place", 10);
    first.parent_span_id = Some(top);
    let publish = start(502, 501, "publish", 12);
    let work = start(503, 502, "work", 40);
    let mut late = start(504, 0, "late", 80);
    late.parent_span_id = Some(top);
    let mut out = vec![shop.run_start("path", 0)];
    out.push(shop.record(root(first, Kind::Internal, "flow.step", 20)));
    out.push(shop.record(root(publish, Kind::Producer, "messaging.publish", 13)));
    out.push(mail.record(root(work, Kind::Consumer, "messaging.process", 60)));
    out.push(shop.record(suspend("s", 61, None)));
    out.push(shop.record(Body::RunResume(RunResume::new("s", T0 + 70 * MS))));
    out.push(shop.record(root(late, Kind::Internal, "flow.step", 90)));
    // Sent after it was received.
    out.push(shop.record(root(start(505, 504, "publish", 85), Kind::Producer, "messaging.publish", 86)));
    out.push(mail.record(root(start(506, 505, "work", 50), Kind::Consumer, "messaging.process", 100)));
    // A call of a service whose clock is a minute ahead.
    let mut stock = Recording::of(run(5), 53, "stock");
    let call = |id, parent, from| {
        let mut span = start(id, parent, "GET", from);
        span.parent_span_id = span.parent_span_id.or(Some(top));
        span
    };
    out.push(shop.record(root(call(507, 0, 110), Kind::Client, "http.client", 160)));
    out.push(stock.record(root(call(508, 507, 60_120), Kind::Server, "http.server", 60_150)));
    out
}
