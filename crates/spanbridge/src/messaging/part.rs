//! What is shown to a redaction hook.

use std::borrow::Cow;

/// What it is that may be recorded: a payload, or another value that can say something about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartKind<'a> {
    /// A payload.
    Payload,
    /// The value of a header of this name.
    Header(&'a str),
    /// The key of a message of Kafka.
    MessageKey,
    /// The routing key of a message of RabbitMQ, where that is not the name of its queue.
    RoutingKey,
    /// What a URL names: its path, the key of an object of S3.
    Url,
    /// The text of an error or of a panic.
    ErrorText,
}

impl PartKind<'_> {
    /// What it is called in a diagnostic. (No name of a header: what is not recorded is headers as a whole.)
    pub(super) fn name(self) -> &'static str {
        match self {
            PartKind::Payload => "the payload",
            PartKind::Header(_) => "the headers",
            PartKind::MessageKey => "the message key",
            PartKind::RoutingKey => "the routing key",
            PartKind::Url => "the URL",
            PartKind::ErrorText => "the error's text",
        }
    }
}

/// Something that is about to be recorded, for a redaction hook to look at.
#[derive(Debug)]
pub struct Part<'a> {
    pub(super) kind: PartKind<'a>,
    pub(super) bytes: Cow<'a, [u8]>,
}

impl<'a> Part<'a> {
    /// What it is.
    pub fn kind(&self) -> PartKind<'a> {
        self.kind
    }

    /// The name of the header that this is the value of; `None` for everything else.
    pub fn header(&self) -> Option<&str> {
        match self.kind {
            PartKind::Header(name) => Some(name),
            _ => None,
        }
    }

    /// All of it, also where only the beginning is recorded. Of all but payloads and headers it is text, as a rule.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Records this in its place.
    pub fn replace(&mut self, with: impl Into<Vec<u8>>) {
        self.bytes = Cow::Owned(with.into())
    }
}
