//! What becomes of commits, and of a consumer whose jobs are still about.

use rdkafka::consumer::{
    BaseConsumer, CommitMode, Consumer, ConsumerContext, DefaultConsumerContext, Rebalance, StreamConsumer,
};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{ClientContext, Message, Offset};
use spanbridge::record::{Body, Event, Record};
use spanbridge_kafka::{ConsumerExt, Observed, ObservedConsumer};
use spanbridge_tests::{Kafka, Seen, in_process_kafka, kafka, recorder, spans, until, within};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

async fn send(kafka: &Kafka, partition: i32, count: usize) {
    for _ in 0..count {
        kafka.send(partition, OwnedHeaders::new(), b"x").await
    }
}

fn commits(spans: &[Seen]) -> Vec<&Seen> {
    spans.iter().filter(|s| s.name.starts_with("commit")).collect()
}

/// The events of commits that failed: of which span, and what they cover.
fn failures(records: &[Record<'_>]) -> Vec<(spanbridge::SpanId, String)> {
    let failure = |r: &Record<'_>| match &r.body {
        Body::Event(Event { name, span_id, attributes, .. }) if name == "commit failed" => {
            let ranges = attributes.get("spanbridge.settle.ranges").map(|value| format!("{value:?}"));
            Some((*span_id, ranges.unwrap_or_default()))
        }
        _ => None,
    };
    records.iter().filter_map(failure).collect()
}

fn up_to(topic: &str, next: &[i64]) -> TopicPartitionList {
    let mut offsets = TopicPartitionList::new();
    for (partition, next) in next.iter().enumerate() {
        offsets.add_partition_offset(topic, partition as i32, Offset::Offset(*next)).unwrap();
    }
    offsets
}

type Observing = ObservedConsumer<StreamConsumer<Observed<DefaultConsumerContext>>>;

/// librdkafka makes a commit of ours again, and the broker refuses it: the commit that has ended is told so.
#[tokio::test]
async fn an_error_is_told_to_the_commit_that_failed() {
    let kafka = kafka("refused", 1).await;
    let (work, records) = recorder("work");
    let consumer: Observing = kafka.consumer("refused").observed();
    work.scope(async || {
        send(&kafka, 0, 1).await;
        within("a message", consumer.recv()).await.unwrap().run(async || {}).await;
        consumer.commit(&up_to(&kafka.topic, &[3]), CommitMode::Async).unwrap();
        let refused = Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::GroupAuthorizationFailed));
        consumer.consumer().client().context().commit_callback(refused, &up_to(&kafka.topic, &[3]));
    })
    .await;
    work.flush_blocking(SOON);
    let records = records.records();
    let spans = spans(&records);
    let commits = commits(&spans);
    assert_eq!((commits.len(), commits[0].get("error.type")), (1, "GroupAuthorizationFailed"));
    let failures = failures(&records);
    assert!(matches!(&failures[..], [(id, ranges)] if Some(*id) == commits[0].id && ranges.contains("[0] ..2")));
}

/// The partitions of one commit may be answered differently.
#[tokio::test]
async fn a_commit_may_fail_for_one_partition() {
    let kafka = kafka("partial", 2).await;
    let (work, records) = recorder("work");
    let consumer: Observing = kafka.consumer("partial").observed();
    let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    let answer = |next: &[i64]| {
        let offsets = up_to(&kafka.topic, next);
        // SAFETY: the list is ours, and has two elements.
        unsafe { (*(*offsets.ptr()).elems.add(1)).err = error }
        // librdkafka gives the last error for the whole.
        let result = Err(KafkaError::ConsumerCommit(error.into()));
        consumer.consumer().client().context().commit_callback(result, &offsets)
    };
    work.scope(async || {
        for partition in [0, 1] {
            send(&kafka, partition, 1).await;
            within("a message", consumer.recv()).await.unwrap().run(async || {}).await
        }
        consumer.commit(&up_to(&kafka.topic, &[3, 3]), CommitMode::Async).unwrap();
        answer(&[3, 3]);
        // One of librdkafka's own.
        answer(&[5, 5]);
    })
    .await;
    work.flush_blocking(SOON);
    let records = records.records();
    let failures: Vec<_> = failures(&records).into_iter().map(|(_, ranges)| ranges).collect();
    assert!(matches!(&failures[..], [one] if one.contains("[1]") && !one.contains("[0]")), "{failures:?}");
    let spans = spans(&records);
    let told: Vec<_> = commits(&spans)
        .iter()
        .map(|s| (s.get("spanbridge.settle.ranges").replace(&kafka.topic, "T"), s.status.unwrap().name()))
        .collect();
    let own = [("T[0] 3..4".to_owned(), "ok"), ("T[1] 3..4".to_owned(), "error")];
    assert_eq!(told[1..], own, "{told:?}");
}

#[tokio::test]
async fn a_refused_commit_is_an_error_of_its_span() {
    let kafka = in_process_kafka("refused-really", 1).await;
    let mock = kafka.mock.as_ref().unwrap();
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    mock.request_errors(RDKafkaApiKey::OffsetCommit, &[refused]);
    let (work, records) = recorder("work");
    let consumer: Observing = kafka.consumer("refused-really").observed();
    work.scope(async || {
        send(&kafka, 0, 1).await;
        let job = within("a message", consumer.recv()).await.unwrap();
        job.run(async || {}).await;
        consumer.commit_message(&job, CommitMode::Sync).unwrap_err();
        consumer.commit_message(&job, CommitMode::Sync).unwrap();
    })
    .await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let told: Vec<_> = commits(&spans).iter().map(|s| (s.status.unwrap().name(), s.get("error.type"))).collect();
    assert_eq!(told, [("error", "GroupAuthorizationFailed"), ("ok", "")]);
}

/// Notes on which thread partitions are revoked.
#[derive(Clone, Default)]
struct Revocations(Arc<Mutex<Vec<ThreadId>>>);

impl ClientContext for Revocations {}

impl ConsumerContext for Revocations {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(_) = rebalance {
            self.0.lock().unwrap().push(thread::current().id())
        }
    }
}

/// Jobs that settle at that moment do not do it in its stead.
#[tokio::test]
async fn who_drops_a_consumer_closes_it() {
    let kafka = kafka("owners", 1).await;
    send(&kafka, 0, 8).await;
    let revocations = Revocations::default();
    let consumer: StreamConsumer<_> = kafka.consumer_with("owners", revocations.clone());
    let consumer = consumer.observed();
    let mut settling = vec![];
    for _ in 0..8 {
        let job = within("a message", consumer.recv()).await.unwrap().detach();
        settling.push(thread::spawn(move || while job.store_offset().is_ok() {}));
    }
    drop(consumer);
    assert_eq!(*revocations.0.lock().unwrap(), [thread::current().id()]);
    for job in settling {
        until("the jobs to notice", || job.is_finished().then_some(())).await;
        job.join().unwrap()
    }
}

/// An observed consumer is stored where it is needed: a clone receives and settles after the first one is gone.
#[tokio::test]
async fn clones_share_the_consumer() {
    struct Service {
        consumer: ObservedConsumer<StreamConsumer<Observed<DefaultConsumerContext>>>,
    }
    let kafka = kafka("clones", 1).await;
    send(&kafka, 0, 2).await;
    let first = kafka.consumer("clones").observed();
    let service = Service { consumer: first.clone() };
    let job = within("a message", first.recv()).await.unwrap().detach();
    drop(first);
    job.store_offset().unwrap();
    let job = within("the next", service.consumer.recv()).await.unwrap();
    assert_eq!((job.offset(), job.group()), (1, "clones"));
    let job = job.detach();
    drop(service);
    assert_eq!(job.store_offset(), Err(KafkaError::Canceled), "the last clone closes it");
}
