//! The examples as processes of their own, against one broker and both writing to one store.

use spanbridge_graph::{RunStatus, SpanStatus};
use spanbridge_tests::{Kafka, Program, example, graph, kafka, outline, runs, until};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

fn start(name: &str, kafka: &Kafka, db: &Path, more: &[&str]) -> Program {
    let db = db.to_str().unwrap();
    Program::example(name, ["--brokers", &kafka.brokers, "--topic", &kafka.topic, "--db", db].iter().chain(more))
}

const ASKED: &[&str] = &["spanbridge.handoff.status", "spanbridge.settle.stored"];

#[tokio::test]
async fn two_processes_make_one_run() {
    let kafka = kafka("processes", 2).await;
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("records.db");
    let group = ["--group", kafka.topic.as_str(), "--count", "3"];
    let consumer = start("kafka_consumer", &kafka, &db, &group);
    let producer = start("kafka_producer", &kafka, &db, &["--count", "3"]);
    let runs = runs(&producer.output().await);
    consumer.output().await;
    assert_eq!(runs.len(), 3);
    let mut commits = 0;
    for run in runs {
        let graph = graph(&db, run).expect("the run is in the store");
        let shown = outline(&graph, ASKED).replace(&kafka.topic, "T");
        let (tree, commit) = match shown.split_once("      mail Ok commit T\n") {
            Some((before, after)) => (format!("{before}{after}"), 1),
            None => (shown, 0),
        };
        commits += commit;
        assert_eq!(
            tree,
            "orders Ok place order\n\
             \x20 orders Ok send T status=\"confirmed\"\n\
             \x20   mail Ok process T stored=true\n\
             \x20     mail Ok write mail\n\
             \x20       mail Ok look up address\n"
        );
        assert_eq!((graph.run.run_id, graph.run.status, graph.run.name.as_str()), (run, RunStatus::Ok, "order"));
        assert_eq!(graph.run.segments.len(), 2, "one of each process");
        assert!(graph.spans.iter().all(|s| s.run_id == run && !s.orphan));
    }
    assert_eq!(commits, 1, "one commit covers them all");
}

/// The message is delivered again.
#[tokio::test]
async fn a_killed_consumer_leaves_an_open_span() {
    let kafka = kafka("killed", 1).await;
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("records.db");
    let producer = start("kafka_producer", &kafka, &db, &[]);
    let run = runs(&producer.output().await)[0];

    let arguments = |work_ms| ["--group", kafka.topic.as_str(), "--count", "1", "--work-ms", work_ms];
    let mut first = start("kafka_consumer", &kafka, &db, &arguments("600000"));
    until("the start of the work", || {
        graph(&db, run).filter(|graph| graph.spans.iter().any(|s| s.name == "look up address"))
    })
    .await;
    first.kill();

    // The broker gives its partition away when its session is over.
    let second = start("kafka_consumer", &kafka, &db, &arguments("1"));
    second.output().await;
    let graph = graph(&db, run).unwrap();
    assert_eq!(
        outline(&graph, ASKED).replace(&kafka.topic, "T"),
        "orders Ok place order\n\
         \x20 orders Ok send T status=\"confirmed\"\n\
         \x20   mail Open process T\n\
         \x20     mail Open write mail\n\
         \x20       mail Ok look up address\n\
         \x20   mail Ok process T stored=true\n\
         \x20     mail Ok write mail\n\
         \x20       mail Ok look up address\n\
         \x20     mail Ok commit T\n"
    );
    let open = graph.spans.iter().filter(|s| s.status == SpanStatus::Open);
    assert!(open.map(|s| s.ended_at).all(|end| end.is_none()), "nobody guesses an end");
}

/// It would otherwise wait for ever, and nobody would know for what.
#[test]
fn a_consumer_says_that_there_is_no_broker() {
    let directory = tempfile::tempdir().unwrap();
    let mut consumer = Command::new(example("kafka_consumer"))
        .args(["--brokers", "127.0.0.1:1", "--topic", "orders", "--db"])
        .arg(directory.path().join("records.db"))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (tell, told) = mpsc::channel();
    let said = BufReader::new(consumer.stderr.take().unwrap());
    std::thread::spawn(move || tell.send(said.lines().next()));
    let first = told.recv_timeout(Duration::from_secs(20));
    consumer.kill().unwrap();
    consumer.wait().unwrap();
    let first = first.expect("a line").unwrap().unwrap();
    assert!(first.starts_with("kafka_consumer: ") && first.ends_with("; librdkafka retries"), "{first}");
}
