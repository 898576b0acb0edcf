//! A service of another language in the middle: our gateway → it, under OpenTelemetry's instrumentation → our orders → RabbitMQ
//! → our worker is one tree. Its spans are caught by a receiver as it exports them, and imported by the command line into the
//! store that ours recorded into. Run by `cargo xtask interop`, which brings what it needs.

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use serde_json::{Value, json};
use spanbridge::{ContextExt, Kind, Recorder, RunId, observe};
use spanbridge_graph::{Graph, Span};
use spanbridge_http::ClientExt;
use spanbridge_store::StoreSink;
use spanbridge_tests::{OtlpReceiver, Program, amqp, command_line, graph, outline, peer_commands, until, within};
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// What the service in the middle is asked to export.
struct Export {
    protocol: &'static str,
    compression: &'static str,
}

/// One order through all four.
struct Story {
    graph: Graph,
    receiver: OtlpReceiver,
    directory: tempfile::TempDir,
    queue: String,
}

impl Story {
    /// Tells it with a service in the middle. `None`: there is no broker.
    async fn tell(middle: &mut Command, export: Export) -> Option<Self> {
        let amqp = amqp("http-peers").await?;
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path();
        let receiver = OtlpReceiver::start().await;
        let queue = format!("{}.durable", amqp.queue);
        let durable = QueueDeclareOptions::durable();
        amqp.channel.queue_declare(queue.as_str().into(), durable, FieldTable::default()).await.unwrap();

        let broker = [("AMQP_URL", amqp.url.as_str()), ("QUEUE", &queue)];
        let shipping = shop("shipping", directory, &broker);
        let orders = shop("orders", directory, &broker);
        middle.env("ADDRESS_FILE", directory.join("middle")).env("ORDERS", address("orders", directory).await);
        middle.env("OTEL_SERVICE_NAME", "stock").env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint());
        middle.env("OTEL_EXPORTER_OTLP_PROTOCOL", export.protocol);
        middle.env("OTEL_EXPORTER_OTLP_COMPRESSION", export.compression);
        let middle = Program::start(middle);
        let gateway = shop("gateway", directory, &[("ORDERS", &address("middle", directory).await)]);

        let run = buy(directory, &address("gateway", directory).await).await;
        for program in [gateway, middle, orders, shipping] {
            program.output().await;
        }
        amqp.channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();

        let files = receiver.save(directory);
        assert!(!files.is_empty(), "it has exported nothing");
        let mut import = cli(directory);
        let imported = import.args(["--format", "json", "import", "--from", "otlp"]).args(files).output().unwrap();
        let report: Value = serde_json::from_str(&said(&imported)).unwrap();
        assert_eq!([&report["conflicts"], &report["bad"]], [0, 0], "{report}");
        assert!(report["stored"].as_u64() >= Some(receiver.spans().len() as u64), "{report}");
        let graph = graph(&directory.join("records"), run).expect("the run is in the store");
        Some(Story { graph, receiver, directory: temporary, queue })
    }

    /// The tree, and the promises of every story: one run, all parents known, nothing that doctor would report.
    fn tree(&self) -> String {
        let run = self.graph.run.run_id;
        assert!(self.graph.spans.iter().all(|span| span.run_id == run && !span.orphan), "{:#?}", self.graph.spans);
        let spans = self.receiver.spans();
        assert_eq!(self.of("stock").count(), spans.len(), "all of its spans are in the tree");
        let mut doctor = cli(self.directory.path());
        doctor.args(["--format", "json", "doctor", "--grace", "0s", "--silence", "0s"]);
        let doctor: Value = serde_json::from_str(&said(&doctor.output().unwrap())).unwrap();
        assert_eq!((&doctor["runs"], doctor["gaps"].as_array().map(Vec::len)), (&Value::from(2), Some(0)), "{doctor}");
        let trace = cli(self.directory.path()).args(["trace", &run.to_string()]).output().unwrap();
        println!("{}", said(&trace));
        outline(&self.graph, &["http.response.status_code", "http.status_code", "spanbridge.handoff.status"])
            .replace(&self.queue, "Q")
    }

    fn of(&self, service: &str) -> impl Iterator<Item = &Span> {
        self.graph.spans.iter().filter(move |span| span.service == service)
    }

    /// Media type and encodings of each request with its spans.
    fn forms(&self) -> Vec<[String; 3]> {
        let requests = self.receiver.requests().into_iter();
        requests.map(|request| request.form.map(Option::unwrap_or_default)).collect()
    }

    /// Kind of step and role of each span of the service in the middle.
    fn steps(&self) -> Vec<(&str, Kind)> {
        self.of("stock").map(|span| (span.primitive.as_str(), span.kind)).collect()
    }

    /// Whether each span of the service in the middle begins while its parent is open: there is one clock here.
    fn times_fit(&self) -> bool {
        self.of("stock").all(|span| {
            let parent = &self.graph.spans[span.parent.expect("a parent")];
            span.started_at >= parent.started_at && Some(span.started_at) <= parent.ended_at
        })
    }
}

/// One of `shop_service`'s services.
fn shop(service: &str, directory: &Path, settings: &[(&str, &str)]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop_service"));
    command.arg(service).env("SPANBRIDGE_DB", directory.join("records")).env("ADDRESS_FILE", directory.join(service));
    Program::start(command.envs(settings.iter().copied()))
}

/// Where a service listens, as soon as it does.
async fn address(service: &str, directory: &Path) -> String {
    until(service, || std::fs::read_to_string(directory.join(service)).ok()).await
}

/// A browser that orders in a run of its own below another one, so the run is not the trace's own. Its id.
async fn buy(directory: &Path, gateway: &str) -> RunId {
    let sink = StoreSink::open(directory.join("records")).unwrap();
    let browser = Recorder::builder("browser").sink(sink).build().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap().observed();
    let visit = async {
        let visit = observe::run("visit").open();
        let purchase = observe::in_scope(visit.context(), || observe::run("purchase").open());
        let url = format!("http://{gateway}/checkout");
        let answer = within("an answer", client.post(url).send().in_context(purchase.context().clone())).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "order 7"));
        let id = purchase.id().unwrap();
        purchase.end();
        visit.end();
        id
    };
    let run = browser.scope(|| visit).await;
    assert!(browser.shutdown(SOON).complete);
    run
}

fn cli(directory: &Path) -> Command {
    let mut command = Command::new(command_line());
    command.arg("--db").arg(directory.join("records")).env_remove("SPANBRIDGE_DB");
    command
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// The tree, with the lines of the service in the middle.
fn around(stock: &str) -> String {
    const BEFORE: &str = "browser Ok POST status_code=200\n\
        \x20 gateway Ok POST /checkout status_code=200\n\
        \x20   gateway Ok check_out\n\
        \x20     gateway Ok price\n\
        \x20     gateway Ok POST status_code=200\n";
    const AFTER: &str = "\x20           orders Ok POST /orders/{id} status_code=200\n\
        \x20             orders Ok place\n\
        \x20               orders Ok audit\n\
        \x20               orders Ok hand_over\n\
        \x20                 orders Ok publish amq.default:Q status=\"confirmed\"\n\
        \x20                   shipping Error process amq.default:Q\n\
        \x20                     shipping Error ship\n\
        \x20                       shipping Ok pack\n\
        \x20                       shipping Ok print label\n\
        \x20                       shipping Error weigh\n\
        \x20                     shipping Ok ack amq.default:Q\n";
    format!("{BEFORE}{stock}{AFTER}")
}

const CALLS: [(&str, Kind); 2] = [("http.server", Kind::Server), ("http.client", Kind::Client)];

/// What Flask's service adds between its call and that of ours: a step that succeeds, and one that fails.
fn is_flask(story: &Story) {
    assert_eq!(
        story.tree(),
        around(
            "\x20       stock Ok POST /orders/<int:number> status_code=200\n\
             \x20         stock Ok check stock\n\
             \x20         stock Error reserve\n\
             \x20         stock Ok POST status_code=200\n"
        )
    );
    assert!(story.times_fit());
    let own = [("custom.operation", Kind::Internal); 2];
    assert_eq!(story.steps(), [&CALLS[..1], &own, &CALLS[1..]].concat());
    let [check, reserve] = ["check stock", "reserve"].map(|name| story.of("stock").find(|s| s.name == name).unwrap());
    let attributes = [("shelves", json!([3, 4])), ("full", json!(false))].map(|(key, value)| (key.to_owned(), value));
    assert_eq!(check.attributes, attributes);
    assert_eq!((&*check.events[0].name, &check.events[0].attributes[0].1), ("few left", &json!(2)));
    assert_eq!(reserve.error.as_deref(), Some("LookupError: no such shelf"));
    let exception = |key: &str| reserve.events[0].attributes.iter().find(|(k, _)| k == key).map(|(_, value)| value);
    assert_eq!(reserve.events[0].name, "exception");
    assert_eq!(exception("exception.type"), Some(&json!("LookupError")));
}

/// With the older names of HTTP's attributes, which are the default there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interop_flask_in_the_middle() {
    let Some(mut flask) = peer_commands::python("flask_service.py") else { return };
    let export = Export { protocol: "http/protobuf", compression: "gzip" };
    let Some(story) = Story::tell(&mut flask, export).await else { return };
    is_flask(&story);
    assert_eq!(story.forms(), [["application/x-protobuf", "gzip", ""]]);
}

/// With the newer names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interop_flask_exports_json() {
    let Some(mut flask) = peer_commands::python_json("flask_service.py") else { return };
    let export = Export { protocol: "http/json", compression: "none" };
    let Some(story) = Story::tell(flask.env("OTEL_SEMCONV_STABILITY_OPT_IN", "http"), export).await else { return };
    is_flask(&story);
    assert_eq!(story.forms(), [["application/json", "", ""]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interop_java_http_in_the_middle() {
    let Some(mut java) = peer_commands::java("HttpPeer") else { return };
    let export = Export { protocol: "http/protobuf", compression: "gzip" };
    let Some(story) = Story::tell(&mut java, export).await else { return };
    let stock = "\x20       stock Ok POST /orders/ status_code=200\n\x20         stock Ok POST status_code=200\n";
    assert_eq!((story.tree(), story.steps()), (around(stock), CALLS.to_vec()));
    assert!(story.times_fit());
    assert_eq!(story.forms(), [["application/x-protobuf", "gzip", "chunked"]]);
}

/// Its JSON has numbers where others have strings, and comes in chunks. Its spans begin at whole milliseconds, by a clock that it
/// read when it started.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interop_node_in_the_middle() {
    let Some(mut node) = peer_commands::javascript("http_service.cjs") else { return };
    let export = Export { protocol: "http/json", compression: "none" };
    let Some(story) = Story::tell(&mut node, export).await else { return };
    let stock = "\x20       stock Ok POST status_code=200\n\x20         stock Ok POST status_code=200\n";
    assert_eq!((story.tree(), story.steps()), (around(stock), CALLS.to_vec()));
    assert_eq!(story.forms(), [["application/json", "", "chunked"]]);
}
