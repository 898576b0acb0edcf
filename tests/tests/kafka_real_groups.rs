//! Two members of a group with cooperative rebalancing and static membership on a real broker: only what moves is given up,
//! and a member that comes back under its name moves nothing.

use rdkafka::consumer::{Consumer, Rebalance, StreamConsumer};
use rdkafka::message::{OwnedHeaders, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientContext, Message};
use spanbridge::record::{Body, Event, Record};
use spanbridge_kafka::{ConsumerExt, GroupContext, Job, Observed, ObservedConsumer, ProducerExt};
use spanbridge_tests::{Kafka, real_kafka, recorder, spans, within};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);
const PARTITIONS: i32 = 4;
const MESSAGES: usize = 1_000;

/// Partitions that came (true) or went.
type Change = (bool, Vec<i32>);

/// What a member was told.
#[derive(Clone, Debug, Default)]
struct ChapterResult(Arc<Mutex<Vec<Change>>>);

impl ChapterResult {
    fn all(&self) -> Vec<Change> {
        self.0.lock().unwrap().clone()
    }
}

impl ClientContext for ChapterResult {}

impl GroupContext for ChapterResult {
    fn pre_rebalance(&self, rebalance: &Rebalance<'_>) {
        let (came, partitions) = match rebalance {
            Rebalance::Assign(partitions) => (true, partitions),
            Rebalance::Revoke(partitions) => (false, partitions),
            Rebalance::Error(e) => panic!("{e}"),
        };
        let mut numbers: Vec<_> = partitions.elements().iter().map(|p| p.partition()).collect();
        numbers.sort_unstable();
        if !numbers.is_empty() {
            self.0.lock().unwrap().push((came, numbers))
        }
    }
}

type Observing = ObservedConsumer<StreamConsumer<Observed<ChapterResult>>>;

/// A member of the group, with a name that outlives it.
fn member(kafka: &Kafka, name: &str) -> (Observing, ChapterResult) {
    let told = ChapterResult::default();
    let mut config = kafka.group("cooperative");
    config.set("partition.assignment.strategy", "cooperative-sticky").set("group.instance.id", name);
    // Long enough that nobody misses who is away for a moment.
    config.set("session.timeout.ms", "30000");
    let consumer: StreamConsumer<_> = config.create_with_context(Observed::new(told.clone())).unwrap();
    consumer.subscribe(&[&kafka.topic]).unwrap();
    (consumer.observed(), told)
}

fn assigned(consumer: &Observing) -> BTreeSet<i32> {
    let assignment = consumer.consumer().assignment().unwrap();
    assignment.elements().iter().map(|p| p.partition()).collect()
}

/// Lets these consumers go on until that is so; what comes is handled.
async fn serve(consumers: &[&Observing], handled: &Handled, is: impl Fn() -> bool) {
    let each = consumers.iter().map(async |consumer| {
        while !is() {
            if let Ok(job) = tokio::time::timeout(Duration::from_millis(20), consumer.recv()).await {
                handled.handle(job.unwrap()).await
            }
        }
    });
    within("the group", futures_util::future::join_all(each)).await;
}

/// How often each message was handled.
#[derive(Default)]
struct Handled(Mutex<BTreeMap<(i32, i64), usize>>);

impl Handled {
    async fn handle<M: spanbridge_kafka::Received>(&self, job: Job<M>) {
        job.run(async || *self.0.lock().unwrap().entry((job.partition(), job.offset())).or_default() += 1).await;
        job.store_offset().unwrap()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn of(&self, partition: i32) -> usize {
        self.0.lock().unwrap().keys().filter(|(number, _)| *number == partition).count()
    }
}

/// A message of each partition, taken and not yet worked on.
async fn one_of_each(consumer: &Observing) -> Vec<Job<OwnedMessage>> {
    let mut jobs = BTreeMap::new();
    while jobs.len() < PARTITIONS as usize {
        let job = within("a message", consumer.recv()).await.unwrap().detach();
        jobs.insert(job.partition(), job);
    }
    jobs.into_values().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_moves_is_given_up() {
    let Some(kafka) = real_kafka("cooperative", PARTITIONS, "static members").await else { return };
    let (shop, sent) = recorder("shop");
    let (work, records) = recorder("work");
    for partition in 0..PARTITIONS {
        kafka.send(partition, OwnedHeaders::new(), b"first").await
    }
    let handled = Handled::default();
    let producer = kafka.future_producer();
    let story = async {
        let (first, first_told) = member(&kafka, "first");
        let jobs = one_of_each(&first).await;
        assert_eq!(assigned(&first), (0..PARTITIONS).collect());

        // While all four are worked on, another member comes.
        let release = tokio::sync::Semaphore::new(0);
        let working =
            futures_util::future::join_all(jobs.iter().map(|job| job.run(async || drop(release.acquire().await))));
        let joining = async {
            let (second, second_told) = member(&kafka, "second");
            let shared = || assigned(&first).len() == 2 && assigned(&second).len() == 2;
            serve(&[&first, &second], &handled, shared).await;
            release.add_permits(1);
            (second, second_told)
        };
        let (_, (second, second_told)) = tokio::join!(working, joining);
        let (kept, moved) = (assigned(&first), assigned(&second));
        assert_eq!(&kept | &moved, (0..PARTITIONS).collect());
        assert_eq!(second_told.all(), [(true, moved.iter().copied().collect())]);
        let gave = (false, moved.iter().copied().collect());
        assert_eq!(first_told.all(), [(true, (0..PARTITIONS).collect()), gave], "what it keeps is never taken from it");
        for job in &jobs {
            let is_moved = moved.contains(&job.partition());
            assert_eq!(job.is_revoked(), is_moved, "{}", job.partition());
            assert_eq!(job.store_offset().is_err(), is_moved, "{}", job.partition());
            handled.0.lock().unwrap().entry((job.partition(), job.offset())).or_default();
        }

        // The second is away for a moment, and comes back under its name; messages come all the while.
        shop.scope(|| send(&kafka, &producer, 0..MESSAGES / 2)).await;
        serve(&[&first, &second], &handled, || moved.iter().all(|partition| handled.of(*partition) > 1)).await;
        second.consumer().commit_consumer_state(rdkafka::consumer::CommitMode::Sync).unwrap();
        drop(second);
        let (second, second_told) = member(&kafka, "second");
        serve(&[&first, &second], &handled, || assigned(&second) == moved).await;
        shop.scope(|| send(&kafka, &producer, MESSAGES / 2..MESSAGES)).await;
        serve(&[&first, &second], &handled, || handled.count() == MESSAGES + PARTITIONS as usize).await;
        assert_eq!(first_told.all().len(), 2, "the first has noticed nothing of it");
        assert_eq!(second_told.all(), [(true, moved.iter().copied().collect())]);
        for consumer in [&first, &second] {
            consumer.consumer().commit_consumer_state(rdkafka::consumer::CommitMode::Sync).unwrap();
        }
        moved
    };
    let moved = work.scope(|| story).await;
    for recorder in [&shop, &work] {
        recorder.flush_blocking(SOON);
    }
    let again = handled.0.lock().unwrap().values().filter(|times| **times > 1).count();
    assert_eq!(again, 0, "what was stored and committed does not come again");

    let (sends, records) = (spans(&sent.records()), records.records());
    let spans = spans(&records);
    let at = |s: &spanbridge_tests::Seen| {
        (s.get("messaging.destination.partition.id").to_owned(), s.get("messaging.kafka.offset").to_owned())
    };
    let senders: BTreeMap<_, _> = sends.iter().map(|send| (at(send), send.id)).collect();
    assert_eq!((sends.len(), senders.len()), (MESSAGES, MESSAGES));
    assert!(sends.iter().all(|send| send.handoff() == "confirmed"));
    let processes: Vec<_> = spans.iter().filter(|s| s.name.starts_with("process")).collect();
    // The first of each partition came from nobody; those that moved came again.
    for process in &processes {
        assert_eq!(process.parent, senders.get(&at(process)).copied().flatten(), "{process:#?}");
    }
    let revoked: BTreeSet<_> = spans.iter().filter(|s| s.get("spanbridge.settle.revoked") == "true").map(at).collect();
    assert_eq!(revoked, moved.iter().map(|partition| (partition.to_string(), "0".to_owned())).collect());
    let event = |r: &&Record<'_>| matches!(&r.body, Body::Event(Event { name, .. }) if name == "partition revoked");
    assert_eq!(records.iter().filter(event).count(), moved.len());
    let refused = spans.iter().filter(|s| s.name.starts_with("store_offset")).count();
    assert_eq!(refused, moved.len());
    println!(
        "cooperative: {} messages, 2 rebalances, {} partitions moved, {} processed, {} marked as revoked, {refused} offsets refused",
        MESSAGES + PARTITIONS as usize,
        moved.len(),
        processes.len(),
        revoked.len()
    );
}

async fn send(kafka: &Kafka, producer: &FutureProducer, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let record = FutureRecord::<(), str>::to(&kafka.topic).partition(number as i32 % PARTITIONS).payload("x");
        producer.observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
    }
}
