//! The `send` span, from the send to the delivery report.

use super::sender::Sender;
use crate::carrier::{Headers, OriginalHeaders, RecordHeaders, budget};
use crate::describe::{self, About};
use crate::replayed::{self, Answer, Fails};
use rdkafka::Message as _;
use rdkafka::bindings::{rd_kafka_message_status, rd_kafka_msg_status_t};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, OwnedHeaders};
use rdkafka::types::RDKafkaErrorCode as Code;
use spanbridge::adapter::{self, HandoffStatus, InTransaction, Message, Recorded, SendOptions, Step, Values};
use spanbridge::messaging::CapturePolicy;
use spanbridge::{Context, Value, semconv};

/// An open `send` span. If dropped, it ends as `unknown`, because the client may still deliver the message.
#[derive(Debug)]
pub(crate) struct Handoff {
    handoff: adapter::Handoff,
    /// The status after success: `confirmed`; `sent` inside a transaction and with `acks=0`.
    delivered: HandoffStatus,
    /// The message carries a context of ours.
    carries_context: bool,
}

/// Begins the span and writes its context into the headers.
pub(crate) fn begin(
    about: &About<'_>,
    sender: &Sender,
    transaction: Option<&InTransaction>,
    headers: &mut Option<OwnedHeaders>,
    options: &SendOptions,
) -> (Handoff, OriginalHeaders) {
    let capture = options.capture_policy();
    let mut values = Values::of(capture);
    let span = describe::send(about, &sender.to(about.topic), capture, &mut values);
    let message = about.key.map_or(0, <[u8]>::len) + about.payload.map_or(0, <[u8]>::len);
    let mut before = OriginalHeaders::Untouched;
    let handoff = adapter::send(span, &values, &mut RecordHeaders(headers), |RecordHeaders(theirs), _| {
        before = OriginalHeaders::before_injection(theirs.as_ref());
        budget(sender.client.max_message_bytes, message, theirs.as_ref(), options.max_bytes())
    });
    if capture.is_some() {
        let theirs = || Headers::from(headers.as_ref());
        let (content_type, payload) = (describe::content_type(theirs()), about.payload.unwrap_or_default());
        let message = Message::new(Step::Send, payload).content_type(content_type);
        handoff.record(capture, &message, |each| describe::headers(theirs(), each))
    }
    // In a transaction, the broker's answer is not final.
    let (handoff, delivered) = match transaction {
        Some(open) => (open.sends(handoff), HandoffStatus::Sent),
        None if sender.client.is_acknowledged => (handoff, HandoffStatus::Confirmed),
        None => (handoff, HandoffStatus::Sent),
    };
    (Handoff { handoff, delivered, carries_context: before.is_changed() }, before)
}

impl Handoff {
    pub(crate) fn context(&self) -> Context {
        self.handoff.context()
    }

    /// The message is sent again without a context.
    pub(crate) fn without_headers(&mut self) {
        self.carries_context = false;
        if let Some(span) = self.handoff.span() {
            span.diagnostic(semconv::INJECTION_DROPPED, "no room for the context: the message is too large with it")
        }
    }

    /// The broker has the message. There is no offset with `acks=0`, or if a retry of an idempotent producer found that the
    /// message had already arrived.
    pub(crate) fn delivered(self, partition: i32, offset: i64) {
        if let Some(span) = self.handoff.span() {
            let mut text = itoa::Buffer::new();
            let place = [
                (semconv::MESSAGING_PARTITION_ID, Value::Str(text.format(partition))),
                (semconv::KAFKA_OFFSET, Value::I64(offset)),
            ];
            span.attributes(if offset >= 0 { &place } else { &place[..1] })
        }
        self.handoff.ended(self.delivered)
    }

    /// The message could not be sent, or the client gave up.
    pub(crate) fn failed(self, error: &KafkaError) {
        let status = if may_have_arrived(error) { HandoffStatus::Unknown } else { HandoffStatus::Rejected };
        self.failed_as(status, error)
    }

    fn failed_as(self, status: HandoffStatus, error: &KafkaError) {
        if self.carries_context
            && error.rdkafka_error_code() == Some(Code::MessageSizeTooLarge)
            && let Some(span) = self.handoff.span()
        {
            // The report came too late to send it again without the context.
            span.diagnostic(
                semconv::INJECTION_REFUSED,
                "the broker refused the message as too large, and it carries a context of ours",
            )
        }
        self.handoff.failed(status, &describe::failure(error))
    }

    /// What becomes of the message if a stand-in answers.
    #[inline]
    pub(crate) fn ask(
        &self,
        about: &About<'_>,
        headers: Option<&OwnedHeaders>,
        capture: Option<&CapturePolicy>,
    ) -> Option<Answer> {
        self.handoff.ask(|| replayed::outbound(about, headers, capture)).into_answer()
    }

    /// It fails by what a stand-in answers.
    pub(crate) fn fails(self, fails: &Fails<'_>, then: Option<&Recorded>) {
        let was_unknown =
            then.and_then(|then| then.text(semconv::HANDOFF_STATUS)) == Some(HandoffStatus::Unknown.as_str());
        let status = if was_unknown { HandoffStatus::Unknown } else { HandoffStatus::Rejected };
        self.handoff.failed(status, &fails.failure())
    }

    /// The delivery report arrived.
    pub(crate) fn reported(self, result: &DeliveryResult<'_>) {
        match result {
            Ok(message) => self.delivered(message.partition(), message.offset()),
            Err((error, message)) => {
                // SAFETY: the report's message is valid while it is borrowed.
                let status = unsafe { rd_kafka_message_status(message.ptr()) };
                let never = status == rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
                self.failed_as(if never { HandoffStatus::Rejected } else { HandoffStatus::Unknown }, error)
            }
        }
    }
}

/// librdkafka or a broker found the message too large.
pub(crate) fn is_too_large(error: &KafkaError) -> bool {
    matches!(error, KafkaError::MessageProduction(Code::MessageSizeTooLarge))
}

/// Errors after which the broker may have the message, because its answer did not arrive or was incomplete. The list is
/// librdkafka's (`rd_kafka_handle_Produce_error`); a `FutureProducer` does not report the status of each message.
fn may_have_arrived(error: &KafkaError) -> bool {
    let KafkaError::MessageProduction(code) = error else { return false };
    matches!(
        code,
        Code::MessageTimedOut
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::PurgeInflight
            | Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::NetworkException
            | Code::NotEnoughReplicasAfterAppend
            | Code::SSL
            | Code::BadMessage
            | Code::OutOfOrderSequenceNumber
            | Code::DuplicateSequenceNumber
    )
}
