//! Two HTTP services and a worker, in three processes, whose code knows nothing but `tracing`: axum → reqwest → axum → RabbitMQ
//! → worker is one tree, and every line of their logs names a span of it.

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use serde_json::Value;
use spanbridge::RunId;
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
    let declare = amqp.channel.queue_declare(queue.as_str().into(), QueueDeclareOptions::durable(), FieldTable::default());
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

    // The same events are in the graph and in the lines, and the ids of a line are those of its span.
    let name = |id: &str| graph.spans.iter().find(|span| span.span_id.to_string() == id).map(|span| span.name.as_str());
    let message = |line: &Value| line.get("message").or(line.get("error")).and_then(Value::as_str).map(str::to_owned);
    let mut logged: Vec<_> = lines
        .iter()
        .map(|line| {
            let ids = ["trace_id", "run_id"].map(|id| text_of(line, id));
            assert_eq!(ids, [trace.clone(), trace.clone()], "{line}");
            (name(&text_of(line, "span_id")), message(line).unwrap_or_default())
        })
        .collect();
    logged.sort();
    let expected = [
        ("audit", "audited"),
        ("check_out", "checked out"),
        ("pack", "packed"),
        ("place", "received"),
        ("print label", "little paper"),
        ("ship", "the parcel is empty"),
        ("weigh", "the parcel is empty"),
    ];
    assert_eq!(logged, expected.map(|(span, text)| (Some(span), text.to_owned())));
    let mut recorded: Vec<_> = graph
        .spans
        .iter()
        .flat_map(|span| span.events.iter().map(|event| (span.name.as_str(), event.name.as_str())))
        .collect();
    recorded.sort();
    assert_eq!(recorded, []);
}
