//! What our exporter sends comes out of a collector that is not ours as it stands in the store: rotel takes it, as protobuf and as
//! JSON, compressed and not, and sends on what it has understood. Run by `cargo xtask interop`, which brings rotel.

use axum::Router;
use axum::extract::{Path as Part, State};
use axum::http::StatusCode;
use axum::routing::post;
use lapin::BasicProperties;
use lapin::options::{BasicAckOptions, BasicPublishOptions};
use reqwest_middleware::ClientWithMiddleware;
use serde_json::{Value as Json, json};
use spanbridge::observe::NewArtifact;
use spanbridge::{ContextExt, Kind, Primitive, Recorder, Value, observe};
use spanbridge_amqp::{Batch, ChannelExt, ConsumerExt};
use spanbridge_graph::{Graph, Span, SpanStatus};
use spanbridge_http::{ClientExt, ServerLayer};
use spanbridge_otel::otlp::model::{self, AnyValue, KeyValue, StatusCode as Code};
use spanbridge_otel::{Exporter, Telemetry, WithTelemetry};
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;
use spanbridge_tests::{Amqp, OtlpReceiver, Program, amqp, command_line, peer_commands, until, within};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// A collector, and the receiver to which it sends what it gets.
struct Collector {
    url: String,
    receiver: OtlpReceiver,
    _program: Program,
    _port: xtask::Port,
}

impl Collector {
    async fn start(directory: &Path, name: &str) -> Option<Self> {
        let mut rotel = peer_commands::rotel()?;
        let receiver = OtlpReceiver::start().await;
        let reserved = xtask::Port::reserve().unwrap();
        let port = reserved.number();
        rotel.args(["start", "--exporter", "otlp", "--otlp-exporter-protocol", "http", "--batch-timeout", "50ms"]);
        rotel.args(["--otlp-grpc-endpoint", "127.0.0.1:0", "--otlp-http-endpoint", &format!("127.0.0.1:{port}")]);
        rotel.args(["--otlp-exporter-endpoint", &receiver.endpoint()]);
        rotel.arg("--pid-file").arg(directory.join(format!("{name}.pid"))).stderr(Stdio::inherit());
        let program = Program::start(&mut rotel);
        // It is not listening yet: the exporter tries again until it is.
        Some(Collector {
            url: format!("http://127.0.0.1:{port}/v1/traces"),
            receiver,
            _program: program,
            _port: reserved,
        })
    }
}

// The story.

struct Shop {
    amqp: Amqp,
    client: ClientWithMiddleware,
}

/// Two steps over HTTP, and messages: one worked on alone, two as a batch with links; and what HTTP and messages do not bring.
async fn story(amqp: Amqp) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap().observed();
    let shop = Arc::new(Shop { amqp, client });
    let app = Router::new().route("/orders/{id}", post(order)).route("/stock/{id}", post(stock));
    let app = app.layer(ServerLayer::new()).with_state(shop.clone());
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, app).await });
    let visit = observe::run("visit").attribute("plan", "gold & silver").open();
    for (path, status) in [("orders/7?key=tea%20time", 200), ("stock/0", 404), ("nothing", 404)] {
        let call = shop.client.post(format!("http://{address}/{path}")).body(address.to_string());
        let answer = within("an answer", call.send().in_context(visit.context().clone())).await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        answer.bytes().await.unwrap();
    }
    observe::in_scope(visit.context(), everything_else);
    visit.end();
}

async fn order(State(shop): State<Arc<Shop>>, Part(id): Part<u32>, address: String) -> StatusCode {
    let address: SocketAddr = address.parse().unwrap();
    let stock = shop.client.post(format!("http://{address}/stock/{id}")).send().await.unwrap();
    stock.bytes().await.unwrap();
    for number in 0..3 {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let (channel, queue) = (shop.amqp.channel.observed(), shop.amqp.queue.clone());
        let sent = channel.basic_publish("".into(), queue, options, &[number], properties).await.unwrap();
        assert!(sent.await.unwrap().is_ack());
    }
    let mut jobs = shop.amqp.consume().await.observed();
    let first = within("a message", jobs.next()).await.unwrap().unwrap();
    first.run(async || observe::span("pack").in_scope(|| ())).await;
    assert!(first.ack(BasicAckOptions::default()).await.unwrap());
    let mut rest = vec![];
    while rest.len() < 2 {
        rest.extend(within("a batch", jobs.batch(2 - rest.len())).await.unwrap().unwrap());
    }
    let rest = Batch::new(rest);
    rest.run(async || Err::<(), _>("two parcels, one label")).await.unwrap_err();
    for job in rest.iter() {
        assert!(job.ack(BasicAckOptions::default()).await.unwrap());
    }
    StatusCode::OK
}

async fn stock(Part(id): Part<u32>) -> StatusCode {
    if id == 0 { StatusCode::NOT_FOUND } else { StatusCode::OK }
}

/// Spans of every kind and every end, values of every type, and all that hangs on a span.
fn everything_else() {
    let query = observe::span("query").kind(Kind::Client).primitive(Primitive::DB_QUERY).open();
    let values: [(&'static str, Value<'_>); 10] = [
        ("text", Value::Str("é, \u{1f375} and \"quotes\"\n")),
        ("empty", Value::Str("")),
        ("yes", Value::Bool(true)),
        ("least", Value::I64(i64::MIN)),
        ("most", Value::I64(i64::MAX)),
        ("half", Value::F64(-0.5)),
        ("small", Value::F64(1e-300)),
        // A null in a list is `{}` in OTLP's JSON, which rotel does not read.
        ("list", Value::Json("[1,\"a\",[2.5],{\"b\":[]}]")),
        ("map", Value::Json("{\"c\":{},\"d\":null}")),
        ("null", Value::Json("null")),
    ];
    for (key, value) in values {
        query.attribute(key, value);
    }
    query.event("slow", &[("ms", Value::I64(12)), ("of", Value::Str("disk"))]);
    query.event("done", &[]);
    observe::span("stopped").open().cancel();
    observe::span("broken").open().panicked("out of paper");
    let sender = observe::span("send").kind(Kind::Producer).primitive(Primitive::MESSAGING_PUBLISH).open();
    let batch = observe::span("batch").kind(Kind::Consumer).link(sender.context()).open();
    batch.link(query.context());
    query.error("no such table");
    batch.artifact(&NewArtifact::new("input", "text/plain", b"order").inline(64));
    batch.diagnostic("clock.skew", "5 s");
    sender.end();
    batch.end();
    let child = observe::run("child run").attribute("of", "visit").open();
    child.in_scope(|| observe::span("inside").in_scope(|| ()));
    child.end();
}

// The comparison.

/// What came out says of a span what the store says of it.
fn is_same(span: &Span, out: &model::Span<'_>) {
    assert_eq!((out.trace_id, out.span_id, out.parent_span_id), (span.trace_id, span.span_id, span.parent_span_id));
    assert_eq!((&*out.name, out.kind), (&*span.name, Some(span.kind)), "{out:?}");
    assert_eq!((out.start_time, Some(out.end_time)), (span.started_at, span.ended_at), "{out:?}");
    let failed = matches!(span.status, SpanStatus::Error | SpanStatus::Panicked);
    let status = (out.status.code, &*out.status.message);
    assert_eq!(status, if failed { (Code::Error, span.error.as_deref().unwrap_or("")) } else { (Code::Unset, "") });
    assert_eq!((out.dropped_attributes, out.dropped_events, out.dropped_links), (0, 0, 0));

    // What OTLP has no field for is an attribute.
    let mut attributes: Vec<_> = span.attributes.clone();
    let mut more = |key: &str, value: &str| attributes.push((key.to_owned(), value.into()));
    if span.primitive != Primitive::OPERATION.name() {
        more("spanbridge.primitive", &span.primitive);
    }
    if span.run_id.get() != span.trace_id.get() {
        more("spanbridge.run.id", &span.run_id.to_string());
    }
    if let SpanStatus::Panicked | SpanStatus::Cancelled = span.status {
        more("spanbridge.status", span.status.as_str());
    }
    assert_eq!(sorted(of_otlp(&out.attributes)), sorted(attributes), "{}", span.name);
    let links: Vec<_> = out.links.iter().map(|link| (link.trace_id, link.span_id)).collect();
    let expected: Vec<_> = span.links.iter().map(|link| (link.trace_id, link.span_id)).collect();
    assert_eq!(links, expected, "{}", span.name);
    // A failure is an event, too; so are artifacts and diagnostics, which the graph has elsewhere.
    let beside = |name: &str| name == "exception" || name.starts_with("spanbridge.");
    let events = out.events.iter().filter(|event| !beside(&event.name));
    let events: Vec<_> = events.map(|e| (e.time, e.name.to_string(), sorted(of_otlp(&e.attributes)))).collect();
    let expected = span.events.iter().filter(|event| !beside(&event.name));
    let expected: Vec<_> = expected.map(|e| (e.timestamp, e.name.clone(), sorted(e.attributes.clone()))).collect();
    assert_eq!(events, expected, "{}", span.name);
}

fn sorted(mut pairs: Vec<(String, Json)>) -> Vec<(String, Json)> {
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    pairs
}

fn of_otlp(attributes: &[KeyValue<'_>]) -> Vec<(String, Json)> {
    attributes.iter().map(|attribute| (attribute.key.to_string(), json_of(&attribute.value))).collect()
}

fn json_of(value: &AnyValue<'_>) -> Json {
    match value {
        AnyValue::Empty => Json::Null,
        AnyValue::Str(text) => json!(text),
        AnyValue::Bool(v) => json!(v),
        AnyValue::I64(v) => json!(v),
        AnyValue::F64(v) => json!(v),
        AnyValue::Bytes(bytes) => json!(bytes),
        AnyValue::Array(values) => values.iter().map(json_of).collect(),
        AnyValue::Map(pairs) => of_otlp(pairs).into_iter().collect(),
    }
}

/// The graphs of all runs.
fn graphs(db: &Path) -> Vec<Graph> {
    let store = Store::open(db).unwrap();
    let runs = store.runs(&RunFilter::default(), 100).unwrap();
    let mut graphs: Vec<_> = runs.iter().map(|row| store.graph(row.run_id).unwrap().unwrap()).collect();
    graphs.sort_by_key(|graph| graph.run.run_id);
    graphs
}

/// What a graph says of its spans, and of what hangs on them.
fn lines(graph: &Graph) -> Vec<String> {
    let line = |span: &Span| {
        let attributes = sorted(span.attributes.clone());
        let events: Vec<_> =
            span.events.iter().map(|e| format!("{} {} {:?}", e.timestamp, e.name, e.attributes)).collect();
        let links: Vec<_> = span.links.iter().map(|link| link.span_id).collect();
        format!(
            "{} {:?} {} {} {} {:?} {:?} {:?} {}..{:?} {attributes:?} {events:?} {links:?}",
            span.span_id,
            span.parent_span_id,
            span.run_id,
            span.name,
            span.primitive,
            span.kind,
            span.status,
            span.error,
            span.started_at,
            span.ended_at
        )
    };
    let mut lines: Vec<_> = graph.spans.iter().map(line).collect();
    lines.extend(graph.artifacts.iter().map(|a| format!("{} {} {:?} {:?}", a.kind, a.size_bytes, a.hash, a.preview)));
    lines.extend(graph.diagnostics.iter().map(|d| format!("{} {} {:?} {:?}", d.code, d.message, d.count, d.span_id)));
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interop_rotel_gives_back_what_is_stored() {
    let Some(amqp) = amqp("rotel").await else { return };
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let mut collectors = vec![];
    for (name, json, gzip) in
        [("protobuf", false, false), ("protobuf-gzip", false, true), ("json", true, false), ("json-gzip", true, true)]
    {
        let Some(collector) = Collector::start(directory, name).await else { return };
        collectors.push((name, json, gzip, collector));
    }
    let mut telemetry = Telemetry::new("shop").record_content(true);
    for (_, json, gzip, collector) in &collectors {
        let exporter = Exporter::url(&collector.url).gzip(*gzip);
        telemetry = telemetry.exporter(if *json { exporter.json() } else { exporter });
    }
    let counters = telemetry.counters();
    let db = directory.join("records");
    let recorder = Recorder::builder("shop").sink(StoreSink::open(&db).unwrap()).with_telemetry(telemetry).unwrap();
    let recorder = recorder.install().unwrap();
    within("the story", story(amqp)).await;
    assert!(recorder.flush_blocking(SOON).complete);

    let stored = graphs(&db);
    let spans: Vec<_> = stored.iter().flat_map(|graph| &graph.spans).collect();
    assert_eq!((stored.len(), spans.len()), (2, 25), "{:#?}", spans.iter().map(|span| &span.name).collect::<Vec<_>>());
    for (counter, (name, .., collector)) in counters.iter().zip(&collectors) {
        let counts = counter.counts();
        assert_eq!((counts.accepted, counts.lost), (spans.len() as u64, 0), "{name}: {counts:?}");
        let out = until(name, || Some(collector.receiver.spans()).filter(|out| out.len() >= spans.len())).await;
        assert_eq!(out.len(), spans.len(), "{name}");
        for span in &spans {
            let of_span =
                out.iter().find(|out| out.span_id == span.span_id).unwrap_or_else(|| panic!("{name}: {span:?}"));
            is_same(span, of_span);
        }
        // And back into a store of its own.
        let files = directory.join(format!("{name}-files"));
        std::fs::create_dir(&files).unwrap();
        let mut import = Command::new(command_line());
        import.arg("--db").arg(directory.join(name)).args(["import", "--from", "otlp"]);
        let imported = import.args(collector.receiver.save(&files)).output().unwrap();
        assert!(imported.status.success() && imported.stderr.is_empty(), "{imported:?}");
        let imported = graphs(&directory.join(name));
        let all = |graphs: &[Graph]| graphs.iter().flat_map(lines).collect::<Vec<_>>();
        assert_eq!(all(&imported), all(&stored), "{name}");
    }
}
