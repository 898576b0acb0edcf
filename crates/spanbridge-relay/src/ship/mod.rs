//! Follows the logs of a host and moves the records on.
//!
//! Applications write files and nothing else; a [`Shipper`] reads them and sends the records to a [`FarEnd`]. The disk is the spool:
//! while the far end is away, the logs wait.
//!
//! A shipper remembers up to where everything has arrived, in a file of the store. After it was killed it goes on from there; what it
//! sends again is known again by the far end. What the limits of the store remove before it was sent is counted, told, and recorded at
//! the far end as a diagnostic.

mod backoff;
mod batch;
mod event;
mod far_end;
mod figures;
mod lease;
mod logs;
mod loss;
mod name;
mod options;
mod position;
mod result;
mod shipper;
mod stop;

pub use event::Event;
#[cfg(feature = "kafka")]
pub use far_end::KafkaEnd;
pub use far_end::{Away, FarEnd, HttpEnd, Sent, StoreEnd};
pub use figures::Figures;
pub use loss::{Loss, LossKind};
pub use name::Name;
pub use options::Options;
pub use shipper::{Shipper, forget};
pub use stop::Stop;
