//! Messages to SNS.

use super::call_span::{CallSpan, Entries, Packing};
use super::message::{self, Entry, Sendable, Service};
use super::operation::Operation;
use aws_sdk_sns::operation::publish::{PublishError, PublishInput, PublishOutput};
use aws_sdk_sns::operation::publish_batch::{PublishBatchError, PublishBatchInput, PublishBatchOutput};
use aws_sdk_sns::types::{BatchResultErrorEntry, MessageAttributeValue, PublishBatchRequestEntry};
use spanbridge::adapter::HandoffStatus;
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

#[derive(Debug)]
pub(super) struct PublishBatch;

impl Operation for PublishBatch {
    type Input = PublishBatchInput;
    type Output = PublishBatchOutput;
    type Error = PublishBatchError;
    const PASSES_XRAY: bool = true;

    fn open(input: &PublishBatchInput) -> CallSpan {
        SNS.batch(input.topic_arn().unwrap_or_default(), input.publish_batch_request_entries().len())
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
