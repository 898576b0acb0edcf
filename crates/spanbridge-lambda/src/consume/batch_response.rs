//! What a function returns for a batch.

use super::order::first_of_each;
use crate::event::{Record, Source};
use serde::Serialize;
use std::fmt;

/// The records that Lambda has to deliver again: what a function with `ReportBatchItemFailures` returns. Empty if all
/// records were handled.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BatchResponse {
    #[serde(rename = "batchItemFailures")]
    items: Vec<Item>,
}

impl BatchResponse {
    /// The number of items in the response. Lambda may deliver more again: for a stream, every record after the item.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether all records were handled.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The response for these records, which have failed, in the order of the event. An error says why there is none.
    pub(super) fn of_failed(source: Source, records: Vec<&Record>) -> Result<Self, &'static str> {
        let items: Option<Vec<_>> = match source {
            Source::Sqs => records.into_iter().map(Item::text).collect(),
            // Lambda delivers the records behind it again in any case.
            Source::Kinesis | Source::DynamoDb => first_of_each(records).map(Item::text).collect(),
            Source::Kafka => first_of_each(records).map(Item::kafka).collect(),
            _ => return Err("the source accepts no partial response"),
        };
        let items = items.filter(|items| !items.is_empty());
        items.map(|items| BatchResponse { items }).ok_or("the event does not identify them")
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct Item {
    #[serde(rename = "itemIdentifier")]
    id: Id,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    /// [Kafka's](https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html): `topic-partition`, and the
    /// offset to continue from.
    Kafka {
        partition: String,
        offset: u64,
    },
}

impl Item {
    fn text(record: &Record) -> Option<Self> {
        (!record.id.is_empty()).then(|| Item { id: Id::Text(record.id.clone()) })
    }

    fn kafka(record: &Record) -> Option<Self> {
        Some(Item { id: Id::Kafka { partition: record.group.clone()?, offset: record.offset? } })
    }
}

/// Why a batch has to be delivered again as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchError {
    pub(super) failed: usize,
    pub(super) all: usize,
    pub(super) why: &'static str,
}

/// Reads on after "failed to …".
impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "handle {} of {} records, and {}", self.failed, self.all, self.why)
    }
}

impl std::error::Error for BatchError {}
