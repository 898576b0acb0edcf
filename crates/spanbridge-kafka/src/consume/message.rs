//! A message as rdkafka delivers it.

use crate::carrier::Headers;
use rdkafka::message::{BorrowedMessage, OwnedMessage};
use rdkafka::{Message, Timestamp};

/// A message as rdkafka delivers it: borrowed from its consumer, or detached. Implemented for those two types only.
pub trait Received: Message + sealed::Sealed {}

impl Received for BorrowedMessage<'_> {}
impl Received for OwnedMessage {}

pub(crate) mod sealed {
    use super::{BorrowedMessage, Headers, OwnedMessage};

    pub trait Sealed {
        fn carrier(&self) -> Headers<'_>;
        fn borrowed(&self) -> Option<&BorrowedMessage<'_>>;
    }

    impl Sealed for BorrowedMessage<'_> {
        fn carrier(&self) -> Headers<'_> {
            self.into()
        }

        fn borrowed(&self) -> Option<&BorrowedMessage<'_>> {
            Some(self)
        }
    }

    impl Sealed for OwnedMessage {
        fn carrier(&self) -> Headers<'_> {
            self.into()
        }

        fn borrowed(&self) -> Option<&BorrowedMessage<'_>> {
            None
        }
    }
}

/// What a function that chooses a relation sees of a message.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Incoming<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The offset within the partition.
    pub offset: i64,
    /// When the message was created or appended, depending on the topic's `message.timestamp.type`.
    pub timestamp: Timestamp,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` in a tombstone.
    pub payload: Option<&'a [u8]>,
    /// The headers.
    pub headers: Headers<'a>,
}

impl<'a> Incoming<'a> {
    pub(super) fn of(message: &'a impl Received) -> Self {
        Incoming {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp(),
            key: message.key(),
            payload: message.payload(),
            headers: message.carrier(),
        }
    }
}
