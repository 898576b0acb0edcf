//! What only a real broker's topics do: compaction and tombstones, limits of their own, timestamps of their own; and sends
//! that nobody answers.

use rdkafka::Message;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, FutureProducer, FutureRecord, Producer};
use rdkafka::types::RDKafkaErrorCode as Code;
use spanbridge_kafka::{ConsumerExt, Observed, ProducerExt};
use spanbridge_tests::{Kafka, Seen, contents, real_kafka, recorder, sender, spans, within};
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SOON: Duration = Duration::from_secs(20);

/// Another topic, with settings.
async fn topic(kafka: &Kafka, settings: &[(&str, &str)]) -> Kafka {
    let topic = Kafka::at(kafka.brokers.clone(), "topic");
    topic.create_as(&topic.topic, 1, 1, settings).await;
    topic
}

fn named<'a>(spans: &'a [Seen], start: &str) -> Vec<&'a Seen> {
    spans.iter().filter(|s| s.name.starts_with(start)).collect()
}

/// Of each key the last message stays, and at last not even the word that it is gone. Offsets have holes then: a commit
/// says so by its range, and the lag is what there is by the offsets.
#[tokio::test(flavor = "multi_thread")]
async fn a_compacted_topic_with_tombstones() {
    let Some(kafka) = real_kafka("compacted", 1, "compaction").await else { return };
    let settings = [
        ("cleanup.policy", "compact"),
        ("segment.ms", "100"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("max.compaction.lag.ms", "200"),
        ("delete.retention.ms", "600000"),
    ];
    let kafka = topic(&kafka, &settings).await;
    let (orders, sent) = recorder("orders");
    let (mail, received) = recorder("mail");
    let producer = kafka.future_producer();
    let send = async |key: &str, payload: Option<&str>| {
        let record = FutureRecord { payload, ..FutureRecord::<str, str>::to(&kafka.topic).key(key) };
        producer.observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
    };
    orders
        .scope(async || {
            for number in 0..20 {
                send("a", Some(&number.to_string())).await;
                send("b", Some(&number.to_string())).await;
            }
            send("b", None).await;
            // The last segment is never compacted: messages to close it.
            let begun = Instant::now();
            loop {
                tokio::time::sleep(Duration::from_millis(200)).await;
                send("closes the segment", Some("")).await;
                let left = contents(&kafka, &kafka.topic, "read_uncommitted").await;
                if left.iter().filter(|m| m.key() != Some(b"closes the segment")).count() == 2 {
                    break;
                }
                assert!(begun.elapsed() < Duration::from_secs(60), "it is not compacted: {}", left.len());
            }
        })
        .await;
    let left = contents(&kafka, &kafka.topic, "read_uncommitted").await;
    mail.scope(async || {
        let consumer = kafka.consumer("compacted").observed();
        for message in &left[..3] {
            let job = within("a message", consumer.recv()).await.unwrap();
            assert_eq!((job.offset(), job.payload()), (message.offset(), message.payload()));
            job.run(async || {}).await;
            consumer.commit_message(&job, rdkafka::consumer::CommitMode::Sync).unwrap();
        }
    })
    .await;
    for recorder in [&orders, &mail] {
        recorder.flush_blocking(SOON);
    }
    let (sends, spans) = (spans(&sent.records()), spans(&received.records()));
    let senders: BTreeMap<_, _> = sends.iter().map(|s| (s.get("messaging.kafka.offset"), s)).collect();
    let (processes, commits) = (named(&spans, "process"), named(&spans, "commit"));
    let tombstones: Vec<_> = processes.iter().map(|s| s.get("messaging.kafka.message.tombstone")).collect();
    assert_eq!(tombstones, ["", "true", ""]);
    for process in &processes {
        let send = senders[process.get("messaging.kafka.offset")];
        assert_eq!(
            (process.parent, process.trace),
            (send.id, send.trace),
            "under its sender, as if there were no holes"
        );
        assert_eq!(process.get("messaging.kafka.message.tombstone"), send.get("messaging.kafka.message.tombstone"));
    }
    let ranges: Vec<_> = commits.iter().map(|s| s.get("spanbridge.settle.ranges").replace(&kafka.topic, "T")).collect();
    assert_eq!(ranges[..2], ["T[0] 38", "T[0] 39..40"], "what is gone is covered with what came after it");
}

/// The client knows nothing of a topic's own limit: the broker's answer is the first word of it. A send that is awaited goes
/// again without a context; one whose report comes later cannot, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_only_the_topic_has() {
    let Some(kafka) = real_kafka("topic-limit", 1, "limits of topics").await else { return };
    let kafka = topic(&kafka, &[("max.message.bytes", "2000")]).await;
    let (work, records) = recorder("work");
    let producer: FutureProducer =
        kafka.config().set("linger.ms", "0").set("compression.type", "none").create().unwrap();
    let base: BaseProducer<Observed<DefaultProducerContext>> =
        BaseProducer::from_config_and_context(&kafka.config(), Observed::new(DefaultProducerContext)).unwrap();
    // There is room for it, but not with a context; and for the last there is none at all.
    let (fits, large) = (vec![b'x'; 1_900], vec![b'x'; 2_100]);
    work.scope(async || {
        let record = |payload| FutureRecord::<(), [u8]>::to(&kafka.topic).payload(payload);
        producer.observed().send(record(&fits), SOON).await.map_err(|(e, _)| e).expect("it goes without us");
        let later = producer.observed().send_result(record(&fits)).map_err(|(e, _)| e).unwrap();
        let (error, back) = within("a report", later).await.unwrap().unwrap_err();
        assert_eq!(error, KafkaError::MessageProduction(Code::MessageSizeTooLarge));
        assert_eq!(back.payload().unwrap().len(), fits.len());
        base.observed().send(BaseRecord::<(), [u8]>::to(&kafka.topic).payload(&fits)).map_err(|(e, _)| e).unwrap();
        tokio::task::block_in_place(|| base.flush(SOON)).unwrap();
        producer.observed().send(record(&large), SOON).await.unwrap_err();
        // Who knows the limit says it.
        let sent = producer.observed().budget(0).send_result(record(&fits)).map_err(|(e, _)| e).unwrap();
        within("a report", sent).await.unwrap().map_err(|(e, _)| e).unwrap();
    })
    .await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let told: Vec<_> = spans
        .iter()
        .map(|s| (s.handoff(), s.get("error.type"), s.diagnostics.iter().map(|d| d.0.as_str()).collect::<Vec<_>>()))
        .collect();
    let too_large = "MessageSizeTooLarge";
    assert_eq!(
        told,
        [
            ("confirmed", "", vec!["injection.dropped"]),
            ("rejected", too_large, vec!["injection.refused"]),
            ("rejected", too_large, vec!["injection.refused"]),
            ("rejected", too_large, vec!["injection.dropped"]),
            ("confirmed", "", vec!["injection.dropped"]),
        ]
    );
    let log = contents(&kafka, &kafka.topic, "read_uncommitted").await;
    assert_eq!(log.iter().map(sender).collect::<Vec<_>>(), [None, None]);
}

/// Without an answer nobody knows: the span says that it was sent, and no offset. With one it is confirmed, also by a single
/// broker.
#[tokio::test(flavor = "multi_thread")]
async fn sends_that_nobody_answers() {
    let Some(kafka) = real_kafka("acks-0", 1, "limits of topics").await else { return };
    let kafka = topic(&kafka, &[("max.message.bytes", "2000")]).await;
    let (work, records) = recorder("work");
    let producer = |acks: &str| kafka.config().set("acks", acks).set("linger.ms", "0").clone();
    let large = "x".repeat(3_000);
    work.scope(async || {
        for (acks, payload) in [("0", "x"), ("0", large.as_str()), ("1", "x")] {
            let producer: FutureProducer = producer(acks).create().unwrap();
            let record = FutureRecord::<(), str>::to(&kafka.topic).payload(payload);
            producer.observed().send(record, SOON).await.map_err(|(e, _)| e).expect("rdkafka finds it sent");
        }
        let context = Observed::new(DefaultProducerContext);
        let base: BaseProducer<_> = BaseProducer::from_config_and_context(&producer("0"), context).unwrap();
        base.observed().send(BaseRecord::<(), str>::to(&kafka.topic).payload("y")).map_err(|(e, _)| e).unwrap();
        tokio::task::block_in_place(|| base.flush(SOON)).unwrap();
    })
    .await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let told: Vec<_> = spans.iter().map(|s| (s.handoff(), s.get("messaging.kafka.offset"))).collect();
    assert_eq!(told, [("sent", ""), ("sent", ""), ("confirmed", "1"), ("sent", "")]);
    let arrived = async || contents(&kafka, &kafka.topic, "read_uncommitted").await;
    let begun = Instant::now();
    while arrived().await.len() < 3 {
        assert!(begun.elapsed() < SOON, "the last, too");
    }
    let arrived: Vec<_> = arrived().await.iter().map(|m| m.payload().unwrap().len()).collect();
    assert_eq!(arrived, [1; 3], "the large one never did, and nobody said so");
}

/// With the broker's timestamps the time in the queue is right whatever the sender's clock says, and a wrong clock is not
/// noticed; with the sender's it is, up to the hour that a broker puts up with.
#[tokio::test(flavor = "multi_thread")]
async fn timestamps_of_the_broker() {
    let Some(kafka) = real_kafka("append-time", 1, "timestamps of its own").await else { return };
    let hour = 3_600_000;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let mut told = vec![];
    for kind in ["LogAppendTime", "CreateTime"] {
        let kafka = topic(&kafka, &[("message.timestamp.type", kind)]).await;
        let (producer, consumer) = (kafka.future_producer(), kafka.consumer("append-time").observed());
        // Of a clock that is an hour slow, half an hour fast, and a day fast.
        for ahead in [-hour, hour / 2, 24 * hour] {
            let (work, records) = recorder("work");
            work.scope(async || {
                let record = FutureRecord::<(), str>::to(&kafka.topic).payload("x").timestamp(now + ahead);
                if producer.observed().send(record, SOON).await.is_ok() {
                    let job = within("a message", consumer.recv()).await.unwrap();
                    job.run(async || {}).await;
                }
            })
            .await;
            work.flush_blocking(SOON);
            let spans = spans(&records.records());
            let refused = named(&spans, "send")[0].get("error.type").to_owned();
            let processed = named(&spans, "process");
            let waited = processed.first().map_or("", |s| s.get("spanbridge.queue.time_ms"));
            let waited = waited.parse::<i64>().map_or("nothing", |ms| if ms < hour { "a moment" } else { "an hour" });
            let diagnostics = processed.iter().flat_map(|s| &s.diagnostics).map(|d| d.0.as_str()).collect::<String>();
            told.push(format!("{kind}, {} min: waited {waited} {refused}{diagnostics}", ahead / 60_000))
        }
    }
    assert_eq!(
        told,
        [
            "LogAppendTime, -60 min: waited a moment ",
            "LogAppendTime, 30 min: waited a moment ",
            "LogAppendTime, 1440 min: waited a moment ",
            "CreateTime, -60 min: waited an hour ",
            "CreateTime, 30 min: waited nothing clock.skew",
            "CreateTime, 1440 min: waited nothing InvalidTimestamp",
        ]
    );
}
