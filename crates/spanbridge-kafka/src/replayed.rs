//! What a replay answers instead of Kafka.
//!
//! rdkafka's errors are codes, so the caller of a refused call gets `PolicyViolation`, which brokers have too; why it was
//! refused is the text of the call's span.

use crate::carrier::Headers;
use crate::describe::{self, About};
use rdkafka::Timestamp;
use rdkafka::error::KafkaError;
use rdkafka::message::{OwnedHeaders, OwnedMessage};
use rdkafka::producer::future_producer::Delivery;
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};
use spanbridge::adapter::{self, OutboundCall, Recorded, RecordedError, Refused};
use spanbridge::messaging::CapturePolicy;
use spanbridge::{Failure, Primitive, semconv};

/// What a call is answered that does not leave.
pub(crate) type Answer = Result<Box<Recorded>, Refused>;

/// A message that is sent, as it is recorded.
pub(crate) fn outbound<'m>(
    about: &About<'m>,
    headers: Option<&'m OwnedHeaders>,
    capture: Option<&'m CapturePolicy>,
) -> OutboundCall<'m> {
    let headers = move || Headers::from(headers);
    let call = OutboundCall::new(Primitive::MESSAGING_PUBLISH, about.topic)
        .with_content_type(describe::content_type(headers()))
        .with_body(about.payload.unwrap_or_default())
        .with_headers(move |each| describe::headers(headers(), each));
    adapter::as_recorded(call, capture)
}

/// Why a call fails that a replay answers.
#[derive(Debug)]
pub(crate) enum Fails<'a> {
    /// As it did.
    Recorded(&'a RecordedError),
    Refused(&'a Refused),
}

impl Fails<'_> {
    /// Why the call fails, if it does.
    pub(crate) fn of(answer: &Answer) -> Option<Fails<'_>> {
        match answer {
            Ok(then) => then.error().map(Fails::Recorded),
            Err(refused) => Some(Fails::Refused(refused)),
        }
    }

    /// librdkafka's code: the recorded one, if it has one of that name.
    pub(crate) fn code(&self) -> Code {
        match self {
            Fails::Recorded(error) => error.class().and_then(code_named).unwrap_or(Code::Fail),
            Fails::Refused(_) => Code::PolicyViolation,
        }
    }

    pub(crate) fn failure(&self) -> Failure<'_> {
        match self {
            Fails::Recorded(error) => Failure::new(*error).class(error.class().unwrap_or("_OTHER")),
            Fails::Refused(refused) => Failure::new(*refused).class(format!("{:?}", self.code())),
        }
    }

    /// For a call whose errors have a text.
    pub(crate) fn with_text(&self) -> KafkaError {
        KafkaError::ClientCreation(match self {
            Fails::Recorded(error) => error.to_string(),
            Fails::Refused(refused) => refused.to_string(),
        })
    }
}

/// The result of a call that returns nothing.
pub(crate) fn done(answer: &Answer, error: impl FnOnce(Code) -> KafkaError) -> Result<(), KafkaError> {
    Fails::of(answer).map_or(Ok(()), |fails| Err(error(fails.code())))
}

/// librdkafka's codes are small numbers, its own are negative.
fn code_named(name: &str) -> Option<Code> {
    let codes = (-250..250).filter_map(|number: i32| RDKafkaRespErr::try_from(number).ok()).map(Code::from);
    codes.into_iter().find(|code| format!("{code:?}") == name)
}

/// The delivery report of a message, as it was.
pub(crate) fn delivery(then: &Recorded, partition: Option<i32>, timestamp: Option<i64>) -> Delivery {
    let number = |key| then.integer(key);
    Delivery {
        partition: number(semconv::MESSAGING_PARTITION_ID).and_then(|n| n.try_into().ok()).or(partition).unwrap_or(0),
        offset: number(semconv::KAFKA_OFFSET).unwrap_or(-1),
        timestamp: timestamp.map_or(Timestamp::NotAvailable, Timestamp::CreateTime),
    }
}

/// A message that was not delivered, for its sender.
pub(crate) fn message(about: &About<'_>, timestamp: Option<i64>, headers: Option<OwnedHeaders>) -> OwnedMessage {
    OwnedMessage::new(
        about.payload.map(<[u8]>::to_vec),
        about.key.map(<[u8]>::to_vec),
        about.topic.to_owned(),
        timestamp.map_or(Timestamp::NotAvailable, Timestamp::CreateTime),
        about.partition.unwrap_or(-1),
        -1001, // no offset
        headers,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorded_class_is_a_code_again() {
        for code in [Code::MessageTimedOut, Code::QueueFull, Code::MessageSizeTooLarge, Code::PolicyViolation] {
            assert_eq!(code_named(&format!("{code:?}")), Some(code));
        }
        assert_eq!(code_named("_OTHER"), None);
    }
}
