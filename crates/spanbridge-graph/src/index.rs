//! Finds spans by id.
//!
//! The standard library's map keeps keys and values in its table. For a run of a million spans that table is far larger than
//! the CPU's caches. This one has four bytes for each span, and a plain list of ids beside it: half the time.

use crate::hash::Keyed;
use std::hash::BuildHasher;

/// The ids seen so far, numbered in order from 0.
#[derive(Default)]
pub(super) struct Index {
    ids: Vec<u64>,
    /// An open-addressing table, at most half full. 0 is free, else the place plus one.
    slots: Vec<u32>,
    key: Keyed,
}

impl Index {
    /// Room for this many ids.
    pub(super) fn with_capacity(ids: usize) -> Self {
        let mut index = Self { ids: Vec::with_capacity(ids), ..Self::default() };
        index.grow_to(ids);
        index
    }

    /// The place of an id.
    pub(super) fn get(&self, id: u64) -> Option<usize> {
        if self.slots.is_empty() { None } else { self.find(id).ok() }
    }

    /// The place of an id, and whether it is new.
    pub(super) fn place(&mut self, id: u64) -> (usize, bool) {
        if 2 * (self.ids.len() + 1) > self.slots.len() {
            self.grow_to(2 * self.ids.len() + 8);
        }
        match self.find(id) {
            Ok(place) => (place, false),
            Err(free) => {
                let place = self.ids.len();
                self.ids.push(id);
                self.slots[free] = place as u32 + 1;
                (place, true)
            }
        }
    }

    /// The place of an id, or the slot where it would go.
    fn find(&self, id: u64) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        // The key is random and the high bits of the hash are the best ones.
        let mut slot = (self.key.hash_one(id) >> 32) as usize & mask;
        loop {
            match self.slots[slot].checked_sub(1) {
                None => return Err(slot),
                Some(place) if self.ids[place as usize] == id => return Ok(place as usize),
                Some(_) => slot = (slot + 1) & mask,
            }
        }
    }

    fn grow_to(&mut self, ids: usize) {
        let len = (2 * ids).next_power_of_two().max(16);
        self.slots.clear();
        self.slots.resize(len, 0);
        for place in 0..self.ids.len() {
            if let Err(free) = self.find(self.ids[place]) {
                self.slots[free] = place as u32 + 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_up_and_stay() {
        for capacity in [0, 5, 5000] {
            let mut index = Index::with_capacity(capacity);
            assert_eq!(index.get(1), None);
            for round in 0..2 {
                for n in 0..3000u64 {
                    assert_eq!(index.place(n << 20 | 1), (n as usize, round == 0));
                }
            }
            assert_eq!(index.get(7 << 20 | 1), Some(7));
            assert_eq!(index.get(2), None);
        }
    }
}
