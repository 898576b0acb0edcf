//! What an adapter says about a received message.

use super::waited::Waited;
use crate::Primitive;
use crate::carrier::Extract;
use crate::messaging::MessageView;
use crate::messaging::capture::UNKNOWN_TYPE;
use crate::messaging::properties::Properties;
use crate::messaging::values::Values;
use crate::observe::{Span, SpanBuilder};

/// A received message, as its adapter describes it. The core does the rest: see [`Work`](super::Work).
pub trait Describe {
    /// What [`ReceiveOptions::relation_by`](crate::messaging::ReceiveOptions::relation_by) shows of it.
    type View: MessageView;

    /// The headers, as a carrier.
    fn headers(&self) -> impl Extract;

    /// The message, as `relation_by` shows it.
    fn view(&self) -> <Self::View as MessageView>::View<'_>;

    /// The name of the run, if the work on the message is one. Values that may be personal go through `values`.
    fn run_name(&self, values: &mut Values<'_>) -> String;

    /// The primitive of that run. Default: [`Primitive::MESSAGING_PROCESS`].
    fn run_primitive(&self) -> Primitive {
        Primitive::MESSAGING_PROCESS
    }

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

    /// Writes what is needed beside the payload to make the same message again, for those who record payloads whole. Default:
    /// nothing.
    fn properties(&self, to: &mut Properties<'_>) {
        let _ = to;
    }

    /// The process span has begun: there may be more to say about it.
    fn begun(&self, span: &Span) {
        let _ = span;
    }
}
