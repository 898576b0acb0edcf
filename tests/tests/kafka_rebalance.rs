//! Partitions that change hands.

use futures_util::stream::{StreamExt, iter};
use rdkafka::consumer::{Consumer, Rebalance, StreamConsumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientContext, Message};
use spanbridge::record::{Body, Event, Record, SpanAttributes, SpanData, SpanEnd};
use spanbridge::{Receipt, RecordBatch, Recorder, Sink, SinkError, SpanId, TraceId, Value};
use spanbridge_kafka::{
    BoxError, ConsumerExt, Disposition::*, DriverOptions, GroupContext, Job, JobHandler, Observed, ProducerExt,
    SettlePolicy,
};
use spanbridge_tests::{Kafka, kafka, recorder, spans, until, wait_with_progress, within};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn work_on_a_revoked_partition_is_marked() {
    let kafka = kafka("revoked", 1).await;
    let producer = kafka.future_producer();
    let record = FutureRecord::<(), str>::to(&kafka.topic).payload("x");
    producer.send(record, SOON).await.map_err(|(e, _)| e).unwrap();
    let (work, records) = recorder("work");
    let consume = async {
        let consumer = kafka.consumer("revoked").observed();
        let job = within("a message", consumer.recv()).await.unwrap().detach();
        job.run(async || {
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
    work.scope(|| consume).await;
    work.flush_blocking(SOON);
    let records = records.records();
    let spans = spans(&records);
    assert_eq!((spans[0].name.starts_with("process"), spans[0].get("spanbridge.settle.revoked")), (true, "true"));
    assert_eq!((spans[1].name.starts_with("store"), spans[1].get("spanbridge.settle.revoked")), (true, "true"));
    assert_eq!(spans[1].status.unwrap().name(), "error");
    let event = |r: &Record<'_>| matches!(&r.body, Body::Event(Event { name, .. }) if name == "partition revoked");
    assert_eq!(records.iter().filter(|r| event(r)).count(), 1);
}

/// What was recorded of messages, in little memory: there are too many to keep their records.
#[derive(Clone, Default)]
struct ChapterResult(Arc<Mutex<HashMap<SpanId, Step>>>);

/// The span of a message: of its sender, or of the work on it.
#[derive(Clone, Default)]
struct Step {
    name: Cow<'static, str>,
    trace: Option<TraceId>,
    parent: Option<SpanId>,
    partition: Option<i32>,
    offset: Option<i64>,
    stored: bool,
    ended: bool,
}

impl Sink for ChapterResult {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        let mut steps = self.0.lock().unwrap();
        for record in batch.records() {
            let (id, attributes, ended) = match &record.body {
                Body::Span(start @ SpanData { end: None, .. }) => (start.span_id, &start.attributes, false),
                Body::Span(start @ SpanData { end: Some(_), .. }) => (start.span_id, &start.attributes, true),
                Body::SpanEnd(SpanEnd { span_id, attributes, .. }) => (*span_id, attributes, true),
                Body::SpanAttributes(SpanAttributes { span_id, attributes, .. }) => (*span_id, attributes, false),
                // An event says that a commit failed: on a machine that is too busy for heartbeats the group goes on without
                // a member, and what it had not committed comes again.
                Body::Segment(_) | Body::Event(_) => continue,
                other => panic!("{other:?}"),
            };
            let step = steps.entry(id).or_default();
            if let Body::Span(start) = &record.body {
                let verb = start.name.split(' ').next().unwrap();
                let known =
                    ["send", "process", "work", "commit", "store_offset"].into_iter().find(|known| *known == verb);
                step.name = known.map_or_else(|| Cow::Owned(verb.to_owned()), Cow::Borrowed);
                (step.trace, step.parent) = (record.trace_id, start.parent_span_id)
            }
            step.ended |= ended;
            for (key, value) in attributes.iter() {
                match (key, value) {
                    ("messaging.destination.partition.id", Value::Str(id)) => step.partition = id.parse().ok(),
                    ("messaging.kafka.offset", Value::I64(offset)) => step.offset = Some(offset),
                    ("spanbridge.settle.stored", Value::Bool(stored)) => step.stored = stored,
                    _ => {}
                }
            }
        }
        Ok(Receipt::default())
    }
}

impl ChapterResult {
    fn recorder(&self, service: &str) -> Recorder {
        Recorder::builder(service).sink(self.clone()).build().unwrap()
    }

    /// Of these spans, each with its id.
    fn named(&self, name: &str) -> Vec<(SpanId, Step)> {
        let steps = self.0.lock().unwrap();
        steps.iter().filter(|(_, step)| step.name == name).map(|(id, step)| (*id, step.clone())).collect()
    }
}

/// Notes what it is given, in its order.
#[derive(Default)]
struct Notes {
    seen: Mutex<BTreeMap<i32, Vec<i64>>>,
    count: AtomicUsize,
}

impl JobHandler<Job<BorrowedMessage<'_>>> for Notes {
    async fn handle(&self, job: Arc<Job<BorrowedMessage<'_>>>) -> Result<(), BoxError> {
        self.seen.lock().unwrap().entry(job.partition()).or_default().push(job.offset());
        self.count.fetch_add(1, Relaxed);
        Ok(())
    }
}

/// Counts how often partitions were assigned to it.
#[derive(Clone, Default)]
struct Assignments(Arc<AtomicUsize>);

impl ClientContext for Assignments {}

impl GroupContext for Assignments {
    fn pre_rebalance(&self, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(partitions) = rebalance {
            self.0.fetch_add((partitions.count() > 0) as usize, Relaxed);
        }
    }
}

/// The in-process broker keeps 5 MiB of each partition: more than there is of messages of some 100 bytes.
const COUNT: usize = 100_000;
const PARTITIONS: usize = 4;
const UNDER_WAY: usize = 500;

/// A member of the group, at work in a task of its own until there are permits to stop.
struct Worker {
    task: JoinHandle<()>,
    notes: Arc<Notes>,
    told: ChapterResult,
    assignments: Assignments,
}

impl Worker {
    fn start(kafka: &Kafka, name: &'static str, stop: &Arc<Semaphore>) -> Self {
        let (notes, told, assignments) = (Arc::<Notes>::default(), ChapterResult::default(), Assignments::default());
        let mut config = kafka.group("many");
        config.set("enable.auto.commit", "true").set("auto.commit.interval.ms", "100");
        // Word of a rebalance queues up behind the messages that the client has fetched: by default so many that a busy
        // machine works on them for longer than the group waits for its members, and it rebalances without them.
        config.set("queued.min.messages", "1000").set("fetch.queue.backoff.ms", "10");
        let consumer: StreamConsumer<_> =
            config.create_with_context(Observed::new(assignments.clone())).expect("a consumer");
        consumer.subscribe(&[&kafka.topic]).unwrap();
        let (consumer, working) = (consumer.observed(), told.recorder(name));
        let (handler, stop) = (notes.clone(), stop.clone());
        let task = tokio::spawn(async move {
            let policy = DriverOptions::new(SettlePolicy::new(StoreOffset, Stop));
            let stop = async { drop(stop.acquire().await) };
            working.scope(|| consumer.drive(policy, &*handler, stop)).await.unwrap();
            // The commits that leaving the group makes are recorded, too.
            drop(consumer);
            let report = working.shutdown(SOON);
            assert_eq!((report.dropped, report.sinks[0].left), (0, 0));
        });
        Worker { task, notes, told, assignments }
    }

    fn is_assigned(&self) -> bool {
        self.assignments.0.load(Relaxed) > 0
    }

    fn handled(&self) -> usize {
        self.notes.count.load(Relaxed)
    }
}

/// Sends messages, over all partitions in turn, some of them at once; each is confirmed.
async fn send(kafka: &Kafka, producer: &FutureProducer, messages: Range<usize>) {
    let send = |i| async move {
        let record = FutureRecord::<(), str>::to(&kafka.topic).partition((i % PARTITIONS) as i32).payload("x");
        producer.observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
    };
    iter(messages).for_each_concurrent(UNDER_WAY, send).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_process_span_has_its_sender_as_parent() {
    let kafka = kafka("many", PARTITIONS as i32).await;
    let (stop, sent) = (Arc::new(Semaphore::new(0)), ChapterResult::default());
    let sending = sent.recorder("sending");
    let producer: FutureProducer = kafka.producer();
    let first = Worker::start(&kafka, "first", &stop);
    let produce = async {
        send(&kafka, &producer, 0..COUNT / 4).await;
        within("the first consumer", until_true(|| first.handled() > 0)).await;
        // In the middle of it another one joins, and the group is rebalanced, while messages come and go.
        let second = Worker::start(&kafka, "second", &stop);
        let mut next = COUNT / 4;
        while !second.is_assigned() && next < COUNT / 4 * 3 {
            within("confirmations", send(&kafka, &producer, next..next + 40)).await;
            next += 40
        }
        wait_with_progress("the second consumer", || second.is_assigned(), || first.handled()).await;
        assert!(next > COUNT / 4, "nothing was sent during the rebalance");
        send(&kafka, &producer, next..COUNT).await;
        second
    };
    let second = sending.scope(|| produce).await;
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
    let all = || workers.iter().map(Worker::handled).sum::<usize>() >= COUNT && covered() == COUNT;
    wait_with_progress("all messages", all, || workers.iter().map(Worker::handled).sum()).await;
    stop.add_permits(workers.len());
    let report = sending.shutdown(SOON);
    assert_eq!((report.dropped, report.sinks[0].left), (0, 0));

    // Where each message went, and the span that sent it.
    let place = |step: &Step| (step.partition.expect("a partition"), step.offset.expect("an offset"));
    let sends = sent.named("send");
    let senders: HashMap<_, _> = sends.iter().map(|(id, send)| (place(send), (Some(*id), send.trace))).collect();
    assert_eq!((sends.len(), senders.len()), (COUNT, COUNT), "a span and a place for each message");
    assert!(senders.keys().all(|(_, offset)| *offset < (COUNT / PARTITIONS) as i64));
    for worker in workers {
        worker.task.await.unwrap();
        let processes = worker.told.named("process");
        for (_, process) in &processes {
            assert_eq!((process.parent, process.trace), senders[&place(process)]);
            assert!(process.ended);
        }
        // Nothing that was handled is unrecorded, and what became of it is known.
        let mut recorded: Vec<_> = processes.iter().map(|(_, process)| place(process)).collect();
        let seen = worker.notes.seen.lock().unwrap();
        let mut handled: Vec<_> = seen.iter().flat_map(|(p, offsets)| offsets.iter().map(|o| (*p, *o))).collect();
        recorded.sort_unstable();
        handled.sort_unstable();
        assert_eq!(recorded, handled);
        let failed: BTreeSet<_> = worker.told.named("store_offset").iter().map(|(_, store)| store.parent).collect();
        assert!(processes.iter().all(|(id, process)| process.stored != failed.contains(&Some(*id))));
        assert!(!worker.told.named("commit").is_empty());
        // A partition is handled in order, from wherever an assignment begins.
        assert!(!seen.is_empty(), "both had a part in it");
        for (partition, offsets) in &*seen {
            let begins = 1 + offsets.windows(2).filter(|w| w[1] != w[0] + 1).count();
            let assignments = worker.assignments.0.load(Relaxed);
            assert!(begins <= assignments, "partition {partition}: {begins} beginnings, {assignments} assignments");
        }
    }
}

async fn until_true(mut is: impl FnMut() -> bool) {
    until("", || is().then_some(())).await
}
