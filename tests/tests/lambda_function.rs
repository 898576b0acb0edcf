//! A function as its own process, on the real lambda_runtime: however it ends, its spans are in the store.

use aws_sdk_lambda::primitives::Blob;
use serde_json::{Value, json};
use spanbridge::RunId;
use spanbridge_examples::local_lambda::{Function, LocalLambda};
use spanbridge_graph::{Checkup, Graph, Span};
use spanbridge_query::{RunFilter, Store};
use spanbridge_tests::{RuntimeApi, example, until};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A caller with its own trace.
fn caller(n: u32) -> (RunId, String) {
    let trace = format!("{n:032x}");
    (trace.parse().unwrap(), format!("00-{trace}-00f067aa0ba902b7-01"))
}

/// The tree of names and statuses, with errors.
fn shown(graph: &Graph) -> String {
    let mut out = String::new();
    for span in &graph.spans {
        let _ = write!(out, "{}{} {:?}", "  ".repeat(span.depth), span.name, span.status);
        if let Some(error) = &span.error {
            // Without the location of a panic, which changes with that file.
            let _ = write!(out, ": {}", error.split(", at ").next().unwrap_or_default());
        }
        out.push('\n');
    }
    out
}

fn graph(db: &Path, run: RunId) -> Option<Graph> {
    Store::open(db).ok()?.graph(run).unwrap()
}

/// The gaps of a run a day later, except its caller, which does not record.
fn gaps(db: &Path, run: RunId) -> Vec<&'static str> {
    let later = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(86_400);
    let gaps = Store::open(db).unwrap().gaps(&[run], Checkup::new(later.as_nanos() as u64)).unwrap();
    gaps.iter().map(|gap| gap.kind.code()).filter(|code| *code != "parent_missing").collect()
}

/// The graph, once it looks like this.
async fn comes_to(db: &Path, run: RunId, expected: &str) -> Graph {
    let mut last = String::new();
    for _ in 0..2000 {
        if let Some(graph) = graph(db, run) {
            last = shown(&graph);
            if last == expected {
                return graph;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never came to\n{expected}but to\n{last}")
}

fn attribute<'a>(span: &'a Span, key: &str) -> Option<&'a Value> {
    span.attributes.iter().find(|(k, _)| k == key).map(|(_, value)| value)
}

struct Stage {
    lambda: LocalLambda,
    directory: tempfile::TempDir,
}

impl Stage {
    async fn new(set_up: impl FnOnce(Function) -> Function) -> Self {
        let stage = Stage { lambda: LocalLambda::start().await.unwrap(), directory: tempfile::tempdir().unwrap() };
        let function = Function::new("score", example("lambda_function")).variable("SPANBRIDGE_DB", stage.db());
        stage.lambda.add(set_up(function)).await.unwrap();
        stage
    }

    fn db(&self) -> std::path::PathBuf {
        self.directory.path().join("spans.db")
    }

    /// Invokes the function in the trace with this number. Returns the response, or the kind and text of its error.
    async fn invoke(&self, n: u32, mut order: Value) -> (RunId, Result<Value, (String, String)>) {
        let (run, traceparent) = caller(n);
        order["__spanbridge"] = json!({"traceparent": traceparent});
        let call = self.lambda.client().invoke().function_name("score").payload(Blob::new(order.to_string()));
        let output = call.send().await.unwrap();
        let payload: Value = serde_json::from_slice(output.payload().unwrap().as_ref()).unwrap();
        let text = |key: &str| payload[key].as_str().unwrap_or_default().to_owned();
        (
            run,
            if output.function_error().is_some() {
                Err((text("errorType"), text("errorMessage")))
            } else {
                Ok(payload)
            },
        )
    }
}

#[tokio::test]
async fn an_answer_an_error_and_a_panic() {
    let stage = Stage::new(|function| function).await;
    let (run, answer) = stage.invoke(1, json!({"order": 142})).await;
    assert_eq!(answer, Ok(json!({"order": 142, "score": 42})));
    let seen = comes_to(&stage.db(), run, "score Ok\n  read order Ok\n  score risk Ok\n").await;
    let span = &seen.spans[0];
    assert_eq!(gaps(&stage.db(), run), [""; 0]);
    assert_eq!(span.parent_span_id.unwrap().to_string(), "00f067aa0ba902b7");
    assert_eq!(attribute(span, "faas.coldstart"), Some(&json!(true)));
    assert_eq!(attribute(span, "faas.max_memory"), Some(&json!(128 << 20)));
    assert_eq!(attribute(span, "cloud.account.id"), Some(&json!("000000000000")));
    assert_eq!(attribute(span, "cloud.region"), Some(&json!("us-east-1")));

    let (run, answer) = stage.invoke(2, json!({"order": 1, "do": "error"})).await;
    let (kind, message) = answer.unwrap_err();
    assert_eq!(message, "the model has no opinion");
    let error = "Error: the model has no opinion";
    let expected = format!("score {error}\n  read order Ok\n  score risk {error}\n");
    let seen = comes_to(&stage.db(), run, &expected).await;
    assert_eq!(attribute(&seen.spans[0], "error.type"), Some(&json!("_OTHER")), "{kind} says nothing");
    assert_eq!(attribute(&seen.spans[0], "faas.coldstart"), Some(&json!(false)));
    assert!(attribute(&seen.spans[0], "spanbridge.flush.previous_ms").is_some());

    let (run, answer) = stage.invoke(3, json!({"order": 1, "do": "panic"})).await;
    assert_eq!(answer.unwrap_err().1, "Lambda panicked: the model is on fire");
    let expected =
        "score Panicked: the model is on fire\n  read order Ok\n  score risk Panicked: the model is on fire\n";
    comes_to(&stage.db(), run, expected).await;
    assert_eq!(stage.lambda.processes("score").len(), 1, "all of it in one process");
}

/// Two ways to hang: one yields to the executor, the other blocks it.
#[tokio::test]
async fn a_timed_out_function_leaves_open_spans() {
    let stage = Stage::new(|function| function.timeout(Duration::from_secs(1))).await;
    for (n, how) in [(1, "sleep"), (2, "block")] {
        let (run, answer) = stage.invoke(n, json!({"order": 1, "do": how, "ms": 60_000})).await;
        assert_eq!(answer.unwrap_err().0, "Sandbox.Timedout", "{how}");
        let expected = "score Open\n  read order Ok\n  score risk Open\n";
        let seen = comes_to(&stage.db(), run, expected).await;
        let event = &seen.spans[0].events[0];
        assert_eq!(event.name, "deadline", "{how}");
        assert!(seen.diagnostics.iter().any(|d| d.code == "deadline.near"), "{how}");
        assert_eq!(gaps(&stage.db(), run), ["out_of_time"], "{how}: that it has no end is no other gap");
    }
}

#[tokio::test]
async fn an_exit_leaves_open_spans() {
    let stage = Stage::new(|function| function).await;
    let (run, answer) = stage.invoke(1, json!({"order": 1, "do": "exit"})).await;
    assert_eq!(answer.unwrap_err().0, "Runtime.ExitError");
    let seen = graph(&stage.db(), run).expect("written before the process ended");
    assert_eq!(shown(&seen), "score Open\n  read order Ok\n  score risk Open\n");
}

/// The service freezes the process when it requests the next event. What is not delivered by then may be lost.
#[tokio::test]
async fn nothing_is_lost_to_the_freeze() {
    let stage = Stage::new(|function| function).await;
    for n in 1..20 {
        let (run, _) = stage.invoke(n, json!({"order": n})).await;
        comes_to(&stage.db(), run, "score Ok\n  read order Ok\n  score risk Ok\n").await;
    }
}

#[tokio::test]
async fn several_at_a_time_in_one_process() {
    let stage = Stage::new(|function| function.concurrency_per_process(4)).await;
    let calls = (1..=4).map(|n| stage.invoke(n, json!({"order": n, "do": "sleep", "ms": 100})));
    for (run, answer) in futures_util::future::join_all(calls).await {
        assert!(answer.is_ok(), "{answer:?}");
        let seen = comes_to(&stage.db(), run, "score Ok\n  read order Ok\n  score risk Ok\n").await;
        assert_eq!(seen.run.run_id, run);
    }
    assert_eq!(stage.lambda.processes("score").len(), 1);
}

#[tokio::test]
async fn a_response_stream_ends_with_its_last_bit() {
    let stage = Stage::new(|function| function).await;
    let (run, traceparent) = caller(1);
    let order = json!({"do": "stream", "__spanbridge": {"traceparent": traceparent}}).to_string();
    let client = stage.lambda.client();
    let call = client.invoke_with_response_stream().function_name("score").payload(Blob::new(order));
    let mut stream = call.send().await.unwrap().event_stream;
    let mut text = vec![];
    while let Some(event) = stream.recv().await.unwrap() {
        if let Ok(chunk) = event.as_payload_chunk() {
            text.extend(chunk.payload().unwrap().as_ref())
        }
    }
    assert!(text.ends_with(b"low risk"), "{}", String::from_utf8_lossy(&text));
    let seen = comes_to(&stage.db(), run, "score Ok\n  bit Ok\n  bit Ok\n  bit Ok\n").await;
    let last = seen.spans.iter().map(|span| span.started_at).max();
    assert!(seen.spans[0].ended_at > last, "not before its last bit");
}

#[tokio::test]
async fn messages_of_a_queue() {
    let stage = Stage::new(|function| function).await;
    let message = |n: u32, body: Value| {
        json!({
            "messageId": format!("m{n}"), "eventSource": "aws:sqs", "body": body.to_string(),
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:orders",
            "messageAttributes": {"traceparent": {"stringValue": caller(n).1, "dataType": "String"}},
        })
    };
    let records = [message(1, json!({"order": 1})), message(2, json!({"order": 2, "do": "panic"}))];
    let (_, answer) = stage.invoke(3, json!({"Records": records})).await;
    assert_eq!(answer, Ok(json!({"batchItemFailures": [{"itemIdentifier": "m2"}]})));
    comes_to(&stage.db(), caller(1).0, "process orders Ok\n  read order Ok\n  score risk Ok\n").await;
    let panicked =
        "process orders Panicked: the model is on fire\n  read order Ok\n  score risk Panicked: the model is on fire\n";
    comes_to(&stage.db(), caller(2).0, panicked).await;
}

#[tokio::test]
async fn a_restored_snapshot_goes_on() {
    let stage = Stage::new(|function| function.snap_start()).await;
    let (run, answer) = stage.invoke(1, json!({"order": 1})).await;
    assert!(answer.is_ok(), "{answer:?}");
    comes_to(&stage.db(), run, "score Ok\n  read order Ok\n  score risk Ok\n").await;
}

fn by_hand(db: &Path) -> RuntimeApi {
    let mut function = Command::new(example("lambda_function"));
    function.env("SPANBRIDGE_DB", db);
    RuntimeApi::start(function)
}

/// Each of these ends a process that runs `lambda_runtime::run`.
#[test]
fn hostile_headers_do_not_end_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("spans.db");
    let mut function = by_hand(&db);
    let contexts: [&[u8]; 7] = [
        br#"{"custom":{"a":1}}"#,
        br#"{"client":{}}"#,
        b"not JSON",
        b"[1]",
        b"\xff\xfe",
        "{\"custom\":{\"name\":\"M\u{fc}ller\"}}".as_bytes(),
        &[b'['; 8192],
    ];
    for (n, context) in contexts.iter().enumerate() {
        let id = format!("hostile-{n}");
        let headers: [(&str, &[u8]); 1] = [("lambda-runtime-client-context", context)];
        let (line, body) = function.invoke(function.next_request(), &id, &headers, b"{\"order\":1}");
        assert_eq!(line, format!("POST /2018-06-01/runtime/invocation/{id}/response"));
        assert_eq!(body, br#"{"order":1,"score":1}"#);
    }
    let others: [(&str, &[u8]); 3] = [
        ("lambda-runtime-cognito-identity", b"{}"),
        ("lambda-runtime-deadline-ms", b"soon"),
        ("lambda-runtime-invoked-function-arn", b"\xff"),
    ];
    for (n, header) in others.iter().enumerate() {
        let (line, _) = function.invoke(function.next_request(), &format!("other-{n}"), &[*header], b"{\"order\":1}");
        assert!(line.ends_with("/response"), "{header:?}: {line}");
    }
    // There is no response to such an event; the next one is handled.
    function.next_request().event("", &[("lambda-runtime-aws-request-id", b"\xff")], b"{}");
    function.next_request().event("../../next", &[], b"{}");
    // Neither is JSON, so the handler is not called.
    for payload in [&b"\xff"[..], b"{\"__spanbridge\":{", b""] {
        let (line, _) = function.invoke(function.next_request(), "payload", &[], payload);
        assert!(line.ends_with("/error"), "{line}");
    }
    let asks = function.next_request();
    let store = Store::open(&db).unwrap();
    let runs = store.runs(&RunFilter::default(), 100).unwrap();
    let graphs: Vec<_> = runs.iter().map(|run| store.graph(run.run_id).unwrap().unwrap()).collect();
    let told = graphs.iter().flat_map(|g| &g.diagnostics).filter(|d| d.code == "runtime.header").count();
    assert_eq!(told, contexts.len() + others.len());
    let found = runs.iter().flat_map(|run| gaps(&db, run.run_id)).filter(|code| *code == "event_header").count();
    assert_eq!(found, told, "and the doctor knows of each");
    let left = graphs.iter().flat_map(|g| &g.spans).filter_map(|s| s.error.as_deref());
    assert_eq!(left.filter(|e| e.starts_with("failed to respond to an event")).count(), 2);
    // Without the Runtime API the process ends, as with lambda_runtime.
    asks.respond("500 Internal Server Error", &[], b"");
    assert_eq!(function.exit_code(), Some(1));
}

#[cfg(unix)]
fn tell_to_end(function: &RuntimeApi) {
    let killed = Command::new("kill").args(["-TERM", &function.process_id().to_string()]).status().unwrap();
    assert!(killed.success())
}

/// Lambda sends SIGTERM to processes with an extension. Nothing else delivers this function's spans.
#[cfg(unix)]
#[tokio::test]
async fn sigterm_stores_the_spans_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    let (db, started) = (directory.path().join("spans.db"), directory.path().join("started"));
    let mut function = Command::new(env!("CARGO_BIN_EXE_quiet_function"));
    function.env("SPANBRIDGE_DB", &db).env("STARTED", &started);
    let mut function = RuntimeApi::start(function);
    let (run, traceparent) = caller(1);
    let order = json!({"__spanbridge": {"traceparent": traceparent}});
    function.next_request().event("1", &[], order.to_string().as_bytes());
    until("the handler is at work", || started.exists().then_some(())).await;
    assert!(graph(&db, run).is_none(), "nobody has asked for it");
    tell_to_end(&function);
    assert_eq!(function.exit_code(), Some(0));
    assert_eq!(shown(&graph(&db, run).expect("written before the process ended")), "score Open\n");
}

/// We do not end a process that has its own SIGTERM handler.
#[cfg(unix)]
#[test]
fn an_own_sigterm_handler_runs_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let marker = directory.path().join("ended");
    let mut function = Command::new(env!("CARGO_BIN_EXE_graceful_function"));
    function.env("ENDED", &marker);
    let mut function = RuntimeApi::start(function);
    let registers = function.request();
    assert!(registers.line.ends_with("/2020-01-01/extension/register"), "{}", registers.line);
    let registered = br#"{"functionName":"score","functionVersion":"1","handler":"bootstrap"}"#;
    registers.respond("200 OK", &[("lambda-extension-identifier", b"1")], registered);
    // Both now request the next event, in either order; the extension gets none.
    let [one, other] = [function.request(), function.request()];
    let (asks, _extension) = if one.line.contains("/runtime/") { (one, other) } else { (other, one) };
    let (line, _) = function.invoke(asks, "1", &[], b"1");
    assert!(line.ends_with("/response"), "{line}");
    let _asks = function.next_request();
    tell_to_end(&function);
    assert_eq!(function.exit_code(), Some(0));
    assert_eq!(std::fs::read_to_string(&marker).unwrap(), "in its own time");
}
