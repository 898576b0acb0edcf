//! spanbridge for Kafka, with [rdkafka].
//!
//! Add one word to the producer and one to the consumer. Arguments and results stay rdkafka's own.
//!
//! ```no_run
//! use rdkafka::Message;
//! use rdkafka::consumer::StreamConsumer;
//! use rdkafka::producer::{FutureProducer, FutureRecord};
//! use spanbridge_kafka::{ConsumerExt, ProducerExt};
//! use std::time::Duration;
//!
//! # async fn project(order: Option<&[u8]>) -> Result<(), std::fmt::Error> { Ok(()) }
//! # async fn f(producer: FutureProducer, consumer: StreamConsumer) -> Result<(), Box<dyn std::error::Error>> {
//! // The `send` span ends with the delivery report.
//! let record = FutureRecord::to("orders").key("42").payload("{}");
//! producer.observed().send(record, Duration::from_secs(5)).await.map_err(|(e, _)| e)?;
//!
//! // `run` restores the sender's context and opens a `process` span under the sender's span.
//! let consumer = consumer.observed();
//! loop {
//!     let job = consumer.recv().await?;
//!     job.run(|| project(job.payload())).await?;
//!     job.store_offset()?;
//! }
//! # }
//! ```
//!
//! # Do not continue after a message that failed
//!
//! A group keeps one offset for each partition, and every message before it counts as done. If your loop continues after a
//! failed message, the next offset that you store or commit covers it and the message is lost. So retry it, send it
//! elsewhere, or end the loop as above: when the consumer is dropped, the group's next consumer gets the message. The same
//! consumer gets it only after you [`seek`](rdkafka::consumer::Consumer::seek) back. The same holds for each message of an
//! [`ObservedConsumer::batch`], and for jobs that you handle side by side: store an offset only after all before it are done.
//! The driver does all of this: [`ObservedConsumer::drive`].
//!
//! `enable.auto.offset.store` and `enable.auto.commit` are on by default: librdkafka stores the offset of every message it
//! delivers, handled or not, and commits it shortly afterwards and when the consumer is dropped. A message that fails is then
//! lost even if your loop ends. In a loop like the one above, set `enable.auto.offset.store` to `false`.
//!
//! # On the wire
//!
//! The standard headers `traceparent`, `tracestate` and `baggage`. Your own headers stay byte for byte as they are. Ours are
//! replaced when a message is forwarded. If an outgoing message already has a `traceparent`, it is replaced if it belongs
//! to the current trace; otherwise it is kept and the `send` span links to it.
//!
//! # Choices
//!
//! Each consumer chooses how a message relates to its sender: child (default), new run, or link, also by age; how far
//! senders are trusted; which baggage is taken; and what is recorded of payloads ([`ReceiveOptions`]).
//!
//! A [`Job`] borrows its message from the consumer; [`Job::detach`] makes one that can be spawned. A span never settles a
//! message: call `store_offset` and the commits of [`ObservedConsumer`] yourself, at any time; they are recorded. To handle
//! several messages at once, use a [`Batch`].
//!
//! For producers that report delivery in a callback, and to record rebalances, wrap the client's context: [`Observed`].

// Layers, from the bottom: client, client_info, error, ranges, sync; carrier; describe; replayed; produce; consume; driver; context.
mod carrier;
mod client;
mod client_info;
mod consume;
mod context;
mod describe;
mod driver;
mod error;
mod produce;
mod ranges;
mod replayed;
mod sync;

pub use carrier::{Headers, HeadersMut};
pub use consume::{ConsumerExt, Disposition, Incoming, Job, Jobs, Kafka, ObservedConsumer, ReceiveOptions, Received};
pub use context::{GroupContext, Observed, Sent, rebalancing};
pub use error::{Error, ErrorKind};
pub use produce::{ObservedDelivery, ObservedProducer, ProducerExt, Transaction};
pub use spanbridge::messaging::{
    Batch, BoxError, CaptureMode, CapturePolicy, DriverOptions, JobHandler, Part, PartKind, Relation, SettlePolicy,
    Trust,
};
