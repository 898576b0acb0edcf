//! The `send` span until it is known what became of the message.

use super::transaction::Open;
use crate::carrier::{Before, Headers, HeadersMut};
use crate::describe::{self, About, Number};
use rdkafka::Message;
use rdkafka::bindings::{rd_kafka_message_status, rd_kafka_msg_status_t};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, OwnedHeaders};
use rdkafka::types::RDKafkaErrorCode as Code;
use spanbridge::carrier::{Outgoing, inject, outgoing};
use spanbridge::observe::{self, Span};
use spanbridge::{Context, Value, semconv};

/// An open `send` span. Dropped, it ends as `unknown`: the client may deliver the message all the same.
#[derive(Debug)]
pub(crate) struct Handoff {
    span: Option<Span>,
    /// What a message is that the broker has: `confirmed`, or `sent` inside a transaction.
    delivered: &'static str,
}

/// Begins the span, and packs its context into the headers.
pub(crate) fn begin(
    about: &About<'_>,
    transaction: Option<&Open>,
    headers: &mut Option<OwnedHeaders>,
) -> (Handoff, Before) {
    let span = describe::send(about);
    // What is current has the span's trace, or there is none and no header can be of it.
    let (span, before) = match outgoing(&observe::capture_context(), &Headers::from(headers.as_ref())) {
        Outgoing::Keep(theirs) => (span.link(&theirs).open(), Before::Untouched),
        Outgoing::Write => {
            let span = span.open();
            let before = pack(span.context(), headers);
            (span, before)
        }
    };
    // In a transaction the broker's answer is not the last word.
    let delivered = if transaction.is_some() { "sent" } else { "confirmed" };
    if let Some(open) = transaction {
        open.sends(&span)
    }
    (Handoff { span: Some(span), delivered }, before)
}

fn pack(context: &Context, headers: &mut Option<OwnedHeaders>) -> Before {
    if context.is_empty() {
        return Before::Untouched;
    }
    let before = Before::injection(headers.as_ref());
    inject(context, &mut HeadersMut(headers.get_or_insert_with(|| OwnedHeaders::new_with_capacity(3))));
    before
}

impl Handoff {
    pub(crate) fn context(&self) -> Context {
        self.span.as_ref().map(|s| s.context().clone()).unwrap_or_default()
    }

    /// The message had to go without a context.
    pub(crate) fn without_headers(&self) {
        if let Some(span) = &self.span {
            span.diagnostic("inject.over_limit", "no room for the context: the message is too large with it")
        }
    }

    /// The broker has the message.
    pub(crate) fn delivered(mut self, partition: i32, offset: i64) {
        if let Some(span) = self.span.take() {
            span.attributes(&[
                (semconv::HANDOFF_STATUS, Value::Static(self.delivered)),
                (semconv::MESSAGING_PARTITION_ID, Value::Str(Number::new(partition.into()).as_str())),
                (semconv::KAFKA_OFFSET, Value::I64(offset)),
            ]);
            span.end()
        }
    }

    /// It could not be sent, or the client gave up on it.
    pub(crate) fn failed(self, error: &KafkaError) {
        let status = if may_have_arrived(error) { "unknown" } else { "rejected" };
        self.failed_as(status, error)
    }

    fn failed_as(mut self, status: &'static str, error: &KafkaError) {
        if let Some(span) = self.span.take() {
            span.attributes(&[
                (semconv::HANDOFF_STATUS, Value::Static(status)),
                (semconv::ERROR_TYPE, Value::Str(&describe::error_type(error))),
            ]);
            span.error(error)
        }
    }

    /// What the delivery report says.
    pub(crate) fn reported(self, result: &DeliveryResult<'_>) {
        match result {
            Ok(message) => self.delivered(message.partition(), message.offset()),
            Err((error, message)) => {
                // SAFETY: the report's message is valid while we have it.
                let status = unsafe { rd_kafka_message_status(message.ptr()) };
                let never = status == rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
                self.failed_as(if never { "rejected" } else { "unknown" }, error)
            }
        }
    }
}

impl Drop for Handoff {
    fn drop(&mut self) {
        if let Some(span) = self.span.take() {
            span.attribute(semconv::HANDOFF_STATUS, Value::Static("unknown"));
            span.end()
        }
    }
}

/// Errors after which the broker may have the message: nobody has heard its answer.
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
    )
}
