//! The job that an adapter makes of a received message.

use super::message::Describe;
use super::work::Work;
use crate::observe::SpanBuilder;
use std::future::Future;

/// A received message with its work: what an adapter hands to its users. For batches and drivers.
pub trait Job: Sized {
    /// The message.
    type Message: Describe;

    /// The message.
    fn message(&self) -> &Self::Message;

    /// Its work.
    fn work(&self) -> &Work;

    /// Begins the span of a batch, under what is current.
    fn describe_batch(jobs: &[Self]) -> SpanBuilder;
}

/// A job that a driver can settle.
pub trait DrivenJob: Job + Send + Sync {
    /// What the broker can be told.
    type Disposition: Copy + Send + Sync;

    /// Whether another attempt makes sense after one that failed.
    fn may_be_retried(&self) -> bool {
        true
    }

    /// Tells the broker, and records how that went. If it fails, the message comes again.
    fn settle(&self, disposition: Self::Disposition) -> impl Future<Output = ()> + Send;
}
