//! What the sink that sends records says in the report and on stderr.

use crate::receiver::{Receiver, Reply, Silent};
use crate::support::*;
use spanbridge::{Memory, Recorder, Report, Variables};
use spanbridge_otel::HttpSink;
use spanbridge_otel::export::HttpSinkBuilder;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

fn of_environment(url: &str, token: Option<&str>) -> HttpSinkBuilder {
    let look_up = |name: &str| match name {
        "SPANBRIDGE_URL" => Some(url.into()),
        "SPANBRIDGE_TOKEN" => token.map(Into::into),
        _ => None,
    };
    HttpSink::from_variables(&mut Variables::of(look_up)).unwrap()
}

/// The first error after a span was recorded.
fn first_error(sink: HttpSinkBuilder) -> String {
    let recorder = Recorder::builder("shop").sink(sink.open().unwrap()).on_flush_only().build().unwrap();
    record(&recorder, &["one"]);
    let _flushed = recorder.flush(LONG);
    let error = until("an error", || recorder.report().sinks[0].last_error.clone());
    recorder.shutdown(Duration::ZERO);
    error.strip_prefix("deliver records: ").unwrap_or(&error).to_owned()
}

const NO_TOKEN: &str = "the server wants a token: set SPANBRIDGE_TOKEN";
const WRONG_TOKEN: &str = "SPANBRIDGE_TOKEN is not this server's token";

#[test]
fn a_refused_token_is_named() {
    let receiver = Receiver::scripted([], Reply::status(401));
    let base = receiver.base();
    let with_user = base.replace("http://", "http://user:word@");
    for (sink, why) in [
        (of_environment(&base, None), NO_TOKEN),
        (of_environment(&base, Some("wrong")), WRONG_TOKEN),
        (HttpSink::to(&base), "the server wants a token: give the sink one, such as that of SPANBRIDGE_TOKEN"),
        (HttpSink::to(&base).token("wrong"), "the token given to the sink is not this server's token"),
        (of_environment(&base, Some("right")).token("wrong"), "the token given to the sink is not this server's token"),
        (HttpSink::to(with_user), "the server does not accept the sink's Authorization"),
    ] {
        assert_eq!(first_error(sink), why);
    }
}

#[test]
fn a_wrong_port_is_named() {
    let silent = Silent::new();
    let address = silent.address();
    let error = first_error(HttpSink::to(format!("http://{address}")));
    let whole =
        format!("{address} did not answer: Connection refused (os error 111) (is `spanbridge serve` running there?)");
    assert_eq!(error.replace("os error 61", "os error 111"), whole);
}

#[cfg(feature = "tls")]
#[test]
fn a_server_without_tls_is_named() {
    // The receiver of the other tests reads lines, of which a greeting of TLS has none.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            use std::io::{Read, Write};
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
        }
    });
    let error = first_error(HttpSink::to(format!("https://{address}")));
    assert_eq!(error, format!("{address} did not answer: the server has no TLS: use `http://`, or a proxy before it"));
}

const CHILD: &str = "SPANBRIDGE_TEST_CHILD";

/// Runs a test again in a process of its own, with this environment. Returns what it says on stderr, of ours.
fn said(test: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(CHILD, "1").env_remove("SPANBRIDGE_TOKEN");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    said.lines().filter(|line| line.starts_with("spanbridge: ")).map(str::to_owned).collect()
}

/// A service that drops its recorder and never sees a report: two deliveries, and the end. A flush has this long.
fn service(flush: Duration) -> bool {
    if std::env::var_os(CHILD).is_none() {
        return false;
    }
    let recorder = Recorder::builder("shop").sink(HttpSink::from_env().unwrap()).on_flush_only().build().unwrap();
    record(&recorder, &["one", "two"]);
    recorder.flush_blocking(flush);
    record(&recorder, &["three"]);
    true
}

/// A server that takes nothing is named on stderr, once.
#[test]
fn a_rejected_batch_is_told_on_stderr() {
    if service(LONG) {
        return;
    }
    let receiver = Receiver::scripted([], Reply::status(401));
    let base = receiver.base();
    let place = base.trim_start_matches("http://");
    let test = "http_sink_words::a_rejected_batch_is_told_on_stderr";
    for (token, why) in [(None, NO_TOKEN), (Some("wrong"), WRONG_TOKEN)] {
        let mut variables = vec![("SPANBRIDGE_URL", &*base)];
        variables.extend(token.map(|token| ("SPANBRIDGE_TOKEN", token)));
        let line = format!("spanbridge: records are not stored at {place}, and lost: {why}");
        assert_eq!(said(test, &variables), [line]);
    }
    assert_eq!(receiver.requests().len(), 4);
}

/// A server that is not there is named on stderr, once, while the end waits for it.
#[test]
fn a_wrong_port_is_told_on_stderr() {
    if service(Duration::from_millis(300)) {
        return;
    }
    let silent = Silent::new();
    let address = silent.address();
    let url = format!("http://{address}");
    let lines = said("http_sink_words::a_wrong_port_is_told_on_stderr", &[("SPANBRIDGE_URL", &url)]);
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert!(line.starts_with(&format!("spanbridge: records wait to be sent: {address} did not answer: ")), "{line}");
    assert!(line.ends_with("(is `spanbridge serve` running there?)"), "{line}");
}

/// A server that takes everything, also at the second time, and one that rejects a single record of several: nothing is said.
#[test]
fn what_goes_well_is_not_told_on_stderr() {
    if std::env::var_os(CHILD).is_some() {
        let recorder = Recorder::builder("shop").sink(HttpSink::from_env().unwrap()).on_flush_only().build().unwrap();
        record(&recorder, &["one", "two"]);
        let report: Report = recorder.shutdown(LONG);
        assert!(report.complete, "{report:?}");
        return;
    }
    let memory = Memory::new();
    let recorder = Recorder::builder("shop").sink(memory.clone()).on_flush_only().build().unwrap();
    record(&recorder, &["one", "two"]);
    recorder.shutdown(LONG);
    let read = memory.records().len();
    let test = "http_sink_words::what_goes_well_is_not_told_on_stderr";
    for rejected in ["", r#"{"index":1,"reason":"too large"}"#] {
        let body = format!(r#"{{"read":{read},"rejected":[{rejected}]}}"#);
        let receiver = Receiver::scripted([Reply::status(503)], Reply::Answer(200, "", body.into_bytes()));
        assert_eq!(said(test, &[("SPANBRIDGE_URL", &receiver.base())]), [""; 0]);
        assert_eq!(receiver.requests().len(), 2);
    }
}
