//! OTLP as JSON: what is read is written, in both forms, as what reads back as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge_otel::otlp::model::{Resource, Scope, Span};
use spanbridge_otel::otlp::{json, protobuf, read_file};

fuzz_target!(|bytes: &[u8]| {
    let _ = read_file(bytes, |_, _, _| {}, |_, error| drop(error.to_string()));
    let mut given = 0;
    let read = json::read(bytes, |resource, scope, span| {
        given += 1;
        same(resource, scope, &span);
    });
    match read {
        Ok(report) => assert_eq!(report.spans, given),
        Err(error) => assert!(error.to_string().starts_with("read OTLP as JSON: ")),
    }
});

fn same(resource: &Resource<'_>, scope: &Scope<'_>, span: &Span<'_>) {
    let written = as_protobuf(resource, scope, span);
    let (mut body, mut text) = (Vec::new(), Vec::new());
    json::write_span(span, &mut body);
    json::write_request(resource, scope, &body, &mut text);
    let again = |resource: &Resource<'_>, scope: &Scope<'_>, span: Span<'_>| {
        assert!(as_protobuf(resource, scope, &span) == written);
    };
    assert_eq!(protobuf::read(&written, again).expect("what was written").spans, 1);
    assert_eq!(json::read(&text, again).expect("what was written").spans, 1);
}

fn as_protobuf(resource: &Resource<'_>, scope: &Scope<'_>, span: &Span<'_>) -> Vec<u8> {
    let (mut body, mut out) = (Vec::new(), Vec::new());
    protobuf::write_span(span, &mut body);
    protobuf::write_request(resource, scope, &body, &mut out);
    out
}
