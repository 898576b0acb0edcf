//! The W3C's own suite for Trace Context (<https://github.com/w3c/trace-context>, `test/`), against an axum service that calls
//! its callers back with reqwest: context goes in by the server layer and out by the middleware. Run by `cargo xtask interop`
//! if `W3C_TRACE_CONTEXT_DIR` names a checkout of 29 June 2026 or later; before it, two of its tests could not pass.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use reqwest_middleware::ClientWithMiddleware;
use serde_json::Value;
use spanbridge::{Memory, Recorder};
use spanbridge_http::{ClientExt, ServerLayer};
use spanbridge_tests::{Program, spans, within};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A list of calls: each `url` is called with its `arguments`, which are a list of calls again.
async fn make_calls(State(client): State<ClientWithMiddleware>, calls: String) -> StatusCode {
    let Ok(Value::Array(calls)) = serde_json::from_str(&calls) else { return StatusCode::BAD_REQUEST };
    for call in calls {
        let Some(url) = call["url"].as_str() else { return StatusCode::BAD_REQUEST };
        let request = client.post(url).header("content-type", "application/json").body(call["arguments"].to_string());
        match request.send().await.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => {}
            _ => return StatusCode::BAD_GATEWAY,
        }
    }
    StatusCode::OK
}

async fn serve() -> SocketAddr {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    let app = Router::new().route("/calls", post(make_calls)).layer(ServerLayer::new()).with_state(client.observed());
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

/// The Python and the checkout, or a note that the test is skipped.
fn given() -> Option<[PathBuf; 2]> {
    let mut given = vec![];
    for variable in ["SPANBRIDGE_INTEROP_PYTHON", "W3C_TRACE_CONTEXT_DIR"] {
        match std::env::var_os(variable).filter(|value| !value.is_empty()) {
            Some(value) => given.push(PathBuf::from(value)),
            None => {
                xtask::skip(&format!("{variable} is not set"));
                return None;
            }
        }
    }
    given.try_into().ok()
}

/// Runs the suite at one level of the specification, and returns what it reported.
async fn suite(level: u8, python: &Path, checkout: &Path, service: SocketAddr) -> String {
    let report = tempfile::NamedTempFile::new().unwrap();
    let port = xtask::Port::reserve().unwrap();
    let mut suite = Command::new(python);
    suite.arg("test.py").arg(format!("http://{service}/calls")).current_dir(checkout.join("test"));
    suite.env("SPEC_LEVEL", level.to_string()).env("STRICT_LEVEL", "2").env("HARNESS_PORT", port.number().to_string());
    suite.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("HARNESS_HOST").env_remove("HARNESS_BIND_HOST");
    suite.env("HARNESS_TIMEOUT", "20").env_remove("HARNESS_BIND_PORT").env_remove("HARNESS_DEBUG");
    let mut suite = Program::start(suite.stderr(report.reopen().unwrap()));
    let status = within("the suite", suite.status()).await;
    let report = std::fs::read_to_string(report.path()).unwrap();
    assert!(status.success(), "level {level}: {status}\n{report}");
    report
}

/// All of its 41 tests. At level 1 it leaves out the one of level 2.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interop_w3c_trace_context_suite() {
    let Some([python, checkout]) = given() else { return };
    let memory = Memory::new();
    let recorder = Recorder::builder("w3c").sink(memory.clone()).install().unwrap();
    let service = serve().await;
    for (level, passed) in [(1, 40), (2, 41)] {
        let report = suite(level, &python, &checkout, service).await;
        let lines = |end: &str| report.lines().filter(|line| line.ends_with(end)).count();
        assert_eq!(lines(" ... ok"), passed, "level {level}:\n{report}");
        println!("level {level}: {}", report.lines().filter(|line| line.starts_with("Ran ")).collect::<String>());
    }
    assert!(recorder.flush_blocking(Duration::from_secs(60)).complete);
    let spans = spans(&memory.records());
    let of = |name: &str| spans.iter().filter(|span| span.name == name).count();
    // Some tests send several requests, and some have several calls made.
    assert!(of("POST /calls") > 81 && of("POST") > of("POST /calls"), "{} and {}", of("POST /calls"), of("POST"));
}
