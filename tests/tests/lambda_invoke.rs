//! Calls of functions with the real SDK: each outcome, what the function gets, and that the caller gets the same as
//! without us.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::operation::invoke::builders::InvokeFluentBuilder;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{InvocationType, ResponseStreamingInvocationType};
use serde_json::{Value, json};
use spanbridge::record::Body;
use spanbridge::{Context, Memory, Recorder, Status, observe, semconv};
use spanbridge_examples::local_lambda::{Function, LocalLambda, client_config};
use spanbridge_lambda::{CallExt, CaptureMode, CapturePolicy, Propagate, XRay};
use spanbridge_tests::{Seen, recorder, spans, within};
use std::time::Duration;

/// A caller, and the function `echo`.
struct Stage {
    lambda: LocalLambda,
    recorder: Recorder,
    memory: Memory,
}

fn echo() -> Function {
    Function::new("echo", env!("CARGO_BIN_EXE_echo_function")).timeout(Duration::from_secs(30))
}

async fn stage(function: Function) -> Stage {
    let lambda = LocalLambda::start().await.unwrap();
    lambda.add(function).await.unwrap();
    let (recorder, memory) = recorder("caller");
    Stage { lambda, recorder, memory }
}

impl Stage {
    fn invoke(&self, event: Value) -> InvokeFluentBuilder {
        self.lambda.client().invoke().function_name("echo").payload(Blob::new(event.to_string()))
    }

    /// With less time for a function that hangs.
    async fn hurries(&self, what: &str, function: Function) {
        let timeout = if what == "hang" { Duration::from_millis(300) } else { Duration::from_secs(30) };
        self.lambda.add(function.timeout(timeout)).await.unwrap()
    }

    /// A client with the interceptor.
    fn intercepted(&self) -> Client {
        let config = client_config(&self.lambda.endpoint()).retry_config(RetryConfig::disabled());
        Client::from_conf(config.interceptor(Propagate::new()).build())
    }

    /// Runs it under a span `order`.
    async fn order<F: Future>(&self, work: impl FnOnce() -> F) -> F::Output {
        let order = async { observe::span("order").run_value(async || within("the work", work()).await).await };
        self.recorder.scope(|| order).await
    }

    fn spans(&self) -> Vec<Seen> {
        self.recorder.flush_blocking(Duration::from_secs(60));
        spans(&self.memory.records())
    }

    /// The one call, under the span `order`.
    fn call(&self) -> Seen {
        let [order, call] = &self.spans()[..] else { panic!("two spans: {:#?}", self.spans()) };
        assert_eq!((order.name.as_str(), call.parent), ("order", order.id));
        assert_eq!((call.name.as_str(), call.primitive.as_str()), ("invoke echo", "function.invoke"));
        call.clone()
    }
}

fn json(payload: Option<&Blob>) -> Value {
    serde_json::from_slice(payload.unwrap().as_ref()).unwrap()
}

fn traceparent(call: &Seen) -> String {
    format!("00-{}-{}-01", call.trace.unwrap(), call.id.unwrap())
}

#[tokio::test]
async fn context_travels_in_the_client_context() {
    let stage = stage(echo()).await;
    let users = "eyJjdXN0b20iOnsidGVuYW50IjoiNyJ9fQ=="; // {"custom":{"tenant":"7"}}
    let output = stage.order(|| stage.invoke(json!({"x": 1})).client_context(users).observed().send()).await.unwrap();
    let call = stage.call();
    let got = json(output.payload());
    assert_eq!(got["payload"], json!({"x": 1}), "as it was sent");
    assert_eq!(got["custom"], json!({"tenant": "7", "traceparent": traceparent(&call)}));
    let xray = XRay::parse(got["xray"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!((xray.trace_id, xray.parent, xray.sampled), (call.trace.unwrap(), call.id, Some(true)));
    assert_eq!((call.status, call.handoff()), (Some(Status::Ok), ""));
    for (name, value) in [
        (semconv::FAAS_INVOKED_NAME, "echo"),
        (semconv::FAAS_INVOKED_PROVIDER, "aws"),
        (semconv::FAAS_INVOKED_REGION, "us-east-1"),
        (semconv::RPC_METHOD, "Invoke"),
        (semconv::HTTP_RESPONSE_STATUS_CODE, "200"),
        (semconv::AWS_REQUEST_ID, got["requestId"].as_str().unwrap()),
        (semconv::REQUEST_ATTEMPTS, ""),
    ] {
        assert_eq!(call.get(name), value, "{name}");
    }
}

#[tokio::test]
async fn payload_and_response_are_captured() {
    let stage = stage(echo()).await;
    let capture = CapturePolicy::from(CaptureMode::Inline { max: 4096 });
    let output = stage.order(|| stage.invoke(json!({"x": 1})).observed().in_payload().capture(&capture).send()).await;
    let answer = output.unwrap().payload.unwrap();
    let fails = || stage.invoke(json!({"do": "fail"})).observed().capture(&capture).send();
    let failed = stage.order(fails).await.unwrap().payload.unwrap();
    stage.spans();
    let records = stage.memory.records();
    let captured = records.iter().filter_map(|record| match &record.body {
        Body::Artifact(a) => Some((a.kind.as_ref(), a.preview.as_ref()?.as_bytes())),
        _ => None,
    });
    let expected: [(_, &[u8]); 4] = [
        ("input", br#"{"x":1}"#),
        ("output", answer.as_ref()),
        ("input", br#"{"do":"fail"}"#),
        ("output", failed.as_ref()), // what a function says of its error is an answer, too
    ];
    assert_eq!(captured.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_function_gets_the_context_in_its_payload() {
    let stage = stage(echo()).await;
    let output = stage.order(|| stage.invoke(json!({"x": 1})).observed().in_payload().send()).await.unwrap();
    let (call, got) = (stage.call(), json(output.payload()));
    assert_eq!(got["payload"], json!({"x": 1, "__spanbridge": {"traceparent": traceparent(&call)}}));
    assert_eq!(got["custom"], Value::Null);
}

#[tokio::test]
async fn an_event_carries_context_in_its_payload() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("calls");
    let stage = stage(echo()).await;
    let sent = stage.invoke(json!({ "count": file })).invocation_type(InvocationType::Event).observed();
    assert_eq!(stage.order(|| sent.send()).await.unwrap().status_code, 202);
    within("the call", stage.lambda.idle("echo")).await;
    let call = stage.call();
    assert_eq!((call.status, call.handoff()), (Some(Status::Ok), "confirmed"));
    assert_eq!(call.get(semconv::FUNCTION_INVOCATION_TYPE), "Event");
    let told = std::fs::read_to_string(&file).unwrap();
    assert!(told.contains(&format!(r#"{{"traceparent":"{}"}}"#, traceparent(&call))), "{told}");
    assert!(told.ends_with(" None\n"), "{told}");
}

#[tokio::test]
async fn an_event_without_room_is_sent_unchanged() {
    let stage = stage(echo()).await;
    let sent = stage.invoke(json!([1, 2])).invocation_type(InvocationType::Event).observed();
    assert_eq!(stage.order(|| sent.send()).await.unwrap().status_code, 202);
    let call = stage.call();
    assert_eq!(call.handoff(), "confirmed");
    let [(code, message)] = &call.diagnostics[..] else { panic!("{:?}", call.diagnostics) };
    assert_eq!((code.as_str(), message.contains("not a JSON object")), ("injection.not_possible", true));
    // A malformed client context is left as it is; the service refuses it.
    let refused = stage.order(|| stage.invoke(json!({})).client_context("e30").observed().send()).await.unwrap_err();
    assert_eq!(refused.into_service_error().code(), Some("InvalidRequestContentException"));
}

#[tokio::test]
async fn each_failure_of_a_function_is_the_calls() {
    let stage = stage(echo()).await;
    for (what, kind, message) in [
        (
            "fail",
            "&alloc::boxed::Box<dyn core::error::Error + core::marker::Send + core::marker::Sync>",
            "it went wrong",
        ),
        ("panic", "", "it went very wrong"),
        ("exit", "Runtime.ExitError", "exit status 3"),
        ("hang", "Sandbox.Timedout", "timed out after 0.30"),
    ] {
        stage.hurries(what, echo()).await;
        let unobserved = stage.invoke(json!({ "do": what })).send().await.unwrap();
        let output = stage.order(|| stage.invoke(json!({ "do": what })).observed().send()).await.unwrap();
        assert_eq!((output.status_code, output.function_error()), (200, Some("Unhandled")), "{what}");
        let without_id = |payload: Option<&Blob>| json(payload)["errorType"].clone();
        assert_eq!(without_id(output.payload()), without_id(unobserved.payload()), "the caller sees what it would see");
        let call = stage.spans().pop().unwrap();
        assert_eq!((call.name.as_str(), call.status), ("invoke echo", Some(Status::Error)), "{what}");
        assert!(call.error.contains(message), "{what}: {}", call.error);
        assert!(!call.get(semconv::ERROR_TYPE).is_empty());
        assert!(!call.error.contains("dyn "), "{}", call.error);
        if kind.starts_with(char::is_uppercase) {
            assert_eq!(call.get(semconv::ERROR_TYPE), kind);
        }
    }
}

#[tokio::test]
async fn refused_calls_are_rejected() {
    let stage = stage(echo().concurrency(0)).await;
    let client = Client::from_conf(client_config(&stage.lambda.endpoint()).build());
    let kind = InvocationType::Event;
    let sent = client.invoke().function_name("echo").invocation_type(kind.clone()).observed();
    let error = stage.order(|| sent.send()).await.unwrap_err().into_service_error();
    assert!(error.is_too_many_requests_exception());
    let call = stage.call();
    assert_eq!((call.status, call.handoff()), (Some(Status::Error), "rejected"));
    assert_eq!(call.get(semconv::ERROR_TYPE), "TooManyRequestsException");
    assert_eq!(call.get(semconv::HTTP_RESPONSE_STATUS_CODE), "429");
    assert_eq!(call.get(semconv::REQUEST_ATTEMPTS), "3", "the SDK's retries are inside the span");
    assert_eq!(call.error, "TooManyRequestsException: Rate Exceeded.");

    let missing = stage.lambda.client().invoke().function_name("nobody:live").observed();
    assert!(stage.order(|| missing.send()).await.unwrap_err().into_service_error().is_resource_not_found_exception());
    let call = stage.spans().pop().unwrap();
    assert_eq!((call.name.as_str(), call.handoff()), ("invoke nobody", ""));
    assert_eq!(call.get(semconv::ERROR_TYPE), "ResourceNotFoundException");

    // A request that the SDK refuses. Its error contains the whole request.
    let nowhere = Client::from_conf(client_config("nowhere").retry_config(RetryConfig::disabled()).build());
    let nowhere = nowhere.invoke().function_name("echo").payload(Blob::new(r#""secret""#));
    assert!(format!("{:?}", stage.order(|| nowhere.observed().send()).await.unwrap_err()).contains("secret"));
    assert_eq!(stage.spans().pop().unwrap().error, "endpoint must contain scheme");
    let nameless = stage.lambda.client().invoke().invocation_type(kind).observed();
    stage.order(|| nameless.send()).await.unwrap_err();
    let call = stage.spans().pop().unwrap();
    assert_eq!((call.status, call.handoff()), (Some(Status::Error), "rejected"));
}

#[tokio::test]
async fn without_an_answer_nobody_knows() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = |address: std::io::Result<std::net::SocketAddr>| {
        client_config(&format!("http://{}", address.unwrap())).retry_config(RetryConfig::disabled())
    };
    let timeouts =
        aws_sdk_lambda::config::timeout::TimeoutConfig::builder().operation_timeout(Duration::from_millis(100));
    let client = Client::from_conf(config(silent.local_addr()).timeout_config(timeouts.build()).build());
    let patient = Client::from_conf(config(listener.local_addr()).build());
    let stage = stage(echo()).await;
    let event =
        |client: &Client| client.invoke().function_name("echo").invocation_type(InvocationType::Event).observed();

    stage.order(|| event(&client).send()).await.unwrap_err();
    let call = stage.call();
    assert_eq!(
        (call.status, call.handoff(), call.get(semconv::ERROR_TYPE)),
        (Some(Status::Error), "unknown", "timeout")
    );

    // Dropped once the request is sent.
    for (sent, status, handoff) in [
        (event(&patient), Status::Ok, "unknown"),
        (patient.invoke().function_name("echo").observed(), Status::Cancelled, ""),
    ] {
        let arrives = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncReadExt::read_u8(&mut stream).await.unwrap();
            stream
        };
        let dropped = || async {
            tokio::select! {
                _ = sent.send() => panic!("there is no answer"),
                stream = arrives => drop(stream),
            }
        };
        stage.order(dropped).await;
        let call = stage.spans().pop().unwrap();
        assert_eq!((call.status, call.handoff()), (Some(status), handoff));
    }

    drop(listener);
    stage.order(|| event(&patient).send()).await.unwrap_err();
    let call = stage.spans().pop().unwrap();
    assert_eq!((call.status, call.handoff(), call.get(semconv::ERROR_TYPE)), (Some(Status::Error), "unknown", "io"));
}

#[tokio::test]
async fn a_stream_ends_the_span_where_it_ends() {
    let streams = || echo().variable("FUNCTION", "stream");
    let stage = stage(streams()).await;
    for client in [stage.lambda.client(), stage.intercepted()] {
        let send = |what: &str| {
            let payload = Blob::new(json!({ "do": what }).to_string());
            client.invoke_with_response_stream().function_name("echo").payload(payload).observed().send()
        };
        let last = || stage.spans().into_iter().rfind(|span| span.name == "invoke echo").unwrap();
        for (what, error) in [("answer", None), ("fail", Some("it went wrong")), ("hang", Some("timed out after 0.30"))]
        {
            stage.hurries(what, streams()).await;
            let mut stream = stage.order(|| send(what)).await.unwrap().event_stream;
            assert_eq!(last().status, None, "{what}: it goes on after `send`");
            while within("an event", stream.recv()).await.unwrap().is_some() {}
            let call = last();
            assert_eq!(call.status, Some(if error.is_some() { Status::Error } else { Status::Ok }), "{what}");
            assert!(call.error.contains(error.unwrap_or_default()), "{what}: {}", call.error);
            assert_eq!(call.get(semconv::RPC_METHOD), "InvokeWithResponseStream");
            assert_eq!(call.get(semconv::HTTP_RESPONSE_STATUS_CODE), "200");
        }
        stage.hurries("", streams()).await;
        let mut stream = stage.order(|| send("hang")).await.unwrap().event_stream;
        within("a chunk", stream.recv()).await.unwrap().unwrap();
        drop(stream);
        assert_eq!(last().status, Some(Status::Cancelled));
        let dry = client.invoke_with_response_stream().function_name("echo");
        let dry = dry.invocation_type(ResponseStreamingInvocationType::DryRun).observed();
        stage.order(|| dry.send()).await.unwrap();
        assert_eq!(last().status, Some(Status::Ok), "it has no stream");
        let missing = client.invoke_with_response_stream().function_name("nobody").observed();
        stage.order(|| missing.send()).await.unwrap_err();
        assert_eq!(stage.spans().pop().unwrap().get(semconv::ERROR_TYPE), "ResourceNotFoundException");
    }
}

#[tokio::test]
async fn one_interceptor_covers_every_call() {
    let stage = stage(echo()).await;
    let client = stage.intercepted();
    let invoke = || client.invoke().function_name("echo");
    let output = stage.order(|| invoke().send()).await.unwrap();
    let call = stage.call();
    assert_eq!(json(output.payload())["custom"], json!({ "traceparent": traceparent(&call) }));
    assert_eq!((call.status, call.get(semconv::FAAS_INVOKED_REGION)), (Some(Status::Ok), "us-east-1"));

    // If the call is observed, too, there is still one span.
    let before = stage.spans().len();
    let output = stage.order(|| invoke().payload(Blob::new("{}")).observed().in_payload().send()).await.unwrap();
    let call = stage.spans().pop().unwrap();
    assert_eq!(stage.spans().len(), before + 2);
    let got = json(output.payload());
    assert_eq!(got["payload"], json!({"__spanbridge": {"traceparent": traceparent(&call)}}));
    assert_eq!(got["custom"], Value::Null);

    // The client's options also apply to observed calls.
    let config = client_config(&stage.lambda.endpoint()).interceptor(Propagate::new().in_payload());
    let set = Client::from_conf(config.build());
    let output = stage.order(|| set.invoke().function_name("echo").observed().send()).await.unwrap();
    let call = stage.spans().pop().unwrap();
    assert_eq!(json(output.payload())["payload"]["__spanbridge"]["traceparent"], traceparent(&call));

    let fails = Blob::new(r#"{"do": "fail"}"#);
    stage.order(|| invoke().payload(fails).send()).await.unwrap();
    assert_eq!(stage.spans().pop().unwrap().status, Some(Status::Error));
    let event = invoke().invocation_type(InvocationType::Event);
    stage.order(|| event.send()).await.unwrap();
    assert_eq!(stage.spans().pop().unwrap().handoff(), "confirmed");
    stage.order(|| client.invoke().function_name("nobody").send()).await.unwrap_err();
    assert_eq!(stage.spans().pop().unwrap().get(semconv::ERROR_TYPE), "ResourceNotFoundException");
    // Other operations are not touched.
    let before = stage.spans().len();
    stage.order(|| client.get_function().function_name("echo").send()).await.unwrap_err();
    assert_eq!(stage.spans().len(), before + 1);
}

#[tokio::test]
async fn a_context_of_another_trace_is_kept() {
    let stage = stage(echo()).await;
    let theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let context = aws_smithy_types::base64::encode(json!({"custom": {"traceparent": theirs}}).to_string());
    let xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:1";
    let add = move |request: &mut aws_sdk_lambda::config::http::HttpRequest| {
        request.headers_mut().insert("x-amzn-trace-id", xray);
    };
    let client = stage.intercepted();
    let sent = client.invoke().function_name("echo").client_context(context).customize().mutate_request(add).send();
    let output = stage.order(|| sent).await.unwrap();
    let (call, got) = (stage.call(), json(output.payload()));
    assert_eq!((&got["custom"]["traceparent"], &got["xray"]), (&json!(theirs), &json!(xray)), "neither is overwritten");
    assert_eq!(call.links.len(), 1);
    assert_eq!(call.links[0].0.to_string(), theirs[3..35]);
}

#[tokio::test]
async fn without_a_recorder_contexts_still_travel() {
    let lambda = LocalLambda::start().await.unwrap();
    lambda.add(echo()).await.unwrap();
    let send = || lambda.client().invoke().function_name("echo").observed().send();
    let got = json(within("a call", send()).await.unwrap().payload());
    assert_eq!(got["custom"], Value::Null);
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let context: Context = serde_json::from_value(json!({ "traceparent": header, "baggage": "tier=gold" })).unwrap();
    let got = json(within("a call", observe::with_context(context, async || send().await)).await.unwrap().payload());
    assert_eq!(got["custom"], json!({ "traceparent": header, "baggage": "tier=gold" }));
}

#[tokio::test]
async fn a_large_context_leaves_out_what_has_no_room() {
    let stage = stage(echo()).await;
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let baggage = format!("k={}", "v".repeat(3000));
    let carried = json!({ "traceparent": header, "tracestate": "a=1", "baggage": baggage });
    let context: Context = stage.recorder.in_scope(|| serde_json::from_value(carried).unwrap());
    let send = async || stage.invoke(json!({})).observed().send().await;
    let got = json(within("a call", observe::with_context(context, send)).await.unwrap().payload());
    let call = stage.spans().pop().unwrap();
    let kept = json!({ "traceparent": traceparent(&call).replace("-03", "-01"), "tracestate": "a=1" });
    assert_eq!(got["custom"], kept);
    let told = ("injection.dropped".to_owned(), "no room for the baggage (3002 bytes)".to_owned());
    assert_eq!(call.diagnostics, [told]);
}
