//! A function that trusts no caller, as its own process, on the real lambda_runtime.

use serde_json::json;
use spanbridge_query::{RunFilter, Store};
use spanbridge_tests::RuntimeApi;
use std::collections::BTreeMap;
use std::process::Command;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn a_stranger_chooses_no_trace() {
    for concurrency in [None, Some("2")] {
        let directory = tempfile::tempdir().unwrap();
        let db = directory.path().join("spans.db");
        let mut function = Command::new(env!("CARGO_BIN_EXE_open_function"));
        function.env("SPANBRIDGE_DB", &db).envs(concurrency.map(|n| ("AWS_LAMBDA_MAX_CONCURRENCY", n)));
        let function = RuntimeApi::start(function);
        let request = json!({
            "version": "2.0", "rawPath": "/",
            "headers": {"traceparent": format!("00-{TRACE}-00f067aa0ba902b7-01"), "authorization": "Bearer 4711"},
            "requestContext": {"domainName": "abc.lambda-url.eu-west-1.on.aws", "http": {"method": "POST", "path": "/"}},
        });
        let asks = function.next_request();
        let _other = concurrency.map(|_| function.next_request());
        let (line, body) = function.invoke(asks, "1", &[], request.to_string().as_bytes());
        assert!(line.ends_with("/response"), "{line}");
        let answer: Option<String> = serde_json::from_slice(&body).unwrap();
        let trace = answer.expect("a trace of its own");
        assert_ne!(trace, TRACE);
        // Everything recorded is delivered before the next event is requested.
        let _asks = function.next_request();
        let store = Store::open(&db).unwrap();
        let runs = store.runs(&RunFilter::default(), 10).unwrap();
        let [run] = &runs[..] else { panic!("one run: {runs:?}") };
        let graph = store.graph(run.run_id).unwrap().expect("it is there");
        let span = &graph.spans[0];
        assert_eq!((run.run_id.to_string(), span.parent_span_id, graph.spans.len()), (trace, None, 1));
        let claimed: Vec<_> = span.links.iter().map(|link| link.trace_id.to_string()).collect();
        assert_eq!(claimed, [TRACE]);
        // What was captured has no secret in it, and the response is what was sent.
        let captured: BTreeMap<_, _> =
            graph.artifacts.iter().map(|a| (a.kind.as_str(), a.preview.clone().unwrap_or_default())).collect();
        assert_eq!(captured["output"].as_bytes(), body);
        assert_eq!(captured["input.headers"], r#"{"authorization":"***"}"#);
        assert!(captured["input"].contains(r#""authorization":"***""#) && captured.len() == 3, "{captured:?}");
    }
}
