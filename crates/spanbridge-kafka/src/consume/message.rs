//! A message as rdkafka delivers it.

use crate::carrier::Headers;
use rdkafka::message::{BorrowedMessage, OwnedMessage};
use rdkafka::{Message, Timestamp};
use spanbridge::adapter::Properties;
use spanbridge::messaging::PartKind;

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

    /// What is needed beside the value to make the same message again.
    pub(super) fn properties(&self, to: &mut Properties<'_>) {
        to.member("transport").fixed("kafka");
        to.member("topic").fixed(self.topic);
        to.member("partition").number(self.partition);
        to.member("offset").number(self.offset);
        let timestamp = match self.timestamp {
            Timestamp::NotAvailable => None,
            Timestamp::CreateTime(ms) => Some((ms, "create")),
            Timestamp::LogAppendTime(ms) => Some((ms, "append")),
        };
        if let Some((ms, whose)) = timestamp {
            to.member("timestamp").number(ms);
            to.member("timestampType").fixed(whose)
        }
        match self.key {
            Some(key) => to.member("key").text(PartKind::MessageKey, key),
            None => to.member("key").null(),
        }
        to.member("headers").array(|headers| {
            self.headers.pairs(|name, value| {
                headers.element().array(|pair| {
                    pair.element().put_text(name);
                    match value {
                        Some(value) => pair.element().text(PartKind::Header(&String::from_utf8_lossy(name)), value),
                        None => pair.element().null(),
                    }
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::message::{Header, OwnedHeaders};
    use spanbridge::messaging::{CaptureMode, CapturePolicy};
    use spanbridge::record::Body;
    use spanbridge::{Memory, Recorder, observe};
    use std::time::Duration;

    /// What is recorded of it: the artifact's text, or the code of a diagnostic.
    fn recorded(message: &OwnedMessage, policy: &CapturePolicy) -> String {
        let memory = Memory::new();
        let recorder = Recorder::builder("test").sink(memory.clone()).build().unwrap();
        recorder.in_scope(|| {
            let span = observe::span("process").open();
            policy.record_properties(&span, "input.properties", |to| Incoming::of(message).properties(to));
            span.end()
        });
        assert!(recorder.flush_blocking(Duration::from_secs(10)).complete);
        let told = memory.records().into_iter().find_map(|record| match record.body {
            Body::Artifact(artifact) => artifact.preview.map(|text| text.into_owned()),
            Body::Diagnostic(diagnostic) => Some(diagnostic.code.into_owned()),
            _ => None,
        });
        told.unwrap_or_default()
    }

    fn message(key: Option<&[u8]>, timestamp: Timestamp, headers: Option<OwnedHeaders>) -> OwnedMessage {
        OwnedMessage::new(None, key.map(<[u8]>::to_vec), "orders".to_owned(), timestamp, 3, i64::MAX, headers)
    }

    #[test]
    fn a_message_has_its_properties() {
        let whole = CaptureMode::Whole { max: 100 }.into();
        let header = |key, value| Header { key, value };
        let headers = OwnedHeaders::new()
            .insert(header("tenant", Some(&b"eu"[..])))
            .insert(header("tenant", Some(&b"\x00\xff"[..])))
            .insert(header("empty", Some(&b""[..])))
            .insert(header("null", None));
        assert_eq!(
            recorded(&message(Some(b"customer-17"), Timestamp::CreateTime(1234), Some(headers)), &whole),
            concat!(
                r#"{"transport":"kafka","topic":"orders","partition":3,"offset":9223372036854775807,"timestamp":1234,"#,
                r#""timestampType":"create","key":"customer-17","headers":[["tenant","eu"],["tenant",{"base64":"AP8="}],"#,
                r#"["empty",""],["null",null]]}"#
            )
        );
        let bare = recorded(&message(None, Timestamp::NotAvailable, None), &whole);
        assert!(bare.ends_with(r#""offset":9223372036854775807,"key":null,"headers":[]}"#), "{bare}");
        let appended = recorded(&message(Some(b"\xff"), Timestamp::LogAppendTime(5), None), &whole);
        let end = r#""timestamp":5,"timestampType":"append","key":{"base64":"/w=="},"headers":[]}"#;
        assert!(appended.ends_with(end), "{appended}");
    }

    /// The key goes through the hook as a key, and what it fails for closes all.
    #[test]
    fn the_hook_sees_key_and_headers() {
        let headers = OwnedHeaders::new().insert(Header { key: "card", value: Some("4111") });
        let message = message(Some(b"4111"), Timestamp::NotAvailable, Some(headers));
        let whole = || CapturePolicy::from(CaptureMode::Whole { max: 100 });
        let hides = whole().redact(|part| {
            if matches!(part.kind(), PartKind::MessageKey | PartKind::Header("card")) {
                part.replace("***")
            }
            Ok::<_, std::convert::Infallible>(())
        });
        let shown = recorded(&message, &hides);
        assert!(shown.ends_with(r#""key":"***","headers":[["card","***"]]}"#), "{shown}");
        let fails = whole().redact(|part| if part.kind() == PartKind::MessageKey { Err("no") } else { Ok(()) });
        assert_eq!(recorded(&message, &fails), "redaction.failed");
    }
}
