//! Files of requests, as exporters and the Collector write them.

use crate::proto;
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;
use spanbridge_otel::otlp::model::{Resource, Scope, Span};
use spanbridge_otel::otlp::{MAX_REQUEST_BYTES, ReadReport, json, read_file};
use spanbridge_otel::{Error, ErrorKind};
use std::io::{BufReader, Write};

fn span(name: &str) -> Span<'_> {
    let mut span = Span::new(spanbridge::TraceId::new(1).unwrap(), spanbridge::SpanId::new(1).unwrap());
    span.name = name.into();
    span
}

fn as_json(name: &str) -> String {
    let (mut body, mut out) = (Vec::new(), Vec::new());
    json::write_span(&span(name), &mut body);
    json::write_request(&Resource::default(), &Scope::default(), &body, &mut out);
    String::from_utf8(out).unwrap()
}

fn as_protobuf(name: &str) -> Vec<u8> {
    proto::request(&Resource::default(), &Scope::default(), &[span(name)]).encode_to_vec()
}

fn with_length(request: Vec<u8>) -> Vec<u8> {
    [&(request.len() as u32).to_be_bytes()[..], &request].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

type Outcome = (Vec<String>, Vec<(u64, ErrorKind)>, Result<ReadReport, Error>);

fn read(bytes: &[u8]) -> Outcome {
    let (mut names, mut failed) = (Vec::new(), Vec::new());
    // A small buffer, so that requests span several fills.
    let input = BufReader::with_capacity(7, bytes);
    let report =
        read_file(input, |_, _, span| names.push(span.name.into_owned()), |at, error| failed.push((at, error.kind())));
    (names, failed, report)
}

/// Each form, as it is and compressed, is known by its first bytes.
#[test]
fn every_form_is_known_by_its_bytes() {
    let pretty =
        serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&as_json("a")).unwrap()).unwrap();
    // A request of 123 bytes begins with a line break and a brace.
    let brace = (0..120).map(|n| "n".repeat(n)).find(|name| as_protobuf(name).starts_with(b"\n{")).unwrap();
    let parts = [as_json("a"), as_json("b")].map(|text| {
        let part = text.strip_prefix(r#"{"resourceSpans":["#).and_then(|text| text.strip_suffix("]}"));
        part.unwrap().to_owned()
    });
    let forms: [(&str, Vec<u8>, Vec<&str>); 11] = [
        (
            "a request of several lines",
            format!("{{\"resourceSpans\":[\n{}\n]}}", parts.join(",\n")).into(),
            vec!["a", "b"],
        ),
        ("a byte order mark", format!("\u{feff}{}\n\u{feff}{}", as_json("a"), as_json("b")).into(), vec!["a", "b"]),
        ("nothing", vec![], vec![]),
        ("a request as JSON", as_json("a").into(), vec!["a"]),
        ("JSON lines", format!("{}\n{}\r\n\n{}", as_json("a"), as_json("b"), as_json("c")).into(), vec!["a", "b", "c"]),
        ("pretty-printed", format!("\n{pretty}\n{pretty}").into(), vec!["a", "a"]),
        ("white space first", format!(" \r\n{}", as_json("a")).into(), vec!["a"]),
        ("a request as protobuf", as_protobuf("a"), vec!["a"]),
        ("a request that looks like a brace", as_protobuf(&brace), vec![&brace]),
        (
            "several requests as protobuf",
            [with_length(as_protobuf("a")), with_length(as_protobuf("b"))].concat(),
            vec!["a", "b"],
        ),
        (
            "metrics and logs beside spans",
            format!("{{\"resourceMetrics\":[{{}}]}}\n{}", as_json("a")).into(),
            vec!["a"],
        ),
    ];
    for (form, bytes, expected) in forms {
        for bytes in [bytes.clone(), gzip(&bytes)] {
            let (names, failed, report) = read(&bytes);
            assert_eq!(
                (&names[..], &failed[..]),
                (&expected.iter().map(|n| n.to_string()).collect::<Vec<_>>()[..], &[][..]),
                "{form}"
            );
            assert_eq!(report.unwrap().spans, expected.len() as u64, "{form}");
        }
    }
    // Compressed in several pieces, as a file that was appended to.
    let (names, ..) = read(&[gzip(as_json("a").as_bytes()), gzip(as_json("b").as_bytes())].concat());
    assert_eq!(names, ["a", "b"]);
}

/// A request that cannot be read costs no other, and its place is told.
#[test]
fn a_bad_request_is_reported_by_its_place() {
    let lines = format!(
        "{}\nno request\n{{\"resourceSpans\":[}}\n{{\"resourceSpans\":[{{\"a\n{}\n",
        as_json("a"),
        as_json("b")
    );
    let (names, failed, report) = read(lines.as_bytes());
    assert_eq!((names, report.unwrap().spans), (vec!["a".to_owned(), "b".to_owned()], 2));
    assert_eq!(failed, [(2, ErrorKind::Json), (3, ErrorKind::Json), (4, ErrorKind::Json)]);

    let bad = with_length(vec![0x0a, 0x7f]);
    let (names, failed, _) = read(&[with_length(as_protobuf("a")), bad, with_length(as_protobuf("b"))].concat());
    assert_eq!((names, failed), (vec!["a".to_owned(), "b".to_owned()], vec![(2, ErrorKind::Protobuf)]));

    // A list of requests is no request.
    let (names, failed, _) = read(format!("[{}]\n{}", as_json("a"), as_json("b")).as_bytes());
    assert_eq!((names, failed), (vec!["b".to_owned()], vec![(1, ErrorKind::Json)]));

    let (names, failed, _) = read(&[0xff, 0xff]);
    assert_eq!((names, failed), (vec![], vec![(1, ErrorKind::Protobuf)]));
}

/// Cut off at every byte: what stands before is read, and the rest is told or absent.
#[test]
fn a_file_may_end_anywhere() {
    let lines = format!("{}\n{}", as_json("a"), as_json("b"));
    let lengths = [with_length(as_protobuf("a")), with_length(as_protobuf("b"))].concat();
    for whole in [lines.as_bytes(), &lengths, &gzip(lines.as_bytes())] {
        for cut in 0..whole.len() {
            let (names, failed, report) = read(&whole[..cut]);
            assert!(names.is_empty() || names == ["a"] || names == ["a", "b"], "{cut} {names:?}");
            let complete = failed.is_empty() && report.is_ok();
            // Complete is only what ends between two requests.
            assert!(!complete || cut < 3 || names == ["a"], "{cut} of {}: {names:?}", whole.len());
        }
    }
}

/// What is small on disk and large in memory: memory stays bounded, and nothing panics.
#[test]
fn bombs_are_refused() {
    let large = MAX_REQUEST_BYTES + 1;
    let (_, failed, report) =
        read(&gzip(&[&b"{\"a\":\""[..], &vec![b'x'; large], b"\"}\n", as_json("a").as_bytes()].concat()));
    assert_eq!((failed, report.unwrap().spans), (vec![(1, ErrorKind::TooLarge)], 1));
    for first in [b'\n', 0x12] {
        let (.., report) = read(&gzip(&vec![first; large]));
        assert_eq!(report.unwrap_err().kind(), ErrorKind::TooLarge);
    }
    // Lines may be more than that.
    let lines = [b"\n", as_json("a").as_bytes(), &vec![b'\n'; large], as_json("b").as_bytes()].concat();
    assert_eq!(read(&lines).0, ["a", "b"]);
    let (_, failed, _) = read(&[0x04, 0, 0, 1, 0x0a]);
    assert_eq!(failed, [(1, ErrorKind::TooLarge)]);
    let (_, failed, _) = read(&[0x03, 0, 0, 0, 0x0a]);
    assert_eq!(failed, [(1, ErrorKind::Protobuf)]);
}

/// A damaged stream is an error of the file.
#[test]
fn damaged_gzip_is_an_error() {
    let mut bytes = gzip(as_json("a").as_bytes());
    let last = bytes.len() - 5;
    bytes[last] ^= 0xff; // of the checksum
    let (.., report) = read(&bytes);
    let error = report.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().starts_with("read OTLP: "), "{error}");
}
