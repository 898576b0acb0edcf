//! Batches of SQS.

use super::envelope::payload;
use super::read::*;
use super::{Content, Record, Source};
use crate::carrier::{Standard, XRay, or_xray};
use crate::json::Json;
use spanbridge::carrier::Header;

/// `Records`, each a message.
pub(super) fn batch(records: Json<'_>) -> Content {
    Content::batch(Source::Sqs, records.elements(), message)
}

/// The context is in the message attributes, or in what is sent on: a notification of SNS, an event of EventBridge, an
/// object with the hidden field.
fn message(message: Json<'_>) -> Record {
    let [id, arn, system, attributes, body] =
        message.pick(["messageId", "eventSourceARN", "attributes", "messageAttributes", "body"]);
    let [xray, attempt, sent, group] = system.map_or([None; 4], |system| {
        system.pick([XRay::SQS_ATTRIBUTE, "ApproximateReceiveCount", "SentTimestamp", "MessageGroupId"])
    });
    let (message_id, body) = (text(id), body.and_then(Json::text));
    let found = attributes.map(standard).unwrap_or_default().extract();
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

/// The standard headers among message attributes, of type String or Binary.
fn standard(attributes: Json<'_>) -> Standard<'_> {
    let mut found = Standard::default();
    for (name, attribute) in attributes.members() {
        found.offer(&name, || value(attribute))
    }
    found
}

/// The value of an attribute.
pub(super) fn value(attribute: Json<'_>) -> Header<'_> {
    match attribute.pick(["stringValue", "binaryValue"]) {
        [Some(text), _] => text_header(text),
        [None, Some(binary)] => base64_header(binary),
        [None, None] => Header::Unusable("has neither text nor bytes"),
    }
}
