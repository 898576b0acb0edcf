//! What the assembler makes of records.

use crate::{id, push, record, trace};
use spanbridge::record::{
    Artifact, AttributeValue, Attributes, Diagnostic, Edge, End, Endpoint, Event, Link as LinkRecord, Record,
    SpanAttributes, SpanData, SpanEnd,
};
use spanbridge::{Kind, Primitive, RunId, Status, TraceId};
use spanbridge_otel::otlp::model::{AnyValue, KeyValue, Link, Span, StatusCode};
use spanbridge_otel::spans::Assembler;

fn attributes(pairs: &[(&'static str, AttributeValue<'static>)]) -> Attributes<'static> {
    pairs.iter().map(|(key, value)| ((*key).into(), value.clone())).collect()
}

fn start(number: u64) -> SpanData<'static> {
    SpanData::new(id(number), "import", 100)
}

fn ok() -> End<'static> {
    End::new(200, Status::Ok)
}

/// The one span that these records end.
fn one(records: &[Record<'_>]) -> Span<'static> {
    let mut spans = push(&mut Assembler::new(), records);
    assert_eq!(spans.len(), 1);
    spans.remove(0)
}

fn keys(span: &Span<'_>) -> Vec<String> {
    span.attributes.iter().map(|attribute| attribute.key.to_string()).collect()
}

#[test]
fn a_whole_span_keeps_what_it_says() {
    let data = start(1)
        .with_parent_span_id(Some(id(9)))
        .with_kind(Kind::Producer)
        .with_attributes(attributes(&[("a", AttributeValue::I64(1)), ("b", AttributeValue::Str("x".into()))]))
        .with_links(vec![LinkRecord::new(trace(), id(5), attributes(&[("why", AttributeValue::Bool(true))]))])
        .with_end(Some(ok()));
    let span = one(&[record(data)]);
    let mut expected = Span::new(trace(), id(1));
    expected.parent_span_id = Some(id(9));
    expected.flags = 1;
    expected.name = "import".into();
    expected.kind = Some(Kind::Producer);
    (expected.start_time, expected.end_time) = (100, 200);
    expected.attributes = vec![KeyValue::new("a", 1_i64), KeyValue::new("b", "x")];
    expected.links = vec![Link { attributes: vec![KeyValue::new("why", true)], ..Link::new(trace(), id(5)) }];
    assert_eq!(span, expected);
}

/// Start, attributes, event, late link and end, each in a delivery of its own.
#[test]
fn a_span_comes_once_it_has_ended() {
    let mut assembler = Assembler::new();
    let end_of = |number| SpanEnd::new(id(number), ok()).with_attributes(attributes(&[("c", AttributeValue::I64(3))]));
    let link = Edge::new(
        "custom.link",
        Endpoint::Span { trace_id: trace(), span_id: id(1) },
        Endpoint::Span { trace_id: TraceId::new(8).unwrap(), span_id: id(4) },
    );
    let parts = [
        record(start(1).with_attributes(attributes(&[("a", AttributeValue::I64(1))]))),
        record(SpanAttributes::new(id(1), attributes(&[("b", AttributeValue::I64(2))]))),
        record(Event::new(id(1), "e1", "read", 150).with_attributes(attributes(&[("n", AttributeValue::I64(7))]))),
        record(link),
    ];
    for part in &parts {
        assert_eq!(push(&mut assembler, std::slice::from_ref(part)), []);
        assert_eq!(assembler.counts().open, 1);
    }
    let spans = push(&mut assembler, &[record(end_of(1))]);
    assert_eq!(keys(&spans[0]), ["a", "b", "c"]);
    assert_eq!((&*spans[0].events[0].name, spans[0].events[0].time), ("read", 150));
    assert_eq!(spans[0].events[0].attributes, [KeyValue::new("n", 7_i64)]);
    assert_eq!(spans[0].links, [Link::new(TraceId::new(8).unwrap(), id(4))]);
    assert_eq!(assembler.counts(), Default::default());

    // The same in one delivery, in whatever order.
    let mut parts = [&parts[..], &[record(end_of(1))]].concat();
    for _ in 0..parts.len() {
        parts.rotate_left(1);
        let mut again = one(&parts);
        again.attributes.sort_by(|a, b| a.key.cmp(&b.key));
        assert_eq!(again, spans[0]);
    }
}

/// OTLP has a key once. The last value counts, wherever it was added, also among many.
#[test]
fn repeated_keys_keep_the_last_value() {
    let many: Vec<_> = (0..100).map(|n| (["a", "b"][n % 2], AttributeValue::I64(n as i64))).collect();
    let mut more: Attributes<'static> = attributes(&many);
    for data in [std::mem::take(&mut more), attributes(&many[96..])] {
        let span = one(&[
            record(start(1).with_attributes(data)),
            record(SpanEnd::new(id(1), ok()).with_attributes(attributes(&[("b", AttributeValue::I64(-1))]))),
        ]);
        assert_eq!(span.attributes, [KeyValue::new("a", 98_i64), KeyValue::new("b", -1_i64)]);
    }
}

#[test]
fn a_status_is_told_in_the_words_of_otlp() {
    let ended = |status, error: Option<&'static str>, class: Option<&'static str>| {
        let end = End::new(200, status).with_error(error.map(Into::into)).with_error_type(class.map(Into::into));
        one(&[record(start(1).with_end(Some(end)))])
    };
    let ok = ended(Status::Ok, None, None);
    assert_eq!((ok.status.code, &*ok.status.message, ok.events.len(), keys(&ok).len()), (StatusCode::Unset, "", 0, 0));

    let cancelled = ended(Status::Cancelled, None, None);
    assert_eq!((cancelled.status.code, cancelled.events.len()), (StatusCode::Unset, 0));
    assert_eq!(cancelled.attributes, [KeyValue::new("spanbridge.status", "cancelled")]);

    let failed = ended(Status::Error, Some("no such file"), Some("io::Error"));
    assert_eq!((failed.status.code, &*failed.status.message), (StatusCode::Error, "no such file"));
    assert_eq!(failed.attributes, [KeyValue::new("error.type", "io::Error")]);
    assert_eq!((&*failed.events[0].name, failed.events[0].time), ("exception", 200));
    assert_eq!(
        failed.events[0].attributes,
        [KeyValue::new("exception.type", "io::Error"), KeyValue::new("exception.message", "no such file")]
    );

    let panicked = ended(Status::Panicked, Some("out of paper"), Some("panic"));
    assert_eq!((panicked.status.code, panicked.events.len()), (StatusCode::Error, 1));
    assert_eq!(
        panicked.attributes,
        [KeyValue::new("error.type", "panic"), KeyValue::new("spanbridge.status", "panicked")]
    );
}

/// What the application said counts more than what was found out.
#[test]
fn a_told_error_type_and_exception_stay() {
    let failed = End::new(200, Status::Error).with_error(Some("text".into())).with_error_type(Some("found".into()));
    let span = one(&[
        record(
            start(1)
                .with_attributes(attributes(&[("error.type", AttributeValue::Str("told".into()))]))
                .with_end(Some(failed)),
        ),
        record(Event::new(id(1), "e", "exception", 150)),
    ]);
    assert_eq!(span.attributes, [KeyValue::new("error.type", "told")]);
    assert_eq!(span.events.iter().map(|event| event.time).collect::<Vec<_>>(), [150]);
}

#[test]
fn run_and_primitive_are_told_if_unusual() {
    let data = start(1).with_primitive("tool.call").with_end(Some(ok()));
    let own = one(&[record(data.clone())]);
    assert_eq!(own.attributes, [KeyValue::new("spanbridge.primitive", "tool.call")]);
    let mut runs = Vec::new();
    let child = record(data.with_primitive(Primitive::OPERATION.name())).of_run(RunId::new(0xabc), Some(trace()));
    let mut span = None;
    Assembler::new().push_records([child.view()].into_iter(), |run, it| {
        runs.push(run);
        span = Some(it.into_owned());
    });
    assert_eq!(runs, [RunId::new(0xabc).unwrap()]);
    assert_eq!(span.unwrap().attributes, [KeyValue::new("spanbridge.run.id", format!("{:032x}", 0xabc))]);
}

#[test]
fn json_becomes_lists_and_maps() {
    let json = |text: &'static str| AttributeValue::Json(text.into());
    let span = one(&[record(
        start(1)
            .with_attributes(attributes(&[
                ("list", json(r#"["a", 1, 1.5, true, null, [], 18446744073709551615]"#)),
                ("map", json(r#"{"a": {"b": "é\n"}}"#)),
                ("none", json("null")),
                ("bad", json("{")),
                ("f", AttributeValue::F64(0.5)),
            ]))
            .with_end(Some(ok())),
    )]);
    let list = vec![
        "a".into(),
        AnyValue::I64(1),
        AnyValue::F64(1.5),
        AnyValue::Bool(true),
        AnyValue::Empty,
        AnyValue::Array(vec![]),
        AnyValue::F64(u64::MAX as f64),
    ];
    assert_eq!(span.attribute("list"), Some(&AnyValue::Array(list)));
    let inner = AnyValue::Map(vec![KeyValue::new("b", "é\n")]);
    assert_eq!(span.attribute("map"), Some(&AnyValue::Map(vec![KeyValue { key: "a".into(), value: inner }])));
    assert_eq!(span.attribute("none"), Some(&AnyValue::Empty));
    assert_eq!(span.attribute("bad"), Some(&AnyValue::Str("{".into())));
    assert_eq!(span.attribute("f"), Some(&AnyValue::F64(0.5)));
}

/// Edges to other spans are links, and say what they are. An edge to a run has no place.
#[test]
fn edges_artifacts_and_diagnostics_have_places() {
    let from = Endpoint::Span { trace_id: trace(), span_id: id(1) };
    let reply = Edge::new("replied.to", from.clone(), Endpoint::Span { trace_id: trace(), span_id: id(2) });
    let run = Edge::new("triggered", from, Endpoint::Run(RunId::new(3).unwrap()));
    let artifact = Artifact::new(id(1), "a1", "input", "text/plain", 512)
        .with_hash(Some("xxh3:1".into()))
        .with_preview(Some("order".into()));
    let diagnostic = Diagnostic::new("clock.skew", "5 s")
        .with_count(Some(2))
        .with_span_id(Some(id(1)))
        .with_attributes(attributes(&[("by", AttributeValue::I64(5))]));
    let mut assembler = Assembler::new();
    let spans = push(
        &mut assembler,
        &[record(start(1).with_end(Some(ok()))), record(reply), record(run), record(artifact), record(diagnostic)],
    );
    let mut link = Link::new(trace(), id(2));
    link.attributes = vec![KeyValue::new("spanbridge.edge.type", "replied.to")];
    assert_eq!(spans[0].links, [link]);
    assert_eq!(assembler.counts().left_out, 1);
    let [artifact, diagnostic] = &spans[0].events[..] else { panic!("{:?}", spans[0].events) };
    assert_eq!((&*artifact.name, artifact.time), ("spanbridge.artifact", 100));
    assert_eq!(
        artifact.attributes,
        [
            KeyValue::new("spanbridge.artifact.id", "a1"),
            KeyValue::new("spanbridge.artifact.kind", "input"),
            KeyValue::new("spanbridge.artifact.content_type", "text/plain"),
            KeyValue::new("spanbridge.artifact.encoding", "utf-8"),
            KeyValue::new("spanbridge.artifact.size_bytes", 512_i64),
            KeyValue::new("spanbridge.artifact.hash", "xxh3:1"),
            KeyValue::new("spanbridge.artifact.preview", "order"),
        ]
    );
    assert_eq!(&*diagnostic.name, "spanbridge.diagnostic");
    assert_eq!(
        diagnostic.attributes,
        [
            KeyValue::new("spanbridge.diagnostic.code", "clock.skew"),
            KeyValue::new("spanbridge.diagnostic.message", "5 s"),
            KeyValue::new("spanbridge.diagnostic.count", 2_i64),
            KeyValue::new("by", 5_i64),
        ]
    );
}

/// Only a span that receives something knows whether its parent is remote: it is, unless it is a span of this process that
/// sends nothing.
#[test]
fn flags_say_whether_the_parent_is_remote() {
    let child = |primitive, parent| {
        let data = start(1).with_primitive(primitive).with_parent_span_id(parent);
        record(data.with_end(Some(ok())))
    };
    let parent = |kind| record(SpanData::new(id(9), "p", 50).with_kind(kind));
    let flags = |records: &[Record<'_>]| one(records).flags;
    assert_eq!(flags(&[child("messaging.process", Some(id(9)))]), 0x301);
    assert_eq!(flags(&[child("http.server", Some(id(9)))]), 0x301);
    assert_eq!(flags(&[child("http.server", None)]), 0x001);
    assert_eq!(flags(&[child("tool.call", Some(id(9)))]), 0x001);
    assert_eq!(flags(&[parent(Kind::Internal), child("messaging.process", Some(id(9)))]), 0x101);
    assert_eq!(flags(&[parent(Kind::Producer), child("messaging.process", Some(id(9)))]), 0x301);
    // The parent began in an earlier delivery.
    let mut assembler = Assembler::new();
    push(&mut assembler, &[parent(Kind::Consumer)]);
    assert_eq!(push(&mut assembler, &[child("messaging.process", Some(id(9)))])[0].flags, 0x101);
}

/// Memory is bounded: the oldest span without an end gives way, and what is lost is counted.
#[test]
fn spans_that_never_end_are_bounded() {
    let mut assembler = Assembler::with_limit(100_000);
    for number in 1..=10_000 {
        let text = AttributeValue::Str("x".repeat(100).into());
        push(&mut assembler, &[record(start(number).with_attributes(attributes(&[("text", text)])))]);
    }
    let counts = assembler.counts();
    assert!((50..400).contains(&counts.open), "{counts:?}");
    assert_eq!(counts.open as u64 + counts.evicted, 10_000);
    // The youngest are there, the oldest are not.
    assert_eq!(push(&mut assembler, &[record(SpanEnd::new(id(10_000), ok()))]).len(), 1);
    assert_eq!(push(&mut assembler, &[record(SpanEnd::new(id(1), ok()))]).len(), 0);
    assert_eq!(assembler.counts().without_start, 1);

    // What is added later counts, too.
    let mut assembler = Assembler::with_limit(100_000);
    let spans = 1..=100;
    spans.clone().for_each(|n| drop(push(&mut assembler, &[record(start(n))])));
    assert_eq!(assembler.counts().open, 100);
    for event in 0..20 {
        spans.clone().for_each(|n| drop(push(&mut assembler, &[record(Event::new(id(n), "e", "again", event))])));
    }
    let counts = assembler.counts();
    assert!(counts.open < 80 && counts.open as u64 + counts.evicted == 100, "{counts:?}");
}

/// A span that is open for days, and in which something happens all the time: it keeps the first of it, and costs no other.
#[test]
fn a_span_with_much_in_it_costs_no_other() {
    let mut assembler = Assembler::with_limit(100_000);
    push(&mut assembler, &[record(start(1)), record(start(2)), record(start(3))]);
    for n in 0..2_000 {
        let more =
            SpanAttributes::new(id(3), Attributes::from_iter([(format!("k{n}").into(), AttributeValue::I64(1))]));
        push(&mut assembler, &[record(Event::new(id(2), format!("e{n}"), "again", n)), record(more)]);
    }
    let counts = assembler.counts();
    assert_eq!((counts.open, counts.evicted, counts.left_out), (3, 0, 0));
    let spans = push(&mut assembler, &[1, 2, 3].map(|n| record(SpanEnd::new(id(n), ok()))));
    let [quiet, with_events, with_attributes] = &spans[..] else { panic!("{}", spans.len()) };
    assert_eq!((quiet.dropped_events, quiet.dropped_attributes), (0, 0));
    assert_eq!(with_events.events.len() + with_events.dropped_events as usize, 2_000);
    assert!(with_events.events.len() > 20 && with_events.events[0].time == 0);
    assert_eq!(with_attributes.attributes.len() + with_attributes.dropped_attributes as usize, 2_000);
    assert!(with_attributes.attributes.len() > 20 && with_attributes.attributes[0].key == "k0");
}

/// That takes no quadratic time, which is minutes here.
#[test]
fn many_late_attributes_are_one_span() {
    let late = (0..20_000).map(|n| {
        let attribute = (format!("k{}", n / 2).into(), AttributeValue::I64(n));
        record(SpanAttributes::new(id(1), Attributes::from_iter([attribute])))
    });
    let all: Vec<_> = [record(start(1))].into_iter().chain(late).chain([record(SpanEnd::new(id(1), ok()))]).collect();
    let begun = std::time::Instant::now();
    let spans = push(&mut Assembler::new(), &all);
    assert_eq!(spans[0].attributes.len(), 10_000);
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{:?}", begun.elapsed());
}

/// Every start gives one span, or is counted.
#[test]
fn what_comes_late_is_counted() {
    let mut assembler = Assembler::new();
    assert_eq!(push(&mut assembler, &[record(start(1).with_end(Some(ok())))]).len(), 1);
    push(&mut assembler, &[record(Event::new(id(1), "e", "late", 300)), record(SpanEnd::new(id(1), ok()))]);
    let counts = assembler.counts();
    assert_eq!((counts.left_out, counts.without_start, counts.open), (1, 1, 0));
    // One that begins twice is one.
    push(&mut assembler, &[record(start(2)), record(start(2))]);
    assert_eq!(assembler.counts().open, 1);
    assert_eq!(push(&mut assembler, &[record(SpanEnd::new(id(2), ok()))]).len(), 1);
}
