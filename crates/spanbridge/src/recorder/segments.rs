//! The segments that this recorder is in: one per run, and how many records each has.

use crate::encoder::clock::ticks;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// Maximum number of runs in a generation.
const MAX_YOUNG_RUNS: usize = 1 << 14;

#[derive(Clone, Copy)]
pub(super) struct Segment {
    pub(super) id: u64,
    /// The number of its latest record.
    pub(super) seq: u64,
}

/// Segments by run, in two generations, so that memory is bounded: a run that was not seen for a whole generation is
/// forgotten. If it comes again, it opens a new segment.
pub(super) struct Segments {
    instance: u64,
    generation: u64,
    /// When the generation began, in ticks; and the time after which nothing made was forgotten.
    began: u64,
    horizon: u64,
    young: HashMap<Key, Segment, Fold>,
    old: HashMap<Key, Segment, Fold>,
}

/// A run and one of its segments: 0 is the usual one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    run: u128,
    ordinal: u64,
}

/// In one piece, because [`Fold`] takes one.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.run ^ u128::from(self.ordinal))
    }
}

impl Segments {
    pub(super) fn new(instance: u64) -> Self {
        let map = || HashMap::with_hasher(Self::fold());
        Segments { instance, generation: 0, began: ticks(), horizon: 0, young: map(), old: map() }
    }

    /// A hash with a key of its own.
    pub(super) fn fold() -> Fold {
        let keys = RandomState::new();
        Fold(keys.hash_one(1), keys.hash_one(2) | 1)
    }

    /// The segment of a run, and whether it begins now. `ordinal` names a segment beside the usual one. What belongs to no run (0) has
    /// one, too, without a record that begins it.
    pub(super) fn of(&mut self, run: u128, ordinal: u64) -> (&mut Segment, bool) {
        let mut opens = false;
        let (old, instance, generation) = (&mut self.old, self.instance, self.generation);
        let key = Key { run, ordinal };
        let segment = self.young.entry(key).or_insert_with(|| {
            old.remove(&key).unwrap_or_else(|| {
                opens = run != 0;
                Segment { id: segment_id(instance, key, generation), seq: u64::from(opens) }
            })
        });
        (segment, opens)
    }

    /// Called between deliveries.
    pub(super) fn forget(&mut self) {
        if self.young.len() > MAX_YOUNG_RUNS {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
            self.generation += 1;
            self.horizon = std::mem::replace(&mut self.began, ticks());
        }
    }

    /// Whether a segment that was made at this time may have been here and been forgotten. If it comes again, it opens
    /// another segment, but does not resume the run a second time.
    pub(super) fn may_have_forgotten(&self, made: u64) -> bool {
        made < self.horizon
    }
}

/// Derived from instance, run and ordinal, so that it need not be stored whole.
fn segment_id(instance: u64, Key { run, ordinal }: Key, generation: u64) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut h = instance;
    for word in [run as u64, (run >> 64) as u64, ordinal, generation] {
        h = (h ^ word).wrapping_mul(ODD);
        h ^= h >> 29;
    }
    h | (h == 0) as u64
}

/// A folded multiply with a random key, because received run ids may be hostile.
#[derive(Clone)]
pub(super) struct Fold(u64, u64);

pub(super) struct Folding(u64, u64);

impl BuildHasher for Fold {
    type Hasher = Folding;
    fn build_hasher(&self) -> Folding {
        Folding(self.0, self.1)
    }
}

impl Hasher for Folding {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64(u64::from(*b))
        }
    }
    fn write_u64(&mut self, v: u64) {
        self.write_u128(u128::from(v))
    }
    fn write_u128(&mut self, v: u128) {
        let x = u128::from(v as u64 ^ self.0) * u128::from((v >> 64) as u64 ^ self.1);
        self.0 = (x as u64 ^ (x >> 64) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run that comes back after its segment was closed opens another one.
    #[test]
    fn a_late_comeback_opens_another_segment() {
        let mut s = Segments::new(7);
        let first = s.of(1, 0).0.id;
        s.of(1, 0).0.seq += 5;
        assert_eq!((s.of(1, 0).0.seq, s.of(1, 0).1), (6, false));
        for run in 0..3 * MAX_YOUNG_RUNS as u128 {
            s.of(run + 10, 0);
            s.forget();
        }
        let (again, opens) = s.of(1, 0);
        assert!(opens && again.id != first);
        assert!(s.young.len() + s.old.len() <= 2 * MAX_YOUNG_RUNS + 2);
    }

    #[test]
    fn segments_of_one_run_count_side_by_side() {
        let mut s = Segments::new(7);
        let ids = [0, 1, 2].map(|ordinal| s.of(1, ordinal).0.id);
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
        s.of(1, 1).0.seq += 5;
        assert_eq!(
            [0, 1, 2].map(|ordinal| (s.of(1, ordinal).0.seq, s.of(1, ordinal).1)),
            [(1, false), (6, false), (1, false)]
        );
    }
}
