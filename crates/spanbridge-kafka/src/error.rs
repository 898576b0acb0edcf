//! The driver's error.

use rdkafka::error::KafkaError;
use spanbridge::messaging::BoxError;
use std::fmt;

/// Why the driver ended. Everything else returns rdkafka's errors.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    source: BoxError,
}

/// What failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The consumer cannot continue.
    Receive,
    /// `enable.auto.offset.store` is on: librdkafka stores the offset of every message that it delivers, handled or not.
    StoresByItself,
    /// The work on a message failed, and the policy is to stop.
    Work {
        /// The message's topic.
        topic: String,
        /// The message's partition.
        partition: i32,
        /// The message's offset.
        offset: i64,
    },
}

impl Error {
    pub(crate) fn receive(source: KafkaError) -> Self {
        Error { kind: ErrorKind::Receive, source: source.into() }
    }

    pub(crate) fn stores_by_itself() -> Self {
        let source = "`enable.auto.offset.store` is on";
        Error { kind: ErrorKind::StoresByItself, source: source.into() }
    }

    pub(crate) fn work(topic: &str, partition: i32, offset: i64, source: BoxError) -> Self {
        Error { kind: ErrorKind::Work { topic: topic.to_owned(), partition, offset }, source }
    }

    /// What failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }
}

/// A fragment that follows "failed to".
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Receive => f.write_str("receive messages"),
            ErrorKind::StoresByItself => {
                f.write_str("start the driver: librdkafka would store the offsets of messages that are not handled yet")
            }
            ErrorKind::Work { topic, partition, offset } => {
                write!(f, "process message {offset} of {topic}[{partition}]")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}
