//! The examples as processes of their own, both writing to one store: one run over both, and what a `kill -9` leaves.

use lapin::options::QueueDeleteOptions;
use spanbridge_graph::{Graph, RunStatus, SpanStatus};
use spanbridge_tests::{Amqp, Program, amqp, graph, outline, runs, until};
use std::path::Path;

fn start(name: &str, amqp: &Amqp, queue: &str, db: &Path, more: &[&str]) -> Program {
    let db = db.to_str().unwrap();
    Program::example(name, ["--queue", queue, "--url", &amqp.url, "--db", db].iter().chain(more))
}

fn shown(graph: &Graph, queue: &str) -> String {
    outline(graph, &["spanbridge.handoff.status", "spanbridge.delivery.redelivered"]).replace(queue, "Q")
}

#[tokio::test]
async fn two_processes_make_one_run() {
    let Some(amqp) = amqp("processes").await else { return };
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("records.db");
    let queue = format!("{}.durable", amqp.queue);
    let worker = start("amqp_worker", &amqp, &queue, &db, &["--count", "3"]);
    let producer = start("amqp_producer", &amqp, &queue, &db, &["--count", "3"]);
    let runs = runs(&producer.output().await);
    worker.output().await;
    assert_eq!(runs.len(), 3);
    for run in runs {
        let graph = graph(&db, run).expect("the run is in the store");
        assert_eq!(
            shown(&graph, &queue),
            "orders Ok place order\n\
             \x20 orders Ok publish amq.default:Q status=\"confirmed\"\n\
             \x20   shipping Ok process amq.default:Q\n\
             \x20     shipping Ok pack\n\
             \x20       shipping Ok reserve stock\n\
             \x20     shipping Ok ack amq.default:Q\n"
        );
        assert_eq!((graph.run.run_id, graph.run.status, graph.run.name.as_str()), (run, RunStatus::Ok, "order"));
        assert_eq!(graph.run.segments.len(), 2, "one of each process");
        assert!(graph.spans.iter().all(|s| s.run_id == run && !s.orphan));
    }
    amqp.channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
}

/// The job is delivered again.
#[tokio::test]
async fn a_killed_worker_leaves_an_open_span() {
    let Some(amqp) = amqp("killed").await else { return };
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("records.db");
    let queue = format!("{}.durable", amqp.queue);
    let producer = start("amqp_producer", &amqp, &queue, &db, &[]);
    let run = runs(&producer.output().await)[0];

    let mut first = start("amqp_worker", &amqp, &queue, &db, &["--count", "1", "--work-ms", "600000"]);
    let packing = |graph: &Graph| graph.spans.iter().any(|s| s.name == "reserve stock");
    until("the start of the work", || graph(&db, run).filter(packing)).await;
    first.kill();

    let second = start("amqp_worker", &amqp, &queue, &db, &["--count", "1"]);
    second.output().await;
    let graph = graph(&db, run).unwrap();
    assert_eq!(
        shown(&graph, &queue),
        "orders Ok place order\n\
         \x20 orders Ok publish amq.default:Q status=\"confirmed\"\n\
         \x20   shipping Open process amq.default:Q\n\
         \x20     shipping Open pack\n\
         \x20       shipping Ok reserve stock\n\
         \x20   shipping Ok process amq.default:Q redelivered=true\n\
         \x20     shipping Ok pack\n\
         \x20       shipping Ok reserve stock\n\
         \x20     shipping Ok ack amq.default:Q\n"
    );
    let open = graph.spans.iter().filter(|s| s.status == SpanStatus::Open);
    assert!(open.map(|s| s.ended_at).all(|end| end.is_none()), "nobody guesses an end");
    amqp.channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
}
