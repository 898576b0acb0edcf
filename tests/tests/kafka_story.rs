//! Through Kafka and back: what the spans of a message tell that only Kafka knows.

use rdkafka::Message;
use rdkafka::consumer::CommitMode;
use rdkafka::producer::FutureRecord;
use spanbridge::observe;
use spanbridge_kafka::{ConsumerExt, ProducerExt};
use spanbridge_tests::{kafka, recorder, spans, tree, within};
use std::time::Duration;

const SHOWN: &[&str] = &["spanbridge.handoff.status", "spanbridge.settle.ranges"];
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn what_the_spans_of_a_message_tell() {
    let kafka = kafka("story", 1).await;
    let (orders, sent) = recorder("orders");
    let (mail, received) = recorder("mail");
    let run = orders.in_scope(|| observe::run("order 42").open());
    let id = run.id();
    let producer = kafka.future_producer();
    let place = async {
        let record = FutureRecord::to(&kafka.topic).key("42").payload("{}");
        let delivery = producer.observed().send(record, SOON).await.map_err(|(e, _)| e)?;
        assert_eq!((delivery.partition, delivery.offset), (0, 0));
        Ok::<_, rdkafka::error::KafkaError>(())
    };
    run.with_context(|| observe::span("place order").run(|| place)).await.unwrap();
    run.end();

    let work = async {
        let consumer = kafka.consumer("mail").observed();
        let job = within("a message", consumer.recv()).await.unwrap();
        assert_eq!(job.context().run_id(), id);
        assert_eq!(job.group(), "mail");
        // Detached, a job can be spawned.
        let job = job.detach();
        let handled = tokio::spawn(async move {
            let result = job.run(async || {
                observe::span("write mail").in_scope(|| ());
                Ok::<_, String>(job.payload().map(<[u8]>::len))
            });
            assert_eq!(result.await, Ok(Some(2)));
            job.store_offset().unwrap();
            job
        });
        let job = handled.await.unwrap();
        consumer.commit_message(&job, CommitMode::Sync).unwrap();
    };
    mail.scope(|| work).await;

    orders.flush_blocking(Duration::from_secs(60));
    mail.flush_blocking(Duration::from_secs(60));
    let mut all = sent.records();
    all.extend(received.records());
    assert!(all.iter().all(|r| r.run_id == id && id.is_some()), "one run id");
    let tree = tree(&all, SHOWN).replace(&kafka.topic, "T");
    assert_eq!(
        tree,
        "place order (root)\n\
         \x20 send T status=confirmed\n\
         \x20   process T\n\
         \x20     write mail\n\
         \x20     commit T ranges=T[0] 0\n"
    );
    let process = spans(&all).into_iter().find(|s| s.name.starts_with("process")).unwrap();
    let told = |key: &str| process.get(key).to_owned();
    assert_eq!(told("messaging.system"), "kafka");
    assert_eq!(told("messaging.destination.partition.id"), "0");
    assert_eq!(told("messaging.kafka.offset"), "0");
    assert_eq!(told("messaging.kafka.message.key"), "42");
    assert_eq!(told("messaging.consumer.group.name"), "mail");
    assert_eq!(told("messaging.client.id"), "rdkafka");
    assert_eq!(told("messaging.message.body.size"), "2");
    assert_eq!(told("spanbridge.settle.stored"), "true");
    assert_eq!(told("spanbridge.kafka.lag"), "0");
    let waited: i64 = told("spanbridge.queue.time_ms").parse().unwrap();
    assert!((0..60_000).contains(&waited), "{waited} ms in the queue");
}

#[tokio::test]
async fn a_message_without_a_value_is_a_tombstone() {
    let kafka = kafka("tombstone", 1).await;
    let (work, records) = recorder("work");
    let through = async {
        let record = FutureRecord::<str, str>::to(&kafka.topic).key("42");
        kafka.future_producer().observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
        let consumer = kafka.consumer("tombstone").observed();
        let job = within("a message", consumer.recv()).await.unwrap();
        job.run(async || {}).await;
    };
    work.scope(|| through).await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    assert_eq!(spans.len(), 2);
    for span in spans {
        assert_eq!(span.get("messaging.kafka.message.tombstone"), "true");
        assert_eq!(span.get("messaging.message.body.size"), "");
    }
}
