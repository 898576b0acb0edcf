//! Secrets that go through real adapters: HTTP on both sides, and Kafka on both sides. Nothing of them is exported without
//! `record_content`, in no form and in no metric.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Router, serve};
use flate2::read::GzDecoder;
use metrics_util::debugging::DebuggingRecorder;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use spanbridge::agent::{self, Content};
use spanbridge::messaging::{CaptureMode, CapturePolicy};
use spanbridge::{Recorder, Value, observe};
use spanbridge_http::{ClientMiddleware, ReceiveOptions, ServerLayer};
use spanbridge_kafka::{ConsumerExt, ProducerExt, ReceiveOptions as Consume};
use spanbridge_otel::metrics::MetricsSink;
use spanbridge_otel::{Exporter, Telemetry, WithTelemetry};
use spanbridge_tests::{Kafka, in_process_kafka, within};
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

const SOON: Duration = Duration::from_secs(10);
const INLINE: CaptureMode = CaptureMode::Inline { max: 4096 };

/// Payloads and headers.
fn all() -> CapturePolicy {
    CapturePolicy::from(INLINE).headers(INLINE)
}

async fn listen(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { serve(listener, app).await.unwrap() });
    address.to_string()
}

/// A receiver of OTLP that keeps every byte: what it was sent, and that without compression.
async fn receiver() -> (String, Arc<Mutex<Vec<u8>>>) {
    let all = Arc::new(Mutex::new(vec![]));
    let keeps = all.clone();
    let take = async move |headers: HeaderMap, body: Bytes| {
        let mut plain = format!("{headers:?}").into_bytes();
        match headers.get("content-encoding") {
            Some(_) => drop(GzDecoder::new(&body[..]).read_to_end(&mut plain).unwrap()),
            None => plain.extend(&body),
        }
        keeps.lock().unwrap().extend(plain)
    };
    let address = listen(Router::new().route("/v1/traces", post(take))).await;
    (format!("http://{address}/v1/traces"), all)
}

/// A service, asked by a client: secrets in the user of the URL, in queries, in fragments, in signatures, in headers and bodies,
/// in what reqwest says of a URL that cannot be reached, in what a handler panics with, and in events.
async fn http() {
    let app = Router::new()
        .route("/NAME-path", get(async || "SECRET-body"))
        .route(
            "/panics",
            get(async || {
                if true {
                    panic!("SECRET-panic")
                }
            }),
        )
        .layer(ServerLayer::new().with(ReceiveOptions::new().capture(all())));
    let address = listen(app).await;
    let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new());
    let client = client.with(ClientMiddleware::new().capture(all())).build();
    let get = |url: String| client.get(url).header("x-own", "SECRET-header").body("SECRET-sent").send();
    let query = "NAME-key=SECRET-value&X-Amz-Signature=SECRET-signature&SECRET-bare";
    let url = format!("http://SECRET-user:SECRET-password@{address}/NAME-path?{query}#SECRET-fragment");
    let answer = within("an answer", get(url)).await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "SECRET-body");
    within("a panic", get(format!("http://{address}/panics?a=SECRET-query"))).await.unwrap_err();
    let error =
        within("an error", get("http://SECRET-user@127.0.0.1:1/?token=SECRET-token".to_owned())).await.unwrap_err();
    assert!(format!("{error:?}").contains("SECRET-token"), "{error:?}");
    let failing = observe::span("NAME-failing").run(async || Err::<(), _>(error)).await;
    failing.unwrap_err();
}

/// A message with a secret key, headers and a payload, and work on it that fails with a secret.
async fn kafka(kafka: &Kafka) {
    let all = all();
    let header = Header { key: "own", value: Some("SECRET-kafka-header") };
    let record = FutureRecord::to(&kafka.topic).key("SECRET-key").payload("SECRET-payload");
    let record = record.headers(OwnedHeaders::new().insert(header));
    kafka.future_producer().observed().capture(&all).send(record, SOON).await.map_err(|(e, _)| e).unwrap();
    let consumer = kafka.consumer("NAME-group").observed().with(Consume::new().capture(all));
    let job = within("a message", consumer.recv()).await.unwrap();
    job.run(async || Err::<(), _>("SECRET-kafka-error")).await.unwrap_err();
}

fn own() {
    agent::tool("NAME-tool").in_scope(|| {
        agent::content(Content::ToolArguments, || "\"SECRET-arguments\"");
        agent::content(Content::ToolResult, || "\"SECRET-result\"");
        observe::active_span().unwrap().event("NAME-event", &[("field", Value::Str("SECRET-field"))]);
    });
    let file =
        observe::span("NAME-file").attribute("aws.s3.key", "SECRET-file").attribute("code.file.path", "SECRET-path");
    file.in_scope(|| ());
}

/// All that leaves: as protobuf and as JSON, and the metrics.
async fn exported(record_content: bool) -> [String; 3] {
    let ((protobuf, protobuf_bytes), (json, json_bytes)) = (receiver().await, receiver().await);
    let telemetry = Telemetry::new("NAME-service")
        .record_content(record_content)
        .exporter(Exporter::url(protobuf))
        .exporter(Exporter::url(json).json().gzip(false));
    let metrics = DebuggingRecorder::new();
    let snapshotter = metrics.snapshotter();
    let recorder = Recorder::builder("shop").sink(MetricsSink::to(metrics)).content(INLINE);
    let recorder = recorder.with_telemetry(telemetry).unwrap().install().unwrap();
    let broker = in_process_kafka("content", 1).await;
    http().await;
    kafka(&broker).await;
    own();
    let report = tokio::task::spawn_blocking(move || recorder.shutdown(SOON)).await.unwrap();
    assert!(report.complete, "{report:?}");
    let text = |bytes: Arc<Mutex<Vec<u8>>>| String::from_utf8_lossy(&bytes.lock().unwrap()).into_owned();
    let measured = format!("{:?}", snapshotter.snapshot().into_vec());
    [text(protobuf_bytes), text(json_bytes), measured]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_an_adapter_is_exported() {
    let without = exported(false).await;
    for text in &without {
        let secrets = text.match_indices("SECRET").map(|(at, _)| text[at..].chars().take(30).collect::<String>());
        assert_eq!(secrets.collect::<Vec<_>>(), [""; 0]);
    }
    let [protobuf, json, measured] = without;
    // It is not that nothing leaves.
    let names = [
        "NAME-service",
        "NAME-path?NAME-key=REDACTED",
        "NAME-group",
        "NAME-tool",
        "NAME-event",
        "NAME-failing",
        "panic",
    ];
    for name in names {
        assert!(protobuf.contains(name) && json.contains(name), "{name}");
    }
    assert!(measured.contains("messaging.client.sent.messages") && measured.contains("NAME-group"), "{measured}");
    // And each secret was where it could be found.
    let [protobuf, json, measured] = exported(true).await;
    let secrets = [
        "value",
        "bare",
        "query",
        "header",
        "sent",
        "panic",
        "key",
        "payload",
        "kafka-header",
        "kafka-error",
        "arguments",
        "result",
        "field",
        "file",
        "path",
        "token",
    ];
    let is_missing =
        |secret: &&str| !protobuf.contains(&format!("SECRET-{secret}")) || !json.contains(&format!("SECRET-{secret}"));
    let missing: Vec<_> = secrets.into_iter().filter(is_missing).collect();
    assert_eq!(missing, [""; 0]);
    // These are never recorded.
    for secret in ["SECRET-signature", "SECRET-password", "SECRET-fragment"] {
        assert!(!protobuf.contains(secret) && !json.contains(secret), "{secret}");
    }
    assert!(!measured.contains("SECRET"), "{measured}");
}
