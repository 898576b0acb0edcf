//! Messages to SNS.

use super::call_span::{CallSpan, Entries, Packing};
use super::message::{self, Entry, Sendable, Service};
use super::operation::Operation;
use super::replayed::{self, Replay};
use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_sdk_sns::operation::publish::{PublishError, PublishInput, PublishOutput};
use aws_sdk_sns::operation::publish_batch::builders::PublishBatchFluentBuilder;
use aws_sdk_sns::operation::publish_batch::{PublishBatchError, PublishBatchInput, PublishBatchOutput};
use aws_sdk_sns::types::{
    BatchResultErrorEntry, MessageAttributeValue, PublishBatchRequestEntry, PublishBatchResultEntry,
};
use spanbridge::adapter::{HandoffStatus, OutboundCall};
use spanbridge::semconv;
use std::collections::HashMap;

message::types!(MessageAttributeValue, BatchResultErrorEntry);

pub(super) const SNS: Service = Service {
    system: "aws.sns",
    send: "publish",
    send_batch: "publish_batch",
    destination: semconv::AWS_SNS_TOPIC_ARN,
};

impl Sendable for PublishInput {
    type Attribute = MessageAttributeValue;

    fn parts(&mut self) -> (&str, &mut Option<HashMap<String, MessageAttributeValue>>) {
        (self.message.as_deref().unwrap_or_default(), &mut self.message_attributes)
    }
}

impl Sendable for PublishBatchRequestEntry {
    type Attribute = MessageAttributeValue;

    fn parts(&mut self) -> (&str, &mut Option<HashMap<String, MessageAttributeValue>>) {
        (&self.message, &mut self.message_attributes)
    }
}

impl Entry for PublishBatchRequestEntry {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Debug)]
pub(super) struct Publish;

impl Operation for Publish {
    type Input = PublishInput;
    type Output = PublishOutput;
    type Error = PublishError;
    const PASSES_XRAY: bool = true;

    fn open(input: &PublishInput) -> CallSpan {
        CallSpan::Handoff(SNS.message(input.topic_arn().or(input.target_arn()).unwrap_or_default()))
    }

    fn outbound(input: &PublishInput) -> OutboundCall<'_> {
        let topic = if input.topic_arn.is_some() { &input.topic_arn } else { &input.target_arn };
        message::outbound(topic, input.message().unwrap_or_default(), &input.message_attributes)
    }

    fn pack(input: &mut PublishInput, packing: &mut Packing<'_>) {
        if input.phone_number.is_none() {
            message::pack(input, packing)
        } else {
            // A telephone continues no trace.
            message::capture(input, packing.span, packing.capture)
        }
    }

    fn responded(output: &PublishOutput, call: CallSpan, _: Entries, _: HandoffStatus) {
        if let CallSpan::Handoff(handoff) = call {
            message::responded(handoff, output.message_id())
        }
    }
}

impl Publish {
    /// How a replay answers it.
    pub(super) const REPLAY: Replay<PublishFluentBuilder, Self> = Replay {
        call: |builder| {
            let input = builder.as_input();
            let topic = if input.get_topic_arn().is_some() { input.get_topic_arn() } else { input.get_target_arn() };
            message::outbound(topic, input.get_message().as_deref().unwrap_or_default(), input.get_message_attributes())
        },
        answer: |_, then| match replayed::is_accepted(then) {
            true => Ok(PublishOutput::builder().set_message_id(message::id(then)).build()),
            false => Err(replayed::failed(then, PublishError::generic)),
        },
    };
}

#[derive(Debug)]
pub(super) struct PublishBatch;

impl PublishBatch {
    /// How a replay answers it: the record of a batch does not say which of its messages were refused.
    pub(super) const REPLAY: Replay<PublishBatchFluentBuilder, Self> = Replay {
        call: |builder| message::outbound_batch(builder.as_input().get_topic_arn()),
        answer: |builder, then| {
            if !replayed::is_accepted(then) {
                return Err(replayed::failed(then, PublishBatchError::generic));
            }
            if then.error().is_some() {
                return Err(replayed::not_recorded(message::NOT_WHICH));
            }
            let entries = builder.as_input().get_publish_batch_request_entries().as_deref().unwrap_or_default();
            let sent = entries
                .iter()
                .map(|entry| PublishBatchResultEntry::builder().id(entry.id()).message_id(message::NO_ID).build());
            Ok(PublishBatchOutput::builder().set_successful(Some(sent.collect())).set_failed(Some(vec![])).build())
        },
    };
}

impl Operation for PublishBatch {
    type Input = PublishBatchInput;
    type Output = PublishBatchOutput;
    type Error = PublishBatchError;
    const PASSES_XRAY: bool = true;

    fn open(input: &PublishBatchInput) -> CallSpan {
        SNS.batch(input.topic_arn().unwrap_or_default(), input.publish_batch_request_entries().len())
    }

    fn outbound(input: &PublishBatchInput) -> OutboundCall<'_> {
        message::outbound_batch(&input.topic_arn)
    }

    fn pack(input: &mut PublishBatchInput, packing: &mut Packing<'_>) {
        let entries = input.publish_batch_request_entries.as_deref_mut().unwrap_or_default();
        message::pack_batch(entries, &SNS, input.topic_arn.as_deref().unwrap_or_default(), packing)
    }

    fn responded(output: &PublishBatchOutput, call: CallSpan, entries: Entries, refused: HandoffStatus) {
        let accepted = output.successful().iter().filter_map(|entry| Some((entry.id()?, entry.message_id())));
        message::batch_responded(call, entries, refused, accepted, output.failed().iter().map(Into::into))
    }
}
