//! Batches from Kinesis and from DynamoDB streams.

use super::content::Content;
use super::envelope::payload;
use super::record::Record;
use super::source::Source;
use super::values::*;
use crate::json::Json;
use spanbridge::carrier::Extraction;
use spanbridge::payload::FIELD;
use spanbridge::semconv;

/// Reads `Records` from Kinesis, whose data is in base64.
pub(super) fn kinesis(records: Json<'_>) -> Content {
    Content::batch(Source::Kinesis, records.elements(), from_shard)
}

/// Reads a record. Its context is in its data.
fn from_shard(record: Json<'_>) -> Record {
    let [arn, event_id, kinesis] = record.pick(["eventSourceARN", "eventID", "kinesis"]);
    // A record from a pipe has no inner object.
    let kinesis = kinesis.unwrap_or(record);
    let [number, data, arrived] = kinesis.pick(["sequenceNumber", "data", "approximateArrivalTimestamp"]);
    // `shardId-000000000006:49590338271490256608559692538361571095921575989136588898`
    let shard = text(event_id).and_then(|id| id.split_once(':').map(|(shard, _)| shard.to_owned()));
    let data = data.and_then(base64);
    Record {
        id: text(number).unwrap_or_default(),
        destination: text(arn).map(|arn| resource(&arn).to_owned()).unwrap_or_default(),
        partition: shard.clone(),
        group: shard,
        carried: data.as_deref().map(payload).unwrap_or_default(),
        sent: seconds(arrived),
        size: data.map(|data| data.len()),
        ..Record::default()
    }
}

/// Reads `Records` from a DynamoDB stream.
pub(super) fn dynamodb(records: Json<'_>) -> Content {
    let mut content = Content::batch(Source::DynamoDb, records.elements(), change);
    let table = content.records.first().map(|record| record.destination.clone()).filter(|table| !table.is_empty());
    content.attribute(semconv::FAAS_DOCUMENT_COLLECTION, table);
    content
}

/// Reads the change of an item.
fn change(record: Json<'_>) -> Record {
    let [arn, id, change] = record.pick(["eventSourceARN", "eventID", "dynamodb"]);
    let [number, new, old, at] = change.map_or([None; 4], |change| {
        change.pick(["SequenceNumber", "NewImage", "OldImage", "ApproximateCreationDateTime"])
    });
    let arn = text(arn);
    Record {
        id: text(number).unwrap_or_default(),
        destination: arn.as_deref().map(|arn| resource(arn).to_owned()).unwrap_or_default(),
        // The shard is not in the event.
        group: arn,
        carried: in_image(new, old),
        sent: seconds(at),
        message_id: text(id),
        ..Record::default()
    }
}

/// The context in the hidden field, which is an attribute of the item: a map of strings. If the item had the same context
/// before this change, it belongs to an earlier change and does not count.
fn in_image(new: Option<Json<'_>>, old: Option<Json<'_>>) -> Extraction {
    let strings = |map: Json<'_>| {
        extract_from(map.members().filter_map(|(name, value)| Some((name, value.get("S")?))), text_header)
    };
    let field = |image: Option<Json<'_>>| Some(strings(image?.get(FIELD)?.get("M")?));
    let Some(new) = field(new) else { return Extraction::default() };
    match field(old) {
        Some(old) if old.context == new.context => Extraction::default(),
        _ => new,
    }
}

/// The name in `arn:…:stream/{name}` and `arn:…:table/{name}/stream/{since}`.
fn resource(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or_default()
}
