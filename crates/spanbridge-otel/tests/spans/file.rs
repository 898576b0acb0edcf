//! Files of OTLP that lose nothing: the spans for others, and the records as they were.

use proptest::prelude::*;
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SpanId};
use spanbridge_graph::arbitrary::record;
use spanbridge_graph::{Graph, run_of};
use spanbridge_otel::otlp::model::{AnyValue, StatusCode, get};
use spanbridge_otel::otlp::{FilePart, read_file_scopes};
use spanbridge_otel::spans::{FileForm, FileWriter, are_recorded, lines};
use std::collections::BTreeSet;

/// A span as others read it: its name, its service, its status, and whether it has ended.
type Seen = (SpanId, String, String, StatusCode, bool);

/// What a reader of the file gets: the records, and the spans.
fn read(file: &[u8]) -> (Vec<String>, Vec<Seen>) {
    let (mut records, mut spans) = (Vec::new(), Vec::new());
    let report = read_file_scopes(file, |part| match part {
        FilePart::Scope(_, scope) => records.extend(lines(scope).map(str::to_owned)),
        FilePart::Span(resource, scope, span) => {
            let service = get(&resource.attributes, "service.name").and_then(AnyValue::as_str).unwrap_or_default();
            assert!(are_recorded(scope));
            let ended = span.end_time != 0;
            spans.push((span.span_id, span.name.into_owned(), service.to_owned(), span.status.code, ended));
        }
        FilePart::Failed(at, why) => panic!("{at}: {why}"),
        _ => {}
    });
    assert_eq!(report.unwrap().rejected, 0);
    (records, spans)
}

fn written(records: &[Record<'_>], form: FileForm, at_once: usize) -> Vec<u8> {
    let mut writer = FileWriter::new(Vec::new(), form);
    records.chunks(at_once).for_each(|chunk| writer.write(chunk).unwrap());
    writer.finish().unwrap()
}

fn graphs(records: &[Record<'_>]) -> Vec<serde_json::Value> {
    let runs: BTreeSet<RunId> = records.iter().filter_map(run_of).collect();
    let of =
        |run: &RunId| -> Vec<Record<'_>> { records.iter().filter(|r| run_of(*r) == Some(*run)).cloned().collect() };
    runs.iter().map(|run| Graph::build(*run, &of(run)).to_json()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Records of every kind, also contradictory ones, in both forms and in any number of pieces.
    #[test]
    fn records_come_back_as_they_were(records in proptest::collection::vec(record(), 0..24), at_once in 1..30usize) {
        for form in [FileForm::Json, FileForm::Protobuf] {
            let (found, _) = read(&written(&records, form, at_once));
            prop_assert_eq!(&found, &records.iter().map(Record::to_json).collect::<Vec<_>>());
            let again: Vec<Record<'_>> = found.iter().filter_map(|line| Record::from_json(line).ok().flatten()).collect();
            if again.len() == records.len() {
                prop_assert_eq!(graphs(&again), graphs(&records));
            }
        }
    }
}

/// Others see every span, with the service that recorded it: those that have not ended, too, and in whatever order their
/// records came.
#[test]
fn others_see_every_span() {
    let at = 1_795_166_746_000_000_000u64;
    let text = |seq: u64, service: &str, rest: String| {
        format!(
            r#"{{"schemaVersion":1,"recordId":"{:016x}-{seq}","runId":"{1:032x}","traceId":"{1:032x}","segmentId":"{2:016x}","segmentSeq":{seq},"service":"{service}",{rest}}}"#,
            service.len(),
            7,
            service.len()
        )
    };
    let time = |n: u64| spanbridge::record::format_time(at + n);
    let begun = |id: u64, name: &str| {
        format!(
            r#""type":"span:start","spanId":"{id:016x}","name":"{name}","primitive":"custom.operation","kind":"internal","startedAt":"{}""#,
            time(id)
        )
    };
    let ended = |id: u64| {
        format!(
            r#""type":"span:end","spanId":"{id:016x}","endedAt":"{}","status":"error","error":"late""#,
            time(id + 9)
        )
    };
    let lines = [
        text(
            1,
            "shop",
            format!(r#""type":"segment","startedAt":"{}","resource":{{"service.version":"3"}},"via":"start""#, time(0)),
        ),
        text(2, "shop", begun(1, "checkout")),
        text(3, "billing", ended(2)),
        text(2, "billing", begun(2, "charge")),
        text(4, "shop", begun(3, "waiting")),
        text(5, "shop", ended(1)),
    ];
    let records: Vec<Record<'_>> = lines.iter().map(|line| Record::from_json(line).unwrap().unwrap()).collect();
    assert!(matches!(records[0].body, Body::Segment(_)));
    for form in [FileForm::Json, FileForm::Protobuf] {
        let (_, mut spans) = read(&written(&records, form, 100));
        spans.sort_by_key(|(id, ..)| *id);
        let seen: Vec<_> =
            spans.iter().map(|(_, name, service, status, ended)| (&**name, &**service, *status, *ended)).collect();
        assert_eq!(
            seen,
            [
                ("checkout", "shop", StatusCode::Error, true),
                ("charge", "billing", StatusCode::Error, true),
                ("waiting", "shop", StatusCode::Unset, false),
            ]
        );
    }
}

/// A line of the file stays below a mebibyte, as the Collector's receiver of files wants it.
#[test]
fn lines_of_a_file_are_short() {
    let line = |n: u64| {
        format!(
            r#"{{"schemaVersion":1,"recordId":"x-{n}","type":"span","runId":"{0:032x}","traceId":"{0:032x}","segmentId":"{0:016x}","segmentSeq":{n},"service":"s","spanId":"{n:016x}","name":"{1}","primitive":"custom.operation","kind":"internal","startedAt":"2026-11-20T09:25:46Z","endedAt":"2026-11-20T09:25:46Z","status":"ok"}}"#,
            1,
            "n".repeat(600)
        )
    };
    let lines: Vec<String> = (1..5000).map(line).collect();
    let records: Vec<Record<'_>> = lines.iter().map(|line| Record::from_json(line).unwrap().unwrap()).collect();
    let file = written(&records, FileForm::Json, 5000);
    assert!(file.split(|byte| *byte == b'\n').all(|line| line.len() < 1 << 20));
    assert_eq!(read(&file).1.len(), 4999);
}
