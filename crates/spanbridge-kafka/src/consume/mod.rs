//! Consuming: messages as jobs, and their offsets stored and committed.
//!
//! From the bottom: `message`, what rdkafka delivers; `readings`, `partition` and `partitions`, what is known about each
//! partition; `lending` and `consumer_state`, what the jobs of a consumer share; `job`; `consumer` with `stream`, `batch`
//! and `commit`.

mod batch;
mod commit;
mod consumer;
mod consumer_state;
mod job;
mod lending;
mod message;
mod partition;
mod partitions;
mod readings;
mod settings;
mod stream;

pub use consumer::{ConsumerExt, ObservedConsumer};
pub(crate) use consumer_state::ConsumerState;
pub use job::Job;
pub use message::{Incoming, Received};
pub(crate) use partition::Assignment;
pub use settings::{Kafka, ReceiveOptions};
pub use stream::Jobs;
