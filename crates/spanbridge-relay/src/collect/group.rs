//! Being a member of the group: which partitions are ours, and what may be committed.

use super::batch::{Epoch, Offsets};
use super::figures::{CollectFigures, PartitionFigures};
use super::work::Work;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaResult;
use rdkafka::statistics::Statistics;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the group waits for us to finish a batch. Far less than a member may be silent (`max.poll.interval.ms`).
const FINISH: Duration = Duration::from_secs(20);

/// A batch that is stored.
pub(super) struct Stored {
    pub(super) offsets: Offsets,
    pub(super) work: Work,
}

/// Partitions that came or went.
#[derive(Debug)]
pub(super) enum Change {
    Assigned(Vec<i32>),
    Revoked(Vec<i32>),
}

/// What the threads tell each other.
#[derive(Default)]
pub(super) struct Handoff {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The partitions of the batch that is being stored.
    in_work: Option<Offsets>,
    /// Batches that are stored and not committed.
    stored: Vec<Stored>,
    /// The destination does not take anything.
    is_away: bool,
    /// A batch that cannot be stored at once is to be given up.
    gives_up: bool,
    /// Our partitions, each with the number of the assignment.
    assigned: BTreeMap<i32, Epoch>,
    last_epoch: Epoch,
    /// What the loop has not heard of.
    changes: Vec<Change>,
}

impl State {
    /// Whether a batch of these offsets has anything left that is ours.
    fn is_ours(&self, offsets: &Offsets) -> bool {
        offsets.iter().any(|(partition, (epoch, _))| self.assigned.get(partition) == Some(epoch))
    }
}

impl Handoff {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until that is so, at most for this long.
    fn wait(&self, time: Duration, mut is: impl FnMut(&State) -> bool) {
        let state = self.lock();
        drop(self.changed.wait_timeout_while(state, time, |state| !is(state)));
    }

    /// A batch is handed over.
    pub(super) fn begins(&self, offsets: &Offsets) {
        self.lock().in_work = Some(offsets.clone());
    }

    /// Whether a batch is being stored.
    pub(super) fn is_busy(&self) -> bool {
        self.lock().in_work.is_some()
    }

    /// Whether nothing is being stored or waits for its commit.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.in_work.is_none() && state.stored.is_empty()
    }

    /// Waits until no batch is being stored.
    pub(super) fn wait_until_free(&self, time: Duration) {
        self.wait(time, |state| state.in_work.is_none());
    }

    /// The batch is stored, or was given up.
    pub(super) fn finished(&self, stored: Option<Stored>) {
        let mut state = self.lock();
        state.in_work = None;
        state.stored.extend(stored);
        drop(state);
        self.changed.notify_all();
    }

    /// The destination does not take anything. Returns whether to try again, after this time: not if nothing of the batch is ours any
    /// more, or the collector is to end.
    pub(super) fn wait_for_next_attempt(&self, time: Duration) -> bool {
        self.lock().is_away = true;
        self.changed.notify_all();
        let is_over =
            |state: &State| state.gives_up || state.in_work.as_ref().is_none_or(|offsets| !state.is_ours(offsets));
        self.wait(time, is_over);
        !is_over(&self.lock())
    }

    pub(super) fn is_back(&self) {
        self.lock().is_away = false;
    }

    /// From now on, what cannot be stored at once is given up.
    pub(super) fn give_up(&self) {
        self.lock().gives_up = true;
        self.changed.notify_all();
    }

    pub(super) fn changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.lock().changes)
    }

    /// The number of the assignment of a partition, if it is ours.
    pub(super) fn epoch(&self, partition: i32) -> Option<Epoch> {
        self.lock().assigned.get(&partition).copied()
    }

    fn assign(&self, partitions: Vec<i32>) {
        let mut state = self.lock();
        state.last_epoch += 1;
        let epoch = state.last_epoch;
        state.assigned.extend(partitions.iter().map(|partition| (*partition, epoch)));
        state.changes.push(Change::Assigned(partitions));
    }

    fn revoke(&self, partitions: Vec<i32>) {
        let mut state = self.lock();
        state.assigned.retain(|partition, _| !partitions.contains(partition));
        state.changes.push(Change::Revoked(partitions));
        drop(state);
        self.changed.notify_all();
    }
}

/// The client's callbacks. They run on the thread that polls.
pub(super) struct Group {
    pub(super) topic: String,
    pub(super) handoff: Arc<Handoff>,
    pub(super) figures: Arc<CollectFigures>,
}

impl Group {
    /// Commits the offsets of batches that are stored, of partitions that are still ours. What could not be committed is tried again with the next
    /// call.
    pub(super) fn commit(&self, consumer: &BaseConsumer<Self>) -> KafkaResult<()> {
        let stored = std::mem::take(&mut self.handoff.lock().stored);
        if stored.is_empty() {
            return Ok(());
        }
        let mut next: BTreeMap<i32, i64> = BTreeMap::new();
        {
            let state = self.handoff.lock();
            for (partition, (epoch, offset)) in stored.iter().flat_map(|stored| &stored.offsets) {
                if state.assigned.get(partition) == Some(epoch) {
                    next.insert(*partition, *offset);
                }
            }
        }
        let commit = || {
            let mut list = TopicPartitionList::new();
            for (partition, offset) in &next {
                list.add_partition_offset(&self.topic, *partition, Offset::Offset(*offset))?;
            }
            if next.is_empty() { Ok(()) } else { consumer.commit(&list, CommitMode::Sync) }
        };
        let result = match stored.last() {
            Some(last) => last.work.step("commit", commit),
            None => commit(),
        };
        let mut totals = self.figures.lock();
        totals.commits += u64::from(!next.is_empty());
        if let Err(error) = result {
            totals.failed_commits += 1;
            drop(totals);
            let mut state = self.handoff.lock();
            // Before what was stored meanwhile.
            state.stored.splice(0..0, stored);
            return Err(error);
        }
        for (partition, offset) in next {
            totals.partitions.entry(partition).or_default().committed = Some(offset);
        }
        drop(totals);
        stored.into_iter().for_each(|stored| stored.work.end());
        Ok(())
    }

    /// Partitions are about to go: what is in work of them is finished first, if that can be.
    fn finish(&self, consumer: &BaseConsumer<Self>, partitions: &[i32]) {
        let concerned = |state: &State| {
            state.in_work.as_ref().is_some_and(|offsets| offsets.keys().any(|partition| partitions.contains(partition)))
        };
        self.handoff.wait(FINISH, |state| state.is_away || !concerned(state));
        // If it fails, whoever has them next reads again what is stored.
        let _ = self.commit(consumer);
    }
}

impl ClientContext for Group {
    fn stats(&self, statistics: Statistics) {
        let Some(topic) = statistics.topics.get(&self.topic) else { return };
        let mut totals = self.figures.lock();
        for (number, figures) in &mut totals.partitions {
            let Some(told) = topic.partitions.get(number) else { continue };
            // What is not committed in a transaction cannot be read yet.
            let end = if told.ls_offset >= 0 { told.ls_offset } else { told.hi_offset };
            figures.end = Some(end).filter(|end| *end >= 0).or(figures.end);
            let committed = Some(told.committed_offset).filter(|offset| *offset >= 0);
            figures.committed = committed.max(figures.committed).or(Some(told.lo_offset).filter(|low| *low >= 0));
        }
    }
}

impl ConsumerContext for Group {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(list) = rebalance else { return };
        let partitions = numbers(list);
        if partitions.is_empty() {
            return;
        }
        // Who has lost them by silence may not commit any more.
        if !consumer.assignment_lost() {
            self.finish(consumer, &partitions);
        }
        let mut totals = self.figures.lock();
        totals.rebalances += 1;
        totals.partitions.retain(|number, _| !partitions.contains(number));
        drop(totals);
        self.handoff.revoke(partitions);
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(list) = rebalance else { return };
        let partitions = numbers(list);
        if partitions.is_empty() {
            return;
        }
        let mut totals = self.figures.lock();
        totals.rebalances += 1;
        totals.partitions.extend(partitions.iter().map(|number| (*number, PartitionFigures::default())));
        drop(totals);
        self.handoff.assign(partitions);
    }
}

fn numbers(list: &TopicPartitionList) -> Vec<i32> {
    let mut numbers: Vec<i32> = list.elements().iter().map(|partition| partition.partition()).collect();
    numbers.sort_unstable();
    numbers
}
