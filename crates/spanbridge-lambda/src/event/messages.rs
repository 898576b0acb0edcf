//! Messages of SQS.

use super::{Content, Detail, Record, Source, or_else, text_header};
use crate::carrier::{Standard, XRay, or_xray};
use crate::json::Json;
use base64::prelude::{BASE64_STANDARD, Engine};
use spanbridge::carrier::Header;
use spanbridge::semconv;
use std::borrow::Cow;
use std::time::{Duration, SystemTime};

/// A batch from SQS.
pub(super) fn sqs(source: Source, records: &[Json<'_>]) -> Content {
    Content { records: records.iter().map(|record| sqs_message(*record)).collect(), ..Content::of(source) }
}

fn sqs_message(message: Json<'_>) -> Record {
    let [id, arn, attributes, message_attributes, body] =
        message.pick(["messageId", "eventSourceARN", "attributes", "messageAttributes", "body"]);
    let [xray, attempt, sent, group] = attributes.map_or([None; 4], |attributes| {
        attributes.pick([XRay::SQS_ATTRIBUTE, "ApproximateReceiveCount", "SentTimestamp", "MessageGroupId"])
    });
    let id = text(id).unwrap_or_default();
    let carried = message_attributes.map(standard).unwrap_or_else(Standard::none).extract();
    Record {
        message_id: Some(id.clone()).filter(|id| !id.is_empty()),
        id,
        destination: arn.and_then(Json::text).map(|arn| last_part(&arn, ':').to_owned()).unwrap_or_default(),
        group: text(group),
        carried: or_xray(carried, xray.and_then(Json::text).as_deref().map(str::as_bytes)),
        attempt: attempt.and_then(Json::number),
        sent: sent.and_then(Json::number).and_then(time),
        size: body.and_then(Json::text).map(|body| body.len()),
        ..Record::default()
    }
}

/// The standard headers among message attributes, of type String or Binary.
fn standard(attributes: Json<'_>) -> Standard<'_> {
    let mut found = Standard::none();
    for (name, value) in attributes.members() {
        found.offer(&name, || attribute(value))
    }
    found
}

/// `{"stringValue": …}` or `{"binaryValue": …}`.
fn attribute(value: Json<'_>) -> Header<'_> {
    match value.pick(["stringValue", "binaryValue"]) {
        [Some(text), _] => text_header(text),
        [None, Some(binary)] => base64(binary),
        _ if value.is_null() => Header::Absent,
        _ => Header::Unusable("has neither text nor bytes"),
    }
}

/// Bytes in base64.
pub(super) fn base64(value: Json<'_>) -> Header<'static> {
    match value.text().and_then(|text| BASE64_STANDARD.decode(text.as_bytes()).ok()) {
        Some(bytes) => Header::Value(Cow::Owned(bytes)),
        None => Header::Unusable("is not base64"),
    }
}

pub(super) fn text(value: Option<Json<'_>>) -> Option<String> {
    value.and_then(Json::text).map(Cow::into_owned)
}

/// What stands behind the last of these in an ARN or a URL.
pub(super) fn last_part(name: &str, separator: char) -> &str {
    name.rsplit(separator).next().unwrap_or_default()
}

/// Milliseconds since 1970.
pub(super) fn time(ms: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(ms))
}
