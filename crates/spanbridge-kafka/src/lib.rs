//! spanbridge for Kafka, with [rdkafka].
//!
//! One word on the producer, one on the consumer. Arguments and results stay rdkafka's own.
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
//! // The send span ends with the delivery report.
//! let record = FutureRecord::to("orders").key("42").payload("{}");
//! producer.observed().send(record, Duration::from_secs(5)).await.map_err(|(e, _)| e)?;
//!
//! // `run` restores the sender's context and opens the `process` span under the sender's span.
//! let consumer = consumer.observed();
//! loop {
//!     let job = consumer.recv().await?;
//!     job.run(project(job.payload())).await?;
//!     job.store_offset()?;
//! }
//! # }
//! ```
//!
//! Kafka keeps one offset of a group in each partition, and all messages before it count as done. So a loop must not go on
//! after a message that failed: the next offset that is stored or committed covers it, and it is lost. It can be tried again,
//! or sent elsewhere first; or the loop ends, as above, and with the consumer gone, the group's next one gets the message.
//! The same consumer is behind it already, and gets it only when it is sought back to it
//! ([`seek`](rdkafka::consumer::Consumer::seek)). With [`ObservedConsumer::batch`] that is so for each of its messages, and
//! for jobs that are worked on side by side: the offset of one may be stored when those before it are done. The driver
//! does all of this: [`ObservedConsumer::for_each_partition`].
//!
//! `enable.auto.offset.store` and `enable.auto.commit` are on by default: librdkafka then stores the offset of every message
//! that it hands out, handled or not, and commits it a moment later, or when the consumer is dropped. So a message that fails is
//! lost, also where the loop ends with it. In a loop as above, turn the first off.
//!
//! What goes on the wire are the standard headers `traceparent`, `tracestate` and `baggage`. Headers of the user's stay as
//! they are, byte for byte, and ours are replaced when a message is forwarded. A `traceparent` that is on an outgoing
//! message already is replaced when it belongs to the current trace, and otherwise kept, and linked to.
//!
//! What a consumer makes of the contexts that come with its messages is up to it: as a child of the sender's span, as a run
//! of its own, or linked, also by age ([`ObservedConsumer::relation`]); how far senders are believed and what baggage is
//! taken ([`ObservedConsumer::trust`], [`ObservedConsumer::allow_baggage`]); what is recorded of payloads
//! ([`ObservedConsumer::capture`]).
//!
//! A [`Job`] borrows its message from the consumer; [`Job::detach`] makes it one that can be spawned. A span never settles
//! a message by itself: `store_offset` and the commits of [`ObservedConsumer`] are yours to call, and are recorded whenever
//! they come. Several messages at once are a [`Batch`].
//!
//! Producers that answer in a callback, and consumers whose rebalances are to be recorded, have their context wrapped:
//! [`Observed`].

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

pub use carrier::{Headers, HeadersMut};
pub use consume::{ConsumerExt, Incoming, Job, Jobs, ObservedConsumer, Received, rebalancing};
pub use context::{GroupContext, Observed};
pub use driver::{JobHandler, OnError, Policy};
pub use error::{BoxError, Error, ErrorKind};
pub use produce::{ObservedDelivery, ObservedProducer, ProducerExt, Sent, Transaction};
pub use spanbridge::messaging::{Batch, CaptureMode, CapturePolicy, Part, PartKind, Relation, Trust};
