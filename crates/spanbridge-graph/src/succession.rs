//! Which segment of a run goes on from which, whatever the clocks say: one that resumed what another had suspended, or that
//! follows a resumption by another.

use super::record::{suspension_of, time_of};
use crate::hash::Map;
use spanbridge::SegmentId;
use spanbridge::record::{Body, Record};
use std::collections::{BTreeMap, BTreeSet};

/// The segments of a run, each with those that it goes on from.
pub(super) struct Succession<'r> {
    /// The segments' own records.
    segments: Vec<&'r Record<'r>>,
    suspended_by: BTreeMap<&'r str, SegmentId>,
    resumed: Map<SegmentId, Vec<&'r str>>,
    /// A resumption may have several segments: a recorder may forget a run and begin a new segment for it.
    segments_of: Map<&'r str, Vec<SegmentId>>,
    after: Map<SegmentId, &'r str>,
}

impl<'r> Succession<'r> {
    /// From the places of these records.
    pub(super) fn of(records: &'r [Record<'_>], segments: &[usize], suspends: &[usize], resumes: &[usize]) -> Self {
        let mut suspended_by: BTreeMap<&str, SegmentId> = BTreeMap::new();
        for at in suspends {
            suspended_by.extend(suspension_of(&records[*at].body).map(|id| (id, records[*at].segment_id)));
        }
        let mut resumed: Map<SegmentId, Vec<&str>> = Map::default();
        for at in resumes.iter().chain(segments) {
            let ids = resumed.entry(records[*at].segment_id).or_default();
            ids.extend(suspension_of(&records[*at].body));
        }
        let mut segments_of: Map<&str, Vec<SegmentId>> = Map::default();
        let mut after: Map<SegmentId, &str> = Map::default();
        let segments: Vec<_> = segments.iter().map(|at| &records[*at]).collect();
        for record in &segments {
            let Body::Segment(segment) = &record.body else { continue };
            if let Some(resumption) = &segment.resumption_id {
                segments_of.entry(resumption).or_default().push(record.segment_id);
            }
            after.extend(segment.previous_resumption_id.as_deref().map(|id| (record.segment_id, id)));
        }
        Self { segments, suspended_by, resumed, segments_of, after }
    }

    /// The suspensions that the segment resumed.
    pub(super) fn suspensions(&self, segment: SegmentId) -> impl Iterator<Item = &'r str> + '_ {
        self.resumed.get(&segment).into_iter().flatten().copied()
    }

    /// The segments that this one goes on from.
    pub(super) fn before(&self, segment: SegmentId) -> impl Iterator<Item = SegmentId> + '_ {
        let suspended = self.suspensions(segment).filter_map(|id| self.suspended_by.get(id));
        let followed = self.after.get(&segment).and_then(|id| self.segments_of.get(id)).into_iter().flatten();
        suspended.chain(followed).copied()
    }

    /// The segments in order, each with its place: first the one that began the run, then by when they began, but each after
    /// those that it goes on from.
    pub(super) fn places(&self, first: Option<SegmentId>) -> Map<SegmentId, usize> {
        let mut by_time = self.segments.clone();
        by_time.sort_by_key(|r| (Some(r.segment_id) != first, time_of(&r.body), r.segment_id));
        let (mut seen, mut places) = (BTreeSet::new(), Map::default());
        for record in by_time {
            // A segment stands on the stack twice: to look at what comes before it, and, after that, to take its place.
            let mut stack = vec![(record.segment_id, false)];
            while let Some((segment, is_done)) = stack.pop() {
                if is_done {
                    places.insert(segment, places.len());
                } else if seen.insert(segment) {
                    stack.push((segment, true));
                    stack.extend(self.before(segment).map(|before| (before, false)));
                }
            }
        }
        places
    }
}
