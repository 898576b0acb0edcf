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
//! What goes on the wire are the standard headers `traceparent`, `tracestate` and `baggage` as long strings. Headers of
//! the user's stay as they are. A `traceparent` that is on an outgoing message already is replaced when it belongs to
//! the current trace (the message is being forwarded), and otherwise kept, and linked to.
//!
//! A [`Transaction`] tells the spans of what was published in it whether it was committed or rolled back.
//!
//! What a consumer makes of the contexts that come with its messages is up to it: as a child of the sender's span, as a run
//! of its own, or linked, also by age ([`Jobs::relation`]); how far senders are believed and what baggage is taken
//! ([`Jobs::trust`], [`Jobs::allow_baggage`]); what is recorded of payloads ([`Jobs::capture`]). Several messages at once are
//! a [`Batch`]. An answer points at its question, where `reply_to` and `correlation_id` are used. Where the broker is lapin's
//! channels do not know: [`ObservedChannel::server`] and [`Jobs::server`] tell it (`server.address`, `server.port`).
//!
//! A [`Job`] is owned and can be spawned. A span never settles a message by itself: `ack`, `nack` and `reject` are yours
//! to call, before, in or after `run`, and are recorded whenever they come. Those who want it otherwise use the driver,
//! [`Jobs::for_each_concurrent`].

mod carrier;
mod consume;
mod describe;
mod driver;
mod frame;
mod produce;
mod replies;
mod returns;

pub use carrier::{Headers, HeadersMut};
pub use consume::{BasicGetJob, ConsumerExt, DeliveryExt, Job, Jobs};
pub use driver::{BoxError, Disposition, JobHandler, SettlePolicy};
pub use produce::{ChannelExt, ObservedChannel, ObservedConfirm, Transaction};
pub use spanbridge::messaging::{Batch, CaptureMode, CapturePolicy, Part, PartKind, ReceiveOptions, Relation, Trust};
