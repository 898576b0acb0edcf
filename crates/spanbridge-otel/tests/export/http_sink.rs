//! The sink that sends records: its requests, and what each answer means. With the real server: `http_sink` of the tests' crate.

use crate::receiver::{Receiver, Reply};
use crate::support::*;
use spanbridge::{Memory, Recorder, Report, Variables};
use spanbridge_otel::{ErrorKind, HttpSink};

/// A receipt for so many records, all of which were stored.
fn receipt(read: usize) -> Reply {
    Reply::Answer(200, "", format!(r#"{{"schemaVersion":1,"read":{read},"rejected":[]}}"#).into_bytes())
}

/// Records spans of these names, of a run each, and ends. Each span is three records: its segment, its run's start or end are not there.
fn send(sink: HttpSink, names: &[&'static str]) -> (Report, Memory) {
    let memory = Memory::new();
    let recorder = Recorder::builder("shop").sink(memory.clone()).sink(sink).on_flush_only().build().unwrap();
    record(&recorder, names);
    (recorder.shutdown(LONG), memory)
}

/// How many records a recorder has for these spans.
fn records_of(names: &[&'static str]) -> usize {
    let memory = Memory::new();
    let recorder = Recorder::builder("shop").sink(memory.clone()).on_flush_only().build().unwrap();
    record(&recorder, names);
    recorder.shutdown(LONG);
    memory.records().len()
}

fn sink(receiver: &Receiver) -> HttpSink {
    HttpSink::to(receiver.base()).open().unwrap()
}

#[test]
fn a_request_is_lines_of_gzip() {
    let records = records_of(&["one", "two"]);
    let receiver = Receiver::scripted([], receipt(records));
    let url = format!("{}/behind/a/proxy/", receiver.base());
    let sink = HttpSink::to(url).token("secret").header("x-tenant", "a").open().unwrap();
    assert!(!format!("{sink:?}").contains("secret"));
    let (report, memory) = send(sink, &["one", "two"]);
    assert!(report.complete, "{report:?}");
    let requests = receiver.requests();
    let [request] = &requests[..] else { panic!("{requests:?}") };
    assert!(request.line.starts_with("POST /behind/a/proxy/api/v1/records "), "{}", request.line);
    let headers = ["content-type", "content-encoding", "authorization", "x-tenant"].map(|name| request.header(name));
    assert_eq!(headers, [Some("application/x-ndjson"), Some("gzip"), Some("Bearer secret"), Some("a")]);
    let lines: Vec<String> = memory.records().iter().map(|record| record.to_json() + "\n").collect();
    assert_eq!(String::from_utf8(request.plain()).unwrap(), lines.concat());
}

/// What each answer means for the records, and what the report says.
#[test]
fn each_answer_is_understood() {
    let records = records_of(&["one"]);
    let again = |reply: Reply| {
        let receiver = Receiver::scripted([reply.clone()], receipt(records));
        let (report, _) = send(sink(&receiver), &["one"]);
        let sink = &report.sinks[1];
        assert_eq!((sink.delivered, report.complete), (records as u64, true), "{reply:?}: {report:?}");
        assert_eq!(receiver.requests().len(), 2, "{reply:?}");
    };
    for status in [408, 429, 500, 502, 503, 504] {
        again(Reply::status(status));
    }
    for body in ["", "<html>", "{}", r#"{"read":99,"rejected":[]}"#] {
        again(Reply::Answer(200, "", body.into()));
    }
    again(Reply::Close);
    for (status, says) in [
        (302, "the server answered 302"),
        (400, "the server answered 400: no"),
        (401, "the server wants a token"),
        (404, "is the address that of a `spanbridge serve`?"),
        (415, "the server answered 415"),
    ] {
        let body = br#"{"error":{"code":"x","message":"no"}}"#.to_vec();
        let receiver = Receiver::scripted([], Reply::Answer(status, "", body));
        let (report, _) = send(sink(&receiver), &["one"]);
        let sink = &report.sinks[1];
        assert_eq!((sink.rejected, receiver.requests().len()), (records as u64, 1), "{status}: {report:?}");
        assert!(sink.last_error.as_deref().is_some_and(|why| why.contains(says)), "{report:?}");
    }
}

/// Only what the receipt names is rejected.
#[test]
fn a_receipt_names_the_rejected() {
    let records = records_of(&["one", "two"]);
    let body = format!(r#"{{"read":{records},"rejected":[{{"index":1,"reason":"too large"}}]}}"#);
    let receiver = Receiver::scripted([], Reply::Answer(200, "", body.into_bytes()));
    let (report, _) = send(sink(&receiver), &["one", "two"]);
    let sink = &report.sinks[1];
    assert_eq!((sink.rejected, sink.delivered), (1, records as u64 - 1), "{report:?}");
    assert_eq!(sink.last_error.as_deref(), Some("too large"));
}

/// A proxy before the server may take less than the server: the batch goes in smaller requests, down to single records.
#[test]
fn what_is_too_large_is_halved() {
    let names = ["one", "two", "three", "four"];
    let records = records_of(&names);
    assert_eq!(records % 4, 0, "{records}");
    let script = [Reply::status(413), Reply::status(413)];
    let receiver = Receiver::scripted(script, receipt(records / 4));
    let (report, memory) = send(sink(&receiver), &names);
    assert_eq!((report.sinks[1].delivered, report.complete), (records as u64, true), "{report:?}");
    let requests = receiver.requests();
    assert_eq!(requests.len(), 6);
    let taken: Vec<u8> = requests[2..].iter().flat_map(|request| request.plain()).collect();
    let lines: Vec<String> = memory.records().iter().map(|record| record.to_json() + "\n").collect();
    assert_eq!(String::from_utf8(taken).unwrap(), lines.concat());
    let receiver = Receiver::scripted([], Reply::status(413));
    let (report, _) = send(sink(&receiver), &names);
    assert_eq!((report.sinks[1].rejected, report.complete), (records as u64, true), "{report:?}");
}

const NO_SCHEME: &str = "the endpoint is not a URL with the scheme `http` or `https`, such as `http://127.0.0.1:4318`";
const A_PATH: &str = "the endpoint ends in `/v1/traces` or `/api/v1/records`: give the address without a path";

#[test]
fn a_wrong_setting_is_told_at_once() {
    for (url, token, kind, why) in [
        ("collector:4318", "t", ErrorKind::Endpoint, NO_SCHEME),
        ("http://host:4318/v1/traces", "t", ErrorKind::Endpoint, A_PATH),
        ("http://host/a/v1/traces/", "t", ErrorKind::Endpoint, A_PATH),
        ("http://host/api/v1/records", "t", ErrorKind::Endpoint, A_PATH),
        ("http://", "t", ErrorKind::Endpoint, "the endpoint is not a URL"),
        ("http://host:0", "t", ErrorKind::Endpoint, "the endpoint's port is not valid"),
        ("http://host", "", ErrorKind::Header, "the token is empty or has characters that cannot be sent"),
        ("http://host", "a b", ErrorKind::Header, "the token is empty or has characters that cannot be sent"),
    ] {
        let error = HttpSink::to(url).token(token).open().unwrap_err();
        assert_eq!((error.kind(), error.to_string()), (kind, format!("set up export: {why}")), "{url} {token}");
    }
}

#[test]
fn the_environment_names_the_server() {
    let open = |pairs: &[(&str, &str)]| {
        let look_up = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        HttpSink::from_variables(&mut Variables::of(look_up)).unwrap().open()
    };
    assert_eq!(format!("{:?}", open(&[]).unwrap()), "HttpSink { host: Some(\"127.0.0.1\"), .. }");
    let both = [("SPANBRIDGE_URL", "https://user:word@spans.example.com"), ("SPANBRIDGE_TOKEN", "secret\n")];
    assert_eq!(format!("{:?}", open(&both).unwrap()), "HttpSink { host: Some(\"spans.example.com\"), .. }");
    let no_scheme = format!("SPANBRIDGE_URL: {NO_SCHEME}");
    let no_token = "SPANBRIDGE_TOKEN: the token is empty or has characters that cannot be sent".to_owned();
    for (variable, value, why) in [
        ("SPANBRIDGE_URL", "127.0.0.1:4318", no_scheme.clone()),
        ("SPANBRIDGE_URL", "user:secret@host:4318", no_scheme),
        ("SPANBRIDGE_URL", "http://host/v1/traces", format!("SPANBRIDGE_URL: {A_PATH}")),
        ("SPANBRIDGE_TOKEN", "a\nb", no_token),
    ] {
        let error = open(&[(variable, value)]).unwrap_err().to_string();
        assert_eq!(error, format!("set up export: {why}"), "{value}");
    }
    let receiver = Receiver::scripted([], receipt(records_of(&["one"])));
    let base = receiver.base();
    let (report, _) = send(open(&[("SPANBRIDGE_URL", &base), ("SPANBRIDGE_TOKEN", "secret")]).unwrap(), &["one"]);
    assert!(report.complete, "{report:?}");
    assert_eq!(receiver.requests()[0].header("authorization"), Some("Bearer secret"));
}
