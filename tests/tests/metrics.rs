//! Messaging as metrics: exact numbers of what real clients do, by the adapters' own spans.

use lapin::options::{BasicAckOptions, BasicPublishOptions};
use lapin::{BasicProperties, types::ShortString};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use rdkafka::consumer::CommitMode;
use rdkafka::producer::FutureRecord;
use spanbridge::Recorder;
use spanbridge_amqp::ChannelExt;
use spanbridge_kafka::{Batch, ConsumerExt, ProducerExt};
use spanbridge_otel::metrics::MetricsSink;
use spanbridge_tests::{amqp, in_process_kafka, within};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

/// A recorder that measures, and what it has measured.
fn measuring() -> (Recorder, Snapshotter) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    (Recorder::builder("shop").sink(MetricsSink::to(recorder)).build().unwrap(), snapshotter)
}

/// A line for each metric of messaging; topics and queues are called `it`, and addresses are left out.
fn lines(snapshotter: &Snapshotter, destination: &str) -> Vec<String> {
    let mut lines = vec![];
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels = key.key().labels().filter(|label| !label.key().starts_with("server."));
        let labels: Vec<_> = labels.map(|label| label.value().replace(destination, "it")).collect();
        let value = match value {
            DebugValue::Counter(count) => count.to_string(),
            DebugValue::Histogram(values) => {
                assert!(values.iter().all(|value| (0.0..60.0).contains(&value.into_inner())), "{values:?} seconds");
                format!("×{}", values.len())
            }
            DebugValue::Gauge(_) => unreachable!("no gauges"),
        };
        if let Some(name) = key.key().name().strip_prefix("messaging.") {
            lines.push(format!("{name} {}: {value}", labels.join(" ")));
        }
    }
    lines.sort();
    lines
}

/// Five sent, one refused. Two are worked on at once, one three times, two by themselves. Two commits.
#[tokio::test]
async fn kafka_counts_every_message() {
    let kafka = in_process_kafka("metrics", 1).await;
    let (shop, snapshotter) = measuring();
    let work = async {
        let producer = kafka.future_producer();
        for _ in 0..5 {
            let record = FutureRecord::<(), str>::to(&kafka.topic).partition(0).payload("{}");
            producer.observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
        }
        let record = FutureRecord::<(), str>::to(&kafka.topic).partition(7).payload("{}");
        producer.observed().send(record, SOON).await.unwrap_err();
        let consumer = kafka.consumer("billing").observed();
        let mut jobs = vec![];
        while jobs.len() < 2 {
            jobs.push(within("a message", consumer.recv()).await.unwrap());
        }
        Batch::new(jobs).run(async || Ok::<_, String>(())).await.unwrap();
        let job = within("a message", consumer.recv()).await.unwrap();
        for attempt in 0..3 {
            let worked = job.run(async || if attempt < 2 { Err(std::fmt::Error) } else { Ok(()) }).await;
            assert_eq!(worked.is_ok(), attempt == 2);
        }
        for _ in 0..2 {
            let job = within("a message", consumer.recv()).await.unwrap();
            job.run(async || Ok::<_, String>(())).await.unwrap();
            consumer.commit_message(&job, CommitMode::Sync).unwrap();
        }
    };
    shop.scope(|| work).await;
    shop.flush_blocking(SOON);
    let group = lines(&snapshotter, &kafka.topic);
    let expected = [
        "client.consumed.messages kafka process billing it core::fmt::Error: 2",
        "client.consumed.messages kafka process billing it: 5",
        "client.operation.duration kafka commit settle billing it: ×2",
        "client.operation.duration kafka send send it UnknownPartition: ×1",
        "client.operation.duration kafka send send it: ×5",
        "client.sent.messages kafka send it UnknownPartition: 1",
        "client.sent.messages kafka send it: 5",
        "process.duration kafka process billing it core::fmt::Error: ×2",
        "process.duration kafka process billing it: ×5",
    ];
    assert_eq!(group, expected);
}

/// Two confirmed, one returned. Two are worked on and acked, one of them failed.
#[tokio::test]
async fn rabbitmq_counts_every_message() {
    let Some(amqp) = amqp("metrics").await else { return };
    let (shop, snapshotter) = measuring();
    let work = async {
        let mandatory = BasicPublishOptions { mandatory: true, immediate: false };
        for queue in [amqp.queue.as_str(), amqp.queue.as_str(), "no such queue"] {
            let (queue, properties) = (ShortString::from(queue), BasicProperties::default());
            let publish = amqp.channel.observed().basic_publish("".into(), queue, mandatory, b"{}", properties);
            publish.await.unwrap().await.unwrap();
        }
        let mut consumer = spanbridge_amqp::ConsumerExt::observed(amqp.consume().await);
        for fails in [false, true] {
            let job = within("a message", consumer.next()).await.unwrap().unwrap();
            let result = job.run(async || if fails { Err(std::fmt::Error) } else { Ok(()) }).await;
            assert_eq!(result.is_err(), fails);
            job.ack(BasicAckOptions::default()).await.unwrap();
        }
    };
    shop.scope(|| work).await;
    shop.flush_blocking(SOON);
    let lines = lines(&snapshotter, amqp.queue.as_str());
    let expected = [
        "client.consumed.messages rabbitmq process amq.default:it core::fmt::Error: 1",
        "client.consumed.messages rabbitmq process amq.default:it: 1",
        "client.operation.duration rabbitmq ack settle amq.default:it: ×2",
        "client.operation.duration rabbitmq publish send amq.default:it: ×2",
        "client.operation.duration rabbitmq publish send amq.default:no such queue 312: ×1",
        "client.sent.messages rabbitmq publish amq.default:it: 2",
        "client.sent.messages rabbitmq publish amq.default:no such queue 312: 1",
        "process.duration rabbitmq process amq.default:it core::fmt::Error: ×1",
        "process.duration rabbitmq process amq.default:it: ×1",
    ];
    assert_eq!(lines, expected);
}
