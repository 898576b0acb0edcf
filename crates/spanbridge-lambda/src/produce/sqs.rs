//! Messages to SQS.

use super::call_span::{CallSpan, Entries, Packing};
use super::message::{self, Entry, Sendable, Service};
use super::operation::Operation;
use super::replayed::{self, Replay};
use crate::carrier::XRay;
use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageInput, SendMessageOutput};
use aws_sdk_sqs::operation::send_message_batch::builders::SendMessageBatchFluentBuilder;
use aws_sdk_sqs::operation::send_message_batch::{
    SendMessageBatchError, SendMessageBatchInput, SendMessageBatchOutput,
};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, MessageAttributeValue, MessageSystemAttributeNameForSends as SystemAttribute,
    MessageSystemAttributeValue, SendMessageBatchRequestEntry, SendMessageBatchResultEntry,
};
use spanbridge::adapter::{HandoffStatus, OutboundCall};
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

    fn outbound(input: &SendMessageInput) -> OutboundCall<'_> {
        let body = input.message_body().unwrap_or_default();
        message::outbound(&input.queue_url, body, &input.message_attributes)
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

impl SendMessage {
    /// How a replay answers it.
    pub(super) const REPLAY: Replay<SendMessageFluentBuilder, Self> = Replay {
        call: |builder| {
            let input = builder.as_input();
            let body = input.get_message_body().as_deref().unwrap_or_default();
            message::outbound(input.get_queue_url(), body, input.get_message_attributes())
        },
        answer: |_, then| match replayed::is_accepted(then) {
            true => Ok(SendMessageOutput::builder().set_message_id(message::id(then)).build()),
            false => Err(replayed::failed(then, SendMessageError::generic)),
        },
    };
}

#[derive(Debug)]
pub(super) struct SendMessageBatch;

impl SendMessageBatch {
    /// How a replay answers it: the record of a batch does not say which of its messages were refused.
    pub(super) const REPLAY: Replay<SendMessageBatchFluentBuilder, Self> = Replay {
        call: |builder| message::outbound_batch(builder.as_input().get_queue_url()),
        answer: |builder, then| {
            if !replayed::is_accepted(then) {
                return Err(replayed::failed(then, SendMessageBatchError::generic));
            }
            if then.error().is_some() {
                return Err(replayed::not_recorded(message::NOT_WHICH));
            }
            let entries = builder.as_input().get_entries().as_deref().unwrap_or_default();
            let sent = entries.iter().filter_map(|entry| {
                let sent = SendMessageBatchResultEntry::builder().id(entry.id()).message_id(message::NO_ID);
                sent.md5_of_message_body("").build().ok()
            });
            let output =
                SendMessageBatchOutput::builder().set_successful(Some(sent.collect())).set_failed(Some(vec![]));
            output.build().map_err(|_| replayed::not_recorded(message::NOT_WHICH))
        },
    };
}

impl Operation for SendMessageBatch {
    type Input = SendMessageBatchInput;
    type Output = SendMessageBatchOutput;
    type Error = SendMessageBatchError;

    fn open(input: &SendMessageBatchInput) -> CallSpan {
        SQS.batch(input.queue_url().unwrap_or_default(), input.entries().len())
    }

    fn outbound(input: &SendMessageBatchInput) -> OutboundCall<'_> {
        message::outbound_batch(&input.queue_url)
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
