//! Batches of Kinesis and of DynamoDB's streams.

use super::envelope::payload;
use super::read::*;
use super::{Content, Record, Source};
use crate::carrier::Standard;
use crate::json::Json;
use spanbridge::carrier::Extraction;
use spanbridge::payload::FIELD;
use spanbridge::semconv;

/// `Records` of Kinesis, in base64.
pub(super) fn kinesis(records: Json<'_>) -> Content {
    Content::batch(Source::Kinesis, records.elements(), from_shard)
}

fn from_shard(record: Json<'_>) -> Record {
    let [arn, event_id, kinesis] = record.pick(["eventSourceARN", "eventID", "kinesis"]);
    // Pipes have it all in one object.
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

/// `Records` of a stream of DynamoDB.
pub(super) fn dynamodb(records: Json<'_>) -> Content {
    let mut content = Content::batch(Source::DynamoDb, records.elements(), change);
    let table = content.records.first().map(|record| record.destination.clone()).filter(|table| !table.is_empty());
    content.tell(semconv::FAAS_DOCUMENT_COLLECTION, table);
    content
}

fn change(record: Json<'_>) -> Record {
    let [arn, id, change] = record.pick(["eventSourceARN", "eventID", "dynamodb"]);
    let [number, new, old, at] = change.map_or([None; 4], |change| {
        change.pick(["SequenceNumber", "NewImage", "OldImage", "ApproximateCreationDateTime"])
    });
    let arn = text(arn);
    Record {
        id: text(number).unwrap_or_default(),
        destination: arn.as_deref().map(|arn| resource(arn).to_owned()).unwrap_or_default(),
        // Which shard it is of is not told.
        group: arn,
        carried: in_image(new, old),
        sent: seconds(at),
        message_id: text(id),
        ..Record::default()
    }
}

/// The hidden field as an attribute of the item, a map of texts. Where the item had the same before, it is not of the
/// one who made this change.
fn in_image(new: Option<Json<'_>>, old: Option<Json<'_>>) -> Extraction {
    let field = |image: Option<Json<'_>>| Some(standard(image?.get(FIELD)?.get("M")?).extract());
    let Some(new) = field(new) else { return Extraction::default() };
    match field(old) {
        Some(old) if old.context == new.context => Extraction::default(),
        _ => new,
    }
}

fn standard(map: Json<'_>) -> Standard<'_> {
    let mut found = Standard::default();
    for (name, value) in map.members() {
        if let Some(value) = value.get("S") {
            found.offer(&name, || text_header(value))
        }
    }
    found
}

/// The name in `arn:…:stream/{name}` and `arn:…:table/{name}/stream/{since}`.
fn resource(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or_default()
}
