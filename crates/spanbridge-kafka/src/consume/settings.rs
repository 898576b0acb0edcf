//! How a consumer treats the contexts that come with its messages.

use super::message::{Incoming, Received};
use spanbridge::messaging::{CapturePolicy, MessageView, Relation};

/// The messages of Kafka, for [`ReceiveOptions`].
#[derive(Debug)]
pub enum Kafka {}

impl MessageView for Kafka {
    type View<'m> = Incoming<'m>;
}

/// [`ReceiveOptions`](spanbridge::messaging::ReceiveOptions) for Kafka: `relation_by` is shown an [`Incoming`] message.
pub type ReceiveOptions = spanbridge::messaging::ReceiveOptions<Kafka>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Settings(ReceiveOptions);

impl Settings {
    /// The options, if any was set.
    pub(super) fn receiving(&self) -> Option<&ReceiveOptions> {
        Some(&self.0).filter(|options| !options.is_default())
    }

    /// The relation chosen for this message alone.
    pub(super) fn relation_of(&self, message: &impl Received) -> Option<Relation> {
        self.0.relation_of(|| Incoming::of(message))
    }

    pub(super) fn records_size(&self) -> bool {
        self.capture().is_none_or(CapturePolicy::tells_size)
    }

    pub(super) fn capture(&self) -> Option<&CapturePolicy> {
        self.0.capture_policy().map(|capture| &**capture)
    }

    pub(super) fn change(&mut self, change: impl FnOnce(ReceiveOptions) -> ReceiveOptions) {
        self.0 = change(std::mem::take(&mut self.0))
    }
}
