//! Kafka for the examples: which brokers and topic.

use rdkafka::ClientConfig;

// No doc comment: clap would take it for the program's.
#[expect(missing_docs, reason = "see above")]
#[derive(clap::Args, Clone, Debug)]
pub struct Topic {
    /// The brokers, separated by commas
    #[arg(long, env = "KAFKA_BROKERS")]
    pub brokers: String,
    /// The topic
    #[arg(long = "topic")]
    pub name: String,
}

impl Topic {
    /// What a client of these brokers begins with.
    pub fn client(&self, id: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("client.id", id);
        config
    }
}
