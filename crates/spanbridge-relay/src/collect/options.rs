//! What a collector is told.

use crate::Address;
use rdkafka::ClientConfig;
use std::time::Duration;

/// What a collector is told.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CollectOptions {
    /// Where the records are.
    pub from: Address,
    /// A batch is stored when its messages have so many bytes. Default: 16 MiB.
    pub max_bytes: usize,
    /// A batch is stored when it has about so many records. Default: 65,536.
    pub max_records: u64,
    /// A batch is stored so long after its first message was read. Default: 1 s.
    pub max_wait: Duration,
    /// End when the topic is read up to where it ends now. Default: go on.
    pub until_end: bool,
}

impl CollectOptions {
    /// The default options.
    pub fn new(from: Address) -> Self {
        Self { from, max_bytes: 16 << 20, max_records: 1 << 16, max_wait: Duration::from_secs(1), until_end: false }
    }

    /// Of a client with the properties of the URL, which count more than the `defaults`.
    fn config(&self, defaults: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        for (name, value) in defaults {
            config.set(*name, *value);
        }
        for (name, value) in self.from.properties() {
            config.set(name, value);
        }
        config
    }

    /// Of the member of the group.
    pub(super) fn consumer(&self) -> ClientConfig {
        let mut config = self.config(&[
            ("client.id", "spanbridge-collect"),
            // Only what moves is given up.
            ("partition.assignment.strategy", "cooperative-sticky"),
            // For the lag.
            ("statistics.interval.ms", "5000"),
            // A topic may be created later.
            ("topic.metadata.refresh.interval.ms", "10000"),
        ]);
        // The address refuses to set these.
        config
            .set("group.id", self.from.group())
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", if self.until_end { "true" } else { "false" });
        config
    }

    /// Of the producer of what is set aside.
    pub(super) fn dead_letters(&self) -> ClientConfig {
        let mut config = self.config(&[
            ("client.id", "spanbridge-collect"),
            ("compression.type", "zstd"),
            ("linger.ms", "5"),
            ("message.timeout.ms", "10000"),
        ]);
        // As whoever has sent the message does it.
        config.set("enable.idempotence", "true").set("acks", "all").set("partitioner", "murmur2_random");
        // A producer is in no group, and says so if it is told of one.
        config.remove("group.instance.id");
        config
    }
}
