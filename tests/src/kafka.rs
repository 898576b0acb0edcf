//! Kafka for a test: the cluster at `KAFKA_BROKERS`. If it is not set, librdkafka's in-process broker, which speaks Kafka's
//! protocol over a real socket.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::bindings::{rd_kafka_header_add, rd_kafka_header_get_all};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::{FromClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedHeaders, BorrowedMessage, Headers, OwnedHeaders, OwnedMessage};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord};
use rdkafka::types::{RDKafkaHeaders, RDKafkaRespErr};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use spanbridge_kafka::Observed;
use std::ffi::CStr;
use std::fmt;
use std::ptr::null;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A cluster with a topic that no other test uses.
pub struct Kafka {
    /// The brokers' addresses.
    pub brokers: String,
    /// The test's topic.
    pub topic: String,
    /// The in-process broker, if the test uses it.
    pub mock: Option<MockCluster<'static, DefaultProducerContext>>,
}

/// Connects to the cluster, and creates the test's topic with this number of partitions.
///
/// # Panics
///
/// The cluster at `KAFKA_BROKERS` cannot be used.
pub async fn kafka(test: &str, partitions: i32) -> Kafka {
    let Some(brokers) = configured_brokers() else { return in_process_kafka(test, partitions).await };
    let kafka = Kafka::at(brokers, test);
    kafka.create(&kafka.topic, partitions).await;
    kafka
}

/// Starts the in-process broker, even if `KAFKA_BROKERS` is set. For tests that make the broker return errors.
pub async fn in_process_kafka(test: &str, partitions: i32) -> Kafka {
    let mock = MockCluster::new(1).expect("librdkafka's in-process broker");
    let brokers = mock.bootstrap_servers();
    let kafka = Kafka { mock: Some(mock), ..Kafka::at(brokers, test) };
    kafka.create(&kafka.topic, partitions).await;
    kafka
}

fn configured_brokers() -> Option<String> {
    std::env::var("KAFKA_BROKERS").ok().filter(|brokers| !brokers.is_empty())
}

/// The cluster at `KAFKA_BROKERS`. Returns `None` and reports the test as skipped if it is not set. `lacks` names what the
/// in-process broker lacks for this test.
pub async fn real_kafka(test: &str, partitions: i32, lacks: &str) -> Option<Kafka> {
    if configured_brokers().is_none() {
        xtask::skip(&format!("KAFKA_BROKERS is not set, and the in-process broker has no {lacks}"));
        return None;
    }
    Some(kafka(test, partitions).await)
}

impl Kafka {
    /// A cluster that the test has started itself. The topic is not created yet.
    pub fn at(brokers: String, test: &str) -> Kafka {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let topic = format!("spanbridge.{test}.{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Kafka { brokers, topic, mock: None }
    }

    /// Creates a topic.
    pub async fn create(&self, topic: &str, partitions: i32) {
        if let Some(mock) = &self.mock {
            return mock.create_topic(topic, partitions, 1).expect("create a topic");
        }
        self.create_as(topic, partitions, 1, &[]).await
    }

    /// Creates a topic on a real cluster, with replicas and settings.
    pub async fn create_as(&self, topic: &str, partitions: i32, replicas: i32, settings: &[(&str, &str)]) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().expect("an admin client");
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(replicas));
        let new = settings.iter().fold(new, |new, (name, value)| new.set(name, value));
        let created = admin.create_topics(&[new], &AdminOptions::new()).await.expect("create a topic");
        assert!(created.iter().all(Result::is_ok), "{created:?}");
    }

    /// The base configuration of a client of this cluster.
    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// A producer.
    pub fn producer<P: FromClientConfig>(&self) -> P {
        self.config().create().expect("a producer")
    }

    /// A producer that sends each message immediately (`linger.ms=0`).
    pub fn future_producer(&self) -> FutureProducer {
        self.config().set("linger.ms", "0").create().expect("a producer")
    }

    /// The configuration of a consumer in a group. It starts at the earliest offset, and stores and commits only explicitly.
    pub fn group(&self, group: &str) -> ClientConfig {
        let mut config = self.config();
        config
            .set("group.id", group)
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("session.timeout.ms", "6000")
            .set("heartbeat.interval.ms", "500");
        config
    }

    /// A consumer in a group, subscribed to the test's topic, whose rebalances are observed.
    pub fn consumer(&self, group: &str) -> StreamConsumer<Observed<DefaultConsumerContext>> {
        self.consumer_with(group, Observed::new(DefaultConsumerContext))
    }

    /// Like [`consumer`](Self::consumer), with any type of consumer and context.
    pub fn consumer_with<C, X>(&self, group: &str, context: C) -> X
    where
        C: rdkafka::consumer::ConsumerContext,
        X: Consumer<C> + FromClientConfigAndContext<C>,
    {
        let consumer: X = self.group(group).create_with_context(context).expect("a consumer");
        consumer.subscribe(&[&self.topic]).expect("subscribe");
        consumer
    }
}

impl Kafka {
    /// Sends a message to the test's topic with plain rdkafka.
    pub async fn send(&self, partition: i32, headers: OwnedHeaders, payload: &[u8]) {
        let record = FutureRecord::<(), [u8]>::to(&self.topic).partition(partition).payload(payload).headers(headers);
        let sent = self.future_producer().send(record, Duration::from_secs(60)).await;
        sent.map_err(|(e, _)| e).expect("send");
    }
}

/// All messages that are in a topic now and visible at this isolation level. Within a partition, they are in order.
pub async fn contents(kafka: &Kafka, topic: &str, isolation: &str) -> Vec<OwnedMessage> {
    let mut config = kafka.group("spanbridge.contents");
    config.set("isolation.level", isolation).set("enable.partition.eof", "true");
    let reader: StreamConsumer = config.create().expect("a consumer");
    let metadata = reader.fetch_metadata(Some(topic), Duration::from_secs(60)).expect("metadata");
    let mut partitions = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
        partitions.add_partition_offset(topic, partition.id(), Offset::Beginning).expect("an offset");
    }
    reader.assign(&partitions).expect("assign");
    let (mut ends, mut messages) = (0, vec![]);
    while ends < partitions.count() {
        match crate::within("the end of a topic", reader.recv()).await {
            Ok(message) => messages.push(message.detach()),
            Err(KafkaError::PartitionEOF(_)) => ends += 1,
            Err(e) => panic!("{e}"),
        }
    }
    messages
}

/// The id of the span that sent a message. `None` unless the message has exactly one `traceparent`.
pub fn sender(message: &OwnedMessage) -> Option<String> {
    let mut headers = message.headers()?.iter().filter(|header| header.key == "traceparent");
    let (traceparent, None) = (headers.next()?, headers.next()) else { return None };
    Some(std::str::from_utf8(traceparent.value?).ok()?.get(36..52)?.to_owned())
}

/// Headers with any bytes as keys. rdkafka's own API takes only text.
pub fn raw_headers(pairs: &[(&[u8], Option<&[u8]>)]) -> OwnedHeaders {
    let headers = OwnedHeaders::new();
    let native = (headers.as_borrowed() as *const BorrowedHeaders).cast::<RDKafkaHeaders>().cast_mut();
    for (key, value) in pairs {
        let (at, size) = value.map_or((null(), 0), |v| (v.as_ptr(), v.len() as isize));
        // SAFETY: nothing else refers to the headers, and librdkafka copies the key and the value.
        unsafe { rd_kafka_header_add(native, key.as_ptr().cast(), key.len() as isize, at.cast(), size) };
    }
    headers
}

/// A header: its key, and its value unless it is null.
pub type Pair = (Vec<u8>, Option<Vec<u8>>);

/// All headers of a message in order, as bytes.
pub fn pairs(message: &BorrowedMessage<'_>) -> Vec<Pair> {
    let Some(headers) = message.headers() else { return vec![] };
    let native = (headers as *const BorrowedHeaders).cast::<RDKafkaHeaders>();
    let mut pairs = vec![];
    loop {
        let (mut name, mut value, mut size) = (null(), null(), 0);
        // SAFETY: the headers belong to the message, which outlives this call.
        let got = unsafe { rd_kafka_header_get_all(native, pairs.len(), &mut name, &mut value, &mut size) };
        if got != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
            return pairs;
        }
        // SAFETY: librdkafka has returned a C string, and a value of this size unless it is null.
        let (name, value) = unsafe {
            let value = (!value.is_null()).then(|| std::slice::from_raw_parts(value.cast::<u8>(), size).to_vec());
            (CStr::from_ptr(name).to_bytes().to_vec(), value)
        };
        pairs.push((name, value));
    }
}

/// All headers of a message in order, as text.
pub fn text_pairs(message: &BorrowedMessage<'_>) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    pairs(message).into_iter().map(|(name, value)| (text(name), text(value.unwrap_or_default()))).collect()
}

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kafka").field("brokers", &self.brokers).field("topic", &self.topic).finish_non_exhaustive()
    }
}
