//! What is missing, by what real brokers and clients have left in a store: each gap is named, and nothing else.

use lapin::BasicProperties;
use lapin::options::*;
use lapin::types::FieldTable;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use spanbridge::{Memory, Recorder, observe, w3c::Baggage};
use spanbridge_amqp::{ChannelExt, ConsumerExt, Job, Jobs, Relation};
use spanbridge_graph::Checkup;
use spanbridge_kafka::{CaptureMode, CapturePolicy, ConsumerExt as _, ProducerExt};
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;
use spanbridge_tests::{Amqp, Kafka, amqp, headers, in_process_kafka, kafka, raw_headers, text, within};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SOON: Duration = Duration::from_secs(20);

/// A store, and two services that record into it.
struct Stage {
    directory: tempfile::TempDir,
    shop: Recorder,
    mail: Recorder,
}

impl Stage {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let recorder = |service: &str| {
            let sink = StoreSink::open(directory.path().join("records.db")).unwrap();
            Recorder::builder(service).sink(sink).build().unwrap()
        };
        Stage { shop: recorder("shop"), mail: recorder("mail"), directory }
    }

    /// The code of each gap, and what is the matter, a few seconds later. Its words have none that are `strange` here.
    fn gaps(&self, topic: &str, strange: &[&str]) -> Vec<String> {
        for recorder in [&self.shop, &self.mail] {
            assert!(recorder.flush_blocking(SOON).complete);
        }
        let store = Store::open(self.directory.path().join("records.db")).unwrap();
        let runs: Vec<_> = store.runs(&RunFilter::default(), 1000).unwrap().iter().map(|row| row.run_id).collect();
        let later = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(5);
        let checkup =
            Checkup::new(later.as_nanos() as u64).grace(Duration::from_secs(1)).silence(Duration::from_secs(1));
        let gaps = store.gaps(&runs, checkup).unwrap();
        for gap in &gaps {
            let words = format!("{} {}", gap.likely_cause, gap.fix);
            assert!(!strange.iter().any(|word| words.contains(word)), "what has that to do with it? {words}");
        }
        gaps.iter().map(|gap| format!("{}: {}", gap.kind.code(), gap.what).replace(topic, "T")).collect()
    }
}

async fn send(kafka: &Kafka, topic: &str) {
    let record = FutureRecord::<(), str>::to(topic).payload("{}");
    kafka.future_producer().observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka() {
    let kafka = kafka("gaps", 1).await;
    let stage = Stage::new();
    let consumer = kafka.consumer("mail").observed();
    let next = async || within("a message", consumer.recv()).await.unwrap();
    // All is well: committed one by one, several at once, stored, and by a transaction.
    for _ in 0..6 {
        stage.shop.scope(|| send(&kafka, &kafka.topic)).await;
    }
    let transactional: FutureProducer = kafka.config().set("transactional.id", kafka.topic.as_str()).create().unwrap();
    tokio::task::block_in_place(|| transactional.init_transactions(SOON)).unwrap();
    let in_transaction = |commit: bool| {
        let offsets = consumer.consumer().position().unwrap();
        let group = consumer.consumer().group_metadata().unwrap();
        tokio::task::block_in_place(|| {
            let mut transaction = transactional.observed().begin_transaction()?;
            transaction.send_offsets_to_transaction(&offsets, &group, SOON)?;
            if commit { transaction.commit_transaction(SOON) } else { transaction.abort_transaction(SOON) }
        })
        .unwrap()
    };
    let work = async {
        for how in 0..6 {
            let job = next().await;
            job.run(async || {
                if how == 5 {
                    in_transaction(true)
                }
            })
            .await;
            match how {
                0 | 3 => consumer.commit_message(&job, CommitMode::Sync).unwrap(),
                4 => job.store_offset().unwrap(),
                _ => {}
            }
        }
    };
    stage.mail.scope(|| work).await;
    assert_eq!(stage.gaps(&kafka.topic, &["RabbitMQ", "exchange", "queue"]), [""; 0]);

    // A topic of nobody's; somebody who does not use `observed()`; headers that are none; too much baggage.
    let other = format!("{}.other", kafka.topic);
    kafka.create(&other, 1).await;
    kafka.send(0, OwnedHeaders::new(), b"{}").await;
    kafka.send(0, raw_headers(&[(b"traceparent", Some(b"junk"))]), b"{}").await;
    let sending = async {
        send(&kafka, &other).await;
        let span = observe::span("s").open();
        let context = span.context().with_baggage(Baggage::parse(b"tenant=acme").0);
        let record = FutureRecord::<(), str>::to(&kafka.topic).payload("{}");
        let producer = kafka.future_producer();
        let sent = observe::with_context(context, || producer.observed().budget(80).send(record, SOON));
        sent.await.map_err(|(e, _)| e).unwrap();
        send(&kafka, &kafka.topic).await;
        send(&kafka, &kafka.topic).await;
    };
    stage.shop.scope(|| sending).await;
    // One is worked on and not settled, as its transaction was rolled back, and one is not taken.
    let work = async {
        for how in 0..4 {
            let job = next().await;
            job.run(async || {
                if how == 3 {
                    in_transaction(false)
                }
            })
            .await;
            if how == 2 {
                consumer.commit_message(&job, CommitMode::Async).unwrap()
            }
        }
    };
    stage.mail.scope(|| work).await;
    assert_eq!(
        stage.gaps(&kafka.topic, &["RabbitMQ", "exchange", "queue"]),
        [
            "not_received: send T by shop, confirmed",
            "no_consumer: send T.other by shop, confirmed",
            "not_settled: process T by mail",
            "context_lost: process T by mail, without a context",
            "context_dropped: send T by shop: no room for the baggage (11 bytes)",
            "header_malformed: process T by mail: traceparent: shorter than 55 characters",
        ]
    );
}

/// The broker refuses the only commit that there is: it proves all the same that the consumer settles.
#[tokio::test]
async fn where_the_only_commit_is_refused() {
    let kafka = in_process_kafka("gaps.refused", 1).await;
    let mock = kafka.mock.as_ref().unwrap();
    let stage = Stage::new();
    stage.shop.scope(|| send(&kafka, &kafka.topic)).await;
    let consumer = kafka.consumer("mail").observed();
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    let work = async {
        let job = within("a message", consumer.recv()).await.unwrap();
        job.run(async || {}).await;
        mock.request_errors(RDKafkaApiKey::OffsetCommit, &[refused]);
        consumer.commit_message(&job, CommitMode::Sync).unwrap_err();
    };
    stage.mail.scope(|| work).await;
    assert_eq!(
        stage.gaps(&kafka.topic, &["RabbitMQ", "exchange", "queue"]),
        ["not_settled: process T by mail, its settlement was refused"]
    );
}

/// Consumers of which nothing is stored, or nothing is committed, or what is stored is not; and one that does it all itself.
#[tokio::test]
async fn where_no_offset_is_committed() {
    let never = ["never_settled: process T by mail and 1 more"];
    for (commits, stores, store, expected) in [
        ("false", "false", false, &never[..]),
        ("false", "false", true, &never),
        ("true", "false", false, &never),
        ("true", "false", true, &[]),
        ("true", "true", false, &[]),
    ] {
        let kafka = kafka("gaps.never", 1).await;
        let stage = Stage::new();
        stage.shop.scope(|| send(&kafka, &kafka.topic)).await;
        stage.shop.scope(|| send(&kafka, &kafka.topic)).await;
        let mut config = kafka.group("mail");
        config.set("enable.auto.commit", commits).set("enable.auto.offset.store", stores);
        let consumer: StreamConsumer = config.create().unwrap();
        consumer.subscribe(&[&kafka.topic]).unwrap();
        let consumer = consumer.observed();
        let work = async {
            for _ in 0..2 {
                let job = within("a message", consumer.recv()).await.unwrap();
                job.run(async || {}).await;
                if store {
                    job.store_offset().unwrap();
                }
            }
        };
        stage.mail.scope(|| work).await;
        let gaps = stage.gaps(&kafka.topic, &["RabbitMQ", "exchange", "queue", "no_ack"]);
        assert_eq!(gaps, expected, "commits {commits}, stores {stores}, {store}");
    }
}

/// Gaps without a broker's part in them: a sender that records elsewhere, runs that are ended never or twice, clocks, a
/// redaction hook that fails.
#[tokio::test]
async fn in_any_case() {
    let kafka = kafka("gaps.else", 1).await;
    let stage = Stage::new();
    let elsewhere = Recorder::builder("billing").sink(Memory::new()).build().unwrap();
    elsewhere.scope(|| send(&kafka, &kafka.topic)).await;
    let sending = async {
        let ahead = (SystemTime::now() + Duration::from_secs(60)).duration_since(UNIX_EPOCH).unwrap();
        let record = FutureRecord::<(), str>::to(&kafka.topic).payload("{}").timestamp(ahead.as_millis() as i64);
        kafka.future_producer().observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
        send(&kafka, &kafka.topic).await;
        send(&kafka, &kafka.topic).await;
        std::mem::forget(observe::run("nightly import").open());
        let saved = observe::run("approval").open().suspend("a person").to_string();
        let [monday, tuesday] = [(), ()].map(|()| observe::resume_run(saved.parse().unwrap()));
        monday.end();
        tuesday.error("nobody has answered");
    };
    stage.shop.scope(|| sending).await;
    let consumer = kafka.consumer("mail").observed();
    let redacting = CapturePolicy::from(CaptureMode::Inline { max: 64 }).redact(|_| Err("whatever it is"));
    let work = async {
        for _ in 0..3 {
            let job = within("a message", consumer.recv()).await.unwrap();
            job.run(async || {}).await;
            consumer.commit_message(&job, CommitMode::Sync).unwrap();
        }
        let consumer = consumer.with(spanbridge_kafka::ReceiveOptions::new().capture(redacting));
        let job = within("a message", consumer.recv()).await.unwrap();
        job.run(async || {}).await;
        consumer.commit_message(&job, CommitMode::Sync).unwrap();
    };
    stage.mail.scope(|| work).await;
    let gaps = stage.gaps(&kafka.topic, &["RabbitMQ", "exchange", "queue"]);
    let expected = [
        "parent_missing: process T by mail: its parent, span ",
        "clock_behind: process T by mail: the message's timestamp lies ",
        "conflict: the run was ended twice: ",
        "no_end: run nightly import: nothing recorded since ",
        "redaction_failed: process T by mail: nothing of the payload was recorded",
    ];
    assert!(gaps.len() == expected.len() && gaps.iter().zip(expected).all(|(gap, e)| gap.starts_with(e)), "{gaps:#?}");
}

async fn publish(amqp: &Amqp, queue: &str, options: BasicPublishOptions) {
    let sent =
        amqp.channel.observed().basic_publish("".into(), queue.into(), options, b"{}", BasicProperties::default());
    sent.await.unwrap().await.unwrap();
}

/// A consumer that settles nothing is told, whoever made it, and not where RabbitMQ settles; one whose only ack came too late
/// is one that settles.
#[tokio::test]
async fn where_nothing_is_settled() {
    let Some(amqp) = amqp("gaps.never").await else { return };
    let observed = amqp.channel.observed();
    let table = FieldTable::default;
    for (consumer, expected) in [
        ("lapin's", &["never_settled: process amq.default:T by mail and 1 more"][..]),
        ("ours", &["never_settled: process amq.default:T by mail and 1 more"]),
        ("no_ack", &[]),
        ("late", &["not_settled: process amq.default:T by mail, its settlement was refused"; 2]),
    ] {
        let stage = Stage::new();
        let queue = format!("{}.{consumer}", amqp.queue);
        amqp.declare(&queue, table()).await;
        let sending = async {
            publish(&amqp, &queue, PLAIN).await;
            publish(&amqp, &queue, PLAIN).await;
        };
        stage.shop.scope(|| sending).await;
        let work = async {
            let options = BasicConsumeOptions { no_ack: consumer == "no_ack", ..BasicConsumeOptions::default() };
            let channel = amqp.connection.create_channel().await.unwrap();
            let mut jobs = match consumer {
                "lapin's" => amqp.consume_from(&queue).await.observed(),
                "late" => {
                    channel.observed().basic_consume(queue.as_str().into(), "".into(), options, table()).await.unwrap()
                }
                _ => observed.basic_consume(queue.as_str().into(), "".into(), options, table()).await.unwrap(),
            };
            let taken = [next(&mut jobs).await, next(&mut jobs).await];
            for job in &taken {
                job.run(async || {}).await;
            }
            if consumer == "late" {
                channel.close(200, "gone".into()).await.unwrap();
                for job in &taken {
                    assert!(!job.ack(BasicAckOptions::default()).await.unwrap_or(false));
                }
            }
        };
        stage.mail.scope(|| within("the work", work)).await;
        assert_eq!(stage.gaps(&queue, &["offset", "its lag", "the group"]), expected, "{consumer}");
    }
}

async fn next(jobs: &mut Jobs) -> Job {
    within("a message", jobs.next()).await.unwrap().unwrap()
}

const PLAIN: BasicPublishOptions = BasicPublishOptions { mandatory: false, immediate: false };

#[tokio::test]
async fn on_rabbitmq() {
    let Some(amqp) = amqp("gaps").await else { return };
    let stage = Stage::new();
    let queue = amqp.queue.as_str();
    let dead = format!("{queue}.dead");
    let live = format!("{queue}.live");
    amqp.declare(&dead, FieldTable::default()).await;
    let to = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text(dead.as_str()))];
    amqp.declare(&live, headers(to)).await;
    // All is well: settled in every way, dead letters included, in every relation; and not to be settled.
    let sending = async {
        for queue in [&live, &live, &live, &live] {
            publish(&amqp, queue, PLAIN).await;
        }
        publish(&amqp, "nowhere", BasicPublishOptions { mandatory: true, ..PLAIN }).await;
    };
    stage.shop.scope(|| sending).await;
    let work = async {
        let mut jobs = amqp.consume_from(&live).await.observed();
        let (first, second) = (next(&mut jobs).await, next(&mut jobs).await);
        first.run(async || {}).await;
        second.run(async || {}).await;
        second.ack(BasicAckOptions { multiple: true }).await.unwrap();
        let third = next(&mut jobs).await;
        third.run(async || {}).await;
        third.nack(BasicNackOptions { requeue: true, multiple: false }).await.unwrap();
        next(&mut jobs).await.run_value(async || "the fourth, whose order is not told").await;
        let again = next(&mut jobs).await;
        again.run(async || {}).await;
        again.nack(BasicNackOptions { requeue: false, multiple: true }).await.unwrap();
        for relation in [Relation::Link, Relation::NewRun] {
            let mut letters = amqp
                .consume_from(&dead)
                .await
                .observed()
                .with(spanbridge_amqp::ReceiveOptions::new().relation(relation));
            let letter = next(&mut letters).await;
            letter.run(async || {}).await;
            letter.ack(BasicAckOptions::default()).await.unwrap();
            let tag = letters.consumer().tag();
            amqp.channel.basic_cancel(tag, BasicCancelOptions::default()).await.unwrap();
            amqp.channel.basic_recover(BasicRecoverOptions { requeue: true }).await.unwrap();
        }
    };
    stage.mail.scope(|| within("the work", work)).await;
    assert_eq!(stage.gaps(queue, &["offset", "its lag", "the group"]), [""; 0]);

    // To nobody's queue, and without one; a sender who does not use `observed()`; work that is left, and work whose
    // channel goes away; a message that nobody takes.
    let other = format!("{queue}.other");
    amqp.declare(&other, FieldTable::default()).await;
    let sending = async {
        publish(&amqp, &other, PLAIN).await;
        publish(&amqp, "nowhere", PLAIN).await;
        publish(&amqp, queue, PLAIN).await;
        amqp.send(FieldTable::default(), b"{}").await;
        publish(&amqp, queue, PLAIN).await;
        publish(&amqp, queue, PLAIN).await;
    };
    stage.shop.scope(|| sending).await;
    let work = async {
        // Its channel is gone before the work is done.
        let channel = amqp.connection.create_channel().await.unwrap();
        channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
        let (options, table) = (BasicConsumeOptions::default(), FieldTable::default());
        let consumer = channel.basic_consume(amqp.queue.clone(), "".into(), options, table).await.unwrap();
        let late = next(&mut consumer.observed()).await;
        late.run(async || channel.close(200, "gone".into()).await.map_err(|e| e.to_string())).await.unwrap();
        assert!(!late.ack(BasicAckOptions::default()).await.unwrap_or(false));
        let mut jobs = amqp.consume().await.observed();
        for settled in [true, true, false] {
            let job = next(&mut jobs).await;
            job.run(async || {}).await;
            if settled {
                job.ack(BasicAckOptions::default()).await.unwrap();
            }
        }
    };
    stage.mail.scope(|| within("the work", work)).await;
    assert_eq!(
        stage.gaps(queue, &["offset", "its lag", "the group"]),
        [
            "not_received: publish amq.default:T by shop, confirmed",
            "no_consumer: publish amq.default:nowhere by shop, confirmed",
            "no_consumer: publish amq.default:T.other by shop, confirmed",
            "not_settled: process amq.default:T by mail",
            "not_settled: process amq.default:T by mail, its settlement was refused, then delivered again",
            "context_lost: process amq.default:T by mail, without a context",
        ]
    );
}
