//! The event that the order is packed goes through Kafka to a projection, which counts packed orders.
//!
//! If `KAFKA_BROKERS` is not set, the broker is librdkafka's own, inside this process. The client and its connection are real
//! either way.

use crate::database::Database;
use crate::notify::Notify;
use crate::orders::set_status;
use crate::services::{Services, in_service};
use anyhow::Context as _;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord, Producer};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::{ClientConfig, Message, Offset};
use serde_json::Value;
use spanbridge_kafka::{ConsumerExt, ObservedConsumer, ProducerExt};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The producer of the warehouse and the consumer of the projection.
pub(crate) struct Kafka {
    topic: String,
    warehouse: FutureProducer,
    projection: ObservedConsumer<StreamConsumer>,
    /// The in-process broker. Declared last, so that it is dropped after its clients.
    _cluster: Option<MockCluster<'static, DefaultProducerContext>>,
}

impl Kafka {
    /// Connects to the brokers. Without any, starts the in-process broker.
    pub(crate) fn start(brokers: Option<String>) -> anyhow::Result<Self> {
        let (topic, brokers, cluster) = match brokers {
            Some(brokers) => (format!("spanbridge.demo.{}", std::process::id()), brokers, None),
            None => {
                let cluster = MockCluster::new(1).context("failed to start librdkafka's in-process broker")?;
                cluster.create_topic("packed", 1, 1)?;
                ("packed".to_owned(), cluster.bootstrap_servers(), Some(cluster))
            }
        };
        let warehouse: FutureProducer = client(&brokers, "warehouse").set("linger.ms", "0").create()?;
        let projection: StreamConsumer = client(&brokers, "projection")
            .set("group.id", "projection")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .create()?;
        let metadata = warehouse.client().fetch_metadata(Some(&topic), TIMEOUT);
        metadata.with_context(|| format!("failed to reach Kafka at {brokers}"))?;
        // Without the topic's metadata, the consumer waits up to a second before its first fetch.
        projection.fetch_metadata(Some(&topic), TIMEOUT)?;
        Ok(Kafka { topic, warehouse, projection: projection.observed(), _cluster: cluster })
    }
}

/// Publishes that the order is packed, and waits until the projection has processed the event.
pub(crate) async fn packed(services: &Services, kafka: &Kafka, notify: &Notify, order: &Value) -> anyhow::Result<()> {
    let Kafka { topic, warehouse, projection, .. } = kafka;
    let (key, body) = (order["order"].to_string(), order.to_string());
    let record = FutureRecord::to(topic).key(&key).payload(&body);
    let sent = warehouse.observed().send(record, TIMEOUT).await.map_err(|(error, _)| error)?;

    let work = async {
        // The offset is known, so the consumer assigns the partition itself and does not wait to join a group.
        let mut partition = TopicPartitionList::with_capacity(1);
        partition.add_partition_offset(topic, sent.partition, Offset::Offset(sent.offset))?;
        projection.consumer().assign(&partition)?;
        let job =
            tokio::time::timeout(TIMEOUT, projection.recv()).await.context("Kafka delivered no message in time")??;
        job.run(|| count_packed(&services.database, job.payload(), notify)).await?;
        projection.commit_message(&job, CommitMode::Async)?;
        anyhow::Ok(())
    };
    in_service(&services.projection, || work).await
}

fn client(brokers: &str, id: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("client.id", id);
    config
}

async fn count_packed(database: &Database, order: Option<&[u8]>, notify: &Notify) -> anyhow::Result<()> {
    let order: Value = serde_json::from_slice(order.context("the message has no payload")?)?;
    let count = "INSERT INTO packed_today VALUES (?1, 1) ON CONFLICT DO UPDATE SET count = count + 1";
    database.connect()?.execute(count, [order["sku"].as_str()])?;
    set_status(database, &order, "packed")?;
    notify.call(&order).await
}
