//! Notifications from SNS.

use super::content::Content;
use super::envelope::{payload, sns_value};
use super::record::Record;
use super::source::Source;
use super::values::*;
use crate::json::Json;
use spanbridge::semconv;

/// Reads `Records`. SNS sends one record at a time, and then the context of the invocation is the message's.
pub(super) fn notification(records: Json<'_>) -> Content {
    let mut content = Content::of(Source::Sns);
    content.add_records(records.elements(), message);
    if let [_] = content.records.as_slice()
        && let Some(only) = content.records.pop()
    {
        content.attribute(semconv::MESSAGING_SYSTEM, Source::Sns.messaging_system());
        content.attribute(semconv::MESSAGING_OPERATION_TYPE, Some("process"));
        content.attribute(semconv::MESSAGING_DESTINATION_NAME, Some(only.destination).filter(|name| !name.is_empty()));
        content.attribute(semconv::MESSAGING_MESSAGE_ID, only.message_id);
        content.carried = only.carried;
    }
    content
}

/// Reads a message. The context is in the attributes, else in the message itself.
fn message(record: Json<'_>) -> Record {
    let sns = record.get("Sns");
    let [id, topic, attributes, message] =
        sns.map_or([None; 4], |sns| sns.pick(["MessageId", "TopicArn", "MessageAttributes", "Message"]));
    let (message_id, message) = (text(id), message.and_then(Json::text));
    let found = extract_from(attributes.into_iter().flat_map(Json::members), sns_value);
    Record {
        id: message_id.clone().unwrap_or_default(),
        destination: text(topic).map(|arn| last_part(&arn, ':').to_owned()).unwrap_or_default(),
        carried: or_else(found, || message.as_ref().map(|m| payload(m.as_bytes())).unwrap_or_default()),
        message_id,
        size: message.map(|message| message.len()),
        ..Record::default()
    }
}
