//! Messages for SQS.

use super::message::{self, Refused, Service};
use super::open::{Entries, Open, Packing};
use super::operation::Operation;
use crate::carrier::XRay;
use aws_sdk_sqs::operation::send_message::{SendMessageError, SendMessageInput, SendMessageOutput};
use aws_sdk_sqs::operation::send_message_batch::{
    SendMessageBatchError, SendMessageBatchInput, SendMessageBatchOutput,
};
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends as SystemAttribute, MessageSystemAttributeValue,
};
use spanbridge::{Context, semconv};
use std::collections::HashMap;

pub(super) const SQS: Service =
    Service { system: "aws_sqs", send: "send", send_batch: "send_batch", destination: semconv::AWS_SQS_QUEUE_URL };

#[derive(Debug)]
pub(super) struct SendMessage;

impl Operation for SendMessage {
    type Input = SendMessageInput;
    type Output = SendMessageOutput;
    type Error = SendMessageError;

    fn open(input: &SendMessageInput) -> Open {
        Open::HandedOff(SQS.message(input.queue_url().unwrap_or_default()))
    }

    fn pack(input: &mut SendMessageInput, packing: &mut Packing<'_>) {
        let body = input.message_body.as_deref().unwrap_or_default();
        message::capture(packing.capture, packing.span, body, &input.message_attributes);
        let mut size = message::size(body, &input.message_attributes);
        message::pack(&mut input.message_attributes, packing.span, &mut size);
        add_xray(&mut input.message_system_attributes, packing.span.context())
    }

    fn answered(output: &SendMessageOutput, call: Open, _: Entries, _: &'static str) {
        if let Open::HandedOff(handoff) = call {
            message::answered(handoff, output.message_id())
        }
    }
}

#[derive(Debug)]
pub(super) struct SendMessageBatch;

impl Operation for SendMessageBatch {
    type Input = SendMessageBatchInput;
    type Output = SendMessageBatchOutput;
    type Error = SendMessageBatchError;

    fn open(input: &SendMessageBatchInput) -> Open {
        SQS.batch(input.queue_url().unwrap_or_default(), input.entries().len())
    }

    fn pack(input: &mut SendMessageBatchInput, packing: &mut Packing<'_>) {
        let queue = input.queue_url.as_deref().unwrap_or_default();
        let entries = input.entries.as_deref_mut().unwrap_or_default();
        let capture = packing.capture;
        let mut size = entries.iter().map(|e| message::size(&e.message_body, &e.message_attributes)).sum();
        for entry in entries {
            message::entry(packing, &SQS, (queue, &entry.id), |span| {
                message::capture(capture, span, &entry.message_body, &entry.message_attributes);
                message::pack(&mut entry.message_attributes, span, &mut size);
                add_xray(&mut entry.message_system_attributes, span.context())
            })
        }
    }

    fn answered(output: &SendMessageBatchOutput, call: Open, entries: Entries, refusal: &'static str) {
        let taken = output.successful().iter().map(|entry| (entry.id(), Some(entry.message_id())));
        let refused = output.failed().iter().map(|e| Refused {
            id: e.id(),
            code: e.code(),
            message: e.message(),
            is_ours: e.sender_fault(),
        });
        message::batch_answered(call, entries, refusal, taken, refused)
    }
}

message::attribute!(MessageAttributeValue);

/// The header of X-Ray is an attribute of the system's, beside the ten. In a function it comes with the request, from the
/// environment, where it keeps Lambda from calling itself for ever; so it is not said twice.
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
