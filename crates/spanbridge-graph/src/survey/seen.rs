//! Recognises records that come twice, by four bytes for each.
//!
//! The rules are those of [`identity`](crate::identity): our own records are numbered without gaps in each segment, so a list for
//! each segment remembers most of them. Others are looked up by hash.

use super::content;
use crate::hash::{Map, join, stable};
use spanbridge::record::Record;

/// What a record is to those before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Identity {
    New,
    Repeated,
    Conflict,
}

/// Hashes of the records seen so far.
#[derive(Default)]
pub(super) struct Seen {
    segments: Vec<Numbered>,
    places: Map<u64, usize>,
    last: usize,
    others: Map<u64, u32>,
}

/// The records of a segment: at index `i`, the hash of the one with the number `first + i`. 0: none.
struct Numbered {
    segment: u64,
    first: u64,
    hashes: Vec<u32>,
}

/// How far ahead a number may be without being looked up by hash. Bounds how much a hostile number can make a list grow.
const MAX_NUMBER_GAP: usize = 64;

impl Seen {
    /// What this record is. Call it once for each record.
    pub(super) fn identify(&mut self, record: &Record<'_>) -> Identity {
        // Never 0, which stands for none.
        let hash = content::of_record(record) | 1;
        let earlier = match &record.id {
            None => self.numbered(record.segment_id.get(), record.segment_seq, hash),
            Some(id) => self.hashed(join(1, stable(id.as_bytes())), hash),
        };
        compared(earlier, hash)
    }

    /// The same for a thing that records are about: hashes of its id and of what is said of it.
    pub(super) fn identify_thing(&mut self, id: u64, content: u64) -> Identity {
        let hash = content as u32 | 1;
        compared(self.hashed(id, hash), hash)
    }

    fn numbered(&mut self, segment: u64, seq: u64, hash: u32) -> Option<u32> {
        if self.segments.get(self.last).is_none_or(|last| last.segment != segment) {
            let segments = &mut self.segments;
            self.last = *self.places.entry(segment).or_insert_with(|| {
                segments.push(Numbered { segment, first: seq, hashes: Vec::new() });
                segments.len() - 1
            });
        }
        let known = &mut self.segments[self.last];
        let key = join(join(0, segment), seq);
        let index = seq.checked_sub(known.first).and_then(|index| usize::try_from(index).ok());
        let Some(index) = index.filter(|index| *index <= known.hashes.len() + MAX_NUMBER_GAP) else {
            return self.hashed(key, hash);
        };
        if index >= known.hashes.len() {
            known.hashes.resize(index + 1, 0);
        }
        match known.hashes[index] {
            0 => {
                // It may have come when its number was still too far ahead.
                let earlier = self.others.get(&key).copied();
                known.hashes[index] = earlier.unwrap_or(hash);
                earlier
            }
            taken => Some(taken),
        }
    }

    fn hashed(&mut self, key: u64, hash: u32) -> Option<u32> {
        match self.others.entry(key) {
            std::collections::hash_map::Entry::Occupied(known) => Some(*known.get()),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(hash);
                None
            }
        }
    }
}

fn compared(earlier: Option<u32>, hash: u32) -> Identity {
    match earlier {
        None => Identity::New,
        Some(earlier) if earlier == hash => Identity::Repeated,
        Some(_) => Identity::Conflict,
    }
}
