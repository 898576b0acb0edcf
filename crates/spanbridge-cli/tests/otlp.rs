//! `spanbridge import --from otlp`: spans of services that others instrument, in the tree of our runs.

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use spanbridge_otel::otlp::model::{Resource, Scope, Span};
use spanbridge_otel::otlp::protobuf;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const RUN: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALL: &str = "00f067aa0ba902b7";

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
        command.args(args).arg("--db").arg(self.dir.path().join("store"));
        for name in ["SPANBRIDGE_DB", "COLUMNS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The exit code, standard output and standard error.
    fn import(&self, files: &[&Path]) -> (i32, String, String) {
        let files: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
        said(&self.run(&[&["import", "--from", "otlp"][..], &files].concat()))
    }

    fn graph(&self) -> Value {
        let output = self.run(&["trace", RUN, "--format", "json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Our own service: a call that the other one answers.
fn our_records() -> String {
    let span = json!({"schemaVersion": 1, "recordId": "0000000000000001-2", "type": "span", "runId": RUN, "traceId": RUN,
        "segmentId": "0000000000000001", "segmentSeq": 2, "service": "shop", "spanId": CALL, "name": "GET", "family": "http",
        "primitive": "http.client", "kind": "client", "startedAt": "2026-11-20T09:25:46Z", "endedAt": "2026-11-20T09:25:47Z",
        "status": "ok"});
    format!("{span}\n")
}

/// The Flask service under it, as Python's exporter writes it: two spans in a request.
fn their_request(error: &str) -> Value {
    let at = |ms: u64| (1_795_166_746_000_000_000 + ms * 1_000_000).to_string();
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = |id: &str, parent: &str, name: &str, kind: &str, from, to| {
        json!({"traceId": RUN, "spanId": id, "parentSpanId": parent, "name": name, "kind": kind,
            "startTimeUnixNano": at(from), "endTimeUnixNano": at(to), "flags": 256})
    };
    let mut server = span("00000000000000a1", CALL, "GET /price/<id>", "SPAN_KIND_SERVER", 100, 900);
    server["attributes"] = json!([text("http.request.method", "GET"), text("http.route", "/price/<id>")]);
    let mut query = span("00000000000000a2", "00000000000000a1", "SELECT prices", "SPAN_KIND_CLIENT", 200, 300);
    query["attributes"] = json!([text("db.system.name", "postgresql")]);
    query["status"] = json!({"code": "STATUS_CODE_ERROR", "message": error});
    query["events"] = json!([{"name": "exception", "timeUnixNano": at(250),
        "attributes": [text("exception.type", "OperationalError")]}]);
    json!({"resourceSpans": [{"resource": {"attributes": [text("service.name", "pricing")]},
        "scopeSpans": [{"spans": [server, query]}]}]})
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The same request as protobuf.
fn as_protobuf(request: &Value) -> Vec<u8> {
    let (mut resource, mut body, mut out) = (Vec::new(), Vec::new(), Vec::new());
    let text = request.to_string();
    spanbridge_otel::otlp::json::read(text.as_bytes(), |of, _, span: Span<'_>| {
        resource = of.attributes.iter().map(|attribute| attribute.clone().into_owned()).collect();
        protobuf::write_span(&span, &mut body);
    })
    .unwrap();
    protobuf::write_request(&Resource { attributes: resource }, &Scope::default(), &body, &mut out);
    out
}

/// Their spans hang under ours, in the run that has the trace's id.
#[test]
fn spans_of_others_are_in_our_tree() {
    let place = Place::new();
    let ours = place.file("ours.jsonl", our_records());
    assert!(place.run(&["import", ours.to_str().unwrap()]).status.success());
    let theirs = place.file("theirs.json", their_request("gone").to_string());
    assert_eq!(place.import(&[&theirs]), (0, "3 records read: 3 new\n".into(), String::new()));

    let graph = place.graph();
    let spans: Vec<_> = graph["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|span| {
            ["service", "name", "primitive", "kind", "status", "parentSpanId"]
                .map(|key| span[key].as_str().unwrap_or("").to_owned())
        })
        .collect();
    assert_eq!(
        spans,
        [
            ["shop", "GET", "http.client", "client", "ok", ""],
            ["pricing", "GET /price/<id>", "http.server", "server", "ok", CALL],
            ["pricing", "SELECT prices", "db.query", "client", "error", "00000000000000a1"],
        ]
    );
    let query = &graph["spans"][2];
    assert_eq!((&query["error"], &query["startedAt"]), (&json!("gone"), &json!("2026-11-20T09:25:46.200000000Z")));
    assert_eq!(query["events"][0]["attributes"], json!({"exception.type": "OperationalError"}));
    assert_eq!(graph["run"]["runId"], RUN);
    let (_, tree, _) = said(&place.run(&["trace", RUN]));
    assert!(tree.contains("pricing") && tree.contains("GET /price/<id>"), "{tree}");
}

/// Sent twice, in other company, in another form: nothing changes.
#[test]
fn importing_again_changes_nothing() {
    let place = Place::new();
    let request = their_request("gone");
    let first = place.file("first.json", request.to_string());
    assert_eq!(place.import(&[&first]).1, "3 records read: 3 new\n");
    let before = place.graph();
    let protobuf = as_protobuf(&request);
    let with_length = [&(protobuf.len() as u32).to_be_bytes()[..], &protobuf].concat();
    let lines = format!("{request}\n{{\"resourceMetrics\":[]}}\n{request}\n");
    let forms = [
        ("pretty.json", serde_json::to_vec_pretty(&request).unwrap(), 3),
        ("lines.jsonl", lines.into_bytes(), 6),
        ("lines.jsonl.gz", gzip(format!("{request}\n{request}").as_bytes()), 6),
        ("request.pb", protobuf.clone(), 3),
        ("request.pb.gz", gzip(&protobuf), 3),
        ("collector.pb", with_length.repeat(2), 6),
    ];
    for (name, bytes, records) in forms {
        let file = place.file(name, bytes);
        assert_eq!(
            place.import(&[&file]),
            (0, format!("{records} records read: 0 new, {records} already stored\n"), String::new()),
            "{name}"
        );
    }
    assert_eq!(place.graph(), before);
}

/// Another span under the same ids is reported, and does not overwrite the first.
#[test]
fn a_conflicting_span_is_reported() {
    let place = Place::new();
    let first = place.file("first.json", their_request("gone").to_string());
    place.import(&[&first]);
    let other = place.file("other.json", their_request("other").to_string());
    let (code, out, _) = place.import(&[&other]);
    assert_eq!((code, &*out), (0, "3 records read: 1 new, 2 already stored, 1 in conflict with stored ones\n"));
    let graph = place.graph();
    assert_eq!(graph["spans"].as_array().unwrap().len(), 2);
    assert_eq!(graph["spans"][1]["error"], "gone");
    assert_eq!(graph["run"]["status"], "conflicted");
}

/// A collector's file has our own spans, too. Where they were recorded, the records say more; elsewhere they are imported.
#[test]
fn our_own_spans_do_not_contradict_records() {
    let mut request = their_request("gone");
    let spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array_mut().unwrap();
    spans.truncate(1);
    (spans[0]["spanId"], spans[0]["parentSpanId"]) = (json!(CALL), json!(""));
    let attributes = request["resourceSpans"][0]["resource"]["attributes"].as_array_mut().unwrap();
    attributes.push(json!({"key": "telemetry.sdk.name", "value": {"stringValue": "spanbridge"}}));

    let place = Place::new();
    let ours = place.file("ours.jsonl", our_records());
    let exported = place.file("exported.json", request.to_string());
    place.run(&["import", ours.to_str().unwrap()]);
    assert_eq!(place.import(&[&exported]), (0, "1 record read: 0 new, 1 already stored\n".into(), String::new()));
    let graph = place.graph();
    assert_eq!((&graph["spans"][0]["name"], &graph["run"]["status"]), (&json!("GET"), &json!("ok")));

    let elsewhere = Place::new();
    let exported = elsewhere.file("exported.json", request.to_string());
    assert_eq!(elsewhere.import(&[&exported]).1, "1 record read: 1 new\n");
    assert_eq!(elsewhere.import(&[&exported]).1, "1 record read: 0 new, 1 already stored\n");
}

/// A request that cannot be read and a span with an odd id cost nothing else; the exit code says that something is missing.
#[test]
fn bad_requests_and_ids_are_counted() {
    let place = Place::new();
    let mut odd = their_request("gone");
    odd["resourceSpans"][0]["scopeSpans"][0]["spans"][1]["spanId"] = json!("12345");
    let file = place.file("some.jsonl", format!("{{\"resourceSpans\":[\n{odd}\nno request\n"));
    let (code, out, err) = place.import(&[&file]);
    assert_eq!((code, &*out), (1, "1 record read: 1 new, 2 bad requests, 1 bad span\n"));
    assert!(err.contains("request 1 of ") && err.contains("request 3 of "), "{err}");
    assert!(err.contains(": failed to read OTLP as JSON: "), "{err}");
    assert!(
        err.ends_with("spanbridge: failed to read 2 bad requests, 1 bad span; everything else was imported\n"),
        "{err}"
    );

    let output = place.run(&["import", "--from", "otlp", "--format", "json", file.to_str().unwrap()]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["repeated"], &report["badRequests"], &report["badSpans"]), (&json!(1), &json!(2), &json!(1)));
    assert_eq!((&report["bad"], &report["badLines"][1]["request"]), (&json!(0), &json!(3)));
}

/// A damaged stream, a directory and a file that is not there do not stop the others.
#[test]
fn unreadable_files_do_not_stop_the_others() {
    let place = Place::new();
    let mut damaged = gzip(their_request("gone").to_string().as_bytes());
    let last = damaged.len() - 6;
    damaged[last] ^= 0xff; // of the checksum, behind the whole request
    let damaged = place.file("damaged.gz", damaged);
    let good = place.file("good.json", their_request("gone").to_string());
    let missing = place.dir.path().join("missing.json");
    let (code, out, err) = place.import(&[&damaged, place.dir.path(), &missing, &good]);
    assert_eq!((code, &*out), (1, "6 records read: 3 new, 3 already stored\n"));
    assert!(err.contains("damaged.gz: failed to read OTLP: "), "{err}");
    assert_eq!(place.import(&[&good]).0, 0);
}

/// From standard input; without spans, and without anything.
#[test]
fn standard_input_is_read() {
    let place = Place::new();
    for (input, expected) in [
        (gzip(&as_protobuf(&their_request("gone"))), "3 records read: 3 new\n"),
        (b"{}".to_vec(), "0 records read\n"),
        (Vec::new(), "0 records read\n"),
    ] {
        let mut command = place.command(&["import", "--from", "otlp"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&input).unwrap();
        assert_eq!(said(&child.wait_with_output().unwrap()).1, expected);
    }
}
