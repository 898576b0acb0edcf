//! The driver: order, policies, stop.

use rdkafka::Message;
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::message::{BorrowedMessage, OwnedHeaders};
use rdkafka::producer::{FutureRecord, Producer};
use spanbridge_kafka::{
    BoxError, ConsumerExt,
    Disposition::{self, *},
    DriverOptions, ErrorKind, Job, JobHandler, SettlePolicy,
};
use spanbridge_tests::{Kafka, kafka, recorder, spans, until, within};
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

const SOON: Duration = Duration::from_secs(10);

/// Fails at messages that say so, stops after so many.
struct Handler {
    handled: Mutex<Vec<(i32, i64)>>,
    enough: usize,
    stop: Notify,
}

impl Handler {
    fn new(enough: usize) -> Self {
        Handler { handled: Mutex::default(), enough, stop: Notify::new() }
    }

    fn offsets(&self, partition: i32) -> Vec<i64> {
        self.handled.lock().unwrap().iter().filter(|(p, _)| *p == partition).map(|(_, o)| *o).collect()
    }
}

impl JobHandler<Job<BorrowedMessage<'_>>> for Handler {
    async fn handle(&self, job: Arc<Job<BorrowedMessage<'_>>>) -> Result<(), BoxError> {
        // Let the others run in between.
        for _ in 0..job.offset() % 3 {
            tokio::task::yield_now().await
        }
        let count = {
            let mut handled = self.handled.lock().unwrap();
            handled.push((job.partition(), job.offset()));
            handled.len()
        };
        if count >= self.enough {
            self.stop.notify_one()
        }
        match job.payload() {
            Some(b"fail") => Err("as told".into()),
            Some(b"panic") => std::panic::panic_any(Bad),
            _ => Ok(()),
        }
    }
}

async fn send(kafka: &Kafka, partition: i32, payloads: &[&str]) {
    for payload in payloads {
        kafka.send(partition, OwnedHeaders::new(), payload.as_bytes()).await
    }
}

/// What a panic carries may panic when it is dropped. That is no reason for the driver to end.
struct Bad;

impl Drop for Bad {
    fn drop(&mut self) {
        panic!("in the destructor")
    }
}

const STOP: DriverOptions<Disposition> = DriverOptions::new(SettlePolicy::new(StoreOffset, Stop));
const SKIP: DriverOptions<Disposition> = DriverOptions::new(SettlePolicy::new(StoreOffset, StoreOffset)).retries(2);

#[tokio::test]
async fn partitions_keep_their_order_side_by_side() {
    let kafka = kafka("order", 3).await;
    for partition in 0..3 {
        send(&kafka, partition, &["x"; 12]).await
    }
    let consumer = kafka.consumer("order").observed();
    let handler = Handler::new(36);
    within("36 messages", consumer.drive(STOP, &handler, handler.stop.notified())).await.unwrap();
    for partition in 0..3 {
        assert_eq!(handler.offsets(partition), (0..12).collect::<Vec<_>>());
    }
    consumer.commit_consumer_state(CommitMode::Sync).unwrap();
    let committed = consumer.consumer().committed(SOON).unwrap();
    assert!(committed.elements().iter().all(|e| e.offset().to_raw() == Some(12)), "{committed:?}");
}

#[tokio::test]
async fn a_failed_message_is_retried_and_skipped() {
    let kafka = kafka("skip", 1).await;
    send(&kafka, 0, &["x", "fail", "panic", "x"]).await;
    let (work, records) = recorder("work");
    let handler = Handler::new(8);
    let drive = async {
        let consumer = kafka.consumer("skip").observed();
        within("messages", consumer.drive(SKIP, &handler, handler.stop.notified())).await.unwrap();
    };
    work.scope(|| drive).await;
    assert_eq!(handler.offsets(0), [0, 1, 1, 1, 2, 2, 2, 3]);
    work.flush_blocking(SOON);
    let told: Vec<_> = spans(&records.records())
        .into_iter()
        .map(|s| {
            let got = |key: &str| s.get(key).to_owned();
            let (attempt, stored) = (got("spanbridge.delivery.attempt"), got("spanbridge.settle.stored"));
            (
                s.name.replace(&kafka.topic, "T"),
                got("messaging.kafka.offset"),
                attempt,
                s.status.unwrap().name(),
                stored,
            )
        })
        .collect();
    let told: Vec<_> =
        told.iter().map(|(a, b, c, d, e)| (a.as_str(), b.as_str(), c.as_str(), *d, e.as_str())).collect();
    // Without a context each message is a run of its own.
    assert_eq!(
        told,
        [
            ("process T", "0", "", "ok", "true"),
            ("process T", "1", "", "error", ""),
            ("process T", "1", "2", "error", ""),
            ("process T", "1", "3", "error", "true"),
            ("process T", "2", "", "panicked", ""),
            ("process T", "2", "2", "panicked", ""),
            ("process T", "2", "3", "panicked", "true"),
            ("process T", "3", "", "ok", "true"),
        ]
    );
}

/// It is not stored, so the message is delivered again.
#[tokio::test]
async fn a_failed_message_stops_the_driver() {
    let kafka = kafka("stop", 1).await;
    send(&kafka, 0, &["x", "fail", "x"]).await;
    {
        let consumer = kafka.consumer("stop").observed();
        let handler = Handler::new(99);
        let error = within("an error", consumer.drive(STOP, &handler, std::future::pending())).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Work { topic: kafka.topic.clone(), partition: 0, offset: 1 });
        assert_eq!(error.source().unwrap().to_string(), "as told");
        assert_eq!(handler.offsets(0), [0, 1]);
        consumer.commit_consumer_state(CommitMode::Sync).unwrap();
        consumer.consumer().unsubscribe();
    }
    let consumer = kafka.consumer("stop").observed();
    let job = within("the message again", consumer.recv()).await.unwrap();
    assert_eq!(job.offset(), 1);
}

/// Holds the first partition up until it has seen the second.
struct Stubborn {
    inner: Handler,
    other: Notify,
}

impl JobHandler<Job<BorrowedMessage<'_>>> for Stubborn {
    async fn handle(&self, job: Arc<Job<BorrowedMessage<'_>>>) -> Result<(), BoxError> {
        match (job.partition(), job.offset()) {
            (0, 0) => self.other.notified().await,
            (1, 9) => self.other.notify_one(),
            _ => {}
        }
        self.inner.handle(job).await
    }
}

#[tokio::test]
async fn a_partition_far_behind_holds_up_no_other() {
    const MANY: usize = 1_500;
    let kafka = kafka("behind", 2).await;
    let producer = kafka.future_producer();
    for (partition, count) in [(0, MANY), (1, 10)] {
        for _ in 0..count {
            let record = FutureRecord::<(), str>::to(&kafka.topic).partition(partition).payload("x");
            drop(producer.send_result(record).map_err(|(e, _)| e).unwrap());
        }
        producer.flush(SOON).unwrap();
    }
    let consumer = kafka.consumer("behind").observed();
    let handler = Stubborn { inner: Handler::new(MANY + 10), other: Notify::new() };
    within("all", consumer.drive(STOP, &handler, handler.inner.stop.notified())).await.unwrap();
    // It was paused and went on, and nothing was lost, repeated or out of order.
    assert_eq!(handler.inner.offsets(0), (0..MANY as i64).collect::<Vec<_>>());
    assert_eq!(handler.inner.offsets(1), (0..10).collect::<Vec<_>>());
}

/// The limit holds for all partitions together, and each of them has its turn. The handler is a closure.
#[tokio::test]
async fn a_limit_holds_for_all_partitions() {
    let kafka = kafka("limit", 4).await;
    for partition in 0..4 {
        send(&kafka, partition, &["x"; 6]).await
    }
    let (busy, most, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), Notify::new());
    let handled = Mutex::new(vec![]);
    let handler = async |job: Arc<Job<BorrowedMessage<'_>>>| {
        most.fetch_max(busy.fetch_add(1, SeqCst) + 1, SeqCst);
        // The first one until there is another beside it, and then for a moment, in which a third could come.
        until("two at once", || (most.load(SeqCst) >= 2).then_some(())).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        busy.fetch_sub(1, SeqCst);
        let mut handled = handled.lock().unwrap();
        handled.push((job.partition(), job.offset()));
        if handled.len() == 24 {
            stop.notify_one()
        }
        Ok::<(), std::fmt::Error>(())
    };
    let consumer = kafka.consumer("limit").observed();
    within("all", consumer.drive(STOP.concurrency(2), &handler, stop.notified())).await.unwrap();
    assert_eq!(most.load(SeqCst), 2);
    let handled = handled.into_inner().unwrap();
    for partition in 0..4 {
        let offsets: Vec<_> = handled.iter().filter(|(p, _)| *p == partition).map(|(_, offset)| *offset).collect();
        assert_eq!(offsets, [0, 1, 2, 3, 4, 5], "partition {partition}");
    }
}
