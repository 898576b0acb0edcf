//! Messages to SQS.

use super::call_span::{CallSpan, Entries, Packing};
use super::message::{self, Entry, Sendable, Service};
use super::operation::Operation;
use crate::carrier::XRay;
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageInput, SendMessageOutput};
use aws_sdk_sqs::operation::send_message_batch::{
    SendMessageBatchError, SendMessageBatchInput, SendMessageBatchOutput,
};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, MessageAttributeValue, MessageSystemAttributeNameForSends as SystemAttribute,
    MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use spanbridge::adapter::HandoffStatus;
use spanbridge::{Context, semconv};
use std::collections::HashMap;

message::types!(MessageAttributeValue, BatchResultErrorEntry);

pub(super) const SQS: Service =
    Service { system: "aws_sqs", send: "send", send_batch: "send_batch", destination: semconv::AWS_SQS_QUEUE_URL };

impl Sendable for SendMessageInput {
    type Attribute = MessageAttributeValue;

    fn parts(&mut self) -> (&str, &mut Option<HashMap<String, MessageAttributeValue>>) {
        (self.message_body.as_deref().unwrap_or_default(), &mut self.message_attributes)
    }

    fn add_xray(&mut self, context: &Context) {
        add_xray(&mut self.message_system_attributes, context)
    }
}

impl Sendable for SendMessageBatchRequestEntry {
    type Attribute = MessageAttributeValue;

    fn parts(&mut self) -> (&str, &mut Option<HashMap<String, MessageAttributeValue>>) {
        (&self.message_body, &mut self.message_attributes)
    }

    fn add_xray(&mut self, context: &Context) {
        add_xray(&mut self.message_system_attributes, context)
    }
}

impl Entry for SendMessageBatchRequestEntry {
    fn id(&self) -> &str {
        &self.id
    }
}

#[derive(Debug)]
pub(super) struct SendMessage;

impl Operation for SendMessage {
    type Input = SendMessageInput;
    type Output = SendMessageOutput;
    type Error = SendMessageError;

    fn open(input: &SendMessageInput) -> CallSpan {
        CallSpan::Handoff(SQS.message(input.queue_url().unwrap_or_default()))
    }

    fn pack(input: &mut SendMessageInput, packing: &mut Packing<'_>) {
        message::pack(input, packing)
    }

    fn responded(output: &SendMessageOutput, call: CallSpan, _: Entries, _: HandoffStatus) {
        if let CallSpan::Handoff(handoff) = call {
            message::responded(handoff, output.message_id())
        }
    }
}

#[derive(Debug)]
pub(super) struct SendMessageBatch;

impl Operation for SendMessageBatch {
    type Input = SendMessageBatchInput;
    type Output = SendMessageBatchOutput;
    type Error = SendMessageBatchError;

    fn open(input: &SendMessageBatchInput) -> CallSpan {
        SQS.batch(input.queue_url().unwrap_or_default(), input.entries().len())
    }

    fn pack(input: &mut SendMessageBatchInput, packing: &mut Packing<'_>) {
        let entries = input.entries.as_deref_mut().unwrap_or_default();
        message::pack_batch(entries, &SQS, input.queue_url.as_deref().unwrap_or_default(), packing)
    }

    fn responded(output: &SendMessageBatchOutput, call: CallSpan, entries: Entries, refused: HandoffStatus) {
        let accepted = output.successful().iter().map(|entry| (entry.id(), Some(entry.message_id())));
        message::batch_responded(call, entries, refused, accepted, output.failed().iter().map(Into::into))
    }
}

/// X-Ray's header is a system attribute, beside the ten. Inside a function the SDK sends it with the request, from the
/// environment, where Lambda detects endless loops by it; so it is not written twice.
fn add_xray(attributes: &mut Option<HashMap<SystemAttribute, MessageSystemAttributeValue>>, context: &Context) {
    let is_there = attributes.as_ref().is_some_and(|there| there.contains_key(&SystemAttribute::AwsTraceHeader));
    let is_in_environment = ["AWS_LAMBDA_FUNCTION_NAME", XRay::VARIABLE].iter().all(|n| std::env::var_os(n).is_some());
    if is_there || is_in_environment {
        return;
    }
    let Some(xray) = XRay::of(context) else { return };
    let value = MessageSystemAttributeValue::builder().data_type("String").string_value(xray.to_string()).build();
    if let Ok(value) = value {
        attributes.get_or_insert_default().insert(SystemAttribute::AwsTraceHeader, value);
    }
}
