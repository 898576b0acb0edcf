//! Batches, and commits that cover many messages.

use futures_util::{FutureExt, StreamExt};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::producer::FutureRecord;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{Message, Offset};
use spanbridge::{Context, ContextExt, observe};
use spanbridge_kafka::{Batch, ConsumerExt, Incoming, Observed, ProducerExt, ReceiveOptions, Relation};
use spanbridge_tests::{Kafka, Seen, kafka, recorder, spans, within};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

/// Sends so many messages, each in a trace of its own; their contexts.
async fn send(kafka: &Kafka, count: usize) -> Vec<Context> {
    let (senders, _) = recorder("senders");
    let producer = kafka.future_producer();
    let send = async {
        let mut contexts = vec![];
        for i in 0..count {
            let payload = i.to_string();
            let record = FutureRecord::<(), str>::to(&kafka.topic).partition(0).payload(&payload);
            let sending = producer.observed().send_result(record).map_err(|(e, _)| e).unwrap();
            contexts.push(sending.context());
            within("a delivery report", sending).await.unwrap().map_err(|(e, _)| e).unwrap();
        }
        contexts
    };
    senders.scope(|| send).await
}

fn named<'a>(spans: &'a [Seen], start: &str) -> Vec<&'a Seen> {
    spans.iter().filter(|s| s.name.starts_with(start)).collect()
}

#[tokio::test]
async fn a_hundred_messages_of_a_hundred_senders() {
    let kafka = kafka("batch", 1).await;
    let senders = send(&kafka, 100).await;
    let (work, records) = recorder("work");
    let consume = async {
        let consumer = kafka.consumer("batch").observed();
        let mut seen = 0;
        let mut jobs = vec![];
        while seen < senders.len() {
            let batch = within("a batch", consumer.batch(16)).await.unwrap();
            seen += batch.len();
            jobs.extend(batch);
        }
        let batch = Batch::new(jobs);
        let result = batch.run(async || {
            observe::span("insert all").in_scope(|| ());
            // One of them by itself.
            batch[1].run(async || Err::<(), _>("not this one")).await.unwrap_err();
            Ok::<_, String>(batch.iter().map(|job| job.payload_len()).sum::<usize>())
        });
        assert_eq!(result.await, Ok(190), "bytes");
        consumer.commit_message(&batch[99], CommitMode::Sync).unwrap();
    };
    work.scope(|| consume).await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let (processes, commits) = (named(&spans, "process"), named(&spans, "commit"));
    assert_eq!(processes.len(), 101);
    let batch = processes.iter().find(|s| s.get("messaging.batch.message_count") == "100").unwrap();
    assert_eq!(batch.parent, None);
    let links: Vec<_> = batch.links.iter().map(|l| Some(l.1)).collect();
    assert_eq!(links, senders.iter().map(Context::span_id).collect::<Vec<_>>());
    for (i, sender) in senders.iter().enumerate() {
        let process = processes.iter().find(|s| s.get("messaging.kafka.offset") == i.to_string()).unwrap();
        assert_eq!((process.parent, process.trace), (sender.span_id(), sender.trace_id()));
        assert_eq!(process.links, [(batch.trace.unwrap(), batch.id.unwrap())]);
        assert_eq!(process.get("messaging.batch.message_count"), "");
        assert_eq!(process.error, if i == 1 { "not this one" } else { "" });
    }
    assert_eq!(named(&spans, "insert all")[0].parent, batch.id);
    assert_eq!(commits[0].get("spanbridge.settle.ranges").replace(&kafka.topic, "T"), "T[0] 0..99");
    assert_eq!(commits[0].parent, processes.iter().find(|s| s.get("messaging.kafka.offset") == "99").unwrap().id);
}

#[tokio::test]
async fn a_batch_that_is_given_up_is_cancelled_whole() {
    let kafka = kafka("given_up", 1).await;
    send(&kafka, 2).await;
    let (work, records) = recorder("work");
    let consume = async {
        let consumer = kafka.consumer("given_up").observed();
        let jobs: Vec<_> = within("messages", consumer.stream().take(2).collect::<Vec<_>>()).await;
        let batch = Batch::new(jobs.into_iter().map(Result::unwrap).collect());
        let forever = batch.run(std::future::pending::<()>);
        tokio::time::timeout(Duration::from_millis(10), forever).await.unwrap_err();
    };
    work.scope(|| consume).await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let status: Vec<_> = spans.iter().map(|s| s.status.unwrap().name()).collect();
    assert_eq!(status, ["cancelled"; 3]);
}

/// The application's own function may panic before a message is a job: the messages before it are a batch, and it comes again.
#[tokio::test]
async fn a_relation_that_panics_loses_nothing() {
    const COUNT: usize = 6;
    let kafka = kafka("batch_relation", 1).await;
    send(&kafka, COUNT).await;
    let asked = AtomicUsize::new(0);
    let relation = move |message: Incoming<'_>| match asked.fetch_add((message.offset == 2).into(), SeqCst) {
        0..3 if message.offset == 2 => resume_unwind(Box::new("no relation")),
        _ => Relation::Parent,
    };
    let consumer = kafka.consumer("batch_relation").observed().with(ReceiveOptions::new().relation_by(relation));
    let (mut offsets, mut panics) = (vec![], 0);
    while offsets.len() < COUNT {
        // The message comes again whichever way it is received.
        let received = async {
            match panics {
                1 => vec![consumer.recv().await.unwrap().offset()],
                2 => vec![consumer.stream().next().await.unwrap().unwrap().offset()],
                _ => consumer.batch(COUNT).await.unwrap().iter().map(|job| job.offset()).collect(),
            }
        };
        match within("messages", AssertUnwindSafe(received).catch_unwind()).await {
            Ok(received) => offsets.extend(received),
            Err(panic) => {
                assert_eq!(panic.downcast_ref(), Some(&"no relation"), "it is the application's");
                panics += 1
            }
        }
    }
    assert_eq!(offsets, [0, 1, 2, 3, 4, 5]);
    assert!((2..=3).contains(&panics), "{panics}: one may have ended a batch");
}

#[tokio::test]
async fn a_commit_is_recorded_once_as_a_range() {
    let kafka = kafka("commits", 1).await;
    send(&kafka, 6).await;
    let (work, records) = recorder("work");
    let consume = async {
        let context = Observed::new(DefaultConsumerContext);
        let consumer: BaseConsumer<_> = kafka.consumer_with("commits", context);
        let consumer = consumer.observed();
        for i in 0..6 {
            let begun = std::time::Instant::now();
            let job = loop {
                assert!(begun.elapsed() < Duration::from_secs(30), "no message");
                match consumer.poll(Duration::from_millis(100)) {
                    Some(job) => break job.unwrap(),
                    None => continue,
                }
            };
            job.in_scope(|| ());
            if i == 2 {
                let mut offsets = TopicPartitionList::new();
                offsets.add_partition_offset(&kafka.topic, 0, Offset::Offset(3)).unwrap();
                consumer.commit(&offsets, CommitMode::Sync).unwrap();
            }
            if i == 4 {
                job.store_offset().unwrap();
                observe::span("housekeeping").in_scope(|| consumer.commit_consumer_state(CommitMode::Async)).unwrap();
            }
            if i == 5 {
                let job = job.detach();
                consumer.commit_message(&job, CommitMode::Sync).unwrap();
                drop(consumer);
                assert!(job.store_offset().is_err(), "the consumer is gone");
                break;
            }
        }
    };
    work.scope(|| consume).await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let commits = named(&spans, "commit");
    let ranges = |s: &&Seen| s.get("spanbridge.settle.ranges").replace(&kafka.topic, "T");
    assert_eq!(commits.iter().map(ranges).collect::<Vec<_>>(), ["T[0] 0..2", "T[0] 3..4", "T[0] 5"]);
    let last = named(&spans, "process").into_iter().find(|s| s.get("messaging.kafka.offset") == "2").unwrap();
    assert_eq!(commits[0].parent, last.id, "under the last message that it covers");
    assert_eq!(commits[1].parent, named(&spans, "housekeeping")[0].id, "under what is current");
    assert_eq!(commits[1].get("spanbridge.settle.async"), "true");
    // A stored offset is an attribute of the process span; one that could not be stored is a span.
    let stored = named(&spans, "process").into_iter().filter(|s| s.get("spanbridge.settle.stored") == "true");
    assert_eq!(stored.map(|s| s.get("messaging.kafka.offset")).collect::<Vec<_>>(), ["4"]);
    let failed: Vec<_> = named(&spans, "store_offset").iter().map(|s| s.status.unwrap().name()).collect();
    assert_eq!(failed, ["error"]);
}

#[tokio::test]
async fn commits_of_librdkafka_s_own_are_recorded() {
    let kafka = kafka("own", 1).await;
    send(&kafka, 3).await;
    let (work, records) = recorder("work");
    let mut config = kafka.group("own");
    config.set("enable.auto.commit", "true").set("auto.commit.interval.ms", "20");
    let consumer: StreamConsumer<_> = config.create_with_context(Observed::new(DefaultConsumerContext)).unwrap();
    consumer.subscribe(&[&kafka.topic]).unwrap();
    let consumer = consumer.observed();
    let (records_ref, work_ref, consumer_ref) = (&records, &work, &consumer);
    let commits = |count: usize| {
        let committed = async move {
            while named(&spans(&records_ref.records()), "commit").len() < count {
                let _ = tokio::time::timeout(Duration::from_millis(10), consumer_ref.recv()).await;
                work_ref.flush_blocking(SOON);
            }
        };
        within("a commit", committed)
    };
    let consume = async {
        for i in 0..4 {
            let job = within("a message", consumer.recv()).await.unwrap();
            job.run(async || {}).await;
            if i == 2 {
                job.store_offset().unwrap();
                drop(job);
                // Nothing comes meanwhile: waiting for the answer would swallow it.
                commits(1).await;
                send(&kafka, 1).await;
                if let Some(mock) = &kafka.mock {
                    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
                    mock.request_errors(RDKafkaApiKey::OffsetCommit, &[refused]);
                }
            } else if i == 3 {
                job.store_offset().unwrap();
                drop(job);
                commits(2).await;
            }
        }
    };
    work.scope(|| consume).await;
    let spans = spans(&records.records());
    let told =
        |s: &&Seen| (s.get("spanbridge.settle.ranges").replace(&kafka.topic, "T"), s.status.unwrap().name(), s.parent);
    let processed = |offset: &str| {
        let mut processes = named(&spans, "process").into_iter();
        processes.find(|s| s.get("messaging.kafka.offset") == offset).unwrap().id
    };
    let commits: Vec<_> = named(&spans, "commit").iter().map(told).collect();
    let second = if kafka.mock.is_some() { "error" } else { "ok" };
    let [first, last] = [("T[0] 0..2", "ok", "2"), ("T[0] 3", second, "3")]
        .map(|(ranges, status, offset)| (ranges.to_owned(), status, processed(offset)));
    assert_eq!(commits, [first, last]);
}

#[tokio::test]
async fn a_panic_is_told_to_all_of_a_batch() {
    let kafka = kafka("panic", 1).await;
    send(&kafka, 2).await;
    let (work, records) = recorder("work");
    let consume = async {
        let consumer = kafka.consumer("panic").observed();
        let jobs: Vec<_> = within("messages", consumer.stream().take(2).collect::<Vec<_>>()).await;
        let batch = Batch::new(jobs.into_iter().map(|job| job.unwrap().detach()).collect());
        let work = async move { batch.run(async || panic!("as told")).await };
        let working = tokio::spawn(work.in_current_context());
        assert!(working.await.unwrap_err().is_panic());
    };
    work.scope(|| consume).await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let status: Vec<_> = spans.iter().map(|s| s.status.unwrap().name()).collect();
    assert_eq!(status, ["panicked"; 3]);
}

/// However its jobs were collected: what is not the same for all of them is not told of the batch.
#[tokio::test]
async fn a_batch_of_two_groups_names_neither() {
    let kafka = kafka("batch-groups", 1).await;
    send(&kafka, 1).await;
    let (work, records) = recorder("work");
    let (one, other) = (kafka.consumer("one").observed(), kafka.consumer("other").observed());
    let consume = async || {
        let mut jobs = vec![];
        for consumer in [&one, &other] {
            jobs.push(within("a message", consumer.recv()).await.unwrap())
        }
        Batch::new(jobs).run(async || ()).await
    };
    work.scope(consume).await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let groups = named(&spans, "process").into_iter().map(|s| s.get("messaging.consumer.group.name"));
    assert_eq!(groups.collect::<Vec<_>>(), ["", one.group(), other.group()], "{spans:#?}");
}
