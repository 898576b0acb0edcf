//! Consuming: messages as jobs.

mod ext;
mod job;
mod jobs;
mod message;

pub use ext::{ConsumerExt, DeliveryExt};
pub use job::{BasicGetJob, Disposition, Job};
pub use jobs::Jobs;
pub use message::{Amqp, ReceiveOptions};
