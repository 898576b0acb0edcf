//! The examples as processes of their own, both writing to one store: one run over both, and what a `kill -9` leaves.

use lapin::options::QueueDeleteOptions;
use spanbridge::RunId;
use spanbridge_store::Store;
use spanbridge_store::graph::{Graph, RunStatus, SpanStatus};
use spanbridge_tests::{Amqp, amqp, example, until};
use std::fmt::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process that is ended with the test.
struct Process(Child);

impl Process {
    fn start(name: &str, amqp: &Amqp, queue: &str, db: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(example(name));
        command.args(["--queue", queue, "--url", &amqp.url, "--db"]).arg(db).args(more);
        Process(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Waits until it has ended well, and gives what it wrote.
    async fn output(mut self) -> String {
        let status = until("a process", || self.0.try_wait().unwrap()).await;
        let mut text = String::new();
        std::io::Read::read_to_string(self.0.stdout.as_mut().unwrap(), &mut text).unwrap();
        assert!(status.success(), "{status}: {text}");
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn runs(output: &str) -> Vec<RunId> {
    output.lines().filter_map(|line| line.strip_prefix("run ")?.parse().ok()).collect()
}

fn graph(db: &Path, run: RunId) -> Option<Graph> {
    Store::open(db).ok()?.graph(run).unwrap()
}

/// Service, name, status and what is asked for, indented as the tree is.
fn shown(graph: &Graph, queue: &str) -> String {
    let mut out = String::new();
    for span in &graph.spans {
        let _ = write!(out, "{}{} {:?} {}", "  ".repeat(span.depth), span.service, span.status, span.name);
        for key in ["spanbridge.handoff.status", "spanbridge.delivery.redelivered"] {
            if let Some((_, value)) = span.attributes.iter().find(|(k, _)| k == key) {
                let _ = write!(out, " {}={value}", key.rsplit('.').next().unwrap());
            }
        }
        out.push('\n');
    }
    out.replace(queue, "Q")
}

#[tokio::test]
async fn two_processes_make_one_run() {
    let Some(amqp) = amqp("processes").await else { return };
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("records.db");
    let queue = format!("{}.durable", amqp.queue);
    let worker = Process::start("amqp_worker", &amqp, &queue, &db, &["--count", "3"]);
    let producer = Process::start("amqp_producer", &amqp, &queue, &db, &["--count", "3"]);
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

#[tokio::test]
async fn a_worker_that_is_killed_leaves_an_open_span_and_the_job_comes_again() {
    let Some(amqp) = amqp("killed").await else { return };
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("records.db");
    let queue = format!("{}.durable", amqp.queue);
    let producer = Process::start("amqp_producer", &amqp, &queue, &db, &[]);
    let run = runs(&producer.output().await)[0];

    let mut first = Process::start("amqp_worker", &amqp, &queue, &db, &["--count", "1", "--work-ms", "600000"]);
    let packing = |graph: &Graph| graph.spans.iter().any(|s| s.name == "reserve stock");
    until("the start of the work", || graph(&db, run).filter(packing)).await;
    first.0.kill().unwrap();
    first.0.wait().unwrap();

    let second = Process::start("amqp_worker", &amqp, &queue, &db, &["--count", "1"]);
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
