//! Which records of an event are in order with each other, by the rules of its source.

use crate::event::{Record, Source};
use std::collections::HashSet;

/// Whether the handler has the records in the order of the event. Kafka and Amazon MQ group them under a JSON object, whose
/// members have no order.
pub(super) fn has_order(source: Source, records: &[Record]) -> bool {
    let one_group = || records.windows(2).all(|pair| key(&pair[0]) == key(&pair[1]));
    !matches!(source, Source::Kafka | Source::RabbitMq | Source::ActiveMq) || one_group()
}

/// The group within which a record is in order; `None` if it is in order with no other.
pub(super) fn group_of(source: Source, record: &Record) -> Option<(&str, Option<&str>)> {
    match source {
        // In standard queues, message groups are for fairness.
        Source::Sqs if !record.destination.ends_with(".fifo") => None,
        Source::Sqs => Some((&record.destination, record.group.as_deref())),
        Source::Kinesis | Source::DynamoDb | Source::Kafka => Some(key(record)),
        _ => None,
    }
}

/// The first of these records in each group.
pub(super) fn first_of_each(records: Vec<&Record>) -> impl Iterator<Item = &Record> {
    let mut seen = HashSet::new();
    records.into_iter().filter(move |record| seen.insert(key(record)))
}

fn key(record: &Record) -> (&str, Option<&str>) {
    (&record.destination, record.partition.as_deref().or(record.group.as_deref()))
}
