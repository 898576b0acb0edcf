//! How far to read, for those who end there.

use super::group::Group;
use crate::error::{Error, ErrorKind, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long the cluster may take to answer.
const ANSWER: Duration = Duration::from_secs(20);

/// How often the group is asked how far its other members are.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Where the topic ended at the start.
pub(super) struct Ends {
    topic: String,
    /// Of partitions that are not empty.
    ends: BTreeMap<i32, i64>,
    /// Partitions that we have read so far.
    read: BTreeSet<i32>,
    asked: Option<Instant>,
}

impl Ends {
    /// # Errors
    /// The cluster does not answer, or there is no such topic.
    pub(super) fn of(consumer: &BaseConsumer<Group>, topic: &str) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Unreachable, format!("ask where the topic {topic} ends: {error}"))
        };
        let metadata = consumer.fetch_metadata(Some(topic), ANSWER).map_err(|error| failed(&error))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let partitions = match found {
            Some(found) if found.error().is_none() && !found.partitions().is_empty() => found.partitions(),
            _ => return Err(Error::new(ErrorKind::NotFound, format!("read the topic {topic}: there is none"))),
        };
        let mut ends = BTreeMap::new();
        for partition in partitions {
            let marks = consumer.fetch_watermarks(topic, partition.id(), ANSWER);
            let (low, high) = marks.map_err(|error| failed(&error))?;
            if high > low {
                ends.insert(partition.id(), high);
            }
        }
        Ok(Self { topic: topic.to_owned(), ends, read: BTreeSet::new(), asked: None })
    }

    /// A message was read: this is the next offset.
    pub(super) fn reached(&mut self, partition: i32, next: i64) {
        if self.ends.get(&partition).is_some_and(|end| next >= *end) {
            self.read.insert(partition);
        }
    }

    /// A partition was read up to its end. What is behind the last message, such as the end of a transaction, is nothing to read.
    pub(super) fn end_of(&mut self, partition: i32) {
        self.read.insert(partition);
    }

    /// Whoever has these next reads them.
    pub(super) fn forget(&mut self, partitions: &[i32]) {
        self.read.retain(|partition| !partitions.contains(partition));
    }

    /// Whether everything is read, by us or by other members of the group. Asks the group from time to time.
    pub(super) fn are_reached(&mut self, consumer: &BaseConsumer<Group>) -> Result<bool> {
        let missing = |ends: &Self| ends.ends.keys().any(|partition| !ends.read.contains(partition));
        if !missing(self) {
            return Ok(true);
        }
        if self.asked.is_some_and(|asked| asked.elapsed() < ASK_EVERY) {
            return Ok(false);
        }
        self.asked = Some(Instant::now());
        let mut list = TopicPartitionList::new();
        for partition in self.ends.keys() {
            list.add_partition(&self.topic, *partition);
        }
        // While the group is making up its mind there is no answer.
        let Ok(committed) = consumer.committed_offsets(list, ANSWER) else { return Ok(false) };
        for each in committed.elements() {
            if let Offset::Offset(offset) = each.offset() {
                self.reached(each.partition(), offset);
            }
        }
        Ok(!missing(self))
    }
}
