//! The driver run again on the same consumer: however it ended, what it had not handled comes again.

use futures_util::FutureExt;
use rdkafka::consumer::{CommitMode, Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::FutureRecord;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::{Message, Offset};
use spanbridge_kafka::{
    BoxError, ConsumerExt,
    Disposition::{self, *},
    DriverOptions, ErrorKind, Incoming, Job, JobHandler, Observed, ObservedConsumer, ReceiveOptions, Relation,
    SettlePolicy,
};
use spanbridge_tests::{Kafka, kafka, recorder, spans, until, within};
use std::error::Error;
use std::future::pending;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;

const SOON: Duration = Duration::from_secs(10);
const STOP: DriverOptions<Disposition> = DriverOptions::new(SettlePolicy::new(StoreOffset, Stop));
const SKIP: DriverOptions<Disposition> = DriverOptions::new(SettlePolicy::new(StoreOffset, StoreOffset));

/// Notes what it handles, waits where it is told to, and fails once.
struct Handler {
    handled: Mutex<Vec<(i32, i64)>>,
    fails: Mutex<Option<i64>>,
    /// From this offset on, each message takes a permit.
    waits_from: i64,
    permits: Semaphore,
}

impl Default for Handler {
    fn default() -> Self {
        Handler { handled: Mutex::default(), fails: Mutex::default(), waits_from: i64::MAX, permits: Semaphore::new(0) }
    }
}

impl JobHandler<Job<BorrowedMessage<'_>>> for Handler {
    async fn handle(&self, job: Arc<Job<BorrowedMessage<'_>>>) -> Result<(), BoxError> {
        if job.offset() >= self.waits_from {
            self.permits.acquire().await?.forget()
        }
        self.handled.lock().unwrap().push((job.partition(), job.offset()));
        match self.fails.lock().unwrap().take_if(|fails| *fails == job.offset()) {
            Some(_) => Err("as told".into()),
            None => Ok(()),
        }
    }
}

impl Handler {
    fn count(&self) -> usize {
        self.handled.lock().unwrap().len()
    }

    async fn handles(&self, count: usize) {
        within("messages", until_true(|| self.count() >= count)).await
    }

    /// What was handled of a partition.
    fn offsets(&self, partition: i32) -> Vec<i64> {
        self.handled.lock().unwrap().iter().filter(|(p, _)| *p == partition).map(|(_, o)| *o).collect()
    }
}

async fn until_true(mut is: impl FnMut() -> bool) {
    until("", || is().then_some(())).await
}

async fn send(kafka: &Kafka, partition: i32, count: usize) {
    let producer = kafka.future_producer();
    let record = || FutureRecord::<(), str>::to(&kafka.topic).partition(partition).payload("x");
    let send = || producer.send_result(record()).map_err(|(e, _)| e).unwrap();
    let sent: Vec<_> = (0..count).map(|_| send()).collect();
    for delivery in sent {
        within("a delivery report", delivery).await.unwrap().map_err(|(e, _)| e).unwrap();
    }
}

type Driven = ObservedConsumer<StreamConsumer<Observed<DefaultConsumerContext>>>;

/// Up to which message the consumer was handed any, in a partition.
fn position(consumer: &Driven, topic: &str, partition: i32) -> i64 {
    let position = consumer.consumer().position().unwrap();
    position.find_partition(topic, partition).map_or(-1, |p| p.offset().to_raw().unwrap_or(-1))
}

/// Drives until this many messages are handled, then commits; what was handled of the partition, and what is committed.
async fn drive_again(consumer: &Driven, handler: &Handler, count: usize) -> Vec<Option<i64>> {
    handler.permits.add_permits(1_000);
    within("the driver", consumer.drive(STOP, handler, handler.handles(count))).await.unwrap();
    consumer.commit_consumer_state(CommitMode::Sync).unwrap();
    let committed = consumer.consumer().committed(SOON).unwrap();
    committed.elements().iter().map(|e| e.offset().to_raw()).collect()
}

#[tokio::test]
async fn after_an_error_the_message_comes_again() {
    let kafka = kafka("again_error", 1).await;
    send(&kafka, 0, 10).await;
    let consumer = kafka.consumer(&kafka.topic).observed();
    let handler = Handler { fails: Mutex::new(Some(3)), ..Handler::default() };
    let error = within("an error", consumer.drive(STOP, &handler, pending())).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Work { offset: 3, .. }));
    assert_eq!(handler.offsets(0), [0, 1, 2, 3]);
    send(&kafka, 0, 5).await;
    assert_eq!(drive_again(&consumer, &handler, 4 + 12).await, [Some(15)]);
    assert_eq!(handler.offsets(0)[4..], (3..15).collect::<Vec<_>>());
}

#[tokio::test]
async fn after_stop_what_waited_comes_again() {
    let kafka = kafka("again_stop", 2).await;
    send(&kafka, 0, 10).await;
    send(&kafka, 1, 4).await;
    let consumer = kafka.consumer(&kafka.topic).observed();
    let handler = Handler { waits_from: 2, ..Handler::default() };
    let stop = async {
        handler.handles(4).await;
        let all = || position(&consumer, &kafka.topic, 0) == 10 && position(&consumer, &kafka.topic, 1) == 4;
        within("all to be received", until_true(all)).await;
        handler.permits.add_permits(2)
    };
    within("stop", consumer.drive(STOP, &handler, stop)).await.unwrap();
    assert_eq!(
        (handler.offsets(0), handler.offsets(1)),
        (vec![0, 1, 2], vec![0, 1, 2]),
        "what is under way is finished"
    );
    send(&kafka, 0, 3).await;
    assert_eq!(drive_again(&consumer, &handler, 13 + 4).await, [Some(13), Some(4)]);
    assert_eq!((handler.offsets(0), handler.offsets(1)), ((0..13).collect(), (0..4).collect()));
}

/// Drops the driver while a message is under way and others wait; then all of those come again.
async fn cut_off(test: &str, panics: bool) {
    let kafka = kafka(test, 1).await;
    send(&kafka, 0, 10).await;
    let consumer = kafka.consumer(&kafka.topic).observed();
    let handler = Handler { waits_from: 2, ..Handler::default() };
    let received = async {
        handler.handles(2).await;
        within("all to be received", until_true(|| position(&consumer, &kafka.topic, 0) == 10)).await;
        if panics {
            resume_unwind(Box::new("as told"))
        }
    };
    let drive = async {
        tokio::select! {
            _ = consumer.drive(STOP, &handler, pending()) => (),
            () = received => (),
        }
    };
    let (work, records) = recorder("work");
    assert_eq!(AssertUnwindSafe(work.scope(|| drive)).catch_unwind().await.is_err(), panics);
    assert_eq!(handler.offsets(0), [0, 1]);
    send(&kafka, 0, 2).await;
    assert_eq!(work.scope(|| drive_again(&consumer, &handler, 12)).await, [Some(12)]);
    assert_eq!(handler.offsets(0), (0..12).collect::<Vec<_>>());
    // What was tried before is another attempt, and what had only waited is not.
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let processed = spans.iter().filter(|s| s.get("messaging.operation.name") == "process");
    let again = processed.filter(|s| !s.get("spanbridge.delivery.attempt").is_empty());
    assert_eq!(again.map(|s| s.get("messaging.kafka.offset")).collect::<Vec<_>>(), ["2"]);
}

#[tokio::test]
async fn after_a_dropped_future_all_comes_again() {
    cut_off("again_dropped", false).await
}

#[tokio::test]
async fn after_a_panic_beside_it_all_comes_again() {
    cut_off("again_panic", true).await
}

#[tokio::test]
async fn after_a_panic_inside_it_all_comes_again() {
    let kafka = kafka("again_relation", 1).await;
    send(&kafka, 0, 4).await;
    // The user's own code is called before a message is a job.
    let panics = Mutex::new(true);
    let relation = move |message: Incoming<'_>| {
        if message.offset == 2 && std::mem::take(&mut *panics.lock().unwrap_or_else(|e| e.into_inner())) {
            resume_unwind(Box::new("as told"))
        }
        Relation::Parent
    };
    let consumer = kafka.consumer(&kafka.topic).observed().with(ReceiveOptions::new().relation_by(relation));
    let handler = Handler::default();
    let drive = AssertUnwindSafe(consumer.drive(STOP, &handler, pending())).catch_unwind();
    assert!(within("a panic", drive).await.is_err());
    let before = handler.count();
    assert_eq!(drive_again(&consumer, &handler, 4).await, [Some(4)]);
    assert!(before <= 2);
    assert_eq!(handler.offsets(0), [0, 1, 2, 3]);
}

#[tokio::test]
async fn what_was_paused_goes_on_after_the_driver() {
    const MANY: usize = 600;
    let kafka = kafka("again_paused", 1).await;
    send(&kafka, 0, MANY).await;
    let consumer = kafka.consumer(&kafka.topic).observed();
    let handler = Handler { waits_from: 0, ..Handler::default() };
    let stop = async {
        // One is worked on, 256 wait, and no more come.
        within("the pause", until_true(|| position(&consumer, &kafka.topic, 0) == 257)).await;
        handler.permits.add_permits(1)
    };
    within("stop", consumer.drive(STOP, &handler, stop)).await.unwrap();
    assert_eq!(handler.offsets(0), [0]);
    // Somebody else reads on.
    for offset in 1..MANY as i64 {
        let job = within("the next message", consumer.recv()).await.unwrap();
        assert_eq!(job.offset(), offset);
    }
}

/// Between two assignments others may have had the partition: what waits from the first is theirs.
#[tokio::test]
async fn what_was_revoked_is_not_sought_back_to() {
    let kafka = kafka("again_revoked", 1).await;
    send(&kafka, 0, 10).await;
    let consumer = kafka.consumer(&kafka.topic).observed();
    let handler = Handler { waits_from: 0, ..Handler::default() };
    let stop = async {
        within("all to be received", until_true(|| position(&consumer, &kafka.topic, 0) == 10)).await;
        consumer.consumer().unsubscribe();
        within("the revocation", until_true(|| consumer.consumer().assignment().unwrap().count() == 0)).await;
        // Another member handles half of them.
        {
            let other = kafka.consumer(&kafka.topic).observed();
            let job = within("the first for the other", other.recv()).await.unwrap();
            assert_eq!(job.offset(), 0);
            let mut offsets = TopicPartitionList::new();
            offsets.add_partition_offset(&kafka.topic, 0, Offset::Offset(6)).unwrap();
            other.commit(&offsets, CommitMode::Sync).unwrap();
        }
        consumer.consumer().subscribe(&[&kafka.topic]).unwrap();
        within("the assignment", until_true(|| consumer.consumer().assignment().unwrap().count() == 1)).await;
    };
    // The first message of all is under way until the end, and its work is cut off.
    tokio::select! {
        _ = consumer.drive(STOP, &handler, pending()) => (),
        () = stop => (),
    }
    assert_eq!(handler.count(), 0);
    drive_again(&consumer, &handler, 4).await;
    assert_eq!(handler.offsets(0), [6, 7, 8, 9]);
}

/// Waits for a permit with its first message only, and with none for anything else.
struct Quick {
    first: Semaphore,
    second: Semaphore,
    handled: AtomicUsize,
}

impl JobHandler<Job<BorrowedMessage<'_>>> for Quick {
    async fn handle(&self, job: Arc<Job<BorrowedMessage<'_>>>) -> Result<(), BoxError> {
        match job.offset() {
            0 => self.first.acquire().await?.forget(),
            1 => self.second.add_permits(1),
            _ => {}
        }
        self.handled.fetch_add(1, SeqCst);
        Ok(())
    }
}

/// On the one thread of this runtime, a task that tells the driver to stop has its turn, though messages wait and their
/// work waits for nothing.
#[tokio::test]
async fn others_have_their_turn_while_messages_wait() {
    const MANY: usize = 250;
    let kafka = kafka("again_turns", 1).await;
    send(&kafka, 0, MANY).await;
    let consumer = kafka.consumer(&kafka.topic).observed();
    let handler = Arc::new(Quick { first: Semaphore::new(0), second: Semaphore::new(0), handled: AtomicUsize::new(0) });
    let (tell, told) = tokio::sync::oneshot::channel();
    let teller = handler.clone();
    tokio::spawn(async move {
        teller.second.acquire().await.unwrap().forget();
        tell.send(()).unwrap()
    });
    let (received, stop) = (
        async {
            within("all to be received", until_true(|| position(&consumer, &kafka.topic, 0) == MANY as i64)).await;
            handler.first.add_permits(1)
        },
        async { told.await.unwrap() },
    );
    let drive = consumer.drive(STOP, &*handler, stop);
    let (driven, ()) = tokio::join!(within("stop", drive), received);
    driven.unwrap();
    let handled = handler.handled.load(SeqCst);
    assert!(handled < MANY / 2, "{handled} of {MANY} were handled before it heard of it");
}

/// It begins to work before it returns its future.
struct Eager {
    others: Semaphore,
    done: Semaphore,
}

impl JobHandler<Job<BorrowedMessage<'_>>> for Eager {
    fn handle(&self, job: Arc<Job<BorrowedMessage<'_>>>) -> impl Future<Output = Result<(), BoxError>> + Send {
        if job.partition() == 1 {
            self.others.add_permits(1);
            panic!("before there is a future")
        }
        async {
            self.others.acquire().await?.forget();
            self.done.add_permits(1);
            Ok(())
        }
    }
}

#[tokio::test]
async fn a_panic_before_the_future_is_one_of_the_work() {
    let kafka = kafka("eager", 2).await;
    send(&kafka, 0, 1).await;
    let (work, records) = recorder("work");
    let handler = Eager { others: Semaphore::new(0), done: Semaphore::new(0) };
    let drive = async {
        let consumer = kafka.consumer("eager").observed();
        let stop = async {
            within("the first", until_true(|| position(&consumer, &kafka.topic, 0) == 1)).await;
            send(&kafka, 1, 1).await;
            handler.done.acquire().await.unwrap().forget();
        };
        within("the work on the other", consumer.drive(SKIP, &handler, stop)).await.unwrap();
    };
    work.scope(|| drive).await;
    work.flush_blocking(SOON);
    let mut told: Vec<_> = spans(&records.records())
        .iter()
        .map(|s| (s.get("messaging.destination.partition.id").to_owned(), s.status.unwrap().name()))
        .collect();
    told.sort();
    assert_eq!(told, [("0".to_owned(), "ok"), ("1".to_owned(), "panicked")]);
}

/// Panics when it is dropped.
#[derive(Debug)]
struct Grenade;

impl std::fmt::Display for Grenade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("as told")
    }
}

impl Error for Grenade {}

impl Drop for Grenade {
    fn drop(&mut self) {
        resume_unwind(Box::new("dropped"))
    }
}

/// Fails or panics with it.
struct Armed(Semaphore);

impl JobHandler<Job<BorrowedMessage<'_>>> for Armed {
    async fn handle(&self, job: Arc<Job<BorrowedMessage<'_>>>) -> Result<(), BoxError> {
        self.0.add_permits(1);
        match job.offset() {
            0 => Err(Grenade.into()),
            1 => resume_unwind(Box::new(Grenade)),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn what_panics_when_it_is_dropped_is_no_end() {
    let kafka = kafka("armed", 1).await;
    send(&kafka, 0, 3).await;
    let consumer = kafka.consumer("armed").observed();
    let handler = Armed(Semaphore::new(0));
    let policy = DriverOptions::new(SettlePolicy::new(StoreOffset, StoreOffset)).retries(1);
    let stop = async { drop(handler.0.acquire_many(5).await) };
    within("all", consumer.drive(policy, &handler, stop)).await.unwrap();
}

#[tokio::test]
async fn what_a_panic_said_is_in_the_error() {
    let kafka = kafka("said", 2).await;
    send(&kafka, 1, 1).await;
    let consumer = kafka.consumer("said").observed();
    let handler = Eager { others: Semaphore::new(0), done: Semaphore::new(0) };
    let error = within("an error", consumer.drive(STOP, &handler, pending())).await.unwrap_err();
    assert!(error.source().unwrap().to_string().contains("before there is a future"), "{error:?}");
}

#[tokio::test]
async fn a_consumer_that_stores_by_itself_is_refused() {
    let kafka = kafka("itself", 1).await;
    let mut config = kafka.group("itself");
    let consumer: StreamConsumer = config.set("enable.auto.offset.store", "true").create().unwrap();
    let consumer = consumer.observed();
    let error = within("an error", consumer.drive(STOP, &Handler::default(), pending())).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::StoresByItself);
    assert!(error.source().unwrap().to_string().contains("enable.auto.offset.store"));
}
