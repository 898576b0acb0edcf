//! Messages for SNS.

use super::message::{self, Refused, Service};
use super::open::{Entries, Open, Packing};
use super::operation::Operation;
use aws_sdk_sns::operation::publish::{PublishError, PublishInput, PublishOutput};
use aws_sdk_sns::operation::publish_batch::{PublishBatchError, PublishBatchInput, PublishBatchOutput};
use aws_sdk_sns::types::MessageAttributeValue;
use spanbridge::semconv;

pub(super) const SNS: Service = Service {
    system: "aws.sns",
    send: "publish",
    send_batch: "publish_batch",
    destination: semconv::AWS_SNS_TOPIC_ARN,
};

#[derive(Debug)]
pub(super) struct Publish;

impl Operation for Publish {
    type Input = PublishInput;
    type Output = PublishOutput;
    type Error = PublishError;
    const TAKES_XRAY: bool = true;

    fn open(input: &PublishInput) -> Open {
        Open::HandedOff(SNS.message(input.topic_arn().or(input.target_arn()).unwrap_or_default()))
    }

    fn pack(input: &mut PublishInput, packing: &mut Packing<'_>) {
        let body = input.message.as_deref().unwrap_or_default();
        message::capture(packing.capture, packing.span, body, &input.message_attributes);
        // Nothing continues a trace on a telephone.
        if input.phone_number.is_none() {
            let mut size = message::size(body, &input.message_attributes);
            message::pack(&mut input.message_attributes, packing.span, &mut size)
        }
    }

    fn answered(output: &PublishOutput, call: Open, _: Entries, _: &'static str) {
        if let Open::HandedOff(handoff) = call {
            message::answered(handoff, output.message_id())
        }
    }
}

#[derive(Debug)]
pub(super) struct PublishBatch;

impl Operation for PublishBatch {
    type Input = PublishBatchInput;
    type Output = PublishBatchOutput;
    type Error = PublishBatchError;
    const TAKES_XRAY: bool = true;

    fn open(input: &PublishBatchInput) -> Open {
        SNS.batch(input.topic_arn().unwrap_or_default(), input.publish_batch_request_entries().len())
    }

    fn pack(input: &mut PublishBatchInput, packing: &mut Packing<'_>) {
        let topic = input.topic_arn.as_deref().unwrap_or_default();
        let entries = input.publish_batch_request_entries.as_deref_mut().unwrap_or_default();
        let capture = packing.capture;
        let mut size = entries.iter().map(|e| message::size(&e.message, &e.message_attributes)).sum();
        for entry in entries {
            message::entry(packing, &SNS, (topic, &entry.id), |span| {
                message::capture(capture, span, &entry.message, &entry.message_attributes);
                message::pack(&mut entry.message_attributes, span, &mut size)
            })
        }
    }

    fn answered(output: &PublishBatchOutput, call: Open, entries: Entries, refusal: &'static str) {
        let taken = output.successful().iter().filter_map(|entry| Some((entry.id()?, entry.message_id())));
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
