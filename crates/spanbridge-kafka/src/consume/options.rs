//! The options of a receiver, with what they know of Kafka.

use super::message::Incoming;
use spanbridge::messaging::MessageView;

/// The messages of Kafka, for [`ReceiveOptions`].
#[derive(Debug)]
pub enum Kafka {}

impl MessageView for Kafka {
    type View<'m> = Incoming<'m>;
}

/// [`ReceiveOptions`](spanbridge::messaging::ReceiveOptions) for Kafka: `relation_by` is shown an [`Incoming`] message.
pub type ReceiveOptions = spanbridge::messaging::ReceiveOptions<Kafka>;
