//! Through Kafka and back: what a producer and a consumer record, and that they are one run.

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
async fn a_job_hangs_under_the_span_that_sent_it() {
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
    run.with_context(async { observe::span("place order").run(place).await }).await.unwrap();
    run.end();

    let work = async {
        let consumer = kafka.consumer("mail").observed();
        let job = within("a message", consumer.recv()).await.unwrap();
        assert_eq!(job.context().run_id(), id);
        assert_eq!(job.group(), "mail");
        // Detached, a job can be spawned.
        let job = job.detach();
        let handled = tokio::spawn(async move {
            let result = job.run(async {
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
    mail.scope(work).await;

    orders.flush_blocking(Duration::from_secs(5));
    mail.flush_blocking(Duration::from_secs(5));
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
         \x20     store_offset T\n\
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
    assert_eq!(told("spanbridge.kafka.lag"), "0");
    let waited: i64 = told("spanbridge.queue.time_ms").parse().unwrap();
    assert!((0..60_000).contains(&waited), "{waited} ms in the queue");
}
