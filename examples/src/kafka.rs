//! Kafka for the examples: command-line options for the brokers and the topic.

use rdkafka::ClientConfig;

// No doc comment: clap would show it as the program's description.
#[expect(missing_docs, reason = "see above")]
#[derive(clap::Args, Clone, Debug)]
pub struct Topic {
    /// The brokers' addresses, separated by commas
    #[arg(long, env = "KAFKA_BROKERS")]
    pub brokers: String,
    /// The topic
    #[arg(long = "topic")]
    pub name: String,
}

impl Topic {
    /// The base configuration of a client of these brokers.
    pub fn client(&self, id: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("client.id", id);
        config
    }
}
