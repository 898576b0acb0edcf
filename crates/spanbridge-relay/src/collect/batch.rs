//! Messages that are stored together.

use super::options::CollectOptions;
use super::work::Work;
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;
use std::collections::BTreeMap;
use std::time::Instant;

/// Which assignment of a partition something belongs to. It counts up.
pub(super) type Epoch = u64;

/// Where to go on in each partition, and the assignment that is meant.
pub(super) type Offsets = BTreeMap<i32, (Epoch, i64)>;

/// Messages that are stored together, in the order in which they came.
#[derive(Default)]
pub(super) struct Batch<'c> {
    pub(super) messages: Vec<BorrowedMessage<'c>>,
    pub(super) offsets: Offsets,
    /// Of the values.
    pub(super) bytes: usize,
    /// About how many there are.
    records: u64,
    began: Option<Instant>,
    /// What is recorded of it.
    pub(super) work: Work,
}

impl<'c> Batch<'c> {
    pub(super) fn push(&mut self, message: BorrowedMessage<'c>, epoch: Epoch, options: &CollectOptions) {
        if self.began.is_none() {
            self.began = Some(Instant::now());
            self.work = Work::begin(&options.from);
        }
        let (bytes, records) = size(&message);
        self.bytes += bytes;
        self.records += records;
        self.offsets.insert(message.partition(), (epoch, message.offset() + 1));
        self.messages.push(message);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn is_full(&self, options: &CollectOptions) -> bool {
        self.bytes >= options.max_bytes || self.records >= options.max_records
    }

    /// Whether it is to be stored now.
    pub(super) fn is_due(&self, options: &CollectOptions) -> bool {
        self.is_full(options) || self.began.is_some_and(|began| began.elapsed() >= options.max_wait)
    }

    /// Forgets the messages of partitions that are no longer ours: somebody else reads them.
    pub(super) fn forget(&mut self, partitions: &[i32]) {
        let before = self.messages.len();
        self.messages.retain(|message| !partitions.contains(&message.partition()));
        self.offsets.retain(|partition, _| !partitions.contains(partition));
        if self.messages.len() == before {
            return;
        }
        let sizes = self.messages.iter().map(size);
        (self.bytes, self.records) = sizes.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        if self.is_empty() {
            std::mem::take(self).work.cancel();
        }
    }
}

/// Bytes of the value, and its lines. The last one needs no end.
fn size(message: &BorrowedMessage<'_>) -> (usize, u64) {
    let value = message.payload().unwrap_or_default();
    let lines = value.split_inclusive(|byte| *byte == b'\n').count();
    (value.len(), lines as u64)
}
