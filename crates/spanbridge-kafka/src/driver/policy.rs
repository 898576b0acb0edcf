//! What the application decides: how a message is handled, and what happens if that fails.

use crate::consume::Job;
use crate::error::BoxError;
use async_trait::async_trait;
use rdkafka::message::BorrowedMessage;

/// Handles one message.
#[async_trait]
pub trait JobHandler: Send + Sync {
    /// The work. It runs inside the message's `process` span. Afterwards the driver stores the message's offset.
    async fn handle(&self, job: &Job<BorrowedMessage<'_>>) -> Result<(), BoxError>;
}

/// What the driver does if the work on a message fails or panics. There is no default, because either choice loses or
/// repeats messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Immediate retries; each has its own `process` span.
    pub retries: u32,
    /// What happens after the last one.
    pub then: OnError,
}

/// What happens to a message whose last attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The driver ends with the error. The offset is not stored, so the message is delivered again, also to the same
    /// consumer.
    Stop,
    /// The offset is stored as if the work had succeeded: the message is lost.
    Skip,
}
