//! What a request looks like.

use crate::receiver::{Receiver, Reply};
use crate::support::*;
use spanbridge::observe;
use spanbridge_otel::otlp::model::{AnyValue, get};
use spanbridge_otel::{ErrorKind, Exporter, Telemetry, WithTelemetry};

#[test]
fn a_request_is_protobuf_with_gzip() {
    let receiver = Receiver::start();
    let exporter = Exporter::url(receiver.url()).header("X-Api-Key", "k1").header("tenant", " a b ");
    let telemetry = Telemetry::new("my-app").attributes([("deployment.environment.name", "test")]).exporter(exporter);
    let recorder = recorder(telemetry);
    recorder.in_scope(|| {
        observe::span("outer").attribute("count", 7).in_scope(|| observe::span("inner").in_scope(|| ()));
    });
    flush(&recorder);
    let [request] = &receiver.requests()[..] else { panic!("{:?}", receiver.requests()) };
    assert_eq!(request.line, "POST /v1/traces HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
    assert_eq!(request.header("content-encoding"), Some("gzip"));
    assert_eq!(request.header("user-agent"), Some(concat!("spanbridge-otel/", env!("CARGO_PKG_VERSION"))));
    assert_eq!([request.header("x-api-key"), request.header("tenant")], [Some("k1"), Some("a b")]);
    let spans = request.spans();
    let text = |key| get(&spans[0].0.attributes, key).and_then(AnyValue::as_str).map(str::to_owned);
    assert_eq!(text("service.name").as_deref(), Some("my-app"));
    assert_eq!(text("deployment.environment.name").as_deref(), Some("test"));
    assert_eq!(text("telemetry.sdk.name").as_deref(), Some("spanbridge"));
    assert_eq!(text("telemetry.sdk.language").as_deref(), Some("rust"));
    assert!(get(&spans[0].0.attributes, "process.pid").is_some());
    let by_name = |name: &str| spans.iter().map(|(_, span)| span).find(|span| span.name == name).unwrap();
    let (outer, inner) = (by_name("outer"), by_name("inner"));
    assert_eq!((inner.parent_span_id, inner.trace_id), (Some(outer.span_id), outer.trace_id));
    assert_eq!(outer.attribute("count"), Some(&AnyValue::I64(7)));
    assert!(outer.start_time <= inner.start_time && inner.end_time <= outer.end_time && outer.start_time > 0);
}

#[test]
fn json_and_no_compression_are_choices() {
    let receiver = Receiver::start();
    let telemetry = Telemetry::new("my-app").exporter(Exporter::url(receiver.url()).json().gzip(false));
    let recorder = recorder(telemetry);
    record(&recorder, &["a", "b"]);
    flush(&recorder);
    let request = &receiver.requests()[0];
    assert_eq!((request.header("content-type"), request.header("content-encoding")), (Some("application/json"), None));
    let json: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(json["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().len(), 2);
    assert_eq!(json["resourceSpans"][0]["scopeSpans"][0]["scope"]["name"], "spanbridge");
    assert_eq!(receiver.names(), ["a", "b"]);
}

#[test]
fn a_connection_is_used_again() {
    let receiver = Receiver::start();
    let recorder = recorder(Telemetry::new("my-app").exporter(Exporter::url(receiver.url())));
    for _ in 0..5 {
        record(&recorder, &["a"]);
        flush(&recorder);
    }
    let connections: Vec<_> = receiver.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [1; 5]);
}

#[test]
fn nothing_is_sent_for_nothing() {
    let receiver = Receiver::start();
    let exporter = Exporter::url(receiver.url());
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    let open = recorder.in_scope(|| observe::span("open").open());
    flush(&recorder);
    assert_eq!((receiver.requests().len(), counts(&counter), counter.counts().open), (0, [0; 4], 1));
    open.end();
    flush(&recorder);
    assert_eq!((receiver.names(), counts(&counter), counter.counts().open), (vec!["open".to_owned()], [1, 0, 0, 0], 0));
}

#[test]
fn a_user_and_a_password_are_sent() {
    let receiver = Receiver::start();
    let sent = |credentials: &str, header: Option<&str>| {
        let exporter = Exporter::url(receiver.url().replace("http://", &format!("http://{credentials}@")));
        assert!(!format!("{exporter:?}").contains("sesame"), "{exporter:?}");
        let exporter = header.into_iter().fold(exporter, |exporter, value| exporter.header("Authorization", value));
        let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
        record(&recorder, &["a"]);
        flush(&recorder);
        let requests = receiver.requests();
        let last = &requests[requests.len() - 1];
        assert_eq!(last.header("host"), Some(&*receiver.address().to_string()));
        let all: Vec<_> = last.headers.iter().filter(|(name, _)| name == "authorization").collect();
        assert_eq!(all.len(), 1);
        all[0].1.clone()
    };
    // RFC 7617's example. In a URL, it is percent-encoded.
    assert_eq!(sent("Aladdin:open%20sesame", None), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_eq!(sent("test:123%C2%A3", None), "Basic dGVzdDoxMjPCow==");
    assert_eq!(sent("a:b:100%", None), "Basic YTpiOjEwMCU=");
    assert_eq!(sent("a", None), "Basic YTo=");
    assert_eq!(sent("Aladdin:open%20sesame", Some("Bearer b")), "Bearer b");
}

/// Where to would also get the headers.
#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Receiver::start();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}\r\n", elsewhere.url()).leak();
        let receiver = Receiver::scripted([], Reply::Answer(status, location, vec![]));
        let exporter = Exporter::url(receiver.url()).header("x-api-key", "secret");
        let counter = exporter.counter();
        let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
        record(&recorder, &["a"]);
        flush(&recorder);
        assert_eq!((receiver.requests().len(), counts(&counter)), (1, [0, 1, 0, 0]), "{status}");
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

/// And the error does not show what was given: it may be secret.
#[test]
fn what_cannot_be_used_is_an_error_at_once() {
    let refused = |exporter: Exporter<_>| {
        assert!(!format!("{exporter:?}").contains("secret"), "{exporter:?}");
        let telemetry = Telemetry::new("my-app").exporter(exporter);
        let error = spanbridge::Recorder::builder("t").with_telemetry(telemetry).err().unwrap();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(error.to_string().starts_with("set up export: "), "{error}");
        error.kind()
    };
    for url in ["", "secret", "ftp://secret", "http://", "http:///secret", "http://a b", "//secret/v1", "unix:/secret"]
        .into_iter()
        .chain(["http://a:99999/secret", "http://a:0", "http://a:-1", "http://u:secret@[::1]:+80/", "http://a:4318x"])
    {
        assert_eq!(refused(Exporter::url(url)), ErrorKind::Endpoint, "{url}");
    }
    let with = |name: &str, value: &str| refused(Exporter::url("http://a.example").header(name, value));
    for (name, value) in
        [("", "secret"), ("a b", "secret"), ("a", "secret\nb: c"), ("Content-Type", "secret"), ("host", "secret")]
    {
        assert_eq!(with(name, value), ErrorKind::Header, "{name}");
    }
    #[cfg(feature = "tls")]
    for pem in ["", "secret", "-----BEGIN CERTIFICATE-----\n(secret)\n-----END CERTIFICATE-----\n"] {
        let exporter = Exporter::url("https://a.example").root_certificates(pem);
        assert_eq!(refused(exporter), ErrorKind::Certificate, "{pem}");
        let exporter = Exporter::url("https://a.example").client_certificate(pem, pem);
        assert_eq!(refused(exporter), ErrorKind::Certificate, "{pem}");
    }
}
