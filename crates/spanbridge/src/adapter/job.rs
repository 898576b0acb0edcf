//! What an adapter says about a received message, and the job that it makes of it.

use super::waited::Waited;
use super::work::Work;
use crate::carrier::Extract;
use crate::messaging::MessageView;
use crate::messaging::capture::UNKNOWN_TYPE;
use crate::messaging::values::Values;
use crate::observe::{Span, SpanBuilder};
use std::future::Future;

/// A received message, as its adapter describes it. The core does the rest: see [`Work`].
pub trait Describe {
    /// What [`ReceiveOptions::relation_by`](crate::messaging::ReceiveOptions::relation_by) shows of it.
    type View: MessageView;

    /// The headers, as a carrier.
    fn headers(&self) -> impl Extract;

    /// The message, as `relation_by` shows it.
    fn view(&self) -> <Self::View as MessageView>::View<'_>;

    /// The name of the run, if the work on the message is one. Values that may be personal go through `values`.
    fn run_name(&self, values: &mut Values<'_>) -> String;

    /// Begins the process span, under what is current, with what only the transport knows. The size of the payload and how
    /// long the message waited are added to it.
    fn describe(&self, values: &mut Values<'_>) -> SpanBuilder;

    /// How long the message waited, as far as the transport knows.
    fn waited(&self) -> Waited {
        Waited::Unknown
    }

    /// The payload, if there is one. Asked for only if it is captured, unless [`payload_size`](Describe::payload_size) asks.
    fn payload(&self) -> Option<&[u8]>;

    /// The size of the payload as it was sent, in bytes, if there is one. By default that of [`payload`](Describe::payload).
    fn payload_size(&self) -> Option<usize> {
        self.payload().map(<[u8]>::len)
    }

    /// The media type of the payload.
    fn content_type(&self) -> &str {
        UNKNOWN_TYPE
    }

    /// Gives every header to `each`, for those who capture headers.
    fn each_header(&self, each: &mut dyn FnMut(&str, &[u8])) {
        let _ = each;
    }

    /// The process span has begun: there may be more to say about it.
    fn begun(&self, span: &Span) {
        let _ = span;
    }
}

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
