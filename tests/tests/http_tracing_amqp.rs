//! Two HTTP services and a worker, in three processes, whose code knows nothing but `tracing`: axum → reqwest → axum → RabbitMQ
//! → worker is one tree, and every line of their logs names a span of it.

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use serde_json::Value;
use spanbridge::RunId;
use spanbridge_graph::Span;
use spanbridge_query::{RunFilter, Store};
use spanbridge_tests::{Program, amqp, graph, outline, text_of, until};
use std::path::Path;
use std::process::Command;

/// One of `shop_service`'s services, with what it needs to know.
fn start(service: &str, directory: &Path, settings: &[(&str, &str)]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop_service"));
    command.arg(service).env("SPANBRIDGE_DB", directory.join("records")).env("ADDRESS_FILE", directory.join(service));
    Program::start(command.envs(settings.iter().copied()))
}

/// Where a service listens, as soon as it does.
async fn address(service: &str, directory: &Path) -> String {
    until("a service", || std::fs::read_to_string(directory.join(service)).ok()).await
}

#[tokio::test]
async fn one_tree_over_http_and_rabbitmq() {
    let Some(amqp) = amqp("http-tracing").await else { return };
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let queue = format!("{}.durable", amqp.queue);
    let declare =
        amqp.channel.queue_declare(queue.as_str().into(), QueueDeclareOptions::durable(), FieldTable::default());
    declare.await.unwrap();

    let broker = [("AMQP_URL", amqp.url.as_str()), ("QUEUE", &queue)];
    let shipping = start("shipping", directory, &broker);
    let orders = start("orders", directory, &broker);
    let gateway = start("gateway", directory, &[("ORDERS", &address("orders", directory).await)]);
    let url = format!("http://{}/checkout", address("gateway", directory).await);
    let answer = reqwest::Client::new().post(url).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (200, "order 7"));

    let mut lines = gateway.json_lines().await;
    lines.extend(orders.json_lines().await);
    lines.extend(shipping.json_lines().await);
    amqp.channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();

    let trace = text_of(&lines[0], "trace_id");
    let run: RunId = trace.parse().unwrap();
    let graph = graph(&directory.join("records"), run).expect("the run is in the store");
    let shown = outline(&graph, &["http.response.status_code", "spanbridge.handoff.status"]).replace(&queue, "Q");
    assert_eq!(
        shown,
        "gateway Ok POST /checkout status_code=200\n\
         \x20 gateway Ok check_out\n\
         \x20   gateway Ok price\n\
         \x20   gateway Ok POST status_code=200\n\
         \x20     orders Ok POST /orders/{id} status_code=200\n\
         \x20       orders Ok place\n\
         \x20         orders Ok audit\n\
         \x20         orders Ok hand_over\n\
         \x20           orders Ok publish amq.default:Q status=\"confirmed\"\n\
         \x20             shipping Error process amq.default:Q\n\
         \x20               shipping Error ship\n\
         \x20                 shipping Ok pack\n\
         \x20                 shipping Ok print label\n\
         \x20                 shipping Error weigh\n\
         \x20               shipping Ok ack amq.default:Q\n"
    );
    assert!(graph.spans.iter().all(|span| span.run_id == run && !span.orphan));
    let runs = Store::open(directory.join("records")).unwrap().runs(&RunFilter::default(), 9).unwrap();
    assert_eq!(runs.iter().map(|row| row.run_id).collect::<Vec<_>>(), [run], "nothing else: {runs:#?}");

    // The same events are in the graph and in the lines, and the ids of a line are those of its span.
    let of_line = |line: &Value| {
        assert_eq!(["trace_id", "run_id"].map(|id| text_of(line, id)), [&*trace; 2], "{line}");
        let id = text_of(line, "span_id");
        let span = graph.spans.iter().find(|span| span.span_id.to_string() == id).expect("a span of the tree");
        let message = line.get("message").or(line.get("error")).and_then(Value::as_str).unwrap_or_default();
        (span.name.clone(), message.to_owned())
    };
    let mut logged: Vec<_> = lines.iter().map(of_line).collect();
    logged.sort();
    let events = |of_error: &str| {
        [
            ("audit", "audited"),
            ("check_out", "checked out"),
            ("pack", "packed"),
            ("place", "received"),
            ("print label", "little paper"),
            ("ship", of_error),
            ("weigh", of_error),
        ]
        .map(|(span, event)| (span.to_owned(), event.to_owned()))
    };
    assert_eq!(logged, events("the parcel is empty"));
    let of_span = |span: &Span| span.events.iter().map(|e| (span.name.clone(), e.name.clone())).collect::<Vec<_>>();
    let mut recorded: Vec<_> = graph.spans.iter().flat_map(of_span).collect();
    recorded.sort();
    assert_eq!(recorded, events("exception"));
}
