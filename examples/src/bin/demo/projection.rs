//! What happened goes through Kafka to whoever wants to know: here a projection, which keeps count.
//!
//! The broker is librdkafka's own, inside this process, unless there is another. The client and the socket are real.

use crate::notify::Notify;
use crate::services::{Services, elsewhere};
use anyhow::Context as _;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{DefaultProducerContext, FutureProducer, FutureRecord, Producer};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::{ClientConfig, Message, Offset};
use serde_json::Value;
use spanbridge::{Primitive, observe};
use spanbridge_kafka::{ConsumerExt, ObservedConsumer, ProducerExt};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

/// The broker, and the clients of two services.
pub(crate) struct Kafka {
    topic: String,
    warehouse: FutureProducer,
    projection: ObservedConsumer<StreamConsumer>,
    /// Outlives its clients.
    _cluster: Option<MockCluster<'static, DefaultProducerContext>>,
}

impl Kafka {
    /// Connects to these brokers, or starts one.
    pub(crate) fn start(brokers: Option<String>) -> anyhow::Result<Self> {
        let (topic, brokers, cluster) = match brokers {
            Some(brokers) => (format!("spanbridge.demo.{}", std::process::id()), brokers, None),
            None => {
                let cluster = MockCluster::new(1).context("failed to start librdkafka's broker")?;
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
        let known = warehouse.client().fetch_metadata(Some(&topic), SOON);
        known.with_context(|| format!("failed to reach Kafka at {brokers}"))?;
        // The consumer learns where the topic is, too: else librdkafka waits up to a second with its first fetch.
        projection.fetch_metadata(Some(&topic), SOON)?;
        Ok(Kafka { topic, warehouse, projection: projection.observed(), _cluster: cluster })
    }
}

/// Tells that the order is packed, and waits until the projection has it.
pub(crate) async fn packed(services: &Services, kafka: &Kafka, notify: &Notify, order: &Value) -> anyhow::Result<()> {
    let Kafka { topic, warehouse, projection, .. } = kafka;
    let (key, body) = (order["order"].to_string(), order.to_string());
    let record = FutureRecord::to(topic).key(&key).payload(&body);
    let sent = warehouse.observed().send(record, SOON).await.map_err(|(error, _)| error)?;

    let work = async {
        // Where the message is, is known: without a group to join, there is nothing to wait for.
        let mut partition = TopicPartitionList::with_capacity(1);
        partition.add_partition_offset(topic, sent.partition, Offset::Offset(sent.offset))?;
        projection.consumer().assign(&partition)?;
        let job = tokio::time::timeout(SOON, projection.recv()).await.context("nothing came from Kafka")??;
        job.run(|| project(job.payload(), notify)).await?;
        projection.commit_message(&job, CommitMode::Async)?;
        anyhow::Ok(())
    };
    elsewhere(&services.projection, || work).await
}

fn client(brokers: &str, id: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("client.id", id);
    config
}

async fn project(order: Option<&[u8]>, notify: &Notify) -> anyhow::Result<()> {
    let order: Value = serde_json::from_slice(order.context("no order")?)?;
    let update = observe::span("UPDATE packed_today").primitive(Primitive::DB_MUTATION);
    update.attribute("order.id", order["order"].as_i64().unwrap_or_default()).in_scope(|| ());
    notify.call(&order).await
}
