//! OpenTelemetry's own exporters in Python, JavaScript and Java export into `spanbridge serve` as they are. All of their spans are in the
//! store, with the attributes that they had. Run by `cargo xtask interop`, which brings what it needs.

use serde_json::{Map, Value as Json, json};
use spanbridge_graph::{Span, SpanStatus};
use spanbridge_query::{RunFilter, Store};
use spanbridge_tests::{OtlpReceiver, Program, command_line, peer_commands, until};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// `spanbridge serve` on a free port. It ends with the test.
struct Serving {
    child: Child,
    url: String,
    store: PathBuf,
    directory: tempfile::TempDir,
}

impl Serving {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path().join("store");
        let mut command = Command::new(command_line());
        command.arg("--db").arg(&store).args(["--format", "json", "serve", "--listen", "127.0.0.1:0"]);
        command.env("SPANBRIDGE_TOKEN", "secret").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Json = serde_json::from_str(&line).unwrap();
        Self { child, url: ready["url"].as_str().unwrap().to_owned(), store, directory }
    }

    /// Tells an exporter where to send to, and how.
    fn told<'c>(&self, command: &'c mut Command, protocol: &str, compression: &str) -> &'c mut Command {
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &self.url).env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        command.env("OTEL_EXPORTER_OTLP_COMPRESSION", compression);
        command.env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret").env("OTEL_SERVICE_NAME", "stock")
    }

    /// All spans that are stored.
    fn spans(&self) -> Vec<Span> {
        let store = Store::open(&self.store).unwrap();
        let runs = store.runs(&RunFilter::default(), usize::MAX).unwrap();
        runs.iter().flat_map(|row| store.graph(row.run_id).unwrap().unwrap().spans).collect()
    }

    /// Starts a sender. What it says it has exported is what is stored, span by span.
    async fn check(&self, sender: &mut Command) {
        let file = self.directory.path().join("spans");
        Program::start(sender.env("SPANS_FILE", &file)).output().await;
        let lines = std::fs::read_to_string(file).unwrap();
        let mut sent: Vec<Json> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut stored: Vec<Json> = self.spans().iter().map(shown).collect();
        let key = |span: &Json| span["spanId"].as_str().unwrap().to_owned();
        stored.sort_by_key(key);
        sent.sort_by_key(key);
        assert_eq!(sent.len(), 1004);
        for (stored, sent) in stored.iter().zip(&sent) {
            assert_eq!(stored, sent);
        }
        assert_eq!(stored.len(), sent.len());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A stored span as the senders print theirs. What it has as events of its own and as its error, they have as attributes.
fn shown(span: &Span) -> Json {
    let attributes: Map<String, Json> = span
        .attributes
        .iter()
        .filter(|(key, _)| key != "error.type")
        .map(|(key, of)| (key.to_owned(), of.clone()))
        .collect();
    json!({
        "traceId": span.trace_id.to_string(),
        "spanId": span.span_id.to_string(),
        "parentSpanId": span.parent_span_id.map(|id| id.to_string()),
        "name": span.name,
        "kind": format!("{:?}", span.kind).to_lowercase(),
        "failed": span.status == SpanStatus::Error,
        "attributes": attributes,
        "events": span.events.iter().map(|event| &event.name).collect::<Vec<_>>(),
        "links": span.links.len(),
    })
}

#[tokio::test]
async fn interop_python_exports_protobuf() {
    let Some(mut sender) = peer_commands::python("otlp_sender.py") else { return };
    let serving = Serving::start();
    serving.check(serving.told(&mut sender, "http/protobuf", "gzip")).await;
}

#[tokio::test]
async fn interop_python_exports_json() {
    let Some(mut sender) = peer_commands::python_json("otlp_sender.py") else { return };
    let serving = Serving::start();
    serving.check(serving.told(&mut sender, "http/json", "none")).await;
}

#[tokio::test]
async fn interop_javascript_exports_json() {
    for compression in ["none", "gzip"] {
        let Some(mut sender) = peer_commands::javascript("otlp_sender.cjs") else { return };
        let serving = Serving::start();
        serving.check(serving.told(&mut sender, "http/json", compression)).await;
    }
}

/// The agent records a service that knows nothing of telemetry: its answer and its call.
#[tokio::test]
async fn interop_java_exports_protobuf() {
    for compression in ["none", "gzip"] {
        let Some(mut service) = peer_commands::java("HttpPeer") else { return };
        let (serving, elsewhere) = (Serving::start(), OtlpReceiver::start().await);
        let address = serving.directory.path().join("address");
        service.env("ADDRESS_FILE", &address).env("ORDERS", elsewhere.endpoint().trim_start_matches("http://"));
        let service = Program::start(serving.told(&mut service, "http/protobuf", compression));
        let address = until("the service", || std::fs::read_to_string(&address).ok()).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(format!("http://{address}/orders/7")).body("tea").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 404);
        service.output().await;
        let spans = serving.spans();
        let of = |span: &Span| {
            let attribute = |key: &str| span.attributes.iter().find(|(k, _)| *k == key).map(|(_, of)| of.clone());
            let keys = ["http.request.method", "http.response.status_code"];
            (span.name.to_string(), format!("{:?}", span.kind), keys.map(attribute))
        };
        let with = |name: &str, kind: &str| (name.to_owned(), kind.to_owned(), [Some(json!("POST")), Some(json!(404))]);
        let found: Vec<_> = spans.iter().map(of).collect();
        assert_eq!(found, [with("POST /orders/", "Server"), with("POST", "Client")]);
        assert!(spans.iter().all(|span| span.service == "stock" && span.trace_id == spans[0].trace_id), "{spans:?}");
        assert_eq!(spans[1].parent_span_id, Some(spans[0].span_id));
    }
}
