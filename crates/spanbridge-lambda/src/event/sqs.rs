//! Batches from SQS.

use super::content::Content;
use super::envelope::payload;
use super::record::Record;
use super::source::Source;
use super::values::*;
use crate::carrier::{XRay, or_xray};
use crate::json::Json;
use spanbridge::carrier::Header;

/// Reads `Records`, each of which is a message.
pub(super) fn batch(records: Json<'_>) -> Content {
    Content::batch(Source::Sqs, records.elements(), message)
}

/// Reads a message. The context is in the message attributes, else in the body: an SNS notification, an EventBridge event,
/// an object with the hidden field.
fn message(message: Json<'_>) -> Record {
    let [id, arn, system, attributes, body] =
        message.pick(["messageId", "eventSourceARN", "attributes", "messageAttributes", "body"]);
    let [xray, attempt, sent, group] = system.map_or([None; 4], |system| {
        system.pick([XRay::SQS_ATTRIBUTE, "ApproximateReceiveCount", "SentTimestamp", "MessageGroupId"])
    });
    let (message_id, body) = (text(id), body.and_then(Json::text));
    let found = extract_from(attributes.into_iter().flat_map(Json::members), value);
    let found = or_else(found, || body.as_ref().map(|body| payload(body.as_bytes())).unwrap_or_default());
    Record {
        id: message_id.clone().unwrap_or_default(),
        destination: text(arn).map(|arn| last_part(&arn, ':').to_owned()).unwrap_or_default(),
        group: text(group),
        carried: or_xray(found, xray.and_then(Json::text).as_deref().map(str::as_bytes)),
        attempt: attempt.and_then(Json::number),
        sent: millis(sent),
        message_id,
        size: body.map(|body| body.len()),
        ..Record::default()
    }
}

/// The value of a message attribute, of type String or Binary.
pub(super) fn value(attribute: Json<'_>) -> Header<'_> {
    match attribute.pick(["stringValue", "binaryValue"]) {
        [Some(text), _] => text_header(text),
        [None, Some(binary)] => base64_header(binary),
        [None, None] => Header::Unusable("has neither text nor bytes"),
    }
}
