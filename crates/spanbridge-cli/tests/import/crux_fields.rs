//! Records of Crux that lack something, or have it in another form.

use serde_json::{Value, json};
use spanbridge::Status;
use spanbridge::record::{Body, Endpoint};
use spanbridge_cli::import::crux::{Converted, Fields, read};

fn base(record_type: &str, rest: Value) -> Value {
    let mut record = json!({"schemaVersion": 2, "recordId": "rec_1", "type": record_type, "runId": "run_1",
        "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "segmentId": "seg_1", "segmentSeq": 1});
    record.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    record
}

fn converted(record: &Value) -> Result<Converted, String> {
    read(Fields::parse(&record.to_string()).unwrap())
}

fn body(record: &Value) -> Body<'static> {
    match converted(record) {
        Ok(Converted::Record { record, .. }) => record.body,
        other => panic!("{other:?}"),
    }
}

/// The reason says which member it is.
#[test]
fn what_is_missing_is_named() {
    let span = base("span:start", json!({"spanId": "s", "name": "n", "startedAt": "2026-11-20T09:25:46Z"}));
    for name in ["schemaVersion", "recordId", "runId", "segmentId", "spanId", "startedAt"] {
        let mut without = span.clone();
        without.as_object_mut().unwrap().remove(name);
        assert_eq!(converted(&without), Err(format!("it has no `{name}`")));
    }
    for (name, value, expected) in [
        ("schemaVersion", json!(1), "`schemaVersion` is not a version, from 2"),
        ("segmentSeq", json!(0), "`segmentSeq` is not a number, from 1"),
        ("spanId", json!(7), "`spanId` is not a text"),
        ("startedAt", json!("soon"), "`startedAt` is not an RFC 3339 time between 1970 and 2554"),
    ] {
        let mut wrong = span.clone();
        wrong[name] = value;
        assert_eq!(converted(&wrong), Err(expected.to_owned()));
    }
    let edge = base(
        "edge",
        json!({"edgeType": "caused", "from": {"kind": "tool", "id": "x"}, "to": {"kind": "run", "id": "run_2"}}),
    );
    assert_eq!(converted(&edge), Err("`from` is not a span, a run or an artifact".to_owned()));
    assert_eq!(
        converted(&base("edge", json!({"edgeType": "caused", "from": "x"}))),
        Err("`from` is not {kind, id}".to_owned())
    );
}

#[test]
fn words_and_forms_of_a_status() {
    let end = |rest: Value| {
        let mut record = base("span:end", json!({"spanId": "s", "endedAt": 1_795_166_746_500_u64}));
        record.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        match body(&record) {
            Body::SpanEnd(span) => {
                assert_eq!(span.end.ended_at, 1_795_166_746_500_000_000);
                (span.end.status, span.end.error.map(String::from), span.attributes.get("crux.status").is_some())
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(end(json!({})), (Status::Ok, None, false));
    assert_eq!(end(json!({"status": "cancelled"})), (Status::Cancelled, None, false));
    assert_eq!(end(json!({"status": "skipped"})), (Status::Ok, None, true));
    assert_eq!(end(json!({"error": "gone"})), (Status::Error, Some("gone".into()), false));
    assert_eq!(
        end(json!({"status": "timeout", "error": {"message": "late"}})),
        (Status::Error, Some("late".into()), true)
    );
    assert_eq!(end(json!({"status": "error", "error": 7})), (Status::Error, None, false));
}

#[test]
fn previews_are_text_or_json() {
    let artifact = |rest: Value| {
        let mut record = base("artifact", json!({"spanId": "00f067aa0ba902b7", "artifactId": "artifact_1"}));
        record.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        match body(&record) {
            Body::Artifact(a) => {
                (a.content_type.into_owned(), a.encoding.into_owned(), a.preview.map(String::from), a.size_bytes)
            }
            other => panic!("{other:?}"),
        }
    };
    let expected = |content_type: &str, encoding: &str, preview: Option<&str>, size| {
        (content_type.to_owned(), encoding.to_owned(), preview.map(str::to_owned), size)
    };
    assert_eq!(
        artifact(json!({"encoding": "text", "preview": "hi\n"})),
        expected("text/plain", "utf-8", Some("hi\n"), 3)
    );
    assert_eq!(artifact(json!({"preview": [1, 2]})), expected("application/json", "utf-8", Some("[1,2]"), 5));
    assert_eq!(
        artifact(
            json!({"encoding": "reference", "preview": "s3://b/k", "contentType": "image/png", "sizeBytes": 9000})
        ),
        expected("image/png", "reference", Some("s3://b/k"), 9000)
    );
    assert_eq!(artifact(json!({})), expected("application/octet-stream", "utf-8", None, 0));
    // Without a span it belongs to the run: ours have no such artifacts.
    let of_run = body(&base("artifact", json!({"artifactId": "artifact_2", "preview": "x"})));
    let Body::RunAttributes(of_run) = of_run else { panic!("{of_run:?}") };
    let kept = of_run.attributes.get("crux.artifact.artifact_2");
    assert_eq!(kept, Some(spanbridge::Value::Json("{\"preview\":\"x\"}")));
}

#[test]
fn ends_of_edges_are_ids_of_ours() {
    let edge = body(&base(
        "edge",
        json!({"edgeType": "memory.read", "from": {"kind": "run", "id": "run_4bf92f3577b34da6a3ce929d0e0e4736"},
        "to": {"kind": "span", "id": "00f067aa0ba902b7", "traceId": "00000000000000000000000000000abc"}}),
    ));
    let Body::Edge(edge) = edge else { panic!("{edge:?}") };
    assert_eq!(edge.edge_type, "memory.read");
    assert_eq!(edge.from, Endpoint::Run("4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap()));
    let Endpoint::Span { trace_id, span_id } = edge.to else { panic!() };
    assert_eq!((trace_id.get(), span_id.to_string()), (0xabc, "00f067aa0ba902b7".to_owned()));
}
