//! Notifications of SNS.

use super::envelope::{payload, sns_attributes};
use super::read::*;
use super::{Content, Record, Source};
use crate::json::Json;
use spanbridge::semconv;

/// `Records`, of which SNS sends one: then the invocation as a whole is the message's.
pub(super) fn notification(records: Json<'_>) -> Content {
    let mut content = Content::of(Source::Sns);
    content.read(records.elements(), message);
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
    let found = attributes.map(sns_attributes).unwrap_or_default().extract();
    Record {
        id: message_id.clone().unwrap_or_default(),
        destination: text(topic).map(|arn| last_part(&arn, ':').to_owned()).unwrap_or_default(),
        carried: or_else(found, || message.as_ref().map(|m| payload(m.as_bytes())).unwrap_or_default()),
        message_id,
        size: message.map(|message| message.len()),
        ..Record::default()
    }
}
