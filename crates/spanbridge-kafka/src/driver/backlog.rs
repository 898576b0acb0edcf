//! The messages that a driver received and has not handled yet, by partition.

use crate::consume::{Assignment, Job};
use rdkafka::Message;
use rdkafka::consumer::{Consumer, ConsumerContext, StreamConsumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

pub(super) type Borrowed<'a> = Job<BorrowedMessage<'a>>;

/// A topic's partition.
pub(super) type Place = (Box<str>, i32);

/// A partition with this many waiting messages is paused; it is resumed when the second number is left.
const MAX_WAITING: usize = 256;
const RESUME_AT: usize = 32;

/// Its destructor, which runs however the driver ends, gives back what was not handled: each partition continues at its first
/// unhandled message, and none stays paused.
pub(super) struct Backlog<'a, C: ConsumerContext, R> {
    consumer: &'a StreamConsumer<C, R>,
    /// Partitions with unhandled messages.
    partitions: HashMap<Place, Pending<'a>>,
    /// Those of them that no message is handled of.
    ready: VecDeque<Place>,
}

#[derive(Default)]
struct Pending<'a> {
    /// The message that is being handled, or that failed for good: its offset and assignment.
    at_work: Option<(i64, Assignment)>,
    /// The messages behind it.
    waiting: VecDeque<Borrowed<'a>>,
    paused: bool,
}

impl<'a, C: ConsumerContext, R> Backlog<'a, C, R> {
    pub(super) fn new(consumer: &'a StreamConsumer<C, R>) -> Self {
        Backlog { consumer, partitions: HashMap::new(), ready: VecDeque::new() }
    }

    /// A message came.
    pub(super) fn received(&mut self, job: Borrowed<'a>) {
        let place = (job.topic().into(), job.partition());
        let pending = match self.partitions.get_mut(&place) {
            Some(pending) => pending,
            None => {
                self.ready.push_back(place.clone());
                self.partitions.entry(place.clone()).or_default()
            }
        };
        pending.waiting.push_back(job);
        if pending.waiting.len() >= MAX_WAITING && !pending.paused {
            pending.paused = self.consumer.pause(&list(&place)).is_ok();
        }
    }

    /// A message to be handled now, of a partition that none is handled of.
    pub(super) fn next(&mut self) -> Option<(Place, Borrowed<'a>)> {
        loop {
            let place = self.ready.pop_front()?;
            let Some(pending) = self.partitions.get_mut(&place) else { continue };
            // Another member of the group gets those now.
            pending.waiting.retain(|job| !job.is_revoked());
            let next = pending.waiting.pop_front();
            if pending.paused && pending.waiting.len() <= RESUME_AT {
                pending.paused = self.consumer.resume(&list(&place)).is_err();
            }
            match next {
                Some(job) => {
                    pending.at_work = Some((job.offset(), job.assignment()));
                    return Some((place, job));
                }
                None => drop(self.partitions.remove(&place)),
            }
        }
    }

    /// The partition's current message is handled: the next one may be.
    pub(super) fn handled(&mut self, place: &Place) {
        if let Some(pending) = self.partitions.get_mut(place) {
            pending.at_work = None;
            self.ready.push_back(place.clone())
        }
    }
}

impl Pending<'_> {
    /// Where the partition has to continue. Messages from before its last revocation do not count: it continues from the
    /// offset that was committed then.
    fn first_unhandled(&self) -> Option<i64> {
        let at_work = self.at_work.iter().filter(|(_, assignment)| !assignment.is_revoked()).map(|(offset, _)| *offset);
        let waiting = self.waiting.iter().filter(|job| !job.is_revoked()).map(|job| job.offset());
        at_work.chain(waiting).min()
    }

    /// Messages that only waited were not tried, so they do not count as read.
    fn give_back(&self) {
        let waiting = self.waiting.iter().filter(|job| !job.is_revoked());
        if let Some(first) = waiting.min_by_key(|job| job.offset()) {
            first.assignment().partition().give_back(first.offset())
        }
    }
}

impl<C: ConsumerContext, R> Drop for Backlog<'_, C, R> {
    fn drop(&mut self) {
        let (mut first, mut paused) = (HashMap::<Place, i64>::new(), TopicPartitionList::new());
        for (place, pending) in self.partitions.drain() {
            if pending.paused {
                paused.add_partition(&place.0, place.1);
            }
            pending.give_back();
            first.extend(pending.first_unhandled().map(|offset| (place, offset)))
        }
        let mut back = TopicPartitionList::with_capacity(first.len());
        for ((topic, partition), offset) in first {
            let _ = back.add_partition_offset(&topic, partition, Offset::Offset(offset)); // a message's offset is valid
        }
        // With a timeout of zero nothing blocks: when this returns, what librdkafka has fetched is outdated, and its own thread
        // does the seek. It is refused only for partitions that are no longer assigned.
        if back.count() > 0 {
            let _ = self.consumer.seek_partitions(back, Duration::ZERO);
        }
        if paused.count() > 0 {
            let _ = self.consumer.resume(&paused);
        }
    }
}

fn list((topic, partition): &Place) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition(topic, *partition);
    list
}
