//! Notifications of SNS.

use super::read::*;
use super::{Content, Record, Source};
use crate::carrier::Standard;
use crate::json::Json;
use spanbridge::carrier::Header;
use spanbridge::semconv;

/// `Records`, of which SNS sends one: then the invocation as a whole is the message's.
pub(super) fn notification(records: &[Json<'_>]) -> Content {
    let mut content = Content::of(Source::Sns);
    content.records = records.iter().map(|record| message(*record)).collect();
    if let [_] = content.records.as_slice()
        && let Some(only) = content.records.pop()
    {
        content.tell(semconv::MESSAGING_SYSTEM, Source::Sns.messaging_system());
        content.tell(semconv::MESSAGING_OPERATION_TYPE, Some("process"));
        content.tell(semconv::MESSAGING_DESTINATION_NAME, Some(only.destination).filter(|name| !name.is_empty()));
        content.tell(semconv::MESSAGING_MESSAGE_ID, only.message_id);
        content.carried = only.carried;
    }
    content
}

/// The context is in the attributes, or in the message itself.
fn message(record: Json<'_>) -> Record {
    let sns = record.get("Sns");
    let [id, topic, attributes, message] =
        sns.map_or([None; 4], |sns| sns.pick(["MessageId", "TopicArn", "MessageAttributes", "Message"]));
    let (message_id, message) = (text(id), message.and_then(Json::text));
    let found = attributes.map(self::attributes).unwrap_or_default().extract();
    Record {
        id: message_id.clone().unwrap_or_default(),
        destination: text(topic).map(|arn| last_part(&arn, ':').to_owned()).unwrap_or_default(),
        carried: or_else(found, || message.as_ref().map(|m| payload(m.as_bytes())).unwrap_or_default()),
        message_id,
        size: message.map(|message| message.len()),
        ..Record::default()
    }
}

/// The standard headers among message attributes: `{"Type": …, "Value": …}`.
pub(super) fn attributes(attributes: Json<'_>) -> Standard<'_> {
    let mut found = Standard::default();
    for (name, attribute) in attributes.members() {
        found.offer(&name, || value(attribute))
    }
    found
}

/// The value of an attribute.
pub(super) fn value(attribute: Json<'_>) -> Header<'_> {
    match attribute.pick(["Type", "Value"]) {
        [Some(kind), Some(value)] if kind.text().as_deref() == Some("Binary") => base64_header(value),
        [_, Some(value)] => text_header(value),
        [_, None] => Header::Unusable("has no value"),
    }
}
