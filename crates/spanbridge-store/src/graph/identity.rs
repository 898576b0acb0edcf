//! Recognises records that come again.
//!
//! Delivery is at least once, and files are imported twice. The same record again changes nothing; other content under
//! an id that is taken contradicts the first. Our own records are numbered without gaps in each segment, so a lane per
//! segment, indexed by number, remembers most of them; others are looked up by hash.

use crate::hash::{Map, join, stable};
use spanbridge::record::Record;

/// What a record is to those before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sight {
    New,
    Repeated,
    /// It contradicts the record at this place.
    Conflict(usize),
}

/// The records seen so far, by place.
#[derive(Default)]
pub(super) struct Seen {
    lanes: Vec<Lane>,
    lane_of: Map<u64, usize>,
    last: usize,
    /// By a hash of the id: foreign ids, and numbers too far from the others of their segment.
    others: Map<u64, u32>,
}

/// The records of a segment: the place plus one of the record with the number `first + i`.
struct Lane {
    segment: u64,
    first: u64,
    places: Vec<u32>,
}

/// How far ahead a number may be without being looked up by hash. Bounds what a hostile number can make a lane grow by.
const GAP: usize = 64;

impl Seen {
    /// Looks at the record at this place, once for each, in order.
    pub(super) fn look(&mut self, records: &[Record<'_>], place: usize) -> Sight {
        let record = &records[place];
        let earlier = match &record.id {
            None => self.numbered(record.segment_id.get(), record.segment_seq, place as u32),
            Some(id) => self.hashed(join(1, stable(id.as_bytes())), place as u32),
        };
        match earlier.map(|e| e as usize).and_then(|e| Some((e, records.get(e)?))) {
            None => Sight::New,
            Some((_, first)) if first == record => Sight::Repeated,
            // Two ids with one hash would be a miracle, but no conflict.
            Some((_, first)) if first.id != record.id => Sight::New,
            Some((earlier, _)) => Sight::Conflict(earlier),
        }
    }

    fn numbered(&mut self, segment: u64, seq: u64, place: u32) -> Option<u32> {
        let lane = self.lane(segment, seq);
        let lane = &mut self.lanes[lane];
        let hash = join(join(0, segment), seq);
        let index = seq.checked_sub(lane.first).and_then(|i| usize::try_from(i).ok());
        let Some(index) = index.filter(|i| *i <= lane.places.len() + GAP) else { return self.hashed(hash, place) };
        if index >= lane.places.len() {
            lane.places.resize(index + 1, 0);
        }
        match lane.places[index].checked_sub(1) {
            None => {
                // It may have come when its number was still too far ahead.
                let earlier = if self.others.is_empty() { None } else { self.others.get(&hash).copied() };
                lane.places[index] = earlier.unwrap_or(place) + 1;
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

    /// The lane of this segment; a new one begins at this number.
    fn lane(&mut self, segment: u64, seq: u64) -> usize {
        if self.lanes.get(self.last).is_none_or(|l| l.segment != segment) {
            let lanes = &mut self.lanes;
            self.last = *self.lane_of.entry(segment).or_insert_with(|| {
                lanes.push(Lane { segment, first: seq, places: Vec::new() });
                lanes.len() - 1
            });
        }
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanbridge::SegmentId;
    use spanbridge::record::Body;

    fn record(id: Option<&'static str>, segment: u64, seq: u64, at: u64) -> Record<'static> {
        Record {
            id: id.map(Into::into),
            run_id: None,
            trace_id: None,
            segment_id: SegmentId::new(segment).unwrap(),
            segment_seq: seq,
            service: "s".into(),
            body: Body::RunResume { suspension_id: "x".into(), resumed_at: at },
        }
    }

    #[test]
    fn by_number_and_by_id_in_any_order() {
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
        let mut seen = Seen::default();
        let sights: Vec<Sight> = (0..records.len()).map(|place| seen.look(&records, place)).collect();
        use Sight::*;
        let expected =
            [New, New, New, New, Repeated, New, Conflict(5), Conflict(1), New, Conflict(8), New, Conflict(3), Repeated];
        assert_eq!(sights, expected);
    }
}
