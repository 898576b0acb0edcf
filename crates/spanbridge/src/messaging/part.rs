//! What is shown to a redaction hook.

use std::borrow::Cow;

/// What is about to be recorded: a payload, or another value that may be personal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartKind<'a> {
    /// A payload.
    Payload,
    /// The value of a header of this name.
    Header(&'a str),
    /// The key of a Kafka message.
    MessageKey,
    /// The routing key of a RabbitMQ message, unless it is the name of its queue.
    RoutingKey,
    /// The path of a URL, or the key of an S3 object.
    Url,
    /// The query of a URL, without the `?`. Values of keys that are known to be secret are gone already.
    Query,
    /// The address of a client.
    ClientAddress,
    /// The text of an error or of a panic.
    ErrorText,
    /// Content that a span of an agent offers, by the name of its attribute ([`Content::name`](crate::agent::Content::name)).
    Content(&'a str),
}

impl PartKind<'_> {
    /// Its name in a diagnostic. (Headers are left out as a whole, so no header is named.)
    pub(super) fn name(self) -> &'static str {
        match self {
            PartKind::Payload => "the payload",
            PartKind::Header(_) => "the headers",
            PartKind::MessageKey => "the message key",
            PartKind::RoutingKey => "the routing key",
            PartKind::Url => "the URL",
            PartKind::Query => "the query",
            PartKind::ClientAddress => "the client's address",
            PartKind::ErrorText => "the error's text",
            PartKind::Content(_) => "the content",
        }
    }
}

/// Something that is about to be recorded, shown to a redaction hook.
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

    /// All of it, even if only the beginning is recorded. Except for payloads and headers it usually is text.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Records this in its place.
    pub fn replace(&mut self, with: impl Into<Vec<u8>>) {
        self.bytes = Cow::Owned(with.into())
    }
}
