//! What exporters of other languages send, each with its habits.

use crate::{Read, read_json, read_protobuf};
use spanbridge::Kind;
use spanbridge_otel::otlp::model::{AnyValue, StatusCode};

/// One span of each: under the same parent, with the same times, an integer attribute, and an error.
struct Capture {
    sender: &'static str,
    read: Read,
    body: Vec<u8>,
    service: &'static str,
    name: &'static str,
    kind: Option<Kind>,
    flags: u32,
    events: usize,
    links: usize,
}

fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<_> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn captures() -> Vec<Capture> {
    let json = |sender, body: &str, service, name, kind, flags, events, links| Capture {
        sender,
        read: read_json,
        body: body.as_bytes().to_vec(),
        service,
        name,
        kind,
        flags,
        events,
        links,
    };
    vec![
        // Integers as numbers, empty lists, zero counts, a `code` of zero where there is no status.
        json(
            "JavaScript, JSON",
            r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop-web"}},
                {"key":"process.pid","value":{"intValue":4711}},
                {"key":"process.command_args","value":{"arrayValue":{"values":[{"stringValue":"/usr/bin/node"},{"stringValue":"app.js"}]}}}],
                "droppedAttributesCount":0},"scopeSpans":[{"scope":{"name":"@opentelemetry/instrumentation-http","version":"0.203.0"},
                "spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173",
                "name":"GET","kind":3,"startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000000250000000",
                "attributes":[{"key":"http.response.status_code","value":{"intValue":500}},{"key":"ratio","value":{"doubleValue":1}}],
                "droppedAttributesCount":0,"events":[],"droppedEventsCount":0,"status":{"code":2},"links":[],"droppedLinksCount":0,
                "flags":257}],"schemaUrl":""}]}]}"#,
            "shop-web",
            "GET",
            Some(Kind::Client),
            0x101,
            0,
            0,
        ),
        // Older releases: times as numbers.
        json(
            "JavaScript 1.x, JSON",
            r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop-web"}}]},
                "scopeSpans":[{"scope":{"name":"http"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",
                "parentSpanId":"eee19b7ec3c1b173","name":"HTTP GET","kind":3,"startTimeUnixNano":1.79e18,
                "endTimeUnixNano":1790000000250000000,"attributes":[{"key":"http.response.status_code","value":{"intValue":500}}],
                "status":{"code":2}}]}]}]}"#,
            "shop-web",
            "HTTP GET",
            Some(Kind::Client),
            0,
            0,
            0,
        ),
        // Names of enums, strings for integers, the flag of remoteness alone; an exception as an event.
        json(
            "Python, JSON",
            r#"{"resourceSpans": [{"resource": {"attributes": [{"key": "telemetry.sdk.language", "value": {"stringValue": "python"}},
                {"key": "service.name", "value": {"stringValue": "pricing"}}]}, "scopeSpans": [{"scope": {"name":
                "opentelemetry.instrumentation.flask", "version": "0.60b0"}, "spans": [{"traceId": "5b8efff798038103d269b633813fc60c",
                "spanId": "eee19b7ec3c1b174", "parentSpanId": "eee19b7ec3c1b173", "name": "GET /price/<id>", "kind": "SPAN_KIND_SERVER",
                "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000000250000000", "attributes": [
                {"key": "http.response.status_code", "value": {"intValue": "500"}}], "events": [{"timeUnixNano": "1790000000200000000",
                "name": "exception", "attributes": [{"key": "exception.type", "value": {"stringValue": "KeyError"}},
                {"key": "exception.escaped", "value": {"stringValue": "False"}}]}], "status": {"message": "KeyError: '42'",
                "code": "STATUS_CODE_ERROR"}, "flags": 768}]}]}]}"#,
            "pricing",
            "GET /price/<id>",
            Some(Kind::Server),
            0x300,
            1,
            0,
        ),
        // Ids as protobuf's own JSON has them, in base64.
        json(
            "Python, MessageToJson",
            r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"pricing"}}]},"scopeSpans":[{
                "spans":[{"traceId":"W47/95gDgQPSabYzgT/GDA==","spanId":"7uGbfsPBsXQ=","parentSpanId":"7uGbfsPBsXM=","name":"price",
                "kind":"SPAN_KIND_INTERNAL","startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000000250000000",
                "attributes":[{"key":"http.response.status_code","value":{"intValue":"500"}}],"status":{"code":"STATUS_CODE_ERROR"}}]}]}]}"#,
            "pricing",
            "price",
            Some(Kind::Internal),
            0,
            0,
            0,
        ),
        // Everything that is empty is left out but the parent and the status; `deprecatedReserved` of the Collector's file exporter.
        json(
            "Go Collector, file exporter",
            r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"billing"}}],"entityRefs":[]},
                "scopeSpans":[{"scope":{},"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174",
                "parentSpanId":"EEE19B7EC3C1B173","flags":769,"name":"charge process","kind":5,"startTimeUnixNano":"1790000000000000000",
                "endTimeUnixNano":"1790000000250000000","attributes":[{"key":"http.response.status_code","value":{"intValue":"500"}},
                {"key":"b","value":{"bytesValue":"AAEC"}},{"key":"m","value":{"kvlistValue":{"values":[{"key":"k","value":{}}]}}}],
                "links":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b175","flags":257}],
                "status":{"code":2}}]}],"schemaUrl":"https://opentelemetry.io/schemas/1.37.0"}]}"#,
            "billing",
            "charge process",
            Some(Kind::Consumer),
            0x301,
            0,
            1,
        ),
        // One element of `resourceSpans` to a line of the log.
        json(
            "Java, exporter for logs",
            r#"{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"stock"}},
                {"key":"telemetry.sdk.language","value":{"stringValue":"java"}}]},"scopeSpans":[{"scope":{"name":
                "io.opentelemetry.kafka-clients-2.6","version":"2.22.0-alpha","attributes":[]},"spans":[{"traceId":
                "5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","flags":257,
                "name":"orders publish","kind":4,"startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000000250000000",
                "attributes":[{"key":"thread.name","value":{"stringValue":"main"}},{"key":"http.response.status_code","value":
                {"intValue":"500"}}],"events":[],"links":[],"status":{"code":2}}]}],"schemaUrl":
                "https://opentelemetry.io/schemas/1.24.0"}"#,
            "stock",
            "orders publish",
            Some(Kind::Producer),
            0x101,
            0,
            0,
        ),
        // The flags are 256: a recorded span without the sampled bit.
        Capture {
            sender: "Python, protobuf",
            read: read_protobuf,
            body: hex("0a97010a1b0a190a0c736572766963652e6e616d6512090a0770726963696e6712780a070a05666c61736b126d
                 0a105b8efff798038103d269b633813fc60c1208eee19b7ec3c1b1742208eee19b7ec3c1b173
                 2a0570726963653002390000f323845bd7184180b2d932845bd718
                 4a200a19687474702e726573706f6e73652e7374617475735f636f6465120318f403
                 7a021802850100010000"),
            service: "pricing",
            name: "price",
            kind: Some(Kind::Server),
            flags: 0x100,
            events: 0,
            links: 0,
        },
    ]
}

#[test]
fn what_others_send_is_read() {
    for capture in captures() {
        let sender = capture.sender;
        let (report, spans) = (capture.read)(&capture.body).unwrap_or_else(|error| panic!("{sender}: {error}"));
        assert_eq!((report.spans, report.rejected), (1, 0), "{sender}");
        let (resource, _, span) = &spans[0];
        let service = spanbridge_otel::otlp::model::get(&resource.attributes, "service.name").unwrap();
        assert_eq!(service.as_str(), Some(capture.service), "{sender}");
        assert_eq!(span.trace_id.to_string(), "5b8efff798038103d269b633813fc60c", "{sender}");
        assert_eq!(span.span_id.to_string(), "eee19b7ec3c1b174", "{sender}");
        assert_eq!(span.parent_span_id.unwrap().to_string(), "eee19b7ec3c1b173", "{sender}");
        assert_eq!((&*span.name, span.kind, span.flags), (capture.name, capture.kind, capture.flags), "{sender}");
        assert_eq!(
            (span.start_time, span.end_time),
            (1_790_000_000_000_000_000, 1_790_000_000_250_000_000),
            "{sender}"
        );
        assert_eq!(span.attribute("http.response.status_code"), Some(&AnyValue::I64(500)), "{sender}");
        assert_eq!((span.events.len(), span.links.len()), (capture.events, capture.links), "{sender}");
        assert_eq!(span.status.code, StatusCode::Error, "{sender}");
        assert_eq!((span.dropped_attributes, span.dropped_events, span.dropped_links), (0, 0, 0), "{sender}");
    }
}
