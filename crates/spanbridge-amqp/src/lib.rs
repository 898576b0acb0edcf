//! spanbridge for RabbitMQ, with [lapin].
//!
//! One word on the producer, one on the consumer. Arguments and results stay lapin's own.
//!
//! ```no_run
//! use lapin::{BasicProperties, options::*};
//! use spanbridge_amqp::{ChannelExt, ConsumerExt};
//!
//! # async fn ship(order: &[u8]) -> Result<(), std::fmt::Error> { Ok(()) }
//! # async fn f(channel: lapin::Channel, consumer: lapin::Consumer) -> lapin::Result<()> {
//! // The publish span ends with the broker's answer.
//! let properties = BasicProperties::default();
//! channel
//!     .observed()
//!     .basic_publish("orders".into(), "created".into(), BasicPublishOptions::default(), b"{}", properties)
//!     .await?
//!     .await?;
//!
//! // `run` restores the sender's context and opens the `process` span under the sender's span.
//! let mut jobs = consumer.observed();
//! while let Some(job) = jobs.next().await {
//!     let Ok(job) = job else { continue }; // lapin is recovering
//!     match job.run(|| ship(&job.data)).await {
//!         Ok(()) => job.ack(BasicAckOptions::default()).await?,
//!         // It is dead-lettered; a queue that has nowhere to drops it.
//!         Err(_) => job.nack(BasicNackOptions::default()).await?,
//!     };
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What goes on the wire are the standard headers `traceparent`, `tracestate` and `baggage` as long strings. Your own
//! headers stay as they are. A `traceparent` that is on an outgoing message already is replaced when it belongs to
//! the current trace (the message is being forwarded), and otherwise kept, and linked to.
//!
//! A [`Transaction`] tells the spans of what was published in it whether it was committed or rolled back.
//!
//! Each consumer chooses how a message relates to its sender (child by default, a run of its own, a link, or by age), how far
//! senders are trusted, which baggage is taken, and what is recorded of payloads: [`ReceiveOptions`], given with
//! [`Jobs::with`]. Several messages at once are a [`Batch`]. An answer points at its question, if `reply_to` and
//! `correlation_id` are used. lapin's channels do not know where the broker is: [`ObservedChannel::server`] and [`Jobs::server`]
//! say it (`server.address`, `server.port`).
//!
//! A [`Job`] is owned and can be spawned. A span never settles a message by itself: call `ack`, `nack` and `reject` before, in or
//! after `run`; they are recorded whenever they come. For automatic settlement, use the driver, [`Jobs::drive`].

mod carrier;
mod client;
mod consume;
mod describe;
mod driver;
mod frame;
mod produce;
mod replayed;
mod replies;
mod returns;

pub use carrier::{Headers, HeadersMut};
pub use consume::{Amqp, BasicGetJob, ConsumerExt, DeliveryExt, Disposition, Job, Jobs, ReceiveOptions};
pub use produce::{ChannelExt, ObservedChannel, ObservedConfirm, Transaction};
pub use spanbridge::messaging::{
    Batch, BoxError, CaptureMode, CapturePolicy, DriverOptions, JobHandler, Part, PartKind, Relation, SettlePolicy,
    Trust,
};
