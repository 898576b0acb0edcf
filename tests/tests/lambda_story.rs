//! The story ends in a function: one tree from the gateway over RabbitMQ and Kafka to AWS Lambda, however the function ends
//! and whether or not the caller waits for it.
//!
//! There is one story; how the function ends is data. RabbitMQ, librdkafka, the AWS SDK and `lambda_runtime` are real, and
//! the function is its own process.

use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use lapin::BasicProperties;
use lapin::options::{BasicAckOptions, BasicPublishOptions};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::message::Message;
use rdkafka::producer::FutureRecord;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use spanbridge::{Recorder, RunId, observe, semconv};
use spanbridge_amqp::{ChannelExt, ConsumerExt as _};
use spanbridge_examples::local_lambda::{Function, LocalLambda};
use spanbridge_graph::{Graph, RunStatus};
use spanbridge_kafka::{ConsumerExt as _, ProducerExt};
use spanbridge_lambda::CallExt;
use spanbridge_store::StoreSink;
use spanbridge_tests::{Amqp, Kafka, amqp, example, graph, kafka, outline, until, within};
use std::path::PathBuf;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

/// How the function ends.
struct Ending {
    /// What the function does.
    order: &'static str,
    set_up: fn(Function) -> Function,
    /// Its process is killed while it works.
    is_killed: bool,
    /// Its spans.
    function: &'static str,
    /// The error of the call's span if the caller waits for the response; empty if it succeeds.
    error: &'static str,
    /// The status of the hand-off if the caller does not wait.
    handoff: &'static str,
    /// The diagnostics of the graph.
    diagnostics: &'static [&'static str],
}

impl Ending {
    const OK: Ending = Ending {
        order: r#"{"order": 42}"#,
        set_up: |function| function,
        is_killed: false,
        function: "score Ok score\n  score Ok read order\n  score Ok score risk\n",
        error: "",
        handoff: "confirmed",
        diagnostics: &[],
    };
}

const OPEN: &str = "score Open score\n  score Ok read order\n  score Open score risk\n";

/// A test of each ending, for a synchronous and an asynchronous call.
macro_rules! endings {
    ($($name:ident: $ending:expr,)*) => {
        mod who_waits {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                tell(&$ending, InvocationType::RequestResponse).await
            })*
        }

        mod nobody_waits {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                tell(&$ending, InvocationType::Event).await
            })*
        }
    };
}

endings! {
    success: Ending::OK,
    function_error: Ending {
        order: r#"{"order": 42, "do": "error"}"#,
        function: "score Error score\n  score Ok read order\n  score Error score risk\n",
        error: "the model has no opinion",
        ..Ending::OK
    },
    panic: Ending {
        order: r#"{"order": 42, "do": "panic"}"#,
        function: "score Panicked score\n  score Ok read order\n  score Panicked score risk\n",
        error: "the model is on fire",
        ..Ending::OK
    },
    timeout: Ending {
        order: r#"{"order": 42, "do": "block", "ms": 60000}"#,
        set_up: |function| function.timeout(Duration::from_secs(1)),
        function: OPEN,
        error: "Sandbox.Timedout: ",
        diagnostics: &["deadline.near"],
        ..Ending::OK
    },
    throttled: Ending {
        set_up: |function| function.concurrency(0),
        function: "",
        error: "TooManyRequestsException: Rate Exceeded.",
        handoff: "rejected",
        ..Ending::OK
    },
    process_killed: Ending {
        order: r#"{"order": 42, "do": "sleep", "ms": 60000}"#,
        is_killed: true,
        function: OPEN,
        error: "Runtime.ExitError: ",
        ..Ending::OK
    },
}

/// Three services and a function, and one store for all of them.
struct Stage {
    gateway: Recorder,
    warehouse: Recorder,
    projection: Recorder,
    amqp: Amqp,
    kafka: Kafka,
    lambda: LocalLambda,
    directory: tempfile::TempDir,
}

impl Stage {
    async fn new(set_up: fn(Function) -> Function) -> Option<Self> {
        let amqp = amqp("lambda_story").await?;
        let directory = tempfile::tempdir().unwrap();
        let db = directory.path().join("spans.db");
        let recorder = |service| Recorder::builder(service).sink(StoreSink::open(&db).unwrap()).build().unwrap();
        let lambda = LocalLambda::start().await.unwrap();
        let function = Function::new("score", example("lambda_function")).variable("SPANBRIDGE_DB", &db);
        lambda.add(set_up(function.timeout(SOON))).await.unwrap();
        Some(Stage {
            gateway: recorder("gateway"),
            warehouse: recorder("warehouse"),
            projection: recorder("projection"),
            kafka: kafka("lambda_packed", 1).await,
            amqp,
            lambda,
            directory,
        })
    }

    fn db(&self) -> PathBuf {
        self.directory.path().join("spans.db")
    }

    /// Takes an order, and hands it to the warehouse.
    async fn gateway(&self, order: &str) {
        let publish = async {
            let (queue, properties) = (self.amqp.queue.clone(), BasicProperties::default());
            let (channel, options) = (self.amqp.channel.observed(), BasicPublishOptions::default());
            channel.basic_publish("".into(), queue, options, order.as_bytes(), properties).await?.await
        };
        observe::span("POST /orders").run(|| publish).await.unwrap();
    }

    /// Packs it, and publishes that.
    async fn warehouse(&self) {
        let mut jobs = self.amqp.consume().await.observed();
        let job = within("a delivery", jobs.next()).await.unwrap().unwrap();
        let producer = self.kafka.future_producer();
        let tell = producer.observed().send(FutureRecord::<(), _>::to(&self.kafka.topic).payload(&job.data), SOON);
        job.run(async || tell.await.map_err(|(error, _)| error)).await.unwrap();
        job.ack(BasicAckOptions::default()).await.unwrap();
    }

    /// Calls the function to score it, and returns its result.
    async fn projection(&self, kind: InvocationType) {
        let consumer: StreamConsumer = self.kafka.group("projection").create().unwrap();
        // Assigned by hand, so there is no group to wait for.
        let mut first = TopicPartitionList::new();
        first.add_partition_offset(&self.kafka.topic, 0, Offset::Beginning).unwrap();
        consumer.assign(&first).unwrap();
        let consumer = consumer.observed();
        let job = within("a message", consumer.recv()).await.unwrap();
        let call = self.lambda.client().invoke().function_name("score").invocation_type(kind);
        let call = call.payload(Blob::new(job.payload().unwrap_or_default()));
        let work = job.run(async || {
            let output = call.observed().send().await.map_err(|error| DisplayErrorContext(error).to_string())?;
            output.function_error.map_or(Ok(()), Err)
        });
        let _ = within("a call", work).await; // it is in the spans
    }

    /// Kills the function's process as soon as the function is at work.
    async fn kill(&self, run: RunId) {
        let at_work = || graph(&self.db(), run).filter(|graph| graph.spans.iter().any(|s| s.name == "score risk"));
        until("the function is at work", at_work).await;
        self.lambda.kill("score")
    }

    /// Checks that everything recorded is in the store.
    async fn end(&self) {
        within("the call", self.lambda.idle("score")).await;
        within("the function's last words", self.lambda.retire("score")).await;
        for recorder in [&self.gateway, &self.warehouse, &self.projection] {
            let report = recorder.flush(SOON).await;
            assert!(report.sinks.iter().all(|sink| sink.left + sink.rejected + sink.dropped == 0), "{report:?}");
        }
    }
}

async fn tell(ending: &Ending, kind: InvocationType) {
    let Some(stage) = Stage::new(ending.set_up).await else { return };
    let waits = kind == InvocationType::RequestResponse;
    let run = stage.gateway.in_scope(|| observe::run("order 42").open());
    let id = run.id().unwrap();
    run.with_context(|| stage.gateway(ending.order)).await;
    run.end();
    stage.warehouse.scope(|| stage.warehouse()).await;
    let killed = async {
        if ending.is_killed {
            stage.kill(id).await
        }
    };
    tokio::join!(stage.projection.scope(|| stage.projection(kind)), killed);
    stage.end().await;

    let graph = graph(&stage.db(), id).expect("the run");
    let refused = ending.handoff == "rejected";
    let call = match (waits && !ending.error.is_empty()) || refused {
        true => "Error",
        false => "Ok",
    };
    let handoff = if waits { String::new() } else { format!(" status=\"{}\"", ending.handoff) };
    let function: String = ending.function.lines().map(|line| format!("            {line}\n")).collect();
    let expected = format!(
        "gateway Ok POST /orders\n\
         \x20 gateway Ok publish amq.default:Q status=\"confirmed\"\n\
         \x20   warehouse Ok process amq.default:Q\n\
         \x20     warehouse Ok send T status=\"confirmed\"\n\
         \x20       projection {call} process T\n\
         \x20         projection {call} invoke score{handoff}\n\
         {function}\
         \x20     warehouse Ok ack amq.default:Q\n"
    );
    let queue = stage.amqp.queue.as_str();
    let seen = outline(&graph, &[semconv::HANDOFF_STATUS]).replace(queue, "Q").replace(&stage.kafka.topic, "T");
    assert_eq!(seen, expected);
    if call == "Error" {
        let call = graph.spans.iter().find(|span| span.name == "invoke score").unwrap();
        assert!(call.error.as_deref().unwrap_or_default().contains(ending.error), "{:?}", call.error);
    }
    is_whole(&graph, ending)
}

/// One run in one trace, without gaps and with exactly the expected diagnostics.
fn is_whole(graph: &Graph, ending: &Ending) {
    assert_eq!(graph.run.status, RunStatus::Ok, "its owner has said so");
    let trace = graph.run.trace_ids[0];
    for span in &graph.spans {
        assert_eq!((span.run_id, span.trace_id, span.orphan), (graph.run.run_id, trace, false), "{}", span.name);
        let above = span.parent.map(|at| graph.spans[at].span_id);
        match above {
            Some(_) => assert_eq!(span.parent_span_id, above, "{}", span.name),
            None => assert_eq!(span.name, "POST /orders"),
        }
    }
    assert_eq!((graph.run.trace_ids.len(), graph.child_runs.len(), graph.related_runs.len()), (1, 0, 0));
    let told: Vec<_> = graph.diagnostics.iter().map(|d| d.code.as_str()).collect();
    assert_eq!(told, ending.diagnostics);
}
