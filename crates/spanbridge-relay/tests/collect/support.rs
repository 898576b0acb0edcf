//! A topic with records, and stores to compare.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use spanbridge::record::{Body, End, Record, RunEnd, RunStart, SpanData};
use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId};
use spanbridge_query::{ImportReport, RunFilter, RunRow, Store};
use spanbridge_relay::collect::{CollectOptions, StoreRecords};
use spanbridge_relay::format::{FORMAT, FORMAT_HEADER, encode};
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Spans of a run.
const SPANS: u64 = 10;

/// Key, format and value of a message.
pub(crate) type Parts<'m> = (Option<&'m str>, Option<&'m str>, Option<&'m [u8]>);

/// A topic that no other test uses.
pub(crate) struct Topic {
    pub(crate) brokers: String,
    pub(crate) name: String,
}

impl Topic {
    /// `None`, and the test is reported as skipped, if there is no Kafka.
    pub(crate) fn new(test: &str, partitions: i32) -> Option<Self> {
        let Some(brokers) = std::env::var("KAFKA_BROKERS").ok().filter(|brokers| !brokers.is_empty()) else {
            xtask::skip("KAFKA_BROKERS is not set; `cargo xtask kafka` starts a broker");
            return None;
        };
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("collect.{test}.{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let topic = Self { brokers, name };
        topic.create(&topic.name, partitions, &[]);
        Some(topic)
    }

    pub(crate) fn create(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().unwrap();
        let new = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let new = settings.iter().fold(new, |new, (name, value)| new.set(name, value));
        let created = block_on(admin.create_topics(&[new], &AdminOptions::new())).unwrap();
        assert!(created.iter().all(Result::is_ok), "{created:?}");
    }

    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// With these parameters, and a group of its own.
    pub(crate) fn url(&self, parameters: &str) -> String {
        format!("kafka://{}/{}?group={}&{parameters}", self.brokers, self.name, self.name)
    }

    pub(crate) fn options(&self, parameters: &str) -> CollectOptions {
        let quick = "session.timeout.ms=6000&heartbeat.interval.ms=200&statistics.interval.ms=200";
        let mut options = CollectOptions::new(self.url(&format!("{quick}&{parameters}")).parse().unwrap());
        options.max_wait = Duration::from_millis(50);
        options
    }

    /// Sends records as `spanbridge ship` does.
    pub(crate) fn send(&self, records: &[Record<'_>]) {
        let messages: Vec<_> = encode(records.iter().map(Record::view))
            .into_iter()
            .map(|m| (m.key.map(|k| k.to_string()), m.value))
            .collect();
        self.send_each(messages.iter().map(|(key, value)| (key.as_deref(), Some(FORMAT), Some(value.as_bytes()))));
    }

    /// Sends messages with this key, format and value each.
    pub(crate) fn send_each<'m>(&self, all: impl Iterator<Item = Parts<'m>>) {
        let mut config = self.config();
        config.set("partitioner", "murmur2_random").set("linger.ms", "1");
        let producer: BaseProducer = config.create().unwrap();
        for (key, format, value) in all {
            let mut record = BaseRecord::<str, [u8]>::to(&self.name);
            (record.key, record.payload) = (key, value);
            if let Some(format) = format {
                let header = Header { key: FORMAT_HEADER, value: Some(format) };
                record = record.headers(OwnedHeaders::new().insert(header));
            }
            producer.send(record).map_err(|(error, _)| error).unwrap();
        }
        producer.flush(SOON).unwrap();
    }

    /// How many messages of the topic the group has not committed.
    pub(crate) fn uncommitted(&self) -> i64 {
        let consumer: BaseConsumer = self.config().set("group.id", &self.name).create().unwrap();
        let metadata = consumer.fetch_metadata(Some(&self.name), SOON).unwrap();
        let mut list = TopicPartitionList::new();
        for partition in metadata.topics()[0].partitions() {
            list.add_partition(&self.name, partition.id());
        }
        let committed = consumer.committed_offsets(list, SOON).unwrap();
        let left = committed.elements().into_iter().map(|each| {
            let (low, high) = consumer.fetch_watermarks(&self.name, each.partition(), SOON).unwrap();
            let next = if let Offset::Offset(offset) = each.offset() { offset } else { low };
            high - next
        });
        left.sum()
    }

    /// How many members the group has.
    pub(crate) fn members(&self) -> usize {
        let consumer: BaseConsumer = self.config().create().unwrap();
        let groups = consumer.fetch_group_list(Some(&self.name), SOON).unwrap();
        groups.groups().first().map_or(0, |group| group.members().len())
    }
}

/// Runs of ten spans each, some of which failed.
pub(crate) fn records(runs: std::ops::Range<u64>) -> Vec<Record<'static>> {
    const NOW: u64 = 1_790_000_000_000_000_000;
    let mut records = Vec::new();
    for run in runs {
        let id = u128::from(run + 1) << 64 | 0xabcd;
        let (run_id, trace_id) = (RunId::new(id), TraceId::new(id));
        let segment = SegmentId::new(run + 1).unwrap();
        let at = NOW + run * 1_000_000;
        let mut seq = 0;
        let mut add = |body: Body<'static>| {
            seq += 1;
            records.push(Record::new(segment, seq, "orders", body).of_run(run_id, trace_id));
        };
        add(Body::RunStart(RunStart::new(format!("order {}", run % 7), at)));
        for n in 0..SPANS {
            let mut span = SpanData::new(SpanId::new(n + 1).unwrap(), format!("step {n}"), at + n * 1000);
            span.parent_span_id = SpanId::new(n);
            let status = if run % 11 == 0 && n == 3 { Status::Error } else { Status::Ok };
            add(Body::Span(span.with_end(Some(End::new(at + n * 1000 + 500, status)))));
        }
        add(Body::RunEnd(RunEnd::new(at + 100_000, Status::Ok)));
    }
    records
}

/// Stores records in a store, as `spanbridge collect` does.
pub(crate) fn into_store(store: &mut Store) -> Box<StoreRecords<'_>> {
    Box::new(|records| store.import(records))
}

/// What a store says: its list, and all records of each run in order of their numbers, as texts.
pub(crate) fn content(store: &Store) -> (Vec<RunRow>, Vec<String>) {
    let rows = store.runs(&RunFilter::default(), usize::MAX).unwrap();
    let mut records = Vec::new();
    store.records(None, |record| records.push(record.to_json())).unwrap();
    records.sort_unstable();
    (rows, records)
}

/// Asserts that a store says what one says that has imported these records once.
pub(crate) fn assert_same(store: &Store, records: &[Record<'static>]) {
    let dir = tempfile::tempdir().unwrap();
    let mut once = Store::open_or_create(dir.path()).unwrap();
    once.import(records.iter().cloned()).unwrap();
    let (found, expected) = (content(store), content(&once));
    assert_eq!(found.0.len(), expected.0.len(), "runs");
    assert_eq!(found.1.len(), expected.1.len(), "records");
    assert_eq!(found, expected);
}

pub(crate) fn open(path: &Path) -> Store {
    Store::open_or_create(path).unwrap()
}

/// Waits until that is so.
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !is() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Some records were taken.
pub(crate) fn report(stored: usize) -> ImportReport {
    let mut report = ImportReport::default();
    (report.read, report.stored) = (stored as u64, stored as u64);
    report
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
