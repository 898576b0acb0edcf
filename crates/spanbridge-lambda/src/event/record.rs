//! One record of an event.

use spanbridge::carrier::Extraction;
use std::time::SystemTime;

/// The number of records of an event that are read: [the most that Lambda passes to a function at
/// once](https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html#lambda-CreateEventSourceMapping-request-BatchSize),
/// from any source. A caller can send millions of nearly empty records, and each one costs memory.
pub(crate) const MAX_RECORDS: usize = 10_000;

/// One message of a batch.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Record {
    /// What identifies the record in a partial batch response: the message id for SQS, the sequence number for Kinesis and
    /// DynamoDB, `topic-partition-offset` for Kafka. Empty if unknown.
    pub id: String,
    /// The name of the queue, topic, stream or table. Empty if unknown.
    pub destination: String,
    /// The partition of the destination.
    pub partition: Option<String>,
    /// The group within which records are delivered in order and have to be handled in order: the message group of a FIFO
    /// queue, the shard of a stream, the partition of a topic.
    pub group: Option<String>,
    /// The offset in the partition.
    pub offset: Option<u64>,
    /// The context that came with the record, and the problems with its headers.
    pub carried: Extraction,
    /// The number of this delivery, from 1, if the source counts deliveries.
    pub attempt: Option<u64>,
    /// Whether the broker says that it has delivered the record before.
    pub redelivered: bool,
    /// When the record was sent, by the source's clock.
    pub sent: Option<SystemTime>,
    /// The message's own id.
    pub message_id: Option<String>,
    /// The id that a reply shares with its request (`correlationId`).
    pub conversation_id: Option<String>,
    /// The size of the body in bytes, as sent.
    pub size: Option<usize>,
}
