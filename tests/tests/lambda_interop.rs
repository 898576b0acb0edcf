//! With services in Python and JavaScript that use the AWS SDKs and OpenTelemetry's instrumentation: their functions
//! continue our calls, and ours continue theirs; and with moto's SQS and SNS. Run by `cargo xtask interop`.

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use spanbridge::{RunId, Status, observe};
use spanbridge_examples::local_lambda::{Function, LocalLambda};
use spanbridge_lambda::{CallExt, Propagate, extract_message};
use spanbridge_tests::{Program, Seen, example, graph, recorder, spans, text_of, until, within};
use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop")
}

/// The value of a variable, or a note that the test is skipped.
fn given(variable: &str) -> Option<OsString> {
    let given = std::env::var_os(variable).filter(|given| !given.is_empty());
    if given.is_none() {
        xtask::skip(&format!("{variable} is not set; `cargo xtask interop` sets it where it can"));
    }
    given
}

#[tokio::test]
async fn interop_python_continues_our_calls() {
    let Some(python) = given("SPANBRIDGE_INTEROP_PYTHON") else { return };
    let lambda = LocalLambda::start().await.unwrap();
    let function = Function::new("peer", python)
        .argument("-m")
        .argument("awslambdaric")
        .argument("lambda_handler.handler")
        .variable("_HANDLER", "lambda_handler.handler")
        .variable("LAMBDA_TASK_ROOT", programs())
        .variable("PYTHONPATH", programs())
        .timeout(Duration::from_secs(25))
        .init_timeout(Duration::from_secs(25));
    lambda.add(function).await.unwrap();
    let (caller, memory) = recorder("caller");
    for in_payload in [false, true] {
        let call = lambda.client().invoke().function_name("peer").payload(Blob::new(r#"{"order":42}"#)).observed();
        let call = if in_payload { call.in_payload() } else { call };
        let order = async { observe::span("order").run(|| call.send()).await };
        let output = within("the call", caller.scope(|| order)).await.unwrap();
        let got: Value = serde_json::from_slice(output.payload().unwrap().as_ref()).unwrap();
        assert_eq!(output.function_error(), None, "{got}");
        caller.flush_blocking(Duration::from_secs(60));
        let call = spans(&memory.records()).pop().unwrap();
        assert_eq!((call.name.as_str(), call.status), ("invoke peer", Some(Status::Ok)));
        assert_eq!(got["parentSpanId"], call.id.unwrap().to_string(), "under the very span that called");
        assert_eq!((&got["traceId"], &got["sampled"]), (&json!(call.trace.unwrap().to_string()), &json!(true)));
        assert_eq!(got["event"]["order"], 42);
        assert_eq!(got["custom"].is_null(), in_payload, "Python's runtime reads our client context");
    }
}

#[tokio::test]
async fn interop_what_python_calls_is_continued() {
    let Some(python) = given("SPANBRIDGE_INTEROP_PYTHON") else { return };
    is_continued(Command::new(python).arg(programs().join("lambda_caller.py"))).await
}

#[tokio::test]
async fn interop_what_javascript_calls_is_continued() {
    let Some(packages) = given("SPANBRIDGE_INTEROP_JAVASCRIPT") else { return };
    let mut node = Command::new("node");
    node.env("SPANBRIDGE_INTEROP_JAVASCRIPT", packages).arg(programs().join("javascript/lambda_caller.cjs"));
    is_continued(&mut node).await
}

/// Lets a caller call our function, whose spans must be under the caller's.
async fn is_continued(caller: &mut Command) {
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("spans.db");
    let lambda = LocalLambda::start().await.unwrap();
    let function = Function::new("score", example("lambda_function")).variable("SPANBRIDGE_DB", &db);
    lambda.add(function.timeout(Duration::from_secs(25))).await.unwrap();
    caller.args([lambda.endpoint().as_str(), "score", r#"{"order":42}"#]);
    let program = Program::start(caller);
    let report: Value = serde_json::from_str(&program.output().await).unwrap();
    assert_eq!(report["answer"], json!({"order": 42, "score": 42}));
    let trace = text_of(&report, "traceId");
    let run: RunId = trace.parse().unwrap();
    let graph = until("the spans", || {
        let graph = graph(&db, run)?;
        (graph.spans.len() == 3 && graph.spans.iter().all(|span| span.ended_at.is_some())).then_some(graph)
    });
    let graph = graph.await;
    let handled = &graph.spans[0];
    assert_eq!((handled.name.as_str(), handled.depth), ("score", 0));
    assert_eq!(handled.parent_span_id.unwrap().to_string(), text_of(&report, "spanId"));
    assert_eq!(handled.trace_id.to_string(), trace);
}

/// moto's server, and clients for it.
struct Moto {
    _server: Program,
    _port: xtask::Port,
    sqs: aws_sdk_sqs::Client,
    sns: aws_sdk_sns::Client,
}

impl Moto {
    async fn start() -> Option<Self> {
        let python = given("SPANBRIDGE_INTEROP_PYTHON")?;
        let reserved = xtask::Port::reserve().unwrap();
        let free = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, reserved.number()));
        let port = reserved.number().to_string();
        let mut command = Command::new(python);
        command.args(["-m", "moto.server", "--host", "127.0.0.1", "--port", &port]);
        let server = Program::start(command.stderr(Stdio::null()));
        until("moto", || std::net::TcpStream::connect(free).ok()).await;
        let endpoint = format!("http://{free}");
        let http = aws_smithy_http_client::Builder::new().build_http();
        let sqs = {
            use aws_sdk_sqs::config::{BehaviorVersion, Builder, Credentials, Region};
            let config = Builder::new().behavior_version(BehaviorVersion::latest()).endpoint_url(&endpoint);
            let config = config.region(Region::new("us-east-1")).http_client(http.clone());
            config.credentials_provider(Credentials::new("a", "b", None, None, "moto")).build()
        };
        let sns = {
            use aws_sdk_sns::config::{BehaviorVersion, Builder, Credentials, Region};
            let config = Builder::new().behavior_version(BehaviorVersion::latest()).endpoint_url(&endpoint);
            let config = config.region(Region::new("us-east-1")).http_client(http).interceptor(Propagate::new());
            config.credentials_provider(Credentials::new("a", "b", None, None, "moto")).build()
        };
        let (sqs, sns) = (aws_sdk_sqs::Client::from_conf(sqs), aws_sdk_sns::Client::from_conf(sns));
        Some(Moto { _server: server, _port: reserved, sqs, sns })
    }

    async fn queue(&self) -> String {
        let queue = self.sqs.create_queue().queue_name("orders").send();
        within("a queue", queue).await.unwrap().queue_url.unwrap()
    }

    /// Receives this many messages, by their bodies.
    async fn receive(&self, queue: &str, count: usize) -> HashMap<String, Message> {
        let mut received = HashMap::new();
        while received.len() < count {
            use aws_sdk_sqs::types::MessageSystemAttributeName::All;
            let receive = self.sqs.receive_message().queue_url(queue).max_number_of_messages(10).wait_time_seconds(5);
            let receive = receive.message_attribute_names("All").message_system_attribute_names(All);
            let messages = within("messages", receive.send()).await.unwrap().messages.unwrap_or_default();
            received.extend(messages.into_iter().map(|message| (message.body.clone().unwrap_or_default(), message)));
        }
        received
    }
}

#[tokio::test]
async fn interop_sqs_and_sns_messages_carry_context() {
    let Some(moto) = Moto::start().await else { return };
    let queue = moto.queue().await;
    let topic = moto.sns.create_topic().name("orders").send().await.unwrap().topic_arn.unwrap();
    let subscribe = moto.sns.subscribe().topic_arn(&topic).protocol("sqs");
    let subscribe =
        subscribe.endpoint("arn:aws:sqs:us-east-1:123456789012:orders").attributes("RawMessageDelivery", "true");
    subscribe.send().await.unwrap();

    let (caller, memory) = recorder("caller");
    let entry = |id: &str| aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder().id(id).message_body(id).build();
    let entries = ["a", "b"].map(|id| entry(id).unwrap()).to_vec();
    let published = ["c", "d"]
        .map(|id| aws_sdk_sns::types::PublishBatchRequestEntry::builder().id(id).message(id).build().unwrap());
    let send = async {
        moto.sqs.send_message().queue_url(&queue).message_body("one").observed().send().await.unwrap();
        let batch = moto.sqs.send_message_batch().queue_url(&queue).set_entries(Some(entries));
        assert_eq!(batch.observed().send().await.unwrap().successful().len(), 2);
        moto.sns.publish().topic_arn(&topic).message("told").send().await.unwrap();
        let batch =
            moto.sns.publish_batch().topic_arn(&topic).set_publish_batch_request_entries(Some(published.to_vec()));
        assert_eq!(batch.send().await.unwrap().successful().len(), 2);
    };
    let order = async { observe::span("order").run_value(|| send).await };
    within("the sending", caller.scope(|| order)).await;
    caller.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let named = |name: &str| spans.iter().filter(|span| span.name == name).cloned().collect::<Vec<Seen>>();
    let [one, a, b] = &named("send orders")[..] else { panic!("{spans:#?}") };
    let [told, c, d] = &named("publish orders")[..] else { panic!("{spans:#?}") };

    let received = moto.receive(&queue, 6).await;
    for (body, span) in [("one", one), ("a", a), ("b", b), ("told", told), ("c", c), ("d", d)] {
        assert_eq!((span.status, span.handoff()), (Some(Status::Ok), "confirmed"), "{body}");
        let message = &received[body];
        let found = extract_message(message);
        assert_eq!((found.context.span_id(), found.context.trace_id()), (span.id, span.trace), "{body}");
        assert!(found.problems.is_empty());
        // moto keeps it for single messages only.
        if body == "one" {
            let without = Message::builder().set_attributes(message.attributes.clone()).build();
            let xray = extract_message(&without).context;
            assert_eq!((xray.span_id(), xray.trace_id()), (span.id, span.trace), "X-Ray's header says the same");
        }
    }
    let [batch] = &named("send_batch orders")[..] else { panic!("{spans:#?}") };
    assert_eq!((a.parent, b.parent), (batch.id, batch.id));

    // Entries that the service refuses.
    let missing = format!("{queue}-missing");
    let send = async { moto.sqs.send_message().queue_url(missing).message_body("x").observed().send().await };
    within("the sending", caller.scope(|| send)).await.unwrap_err();
    caller.flush_blocking(Duration::from_secs(60));
    let refused = spanbridge_tests::spans(&memory.records()).pop().unwrap();
    assert_eq!((refused.status, refused.handoff()), (Some(Status::Error), "rejected"), "{refused:#?}");
    assert!(
        refused.get("error.type").ends_with("NonExistentQueue")
            || refused.get("error.type").ends_with("QueueDoesNotExist")
    );
}
