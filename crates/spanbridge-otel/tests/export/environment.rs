//! What the environment says about export.

use crate::receiver::{Receiver, Reply, Request};
use crate::support::*;
use spanbridge::{Recorder, Variables, observe};
use spanbridge_otel::otlp::model::{AnyValue, Resource, get};
use spanbridge_otel::{Telemetry, WithTelemetry};
use std::ffi::OsString;
use std::time::{Duration, Instant};

fn telemetry(given: &[(&str, &str)]) -> Telemetry {
    let find = |name: &str| given.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
    Telemetry::from_variables("given", Variables::of(find))
}

/// The request that a telemetry by these variables makes. `URL` in a value stands for the receiver, without a path.
fn request(given: &[(&str, &str)]) -> Request {
    let receiver = Receiver::start();
    let base = format!("http://{}", receiver.address());
    let given: Vec<_> = given.iter().map(|(key, value)| (*key, value.replace("URL", &base))).collect();
    let given: Vec<_> = given.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let telemetry = telemetry(&given);
    assert_eq!(telemetry.problems(), [""; 0]);
    let recorder = recorder(telemetry);
    recorder.in_scope(|| observe::span("s").attribute("a", 1).attribute("b", "text").in_scope(|| ()));
    flush(&recorder);
    receiver.requests().remove(0)
}

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "URL");

#[test]
fn the_endpoint_gets_the_path_of_traces() {
    let path = |given: &[_]| request(given).line.split(' ').nth(1).map(str::to_owned).unwrap();
    assert_eq!(path(&[ENDPOINT]), "/v1/traces");
    assert_eq!(path(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "URL/")]), "/v1/traces");
    assert_eq!(path(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "URL/otlp/")]), "/otlp/v1/traces");
    let exact = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    assert_eq!(path(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a.example"), (exact, "URL/x")]), "/x");
    assert_eq!(path(&[(exact, "URL")]), "/");
    // A query stays behind the path.
    assert_eq!(path(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "URL/otlp/?token=a/")]), "/otlp/v1/traces?token=a/");
    assert_eq!(path(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "URL?token=a")]), "/v1/traces?token=a");
    assert_eq!(path(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "URL/otlp#fragment")]), "/otlp/v1/traces");
}

#[test]
fn headers_are_decoded_and_those_of_traces_win() {
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=a%20b,tenant = c ");
    let request_1 = request(&[ENDPOINT, headers]);
    assert_eq!([request_1.header("x-api-key"), request_1.header("tenant")], [Some("a b"), Some("c")]);
    let request_2 = request(&[ENDPOINT, headers, ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-api-key=d")]);
    assert_eq!([request_2.header("x-api-key"), request_2.header("tenant")], [Some("d"), None]);
}

#[test]
fn compression_and_protocol_are_read() {
    let form = |given: &[(&'static str, &'static str)]| {
        let request = request(&[&[ENDPOINT], given].concat());
        (request.header("content-encoding").is_some(), request.header("content-type").unwrap().to_owned())
    };
    let protobuf = |gzip| (gzip, "application/x-protobuf".to_owned());
    assert_eq!(form(&[]), protobuf(true));
    assert_eq!(form(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "none")]), protobuf(false));
    assert_eq!(
        form(&[("OTEL_EXPORTER_OTLP_COMPRESSION", "none"), ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip")]),
        protobuf(true)
    );
    assert_eq!(form(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]).1, "application/json");
    assert_eq!(
        form(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"), ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")]),
        protobuf(true)
    );
}

#[test]
fn the_timeout_is_in_milliseconds() {
    let receiver = Receiver::scripted([], Reply::Hang);
    let endpoint = format!("http://{}", receiver.address());
    let telemetry = telemetry(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint), ("OTEL_EXPORTER_OTLP_TIMEOUT", "50")]);
    let recorder = recorder(telemetry);
    record(&recorder, &["a"]);
    let begun = Instant::now();
    assert_eq!(flush(&recorder).sinks[0].rejected, 1);
    // Five attempts of five seconds each, if the variable were not read.
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[test]
fn the_resource_is_read_and_code_wins() {
    let receiver = Receiver::start();
    let endpoint = format!("http://{}", receiver.address());
    let resource = |given: &[(&str, &str)], set: &[(&'static str, &'static str)]| -> Resource<'static> {
        let telemetry = telemetry(&[&[("OTEL_EXPORTER_OTLP_ENDPOINT", &*endpoint)], given].concat());
        assert_eq!(telemetry.problems(), [""; 0]);
        let recorder = recorder(telemetry.attributes(set.iter().copied()));
        record(&recorder, &["a"]);
        flush(&recorder);
        receiver.requests().last().unwrap().spans().remove(0).0
    };
    let text = |resource: &Resource<'_>, key: &str| {
        get(&resource.attributes, key).and_then(AnyValue::as_str).map(str::to_owned)
    };
    let listed = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=listed,team=caf%C3%A9,a=1");
    assert_eq!(text(&resource(&[], &[]), "service.name").as_deref(), Some("given"));
    let by_list = resource(&[listed], &[]);
    assert_eq!(["service.name", "team"].map(|key| text(&by_list, key)), [Some("listed".into()), Some("café".into())]);
    let named = resource(&[listed, ("OTEL_SERVICE_NAME", "named")], &[("a", "2")]);
    assert_eq!(["service.name", "a"].map(|key| text(&named, key)), [Some("named".into()), Some("2".into())]);
    let keys: Vec<_> = named.attributes.iter().filter(|attribute| attribute.key == "service.name").collect();
    assert_eq!(keys.len(), 1);
}

#[test]
fn limits_are_applied() {
    let span = |given: &[(&'static str, &'static str)]| request(&[&[ENDPOINT], given].concat()).spans().remove(0).1;
    let cut = span(&[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1")]);
    assert_eq!((cut.attributes.len(), cut.dropped_attributes), (1, 1));
    let short = span(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2")]);
    assert_eq!(short.attribute("b").and_then(AnyValue::as_str), Some("te"));
}

/// An application starts all the same, also if nothing else records.
#[test]
fn the_environment_can_say_that_there_is_none() {
    for (given, exports) in [
        (&[][..], true),
        (&[("OTEL_TRACES_EXPORTER", "")], true),
        (&[("OTEL_TRACES_EXPORTER", "otlp")], true),
        (&[("OTEL_TRACES_EXPORTER", "none")], false),
        (&[("OTEL_SDK_DISABLED", "TRUE")], false),
        (&[("OTEL_SDK_DISABLED", "false")], true),
    ] {
        let telemetry = telemetry(given);
        assert_eq!((telemetry.has_exporter(), telemetry.problems().len()), (exports, 0), "{given:?}");
        let recorder = Recorder::builder("t").with_telemetry(telemetry).unwrap().on_flush_only().build().unwrap();
        assert!(recorder.shutdown(LONG).complete);
    }
}

/// Each once, also if it is asked for more than once.
#[cfg(unix)]
#[test]
fn what_is_no_text_is_named_once() {
    use std::os::unix::ffi::OsStringExt;
    let telemetry = Telemetry::from_variables("given", Variables::of(|_| Some(OsString::from_vec(vec![0xff, b'x']))));
    let problems: std::collections::BTreeSet<_> = telemetry.problems().iter().collect();
    assert_eq!(problems.len(), telemetry.problems().len(), "{problems:?}");
    assert!(problems.iter().all(|problem| problem.ends_with(" is ignored: it is not UTF-8")), "{problems:?}");
    assert!(problems.len() > 20 && telemetry.has_exporter());
}

/// It says which variable, never what is in it.
#[test]
fn what_is_not_understood_is_named_and_ignored() {
    for (name, value) in [
        ("OTEL_SDK_DISABLED", "secret"),
        ("OTEL_TRACES_EXPORTER", "secret"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "secret"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://secret"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:99999/secret"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "secret:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=secret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=secret%0ab"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "content-length=secret"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "secret"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "zstd-secret"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc-secret"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "secret"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "-5"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/secret"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/nowhere/secret"),
        ("OTEL_RESOURCE_ATTRIBUTES", "secret"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "secret"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-1"),
    ] {
        let telemetry = telemetry(&[(name, value)]);
        let problems = telemetry.problems();
        assert_eq!(problems.len(), 1, "{name}={value}: {problems:?}");
        assert!(problems[0].starts_with(name) && !problems[0].contains("secret"), "{problems:?}");
        // The default stands.
        assert!(telemetry.has_exporter());
        drop(Recorder::builder("t").with_telemetry(telemetry).unwrap().build().unwrap());
    }
}
