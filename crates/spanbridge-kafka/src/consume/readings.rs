//! How often a message was read: a consumer that seeks back reads messages again.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// So many stretches of a partition are remembered. What was read before is not counted as read.
const MAX_STRETCHES: usize = 256;

/// What a consumer has read of a partition since it was assigned.
///
/// A partition is read in stretches. While there is only one and it continues, a message costs one comparison.
#[derive(Debug)]
pub(crate) struct Readings {
    /// The offset after the last message; -1: none was read.
    next: AtomicI64,
    /// A message other than the next one was read.
    jumped: AtomicBool,
    stretches: Mutex<VecDeque<Range<i64>>>,
}

impl Default for Readings {
    fn default() -> Self {
        Readings { next: AtomicI64::new(-1), jumped: AtomicBool::new(false), stretches: Mutex::default() }
    }
}

impl Readings {
    /// A message was read. Returns how often by now.
    pub(crate) fn read(&self, offset: i64) -> u32 {
        if self.next.load(Relaxed) == offset && !self.jumped.load(Relaxed) {
            self.next.store(offset.saturating_add(1), Relaxed);
            return 1;
        }
        self.elsewhere(offset)
    }

    /// It is not the next message.
    #[cold]
    fn elsewhere(&self, offset: i64) -> u32 {
        let mut stretches = self.stretches.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.next.swap(offset.saturating_add(1), Relaxed);
        if let Some(last) = stretches.back_mut() {
            last.end = next // the fast path does not update it
        }
        if next != offset {
            // The messages in between were not read: they do not exist, or somebody sought past them.
            self.jumped.store(next > offset || self.jumped.load(Relaxed), Relaxed);
            stretches.push_back(offset..offset);
            if stretches.len() > MAX_STRETCHES {
                stretches.pop_front();
            }
        }
        let before = stretches.iter().filter(|stretch| stretch.contains(&offset)).count();
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The messages of the last stretch from this offset on are not counted as read: they were given back unhandled.
    pub(crate) fn give_back(&self, from: i64) {
        let mut stretches = self.stretches.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.next.load(Relaxed);
        if next <= from {
            return;
        }
        if let Some(last) = stretches.back_mut() {
            last.end = next
        }
        // With gaps in the partition, the last stretch is several.
        while stretches.back().is_some_and(|last| last.start >= from) {
            stretches.pop_back();
        }
        let next = stretches.back_mut().map_or(-1, |last| {
            last.end = last.end.min(from);
            last.end
        });
        self.next.store(next, Relaxed)
    }

    /// The partition was assigned anew: others may have read it.
    pub(crate) fn forget(&self) {
        let mut stretches = self.stretches.lock().unwrap_or_else(PoisonError::into_inner);
        stretches.clear();
        self.next.store(-1, Relaxed);
        self.jumped.store(false, Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn what_is_read_again_counts() {
        let readings = Readings::default();
        let read = |range: Range<i64>| range.map(|offset| readings.read(offset)).collect::<Vec<_>>();
        assert_eq!(read(5..8), [1, 1, 1]);
        assert_eq!(read(10..12), [1, 1], "a gap");
        assert_eq!(read(6..13), [2, 2, 1, 1, 2, 2, 1], "what was in the gap was not read before");
        assert_eq!(read(7..8), [3]);
        assert_eq!(read(100..101), [1]);
        readings.forget();
        assert_eq!(read(7..8), [1]);
        assert_eq!(readings.read(i64::MAX), 1);
        assert_eq!(readings.read(i64::MIN), 1);
    }

    #[test]
    fn what_is_handed_back_was_not_read() {
        let readings = Readings::default();
        let read = |range: Range<i64>| range.map(|offset| readings.read(offset)).collect::<Vec<_>>();
        assert_eq!((read(0..4), read(5..9)), (vec![1; 4], vec![1; 4]), "a gap");
        readings.give_back(9);
        readings.give_back(7);
        assert_eq!(read(6..10), [2, 1, 1, 1], "the one before was tried");
        readings.give_back(8);
        assert_eq!(read(7..10), [2, 1, 1], "it was tried twice");
        readings.forget();
        readings.give_back(0);
        assert_eq!(read(0..2), [1, 1]);
        readings.give_back(0);
        assert_eq!((read(0..2), read(0..2)), (vec![1, 1], vec![2, 2]), "all of a stretch");
    }

    proptest! {
        #[test]
        fn as_a_plain_count(reads in prop::collection::vec((0i64..20, 1i64..6), 1..20)) {
            let (readings, mut counts) = (Readings::default(), HashMap::<i64, u32>::new());
            for offset in reads.iter().flat_map(|(from, size)| *from..from + size) {
                let count = counts.entry(offset).or_default();
                *count += 1;
                prop_assert_eq!(readings.read(offset), *count);
            }
        }
    }
}
