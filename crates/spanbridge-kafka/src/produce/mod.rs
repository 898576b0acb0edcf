//! Producing: the context goes into the headers, and the `send` span ends with the delivery report.
//!
//! From the bottom: `sender`, what a thread remembers of a client; `handoff`, the span of a message on its way; `producer`; `future` for `FutureProducer`; `transaction`.
//! Producers that report in a callback are in [`context`](crate::context).

mod future;
mod handoff;
mod producer;
mod sender;
mod transaction;

pub use future::ObservedDelivery;
pub(crate) use handoff::{Handoff, is_too_large};
pub use producer::{ObservedProducer, ProducerExt};
pub use transaction::Transaction;
