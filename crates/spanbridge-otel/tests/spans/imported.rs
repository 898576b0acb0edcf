//! What spans of others are as records.

use crate::{TRACE, id, trace};
use spanbridge::record::{Body, End, Record};
use spanbridge::{Kind, RunId, Status, Value};
use spanbridge_otel::otlp::model::*;
use spanbridge_otel::spans::records;

fn resource(service: &'static str) -> Resource<'static> {
    Resource { attributes: vec![KeyValue::new("service.name", service), KeyValue::new("process.pid", 7_i64)] }
}

fn span() -> Span<'static> {
    let mut span = Span::new(trace(), id(1));
    span.name = "GET /price".into();
    (span.start_time, span.end_time) = (100, 200);
    span
}

fn imported(span: Span<'static>) -> Vec<Record<'static>> {
    let mut all = Vec::new();
    records(&resource("pricing"), span, |record| all.push(record));
    all
}

fn end(records: &[Record<'_>]) -> Option<End<'static>> {
    let Body::Span(data) = records[0].clone().into_owned().body else { panic!("{records:?}") };
    data.end
}

/// The trace's own run, unless the span says another; the service by its name.
#[test]
fn a_span_belongs_to_the_run_of_its_trace() {
    let all = imported(span());
    assert_eq!((all[0].run_id, all[0].trace_id), (RunId::new(TRACE), Some(trace())));
    assert_eq!((all.len(), &*all[0].service), (1, "pricing"));
    assert_eq!(all[0].record_id(), "otlp-00000000000000000000000000000007-0000000000000001");

    let mut of_a_child_run = span();
    of_a_child_run.attributes = vec![KeyValue::new("spanbridge.run.id", format!("{:032x}", 0xabc))];
    assert_eq!(imported(of_a_child_run)[0].run_id, RunId::new(0xabc));
    let mut bad = span();
    bad.attributes = vec![KeyValue::new("spanbridge.run.id", "abc")];
    assert_eq!(imported(bad)[0].run_id, RunId::new(TRACE));

    // Services of others pass our member of the trace state on, and export it with their spans.
    let under = |state: &'static str, told: &[&'static str]| {
        let mut span = span();
        span.trace_state = state.into();
        span.attributes = told.iter().map(|run| KeyValue::new("spanbridge.run.id", *run)).collect();
        imported(span)[0].run_id
    };
    const CHILD: &str = "vendor=1,sb=r:00000000000000000000000000000abc";
    assert_eq!(under(CHILD, &[]), RunId::new(0xabc));
    assert_eq!(under(CHILD, &["00000000000000000000000000000def"]), RunId::new(0xdef), "what the span says wins");
    for state in ["vendor=1", "sb=r:abc", "sb=", "\u{e9}=1"] {
        assert_eq!(under(state, &[]), RunId::new(TRACE), "{state}");
    }

    for nameless in [Resource::default(), resource("")] {
        records(&nameless, span(), |record| assert_eq!(record.service, "unknown_service"));
    }
}

/// What is shared by many spans and records does not multiply with them.
#[test]
fn a_large_resource_costs_each_span_little() {
    let name = "ä".repeat(1 << 20);
    let large = |last: &'static str| {
        let attributes = (0..10_000).map(|n| KeyValue::new(format!("k{n}"), "value"));
        let service = KeyValue::new("service.name", name.clone());
        Resource { attributes: attributes.chain([service, KeyValue::new("last", last)]).collect() }
    };
    let segments = ["a", "b"].map(|last| {
        let mut segment = None;
        records(&large(last), span(), |record| {
            assert_eq!(record.service, "ä".repeat(128));
            segment = Some(record.segment_id);
        });
        segment.unwrap()
    });
    // It was not read to its end.
    assert_eq!(segments[0], segments[1]);
}

/// Otherwise it would be shown as one whose start was not recorded.
#[test]
fn a_span_without_a_name_has_one() {
    let mut nameless = span();
    nameless.name = "".into();
    nameless.kind = Some(Kind::Server);
    nameless.attributes = vec![KeyValue::new("http.request.method", "GET")];
    let Body::Span(data) = &imported(nameless)[0].body else { panic!() };
    assert_eq!((&*data.name, &*data.primitive), ("http.server", "http.server"));
}

/// Many events that could be the one that follows from the status: that takes no quadratic time, which is minutes here.
#[test]
fn many_exceptions_are_compared_with_one() {
    let mut failed = span();
    failed.status =
        spanbridge_otel::otlp::model::Status { code: StatusCode::Error, message: "x".repeat(1 << 20).into() };
    failed.attributes = (0..10_000).map(|n| KeyValue::new(format!("k{n}"), "v")).collect();
    failed.events = vec![Event { time: 200, name: "exception".into(), ..Event::default() }; 40_000];
    let begun = std::time::Instant::now();
    assert_eq!(imported(failed).len(), 40_001);
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
}

/// The same span gives the same records; another resource or run is another segment.
#[test]
fn records_follow_from_the_span_alone() {
    let mut full = span();
    full.events = vec![Event { time: 150, name: "a".into(), ..Event::default() }, Event::default()];
    full.dropped_links = 2;
    let all = imported(full.clone());
    assert_eq!(all, imported(full.clone()));
    let ids: Vec<_> = all.iter().map(|record| record.record_id().rsplit_once("0001").unwrap().1.to_owned()).collect();
    assert_eq!(ids, ["", "-event-0", "-event-1", "-dropped"]);
    let numbers: std::collections::HashSet<_> = all.iter().map(|record| record.segment_seq).collect();
    assert_eq!(numbers.len(), all.len());
    // Stored ids are for ever.
    assert_eq!((all[0].segment_id.to_string().as_str(), all[0].segment_seq), SEGMENT);
    records(&resource("other"), full, |record| assert_ne!(record.segment_id, all[0].segment_id));
}

const SEGMENT: (&str, u64) = ("5d2a85e8e950b5fb", 244_910_468_355_000);

#[test]
fn a_status_is_read_in_our_words() {
    let ended = |code, message: &'static str, told: &[&'static str]| {
        let mut span = span();
        span.status = Status_ { code, message: message.into() };
        span.attributes = told.iter().map(|told| KeyValue::new("spanbridge.status", *told)).collect();
        end(&imported(span)).unwrap()
    };
    for code in [StatusCode::Unset, StatusCode::Ok] {
        assert_eq!(ended(code, "", &[]), End::new(200, Status::Ok));
        assert_eq!(ended(code, "", &["cancelled"]).status, Status::Cancelled);
        assert_eq!(ended(code, "", &["panicked"]).status, Status::Ok);
    }
    assert_eq!(ended(StatusCode::Error, "why", &[]), End::new(200, Status::Error).with_error(Some("why".into())));
    assert_eq!(ended(StatusCode::Error, "", &["panicked"]), End::new(200, Status::Panicked));
}

/// A tracer provider had to end it, and it is known that it did not end.
#[test]
fn a_span_that_is_told_to_be_open_is_open() {
    let mut span = span();
    span.attributes = vec![KeyValue::new("spanbridge.status", "open")];
    assert_eq!(end(&imported(span)), None);
}

type Status_<'a> = spanbridge_otel::otlp::model::Status<'a>;

/// Times that cannot be are made such that they can.
#[test]
fn odd_times_are_mended() {
    let times = |start, end| {
        let mut span = span();
        (span.start_time, span.end_time) = (start, end);
        let all = imported(span);
        let Body::Span(data) = &all[0].body else { panic!("{all:?}") };
        (data.started_at, data.end.as_ref().map(|end| end.ended_at))
    };
    assert_eq!(times(100, 200), (100, Some(200)));
    assert_eq!(times(100, 0), (100, None));
    assert_eq!(times(200, 100), (200, Some(200)));
    assert_eq!(times(0, 100), (100, Some(100)));
}

type Pairs = &'static [(&'static str, &'static str)];

/// By the conventions of today and of before.
#[test]
fn primitives_follow_from_the_conventions() {
    let cases: [(&str, Kind, Pairs); 20] = [
        ("custom.operation", Kind::Internal, &[]),
        ("custom.operation", Kind::Server, &[("rpc.system", "grpc")]),
        ("custom.audit", Kind::Server, &[("spanbridge.primitive", "custom.audit"), ("http.request.method", "GET")]),
        ("http.server", Kind::Server, &[("http.request.method", "GET")]),
        ("http.server", Kind::Server, &[("http.method", "GET")]),
        ("http.client", Kind::Client, &[("http.request.method", "GET")]),
        ("messaging.publish", Kind::Producer, &[("messaging.system", "kafka")]),
        ("messaging.publish", Kind::Client, &[("messaging.operation.type", "send")]),
        ("messaging.receive", Kind::Client, &[("messaging.operation.type", "receive")]),
        ("messaging.process", Kind::Consumer, &[("messaging.system", "kafka")]),
        ("messaging.process", Kind::Consumer, &[("messaging.operation", "process")]),
        ("messaging.settle", Kind::Client, &[("messaging.operation.type", "settle")]),
        ("db.query", Kind::Client, &[("db.system", "postgresql")]),
        ("db.query", Kind::Client, &[("db.system.name", "postgresql")]),
        ("function.invoke", Kind::Client, &[("faas.invoked_name", "f")]),
        ("function.handle", Kind::Server, &[("faas.trigger", "http"), ("http.request.method", "GET")]),
        ("generation.call", Kind::Client, &[("gen_ai.operation.name", "chat")]),
        ("embedding.call", Kind::Client, &[("gen_ai.operation.name", "embeddings")]),
        ("tool.call", Kind::Internal, &[("gen_ai.operation.name", "execute_tool")]),
        ("retrieval.query", Kind::Client, &[("gen_ai.operation.name", "retrieval")]),
    ];
    for (expected, kind, attributes) in cases {
        let mut span = span();
        span.kind = Some(kind);
        span.attributes = attributes.iter().map(|(key, value)| KeyValue::new(*key, *value)).collect();
        let all = imported(span);
        let Body::Span(data) = &all[0].body else { panic!("{all:?}") };
        assert_eq!((&*data.primitive, data.kind), (expected, kind), "{attributes:?}");
        assert!(data.attributes.get("spanbridge.primitive").is_none());
    }
}

/// As a peer says it, by a truth value.
#[test]
fn a_generation_may_be_a_stream() {
    for operation in ["chat", "generate_content", "text_completion"] {
        for (stream, expected) in
            [(None, "generation.call"), (Some(false), "generation.call"), (Some(true), "generation.stream")]
        {
            let mut span = span();
            span.attributes = vec![KeyValue::new("gen_ai.operation.name", operation)];
            span.attributes.extend(stream.map(|stream| KeyValue::new("gen_ai.request.stream", stream)));
            let all = imported(span);
            let Body::Span(data) = &all[0].body else { panic!("{all:?}") };
            assert_eq!(data.primitive, expected, "{operation} {stream:?}");
        }
    }
}

#[test]
fn values_become_values_of_records() {
    let mut span = span();
    let list = AnyValue::Array(vec!["a".into(), AnyValue::I64(1), AnyValue::F64(2.0), AnyValue::Empty, true.into()]);
    span.attributes = vec![
        KeyValue::new("s", "x"),
        KeyValue::new("d", f64::INFINITY),
        KeyValue { key: "l".into(), value: list },
        KeyValue { key: "m".into(), value: AnyValue::Map(vec![KeyValue::new("k\"", "v")]) },
        KeyValue { key: "e".into(), value: AnyValue::Empty },
        KeyValue { key: "b".into(), value: AnyValue::Bytes(vec![1, 2].into()) },
    ];
    let all = imported(span);
    let Body::Span(data) = &all[0].body else { panic!("{all:?}") };
    let expected = [
        ("s", Value::Str("x")),
        ("d", Value::F64(f64::INFINITY)),
        ("l", Value::Json(r#"["a",1,2.0,null,true]"#)),
        ("m", Value::Json(r#"{"k\"":"v"}"#)),
        ("e", Value::Json("null")),
        ("b", Value::Str("AQI=")),
    ];
    assert_eq!(data.attributes.iter().collect::<Vec<_>>(), expected);
    // It is a record that can be written and read.
    assert!(Record::from_json(&all[0].view().to_json()).unwrap().is_some());
}

/// What the sender dropped is told of the span.
#[test]
fn dropped_parts_are_a_diagnostic() {
    let mut span = span();
    (span.dropped_attributes, span.dropped_events, span.dropped_links) = (1, 2, u32::MAX);
    let all = imported(span);
    let Body::Diagnostic(told) = &all[1].body else { panic!("{all:?}") };
    assert_eq!((&*told.code, told.count, told.span_id), ("cut.attributes", Some(u64::from(u32::MAX)), Some(id(1))));
}
