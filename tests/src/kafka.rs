//! Kafka for a test: the cluster that `KAFKA_BROKERS` names, else librdkafka's in-process broker, which speaks the real
//! protocol over a real socket.

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::{FromClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer};
use spanbridge_kafka::Observed;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

/// A cluster with a topic that no other test knows.
pub struct Kafka {
    /// Where it is.
    pub brokers: String,
    /// A topic of the test's own.
    pub topic: String,
    /// The in-process broker, if it is that.
    pub mock: Option<MockCluster<'static, DefaultProducerContext>>,
}

/// A cluster, and a topic of so many partitions.
///
/// # Panics
/// When `KAFKA_BROKERS` names a cluster that cannot be used.
pub async fn kafka(test: &str, partitions: i32) -> Kafka {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let topic = format!("spanbridge.{test}.{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    if let Ok(brokers) = std::env::var("KAFKA_BROKERS") {
        let kafka = Kafka { brokers, topic, mock: None };
        kafka.create(&kafka.topic, partitions).await;
        return kafka;
    }
    let mock = MockCluster::new(1).expect("librdkafka's in-process broker");
    let kafka = Kafka { brokers: mock.bootstrap_servers(), topic, mock: Some(mock) };
    kafka.create(&kafka.topic, partitions).await;
    kafka
}

/// A real cluster, or why the test is skipped: nobody asked for one, and the in-process broker cannot do what it takes.
pub async fn real_kafka(test: &str, partitions: i32) -> Option<Kafka> {
    if std::env::var_os("KAFKA_BROKERS").is_none() {
        println!("skipped: {test}: KAFKA_BROKERS is not set");
        return None;
    }
    Some(kafka(test, partitions).await)
}

impl Kafka {
    /// Creates another topic.
    pub async fn create(&self, topic: &str, partitions: i32) {
        if let Some(mock) = &self.mock {
            return mock.create_topic(topic, partitions, 1).expect("create a topic");
        }
        let admin: AdminClient<DefaultClientContext> = self.config().create().expect("an admin client");
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        let created = admin.create_topics(&[new], &AdminOptions::new()).await.expect("create a topic");
        assert!(created.iter().all(Result::is_ok), "{created:?}");
    }

    /// A client of this cluster.
    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// A producer.
    pub fn producer<P: FromClientConfig>(&self) -> P {
        self.config().create().expect("a producer")
    }

    /// A producer that answers at once.
    pub fn future_producer(&self) -> FutureProducer {
        self.config().set("linger.ms", "0").create().expect("a producer")
    }

    /// What a consumer of a group is made of: it begins at the beginning, and stores and commits what it is told to.
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

    /// The same with any kind of consumer and context.
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

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kafka").field("brokers", &self.brokers).field("topic", &self.topic).finish_non_exhaustive()
    }
}
