//! Consuming: messages as jobs, and their offsets stored and committed.
//!
//! From the bottom: `message`, what rdkafka delivers; `readings`, `partition` and `partitions`, what is known about each
//! partition; `lending` and `consumer_state`, what the jobs of a consumer share; `delivery`, what is
//! recorded of a message; `job`; `consumer` with `stream`, `batch`
//! and `commit`.

mod batch;
mod commit;
mod consumer;
mod consumer_state;
mod delivery;
mod job;
mod lending;
mod message;
mod options;
mod partition;
mod partitions;
mod readings;
mod stream;

pub use consumer::{ConsumerExt, ObservedConsumer};
pub(crate) use consumer_state::ConsumerState;
pub use job::{Disposition, Job};
pub use message::{Incoming, Received};
pub use options::{Kafka, ReceiveOptions};
pub(crate) use partition::Assignment;
pub use stream::Jobs;
