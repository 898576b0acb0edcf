//! What is recorded of a routing key.

use spanbridge::adapter::Values;
use spanbridge::messaging::PartKind;
use std::borrow::Cow;

/// A routing key, as an attribute and in the name of a destination.
pub(crate) struct Key<'k> {
    /// What may be recorded of it.
    told: Option<Cow<'k, str>>,
    /// With the default exchange it is the name of a queue, which says nothing about a message.
    queue: Option<&'k str>,
}

impl<'k> Key<'k> {
    pub(crate) fn of(exchange: &str, key: &'k str, values: &mut Values<'_>) -> Self {
        let as_it_is = values.are_plain().then_some(Cow::Borrowed(key));
        let told = as_it_is.or_else(|| values.text(PartKind::RoutingKey, key.as_bytes()));
        Key { told, queue: exchange.is_empty().then_some(key) }
    }

    /// The same for a destination alone: the name of a queue is shown to no redaction hook for that.
    pub(crate) fn of_destination(exchange: &str, key: &'k str, values: &mut Values<'_>) -> Self {
        if exchange.is_empty() && !values.are_plain() {
            return Key { told: None, queue: Some(key) };
        }
        Key::of(exchange, key, values)
    }

    /// The key as part of a destination: of a message whose policy hides keys the name of the destination has none.
    pub(crate) fn in_destination(&self) -> &str {
        self.queue.or(self.told.as_deref()).unwrap_or_default()
    }

    /// The name of a queue, with the default exchange.
    pub(super) fn queue(&self) -> Option<&str> {
        self.queue
    }

    /// What may be recorded of it.
    pub(crate) fn told(&self) -> Option<&str> {
        self.told.as_deref()
    }
}
