//! The messages that a driver was handed and has not handled yet, by partition.

use super::Borrowed;
use crate::consume::Assignment;
use rdkafka::Message;
use rdkafka::consumer::{Consumer, ConsumerContext, StreamConsumer};
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// A topic's partition.
pub(super) type Place = (Box<str>, i32);

/// So many messages may wait in a partition before it is paused; and so many are left when it goes on.
const MAX_WAITING: usize = 256;
const RESUME_AT: usize = 32;

/// Dropped, in whatever way the driver ends, it gives back what was not handled: each partition goes on at the first such
/// message, and none stays paused.
pub(super) struct Backlog<'a, C: ConsumerContext, R> {
    consumer: &'a StreamConsumer<C, R>,
    /// Those with a message that is not handled yet.
    partitions: HashMap<Place, Pending<'a>>,
    /// A message that is not yet a job: to make it one calls the user's code, which may panic.
    arriving: Option<(Place, i64)>,
}

#[derive(Default)]
struct Pending<'a> {
    /// The offset of the message that is worked on, and how it came. Its work may have failed for good.
    at_work: Option<(i64, Assignment)>,
    /// Those behind it.
    waiting: VecDeque<Borrowed<'a>>,
    paused: bool,
}

impl<'a, C: ConsumerContext, R> Backlog<'a, C, R> {
    pub(super) fn new(consumer: &'a StreamConsumer<C, R>) -> Self {
        Backlog { consumer, partitions: HashMap::new(), arriving: None }
    }

    /// A message came: it is returned, as a job, if it can be worked on now.
    pub(super) fn received(
        &mut self,
        message: BorrowedMessage<'a>,
        job: impl FnOnce(BorrowedMessage<'a>) -> Borrowed<'a>,
    ) -> Option<Borrowed<'a>> {
        self.arriving = Some(((message.topic().into(), message.partition()), message.offset()));
        let job = job(message);
        let (place, _) = self.arriving.take()?;
        let Some(pending) = self.partitions.get_mut(&place) else {
            let at_work = Some((job.offset(), job.assignment()));
            self.partitions.insert(place, Pending { at_work, ..Pending::default() });
            return Some(job);
        };
        pending.waiting.push_back(job);
        if pending.waiting.len() >= MAX_WAITING && !pending.paused {
            pending.paused = self.consumer.pause(&list(&place)).is_ok();
        }
        None
    }

    /// The work on a partition's message is done.
    pub(super) fn handled(&mut self, place: &Place) {
        if let Some(pending) = self.partitions.get_mut(place) {
            pending.at_work = None
        }
    }

    /// The partition's next message, to be worked on now.
    pub(super) fn next(&mut self, place: Place) -> Option<Borrowed<'a>> {
        let pending = self.partitions.get_mut(&place)?;
        // Another member of the group works on those now.
        pending.waiting.retain(|job| !job.is_revoked());
        let next = pending.waiting.pop_front();
        if pending.paused && pending.waiting.len() <= RESUME_AT {
            pending.paused = self.consumer.resume(&list(&place)).is_err();
        }
        match &next {
            Some(job) => pending.at_work = Some((job.offset(), job.assignment())),
            None => drop(self.partitions.remove(&place)),
        }
        next
    }
}

impl Pending<'_> {
    /// Where the partition has to go on. What came before the partition was last revoked does not matter: it goes on from
    /// what was committed then.
    fn first_unhandled(&self) -> Option<i64> {
        let at_work = self.at_work.iter().filter(|(_, assignment)| !assignment.is_revoked()).map(|(offset, _)| *offset);
        let waiting = self.waiting.iter().filter(|job| !job.is_revoked()).map(|job| job.offset());
        at_work.chain(waiting).min()
    }

    /// What only waited was not tried: it does not count as read.
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
        if let Some((place, offset)) = self.arriving.take() {
            first.entry(place).or_insert(offset); // what waits in its partition came before it
        }
        let mut back = TopicPartitionList::with_capacity(first.len());
        for ((topic, partition), offset) in first {
            let _ = back.add_partition_offset(&topic, partition, Offset::Offset(offset)); // no message has another one
        }
        // Without a time to wait, nothing blocks here: what librdkafka has fetched until now is outdated as soon as this
        // returns, and the seek itself is done by its own thread. It is refused only where the partition is another's.
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
