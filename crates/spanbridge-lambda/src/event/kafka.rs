//! Batches from Kafka: Amazon MSK or a self-managed cluster.

use super::content::Content;
use super::record::Record;
use super::source::Source;
use super::values::*;
use crate::json::Json;

/// Reads `records`, which are grouped by topic and partition.
pub(super) fn batch(partitions: Json<'_>) -> Option<Content> {
    let mut content = Content::of(Source::Kafka);
    for (group, records) in partitions.is_object().then(|| partitions.members())? {
        content.add_records(records.elements(), |record| self::record(&group, record))
    }
    Some(content)
}

/// Reads the array from a pipe, whose records name their group.
pub(super) fn piped(records: Json<'_>) -> Content {
    Content::batch(Source::Kafka, records.elements(), |record| self::record(&source_key(record), record))
}

/// Reads a record. `group` is `{topic}-{partition}`.
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
        // `[{"name": [bytes]}, …]`
        carried: extract_from(headers.into_iter().flat_map(Json::elements).flat_map(Json::members), bytes_header),
        sent: millis(sent),
        size: value.and_then(base64_size),
        ..Record::default()
    }
}
