//! The JSON form of records: golden lines, round trips, and lines that are not records.
#![cfg(feature = "record")]

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use spanbridge::record::{
    Artifact, AttributeValue, Attributes, Body, Diagnostic, Edge, End, Endpoint, Event, Link, Mutation, MutationOp,
    Record, RecordErrorKind, RunAttributes, RunEnd, RunResume, RunStart, RunSuspend, Segment, SpanAttributes, SpanData,
    SpanEnd, Via,
};
use spanbridge::{Kind, RunId, SegmentId, SpanId, Status, TraceId, Value};
use std::borrow::Cow;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// What every golden line begins with, and the type after it.
const HEAD: &str = r#"{"schemaVersion":1,"recordId":"53ce929d0e0e4736-7","type":"#;
const IDS: &str = r#""runId":"4bf92f3577b34da6a3ce929d0e0e4736","traceId":"4bf92f3577b34da6a3ce929d0e0e4736","segmentId":"53ce929d0e0e4736","segmentSeq":7,"service":"orders""#;

/// The line of every type, with every field that it can have.
const GOLDEN: &[(&str, &str)] = &[
    (
        "segment",
        r#""startedAt":"2026-11-20T09:25:45.123456789Z","resource":{"service.name":"orders","process.pid":42},"via":"resume","suspensionId":"s-1","legId":"l-2","afterLegId":"l-1""#,
    ),
    (
        "run:start",
        r#""name":"approve order","startedAt":"2026-11-20T09:25:45.000000000Z","rootPrimitive":"flow.run","parentRunId":"0af7651916cd43dd8448eb211c80319c","triggeredBySpanId":"00f067aa0ba902b7","attributes":{"a":true}"#,
    ),
    (
        "run:suspend",
        r#""suspensionId":"s-1","suspendedAt":"2026-11-20T09:25:45.000000000Z","reason":"waiting for a person""#,
    ),
    ("run:resume", r#""suspensionId":"s-1","resumedAt":"2026-11-21T09:25:45.000000000Z""#),
    ("run:end", r#""endedAt":"2026-11-21T09:25:46.000000000Z","status":"error","error":"no \"stock\"\n""#),
    (
        "span:start",
        r#""spanId":"00f067aa0ba902b7","parentSpanId":"b7ad6b7169203331","name":"send orders","family":"messaging","primitive":"messaging.publish","kind":"producer","startedAt":"2026-11-20T09:25:45.000000001Z","attributes":{"i":-1,"f":1.0,"e":1e300,"s":"\u0001\t","json":[1,{"a":null}],"null":null,"big":18446744073709551616},"links":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"},{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203332","attributes":{"k":"v"}}]"#,
    ),
    (
        "span:end",
        r#""spanId":"00f067aa0ba902b7","endedAt":"2026-11-20T09:25:45.000000002Z","status":"panicked","error":"index out of bounds","attributes":{"rows":3}"#,
    ),
    (
        "span",
        r#""spanId":"00f067aa0ba902b7","name":"step","family":"custom","primitive":"custom.step","kind":"internal","startedAt":"2026-11-20T09:25:45.000000001Z","endedAt":"2026-11-20T09:25:45.000000002Z","status":"ok""#,
    ),
    ("span:attributes", r#""spanId":"00f067aa0ba902b7","attributes":{"rows":3}"#),
    (
        "span:event",
        r#""spanId":"00f067aa0ba902b7","eventId":"e1","name":"retrying","timestamp":"2026-11-20T09:25:45.000000001Z","attributes":{"after.ms":10.5}"#,
    ),
    (
        "artifact",
        r#""spanId":"00f067aa0ba902b7","artifactId":"a1","kind":"input","contentType":"application/json","encoding":"utf-8","sizeBytes":18446744073709551615,"hash":"sha256:00ff","preview":"{\"a\":\"\\\\\"}""#,
    ),
    (
        "edge",
        r#""edgeType":"replay.of","from":{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331"},"to":{"runId":"0af7651916cd43dd8448eb211c80319c"}"#,
    ),
    ("edge", r#""edgeType":"custom.x","from":{"artifactId":"a\u00001"},"to":{"artifactId":"é"}"#),
    (
        "diagnostic",
        r#""code":"tracestate.malformed","message":"failed to read tracestate","count":2,"spanId":"00f067aa0ba902b7","attributes":{"queue":"q"}"#,
    ),
    ("run:attributes", r#""attributes":{"order":"42","vip":true}"#),
    (
        "mutation",
        r#""mutationId":"m1","spanId":"00f067aa0ba902b7","database":"shop","table":"public.orders","key":{"id":9007199254740993,"line":"é"},"op":"update","before":{"status":"new","note":null},"after":{"status":"paid","note":{"cut":"Dear","bytes":900}},"columns":["status","note","card"],"committedAt":"2026-11-20T09:25:45.000000001Z","position":"0/16B3748 1""#,
    ),
    ("mutation", r#""mutationId":"m2","database":"shop","table":"orders","key":{},"op":"truncate","columns":[]"#),
];

fn golden() -> impl Iterator<Item = String> {
    GOLDEN.iter().map(|(record_type, rest)| format!(r#"{HEAD}"{record_type}",{IDS},{rest}}}"#))
}

fn read(line: &str) -> Record<'_> {
    Record::from_json(line).expect(line).expect(line)
}

#[track_caller]
fn refused(line: &str, kind: RecordErrorKind, field: &str) {
    let error = Record::from_json(line).expect_err(line);
    assert_eq!((error.kind(), error.field().unwrap_or_default()), (kind, field), "{line}\n{error}");
    let text = error.to_string();
    assert!(text.starts_with("read a record: ") && text.contains(field), "{text}");
}

#[test]
fn golden_lines() {
    for line in golden() {
        let record = read(&line);
        assert_eq!(record.to_json(), line);
        assert_eq!(record.id, None);
        assert_eq!(record.record_id(), "53ce929d0e0e4736-7");
        assert_eq!(record.clone().into_owned(), record);
    }
}

#[test]
fn golden_values() {
    let line = golden().nth(5).unwrap();
    let Body::Span(start @ SpanData { end: None, .. }) = read(&line).body else { panic!("{line}") };
    assert!(matches!(start.name, Cow::Borrowed(_)), "read without copying");
    assert_eq!(start.kind, Kind::Producer);
    assert_eq!(start.started_at % 1_000_000_000, 1);
    for (key, value) in [
        ("i", Value::I64(-1)),
        ("f", Value::F64(1.0)),
        ("e", Value::F64(1e300)),
        ("s", Value::Str("\u{1}\t")),
        ("json", Value::Json(r#"[1,{"a":null}]"#)),
        ("null", Value::Json("null")),
        ("big", Value::Json("18446744073709551616")),
    ] {
        assert_eq!(start.attributes.get(key), Some(value), "{key}");
    }
    assert_eq!(start.links.len(), 2);
}

#[test]
fn who_may_lack_run_and_trace() {
    let ids = format!(r#""runId":"{TRACE}","traceId":"{TRACE}","#);
    for line in golden() {
        let without = line.replacen(&ids, "", 1);
        assert_ne!(without, line);
        if line.contains("\"diagnostic\"") || line.contains("\"mutation\"") {
            assert_eq!(read(&without).to_json(), without);
        } else {
            refused(&without, RecordErrorKind::MissingField, "runId");
        }
    }
}

/// Lines as another writer may have them.
#[test]
fn lenient_reading() {
    let line = golden().nth(7).unwrap();
    let expected = read(&line);
    let same = [
        // Later versions, fields of theirs, null for absent, another family, white space, another order.
        line.replace(r#""schemaVersion":1"#, r#""schemaVersion":12"#),
        line.replace(r#""status":"ok""#, r#""status":"ok","later":[{}],"error":null,"parentSpanId":null,"links":[]"#),
        line.replace(r#""family":"custom""#, r#""family":7"#),
        line.replace(r#""family":"custom","#, ""),
        line.replace(',', " , ").replace("{\"s", "{\t\"s"),
        line.replace(r#""status":"ok""#, r#""status":"\u006fk""#),
        line.replace("2026-11-20T09:25:45.000000001Z", "2026-11-20T10:25:45.00000000199999+01:00"),
        // What is not a field of this type may hold anything.
        line.replace(r#""status":"ok""#, r#""status":"ok","count":"x","eventId":{}"#),
    ];
    for line in &same {
        assert_eq!(read(line), expected, "{line}");
    }
    let other = line.replace("53ce929d0e0e4736-7\"", "peer-00001\"");
    assert_eq!(read(&other).id.as_deref(), Some("peer-00001"));
    assert_eq!(read(&other).to_json(), other);
    for near in ["53ce929d0e0e4736-07", "53ce929d0e0e4736-+7", "53CE929D0E0E4736-7", "53ce929d0e0e4736-8", ""] {
        let other = line.replace("53ce929d0e0e4736-7", near);
        assert_eq!(read(&other).record_id(), near);
    }
}

#[test]
fn unknown_types_are_no_fault() {
    for line in [r#"{"type":"span:later","segmentId":7}"#, r#"{"type":"","name":[]}"#] {
        assert!(Record::from_json(line).unwrap().is_none());
    }
}

#[test]
fn lines_that_are_not_records() {
    use RecordErrorKind::{InvalidField, MissingField, NotAnObject};
    let span = golden().nth(5).unwrap();
    for end in 0..span.len() {
        if span.is_char_boundary(end) {
            refused(&span[..end], NotAnObject, "");
        }
    }
    for bad in ["", "null", "7", "[]", "\"{}\"", "{} {}", "{\"type\":\"span\"}}", "\u{feff}{}", "{\"type\":\"a\nb\"}"] {
        assert!(Record::from_json(bad).is_err(), "{bad}");
    }
    refused("{}", MissingField, "type");
    refused(r#"{"type":7}"#, InvalidField, "type");
    refused(&span.replacen("\"type\"", "\"name\":\"a\",\"type\"", 1), NotAnObject, "");
    for (from, to, kind, field) in [
        (r#""schemaVersion":1,"#, "", MissingField, "schemaVersion"),
        (r#""schemaVersion":1"#, r#""schemaVersion":0"#, InvalidField, "schemaVersion"),
        (r#""schemaVersion":1"#, r#""schemaVersion":"1""#, InvalidField, "schemaVersion"),
        (r#""recordId":"53ce929d0e0e4736-7","#, "", MissingField, "recordId"),
        (r#""segmentSeq":7"#, r#""segmentSeq":0"#, InvalidField, "segmentSeq"),
        (r#""segmentSeq":7"#, r#""segmentSeq":-7"#, InvalidField, "segmentSeq"),
        (r#""segmentSeq":7"#, r#""segmentSeq":7.5"#, InvalidField, "segmentSeq"),
        (r#""segmentSeq":7"#, r#""segmentSeq":184467440737095516160000000000"#, InvalidField, "segmentSeq"),
        (r#""segmentSeq":7"#, r#""segmentSeq":null"#, MissingField, "segmentSeq"),
        ("53ce929d0e0e4736\",\"segmentSeq", "53CE929D0E0E4736\",\"segmentSeq", InvalidField, "segmentId"),
        ("\"kind\":\"producer\"", "\"kind\":\"sender\"", InvalidField, "kind"),
        ("00f067aa0ba902b7", "0000000000000000", InvalidField, "spanId"),
        ("\"name\":\"send orders\"", "\"name\":7", InvalidField, "name"),
        ("\"name\":\"send orders\"", "\"name\":\"\\ud800\"", InvalidField, "name"),
        ("2026-11-20T", "2026-11-31T", InvalidField, "startedAt"),
        ("\"attributes\":{\"i\"", "\"attributes\":[7],\"x\":{\"i\"", InvalidField, "attributes"),
        ("\"links\":[", "\"links\":[7,", InvalidField, "links"),
        ("\"attributes\":{\"k\":\"v\"}", "\"attributes\":7", InvalidField, "links"),
    ] {
        let line = span.replacen(from, to, 1);
        assert_ne!(line, span, "{from}");
        refused(&line, kind, field);
    }
    let edge = golden().nth(11).unwrap();
    refused(&edge.replacen(r#","spanId":"b7ad6b7169203331""#, "", 1), InvalidField, "from");
    refused(&edge.replace(r#""to":{"runId""#, r#""to":{"id""#), InvalidField, "to");
    let end = golden().nth(4).unwrap();
    refused(&end.replace("\"status\":\"error\"", "\"status\":\"panicked\""), InvalidField, "status");
}

#[test]
fn mutations_that_are_not_records() {
    use RecordErrorKind::{InvalidField, MissingField};
    let mutation = golden().nth(15).unwrap();
    for (from, to, kind, field) in [
        (r#""mutationId":"m1","#, "", MissingField, "mutationId"),
        (r#""op":"update""#, r#""op":"upsert""#, InvalidField, "op"),
        (r#""key":{"id""#, r#""key":[1],"x":{"id""#, InvalidField, "key"),
        (r#""before":{"#, r#""before":"{}","x":{"#, InvalidField, "before"),
        (r#""columns":["#, r#""columns":[7,"#, InvalidField, "columns"),
        (r#""columns":["#, r#""columns":"status","x":["#, InvalidField, "columns"),
    ] {
        let line = mutation.replacen(from, to, 1);
        assert_ne!(line, mutation, "{from}");
        refused(&line, kind, field);
    }
    // What is no object is written as one, so that the line can be read.
    let mut broken = read(&mutation).into_owned();
    let Body::Mutation(m) = &mut broken.body else { panic!() };
    m.after = Some("[1,".into());
    let Body::Mutation(m) = read(&broken.to_json()).into_owned().body else { panic!() };
    assert_eq!(m.after.as_deref(), Some(r#"{"text":"[1,"}"#));
}

#[test]
fn deep_nesting_is_kept_word_for_word() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let line = golden().nth(8).unwrap().replace("\"rows\":3", &format!("\"rows\":{deep}"));
    assert_eq!(read(&line).to_json(), line);
    assert!(Record::from_json(&"[".repeat(100_000)).is_err());
    assert!(Record::from_json(&"{\"links\":".repeat(100_000)).is_err());
    let links = golden().nth(5).unwrap().replace("\"links\":[", &format!("\"links\":[{deep},"));
    refused(&links, RecordErrorKind::InvalidField, "links");
}

/// A line may be anybody's.
#[test]
fn so_many_attributes_are_no_record() {
    let line = |count: usize| {
        let attributes: Vec<_> = (0..count).map(|n| format!(r#""{n}":0"#)).collect();
        let ids = r#""runId":"00000000000000000000000000000001","traceId":"00000000000000000000000000000001","spanId":"0000000000000001""#;
        let about = r#""type":"span:attributes","schemaVersion":1,"recordId":"r","segmentId":"0000000000000001","segmentSeq":1,"service":"s""#;
        format!(r#"{{{about},{ids},"attributes":{{{}}}}}"#, attributes.join(","))
    };
    assert!(Record::from_json(&line(1 << 16)).unwrap().is_some());
    let error = Record::from_json(&line((1 << 16) + 1)).unwrap_err();
    let text = error.to_string();
    assert_eq!(text.matches("more than 65536 attributes").count(), 1, "{text}");
    assert!(std::error::Error::source(&error).is_none(), "the text has it already");
}

#[test]
fn attributes_that_json_has_no_form_for() {
    let attributes = |list: &[(&'static str, Value<'static>)]| -> Attributes<'static> {
        list.iter().map(|(k, v)| (Cow::Borrowed(*k), AttributeValue::from(*v))).collect()
    };
    let json = |list: &[(&'static str, Value<'static>)]| {
        let mut record = read(r#"{"schemaVersion":1,"recordId":"x","type":"diagnostic","segmentId":"53ce929d0e0e4736","segmentSeq":1,"service":"s","code":"c","message":"m"}"#).into_owned();
        let Body::Diagnostic(Diagnostic { attributes: a, .. }) = &mut record.body else { panic!() };
        *a = attributes(list);
        let line = record.to_json();
        read(&line);
        line[line.find("\"attributes\":").unwrap() + 13..line.len() - 1].to_owned()
    };
    assert_eq!(
        json(&[("n", f64::NAN.into()), ("i", f64::INFINITY.into()), ("m", f64::NEG_INFINITY.into())]),
        r#"{"n":"NaN","i":"Infinity","m":"-Infinity"}"#
    );
    assert_eq!(json(&[("a", 1.into()), ("b", 2.into()), ("a", 3.into())]), r#"{"b":2,"a":3}"#);
    assert_eq!(json(&[("j", Value::Json("{oops")), ("k", Value::Json("[1,\r\n2]"))]), r#"{"j":"{oops","k":[1,  2]}"#);
    let many: Vec<_> = std::iter::repeat_n(("k", Value::I64(1)), 50_000).collect();
    assert_eq!(json(&many), r#"{"k":1}"#);
}

fn text() -> impl Strategy<Value = Cow<'static, str>> {
    prop_oneof!["[a-z.]{1,12}", any::<String>()].prop_map(Cow::Owned)
}

fn attributes() -> impl Strategy<Value = Attributes<'static>> {
    let json = prop_oneof![Just("null"), Just("[]"), Just("{\"a\": [1, \"\\u00e9\"]}"), Just("[ 1e999 ]")];
    let value = prop_oneof![
        any::<i64>().prop_map(AttributeValue::I64),
        any::<f64>().prop_filter("JSON has finite numbers", |v| v.is_finite()).prop_map(AttributeValue::F64),
        any::<bool>().prop_map(AttributeValue::Bool),
        text().prop_map(AttributeValue::Str),
        json.prop_map(|j| AttributeValue::Json(j.into())),
    ];
    proptest::collection::btree_map(text(), value, 0..40).prop_map(|m| m.into_iter().collect()).boxed()
}

fn trace_id() -> impl Strategy<Value = TraceId> {
    (1..=u128::MAX).prop_map(|n| TraceId::new(n).unwrap())
}
fn run_id() -> impl Strategy<Value = RunId> {
    (1..=u128::MAX).prop_map(|n| RunId::new(n).unwrap())
}
fn span_id() -> impl Strategy<Value = SpanId> {
    (1..=u64::MAX).prop_map(|n| SpanId::new(n).unwrap())
}

fn status() -> impl Strategy<Value = Status> {
    proptest::sample::select(vec![Status::Ok, Status::Error, Status::Panicked, Status::Cancelled])
}

fn start() -> impl Strategy<Value = SpanData<'static>> {
    let kind =
        proptest::sample::select(vec![Kind::Internal, Kind::Server, Kind::Client, Kind::Producer, Kind::Consumer]);
    let link = (trace_id(), span_id(), attributes())
        .prop_map(|(trace_id, span_id, attributes)| Link::new(trace_id, span_id, attributes));
    (span_id(), of(span_id()), text(), text(), kind, any::<u64>(), attributes(), vec(link, 0..3)).prop_map(
        |(span_id, parent_span_id, name, primitive, kind, started_at, attributes, links)| {
            let mut start = SpanData::new(span_id, name, started_at);
            (start.parent_span_id, start.primitive, start.kind) = (parent_span_id, primitive, kind);
            (start.attributes, start.links) = (attributes, links);
            start
        },
    )
}

fn end() -> impl Strategy<Value = End<'static>> {
    (any::<u64>(), status(), of(text()), of(text())).prop_map(|(ended_at, status, error, class)| {
        End::new(ended_at, status).with_error(error).with_error_type(class)
    })
}

fn endpoint() -> impl Strategy<Value = Endpoint<'static>> {
    prop_oneof![
        (trace_id(), span_id()).prop_map(|(trace_id, span_id)| Endpoint::Span { trace_id, span_id }),
        run_id().prop_map(Endpoint::Run),
        text().prop_map(Endpoint::Artifact),
    ]
}

fn row() -> impl Strategy<Value = Cow<'static, str>> {
    let rows = [r#"{}"#, r#"{"id":1}"#, r#"{ "a" : [1.50,{"b":null}],"ü":"\\" }"#];
    proptest::sample::select(rows.to_vec()).prop_map(Cow::Borrowed)
}

fn mutation() -> impl Strategy<Value = Mutation<'static>> {
    let op = proptest::sample::select(&MutationOp::ALL[..]);
    let of_row = (row(), of(row()), of(row()), vec(text(), 0..3));
    (text(), of(span_id()), text(), text(), op, of_row, of(any::<u64>()), of(text())).prop_map(
        |(id, span_id, database, table, op, (key, before, after, columns), committed_at, position)| {
            Mutation::new(id, database, table, key, op)
                .with_span_id(span_id)
                .with_before(before)
                .with_after(after)
                .with_columns(columns)
                .with_committed_at(committed_at)
                .with_position(position)
        },
    )
}

fn body() -> impl Strategy<Value = Body<'static>> {
    let via = proptest::sample::select(vec![Via::Start, Via::Resume, Via::Receive]);
    prop_oneof![
        (any::<u64>(), attributes(), via, of(text()), of(text()), of(text())).prop_map(
            |(started_at, resource, via, suspension_id, resumption_id, previous_resumption_id)| Body::Segment(
                Segment::new(started_at, resource, via)
                    .with_suspension_id(suspension_id)
                    .with_resumption_id(resumption_id)
                    .with_previous_resumption_id(previous_resumption_id)
            ),
        ),
        (text(), any::<u64>(), of(text()), of(run_id()), of(span_id()), attributes()).prop_map(
            |(name, started_at, root_primitive, parent_run_id, triggered_by_span_id, attributes)| Body::RunStart(
                RunStart::new(name, started_at)
                    .with_root_primitive(root_primitive)
                    .with_parent_run_id(parent_run_id)
                    .with_triggered_by_span_id(triggered_by_span_id)
                    .with_attributes(attributes)
            )
        ),
        attributes().prop_map(|attributes| Body::RunAttributes(RunAttributes::new(attributes))),
        (text(), any::<u64>(), of(text())).prop_map(|(suspension_id, suspended_at, reason)| Body::RunSuspend(
            RunSuspend::new(suspension_id, suspended_at).with_reason(reason)
        )),
        (text(), any::<u64>())
            .prop_map(|(suspension_id, resumed_at)| Body::RunResume(RunResume::new(suspension_id, resumed_at))),
        end().prop_filter("a run does not panic", |e| e.status != Status::Panicked).prop_map(
            |End { ended_at, status, error, .. }| Body::RunEnd(RunEnd::new(ended_at, status).with_error(error))
        ),
        start().prop_map(Body::Span),
        (span_id(), end(), attributes()).prop_map(|(span_id, end, attributes)| Body::SpanEnd(
            SpanEnd::new(span_id, end).with_attributes(attributes)
        )),
        (start(), end()).prop_map(|(s, e)| Body::Span(s.with_end(Some(e)))),
        (span_id(), attributes())
            .prop_map(|(span_id, attributes)| Body::SpanAttributes(SpanAttributes::new(span_id, attributes))),
        (span_id(), text(), text(), any::<u64>(), attributes()).prop_map(
            |(span_id, event_id, name, timestamp, attributes)| Body::Event(
                Event::new(span_id, event_id, name, timestamp).with_attributes(attributes)
            )
        ),
        (span_id(), text(), text(), text(), text(), any::<u64>(), of(text()), of(text())).prop_map(
            |(span_id, artifact_id, kind, content_type, encoding, size_bytes, hash, preview)| {
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
}

fn record() -> impl Strategy<Value = Record<'static>> {
    let head = (of("[a-z]{1,9}"), run_id(), trace_id(), 1..=u64::MAX, 1..=u64::MAX, text());
    (head, body()).prop_map(|((id, run, trace, segment, segment_seq, service), body)| {
        let record = Record::new(SegmentId::new(segment).unwrap(), segment_seq, service, body);
        record.of_run(Some(run), Some(trace)).with_id(id.map(Cow::Owned))
    })
}

proptest! {
    #[test]
    fn round_trip(record in record()) {
        let line = record.to_json();
        prop_assert!(!line.contains(['\n', '\r']));
        let again = read(&line);
        prop_assert_eq!(&again, &record);
        prop_assert_eq!(again.into_owned(), record);
    }

    #[test]
    fn never_panics_on_text(line: String) {
        let _ = Record::from_json(&line);
    }

    #[test]
    fn never_panics_on_a_changed_line(which in 0..GOLDEN.len(), at: prop::sample::Index, with in "[\\PC\"{}\\[\\],:0-9]{0,3}", cut in 0..6usize) {
        let line = golden().nth(which).unwrap();
        let chars: Vec<char> = line.chars().collect();
        let at = at.index(chars.len());
        let changed: String = chars[..at].iter().copied().chain(with.chars()).chain(chars[at..].iter().copied().skip(cut)).collect();
        if let Ok(Some(record)) = Record::from_json(&changed) {
            let written = record.to_json();
            prop_assert_eq!(read(&written).to_json(), written.as_str());
        }
    }
}
