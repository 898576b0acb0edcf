//! Partitions that change hands.

use async_trait::async_trait;
use rdkafka::Message;
use rdkafka::consumer::{Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::{FutureProducer, FutureRecord};
use spanbridge::record::{Body, Record};
use spanbridge::{Memory, SpanId, observe};
use spanbridge_kafka::{BoxError, ConsumerExt, Job, JobHandler, Observed, OnError, Policy, ProducerExt};
use spanbridge_tests::{Kafka, Seen, kafka, recorder, spans, within};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn work_in_flight_on_a_revoked_partition_is_marked() {
    let kafka = kafka("revoked", 1).await;
    let producer = kafka.future_producer();
    let record = FutureRecord::<(), str>::to(&kafka.topic).payload("x");
    producer.send(record, SOON).await.map_err(|(e, _)| e).unwrap();
    let (work, records) = recorder("work");
    let consume = async {
        let consumer = kafka.consumer("revoked").observed();
        let job = within("a message", consumer.recv()).await.unwrap().detach();
        job.run(async {
            assert!(!job.is_revoked());
            // While the message is worked on, the partition goes.
            consumer.consumer().unsubscribe();
            let revoked = async {
                while !job.is_revoked() {
                    let _ = tokio::time::timeout(Duration::from_millis(10), consumer.recv()).await;
                }
            };
            within("the revocation", revoked).await;
        })
        .await;
        assert!(job.store_offset().is_err(), "it is not assigned any more");
    };
    work.scope(consume).await;
    work.flush_blocking(SOON);
    let records = records.records();
    let spans = spans(&records);
    assert_eq!((spans[0].name.starts_with("process"), spans[0].get("spanbridge.settle.revoked")), (true, "true"));
    assert_eq!((spans[1].name.starts_with("store"), spans[1].get("spanbridge.settle.revoked")), (true, "true"));
    assert_eq!(spans[1].status.unwrap().name(), "error");
    let event = |r: &Record<'_>| matches!(&r.body, Body::Event { name, .. } if name == "partition revoked");
    assert_eq!(records.iter().filter(|r| event(r)).count(), 1);
}

/// Notes what it is given.
#[derive(Default)]
struct Notes {
    seen: Mutex<BTreeMap<i32, Vec<i64>>>,
}

#[async_trait]
impl JobHandler for Notes {
    async fn handle(&self, job: &Job<BorrowedMessage<'_>>) -> Result<(), BoxError> {
        self.seen.lock().unwrap().entry(job.partition()).or_default().push(job.offset());
        observe::span("work").in_scope(|| ());
        Ok(())
    }
}

const COUNT: usize = 12_000;
const PARTITIONS: i32 = 4;

type Member = Arc<StreamConsumer<Observed<DefaultConsumerContext>>>;

/// A member of the group, at work in a task of its own until there are permits to stop.
struct Worker {
    consumer: Member,
    task: JoinHandle<()>,
    notes: Arc<Notes>,
    worked: Memory,
}

impl Worker {
    fn start(kafka: &Kafka, name: &'static str, stop: &Arc<Semaphore>) -> Self {
        let (working, worked) = recorder(name);
        let notes = Arc::new(Notes::default());
        let mut config = kafka.group("many");
        config.set("enable.auto.commit", "true").set("auto.commit.interval.ms", "100");
        let consumer: StreamConsumer<_> =
            config.create_with_context(Observed::new(DefaultConsumerContext)).expect("a consumer");
        consumer.subscribe(&[&kafka.topic]).unwrap();
        let consumer: Member = Arc::new(consumer);
        let (observed, handler, stop) = (consumer.clone().observed(), notes.clone(), stop.clone());
        let task = tokio::spawn(async move {
            let policy = Policy { retries: 0, then: OnError::Stop };
            let stop = async { drop(stop.acquire().await) };
            working.scope(observed.for_each_partition(policy, &*handler, stop)).await.unwrap();
            working.flush_blocking(SOON);
        });
        Worker { consumer, task, notes, worked }
    }

    fn is_assigned(&self) -> bool {
        self.consumer.assignment().is_ok_and(|list| list.count() > 0)
    }
}

/// Sends messages, over all partitions.
async fn send(kafka: &Kafka, producer: &FutureProducer, count: usize) {
    let sends = (0..count).map(|i| {
        let record = FutureRecord::<(), str>::to(&kafka.topic).partition(i as i32 % PARTITIONS).payload("x");
        producer.observed().send_result(record).map_err(|(e, _)| e).unwrap()
    });
    for sent in sends.collect::<Vec<_>>() {
        sent.await.unwrap().map_err(|(e, _)| e).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_process_span_has_its_sender_as_parent() {
    let kafka = kafka("many", PARTITIONS).await;
    let (sending, sent) = recorder("sending");
    let stop = Arc::new(Semaphore::new(0));
    let producer: FutureProducer = kafka.producer();
    let first = Worker::start(&kafka, "first", &stop);
    let produce = async {
        send(&kafka, &producer, COUNT / 4).await;
        within("the first consumer", until_true(|| first.is_assigned())).await;
        // In the middle of it another one joins, and the group is rebalanced, while messages come and go.
        let second = Worker::start(&kafka, "second", &stop);
        let mut left = COUNT - COUNT / 4;
        while !second.is_assigned() {
            assert!(left > COUNT / 4, "the second consumer does not come");
            send(&kafka, &producer, 20).await;
            left -= 20;
            tokio::time::sleep(Duration::from_millis(20)).await
        }
        send(&kafka, &producer, left).await;
        second
    };
    let second = sending.scope(produce).await;
    let workers = [first, second];
    // All of it was handled by one or the other.
    let covered = || {
        let mut all: BTreeSet<(i32, i64)> = BTreeSet::new();
        for worker in &workers {
            let seen = worker.notes.seen.lock().unwrap();
            all.extend(seen.iter().flat_map(|(partition, offsets)| offsets.iter().map(|o| (*partition, *o))))
        }
        all.len()
    };
    within("all messages", until_true(|| covered() == COUNT)).await;
    stop.add_permits(workers.len());
    let mut done = vec![];
    for worker in workers {
        worker.task.await.unwrap();
        done.push((worker.notes, worker.worked));
    }
    sending.flush_blocking(SOON);

    // Where each message went, and the span that sent it.
    let place =
        |s: &Seen| (s.get("messaging.destination.partition.id").to_owned(), s.get("messaging.kafka.offset").to_owned());
    let senders: HashMap<_, Option<SpanId>> = spans(&sent.records()).iter().map(|s| (place(s), s.id)).collect();
    assert_eq!(senders.len(), COUNT);
    let mut processed = 0;
    for (_, worked) in &done {
        let spans = spans(&worked.records());
        let processes: HashMap<_, _> =
            spans.iter().filter(|s| s.name.starts_with("process")).map(|s| (s.id, s)).collect();
        processed += processes.len();
        for process in processes.values() {
            assert_eq!(process.parent, senders[&place(process)]);
            assert!(process.status.is_some());
        }
        for span in spans.iter().filter(|s| !s.name.starts_with("process")) {
            let process = processes[&span.parent];
            assert_eq!(span.trace, process.trace, "{}", span.name);
        }
        assert!(!processes.is_empty(), "both had a part in it");
    }
    let handled: usize = done.iter().map(|(n, _)| n.seen.lock().unwrap().values().map(Vec::len).sum::<usize>()).sum();
    assert_eq!(processed, handled, "nothing that was handled is unrecorded");
    // Each consumer sees a partition in order; a rebalance may take it back or away, but rarely.
    for (notes, _) in &done {
        for (partition, offsets) in &*notes.seen.lock().unwrap() {
            let jumps = offsets.windows(2).filter(|w| w[1] != w[0] + 1).count();
            assert!(jumps <= 3, "partition {partition}: {jumps} jumps in {} messages", offsets.len());
        }
    }
}

async fn until_true(mut is: impl FnMut() -> bool) {
    while !is() {
        tokio::time::sleep(Duration::from_millis(10)).await
    }
}
