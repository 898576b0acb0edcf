//! What you choose when you send and receive messages: the same words with every transport.
//!
//! - [`ReceiveOptions`]: how a message relates to its sender ([`Relation`]), how far senders are trusted ([`Trust`]), which
//!   baggage is taken, and what is recorded of payloads ([`CapturePolicy`]). Every receiving side takes them with `.with(options)`.
//! - [`Batch`]: several messages that are worked on at once.
//! - [`DriverOptions`], [`SettlePolicy`] and [`JobHandler`]: for drivers, which settle messages for you.
//! - [`Received`]: the context of a message where there is no adapter.
//!
//! ```
//! use spanbridge::messaging::Received;
//! use spanbridge::observe;
//! use std::collections::HashMap;
//!
//! # let headers = HashMap::<String, String>::new();
//! // The process span is a child of the span that sent the message, and the work runs inside it.
//! let received = Received::new(&headers);
//! let span = received.process(|| observe::span("process orders").open());
//! span.in_scope(|| { /* work */ });
//! span.end();
//! ```
//!
//! Authors of adapters build on [`adapter`](crate::adapter).

pub(crate) mod capture;
mod driver;
mod options;
mod part;
mod process_span;
pub(crate) mod properties;
mod received;
mod relation;
pub(crate) mod step;
pub(crate) mod streamed;
mod taken;
pub(crate) mod values;

pub use crate::adapter::Batch;
pub use capture::{CaptureMode, CapturePolicy};
pub use driver::{BoxError, DriverOptions, JobHandler, SettlePolicy};
pub use options::{MessageView, ReceiveOptions};
pub use part::{Part, PartKind};
pub use received::{MessageInfo, Received};
pub use relation::{Relation, Trust};
