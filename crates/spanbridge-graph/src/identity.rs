//! Recognises records that come twice.
//!
//! Delivery is at least once, and files are imported twice. The same record again changes nothing; different content under
//! the same id is a conflict. Our own records are numbered without gaps in each segment, so a list per segment, indexed by
//! number, remembers most of them. Others are looked up by hash.

use crate::hash::{Map, join, stable};
use spanbridge::record::Record;

/// What a record is to the records before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Identity {
    New,
    Repeated,
    /// It contradicts the record at this place.
    Conflict(usize),
}

/// The records seen so far, by place.
#[derive(Default)]
pub(super) struct SeenRecords {
    segments: Vec<SegmentRecords>,
    segment_places: Map<u64, usize>,
    /// The segment of the last record: the next one is often of the same.
    last: usize,
    /// By a hash of the id: records with ids of others, and those whose number is too far from the rest of their segment.
    others: Map<u64, u32>,
}

/// The records of a segment: at index `i`, the place plus one of the record with the number `first + i`.
struct SegmentRecords {
    segment: u64,
    first: u64,
    places: Vec<u32>,
}

/// How far ahead a number may be without being looked up by hash. Bounds how much a hostile number can make a list grow.
const MAX_NUMBER_GAP: usize = 64;

impl SeenRecords {
    /// What the record at this place is. Call it once for each record, in order.
    pub(super) fn identify(&mut self, records: &[Record<'_>], place: usize) -> Identity {
        let record = &records[place];
        let earlier = match &record.id {
            None => self.numbered(record.segment_id.get(), record.segment_seq, place as u32),
            Some(id) => self.hashed(join(1, stable(id.as_bytes())), place as u32),
        };
        match earlier.map(|e| e as usize).and_then(|e| Some((e, records.get(e)?))) {
            None => Identity::New,
            Some((_, first)) if first == record => Identity::Repeated,
            // Two ids with the same hash: very unlikely, and no conflict.
            Some((_, first)) if first.id != record.id => Identity::New,
            Some((earlier, _)) => Identity::Conflict(earlier),
        }
    }

    fn numbered(&mut self, segment: u64, seq: u64, place: u32) -> Option<u32> {
        let at = self.segment_at(segment, seq);
        let segment_records = &mut self.segments[at];
        let hash = join(join(0, segment), seq);
        let index = seq.checked_sub(segment_records.first).and_then(|i| usize::try_from(i).ok());
        let Some(index) = index.filter(|i| *i <= segment_records.places.len() + MAX_NUMBER_GAP) else {
            return self.hashed(hash, place);
        };
        if index >= segment_records.places.len() {
            segment_records.places.resize(index + 1, 0);
        }
        match segment_records.places[index].checked_sub(1) {
            None => {
                // It may have come when its number was still too far ahead.
                let earlier = if self.others.is_empty() { None } else { self.others.get(&hash).copied() };
                segment_records.places[index] = earlier.unwrap_or(place) + 1;
                earlier
            }
            taken => taken,
        }
    }

    fn hashed(&mut self, hash: u64, place: u32) -> Option<u32> {
        match self.others.entry(hash) {
            std::collections::hash_map::Entry::Occupied(e) => Some(*e.get()),
            std::collections::hash_map::Entry::Vacant(e) => {
                e.insert(place);
                None
            }
        }
    }

    /// The place of this segment. A new one begins at this number.
    fn segment_at(&mut self, segment: u64, seq: u64) -> usize {
        if self.segments.get(self.last).is_none_or(|l| l.segment != segment) {
            let segments = &mut self.segments;
            self.last = *self.segment_places.entry(segment).or_insert_with(|| {
                segments.push(SegmentRecords { segment, first: seq, places: Vec::new() });
                segments.len() - 1
            });
        }
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanbridge::SegmentId;
    use spanbridge::record::RunResume;

    fn record(id: Option<&'static str>, segment: u64, seq: u64, at: u64) -> Record<'static> {
        let body = RunResume::new("x", at);
        Record::new(SegmentId::new(segment).unwrap(), seq, "s", body).with_id(id.map(Into::into))
    }

    #[test]
    fn known_by_number_and_by_id() {
        let far = u64::MAX;
        let records = [
            record(None, 1, 5, 0),
            record(None, 1, far, 0),
            record(None, 2, 1, 0),
            record(None, 1, 80, 0),
            record(None, 1, 5, 0),
            record(None, 1, 3, 0),
            record(None, 1, 3, 9),
            record(None, 1, far, 1),
            record(Some("a"), 1, 5, 0),
            record(Some("a"), 1, 6, 0),
            record(None, 1, 60, 0),
            record(None, 1, 80, 7),
            record(None, 1, 80, 0),
        ];
        let mut seen = SeenRecords::default();
        let found: Vec<Identity> = (0..records.len()).map(|place| seen.identify(&records, place)).collect();
        use Identity::*;
        let expected =
            [New, New, New, New, Repeated, New, Conflict(5), Conflict(1), New, Conflict(8), New, Conflict(3), Repeated];
        assert_eq!(found, expected);
    }
}
