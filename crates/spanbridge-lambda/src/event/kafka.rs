//! Batches of Kafka, from MSK or a cluster of one's own.

use super::read::*;
use super::{Content, Record, Source};
use crate::carrier::Standard;
use crate::json::Json;

/// `records`, by topic and partition.
pub(super) fn batch(partitions: Json<'_>) -> Option<Content> {
    let mut content = Content::of(Source::Kafka);
    for (group, records) in partitions.is_object().then(|| partitions.members())? {
        content.read(records.elements(), |record| self::record(&group, record))
    }
    Some(content)
}

/// The array of a pipe, whose records say the group themselves.
pub(super) fn piped(records: Json<'_>) -> Content {
    Content::batch(Source::Kafka, records.elements(), |record| self::record(&source_key(record), record))
}

/// `group` is `{topic}-{partition}`.
fn record(group: &str, record: Json<'_>) -> Record {
    let group = shared_name(group).unwrap_or_default();
    let [topic, partition, offset, sent, headers, value] =
        record.pick(["topic", "partition", "offset", "timestamp", "headers", "value"]);
    let in_group = group.rsplit_once('-');
    let destination = text(topic).or(in_group.map(|(topic, _)| topic.to_owned())).unwrap_or_default();
    let partition = partition.and_then(Json::number).map(|n| n.to_string());
    let partition = partition.or(in_group.map(|(_, partition)| partition.to_owned()));
    let offset = offset.and_then(Json::number);
    let id = match (&partition, offset) {
        (Some(partition), Some(offset)) => format!("{destination}-{partition}-{offset}"),
        _ => String::new(),
    };
    Record {
        id,
        destination,
        partition,
        group: Some(group.to_owned()).filter(|group| !group.is_empty()),
        offset,
        carried: headers.map(standard).unwrap_or_default().extract(),
        sent: millis(sent),
        size: value.and_then(base64_size),
        ..Record::default()
    }
}

/// The standard headers in `[{"name": [bytes]}, …]`. Of several of the same name the last counts.
fn standard(headers: Json<'_>) -> Standard<'_> {
    let mut found = Standard::default();
    for (name, value) in headers.elements().flat_map(Json::members) {
        found.offer(&name, || bytes_header(value))
    }
    found
}
