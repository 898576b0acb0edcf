//! The records about the run itself: its start, its waits, its end, and who worked on it. This decides what contradicts
//! what, by the rules in docs/adr/0006.
//!
//! The order in which records come makes no difference. If two facts contradict each other, the earlier one is shown, and
//! both are named.

use super::conflict::Conflict;
use super::record::{suspension_of, time_of};
use super::succession::Succession;
use crate::hash::Map;
use spanbridge::record::{Body, Record, RunEnd, RunStart, RunSuspend, Segment, Via};
use spanbridge::{SegmentId, Status};
use std::collections::BTreeSet;

/// How far apart the clocks of two hosts may be, in nanoseconds.
const CLOCK_TOLERANCE: u64 = 1_000_000_000;

/// How many contradictory records are named. The rest are counted.
const MAX_NAMED: usize = 4;

/// The records about the run, each by its place in the input.
#[derive(Default)]
pub(super) struct Lifecycle {
    /// The earliest first. Equal ones are kept once.
    pub(super) starts: Vec<usize>,
    /// The same for ends.
    pub(super) ends: Vec<usize>,
    /// One for each segment.
    pub(super) segments: Vec<usize>,
    /// One for each suspension.
    pub(super) suspends: Vec<usize>,
    /// Several segments may resume one suspension: a fan-out.
    pub(super) resumes: Vec<usize>,
    /// Attributes that were added to the run, in no order.
    attributes: Vec<usize>,
}

impl Lifecycle {
    /// Adds a record, if it is about the run.
    pub(super) fn add(&mut self, body: &Body<'_>, place: usize) {
        match body {
            Body::RunStart(_) => self.starts.push(place),
            Body::RunEnd(_) => self.ends.push(place),
            Body::RunSuspend(_) => self.suspends.push(place),
            Body::RunResume(_) => self.resumes.push(place),
            Body::Segment(_) => self.segments.push(place),
            Body::RunAttributes(_) => self.attributes.push(place),
            _ => {}
        }
    }

    /// Orders all that were added, keeps each fact once, and returns what contradicts what.
    pub(super) fn deduplicate(&mut self, records: &[Record<'_>]) -> Vec<Conflict> {
        let body = |place: usize| &records[place].body;
        let mut conflicts = Vec::new();
        for places in [&mut self.starts, &mut self.ends] {
            places.sort_by_key(|at| (time(body(*at)), records[*at].segment_id, records[*at].segment_seq));
            places.dedup_by(|later, first| body(*later) == body(*first));
        }
        self.segments.sort_by_key(|at| (records[*at].segment_id, time(body(*at))));
        self.segments.dedup_by(|later, first| {
            let same = records[*later].segment_id == records[*first].segment_id;
            if same && body(*later) != body(*first) {
                let what = "a segment was recorded twice with different content; the earlier is shown";
                conflicts.push(Conflict::of_run(what));
            }
            same
        });
        self.suspends.sort_by_key(|at| (suspension_of(body(*at)), time(body(*at)), records[*at].segment_id));
        self.suspends.dedup_by(|later, first| {
            let same = suspension_of(body(*later)) == suspension_of(body(*first));
            if same && body(*later) != body(*first) {
                let what = "a suspension was recorded twice with different content; the earlier is shown";
                conflicts.push(Conflict::of_run(what));
            }
            same
        });
        self.resumes.sort_by_key(|at| (suspension_of(body(*at)), time(body(*at)), records[*at].segment_id));
        let key = |at: usize| (suspension_of(body(at)), records[at].segment_id);
        self.resumes.dedup_by(|later, first| key(*later) == key(*first) && body(*later) == body(*first));
        for (places, what) in [(&self.starts, "started"), (&self.ends, "ended")] {
            if places.len() > 1 {
                let named: Vec<_> = places.iter().take(MAX_NAMED).map(|at| described(&records[*at])).collect();
                let more = if places.len() > MAX_NAMED { ", …" } else { "" };
                let times = if places.len() == 2 { "twice".to_owned() } else { format!("{} times", places.len()) };
                let text = format!("the run was {what} {times}: {}{more}; the earliest is shown", named.join(", "));
                conflicts.push(Conflict::of_run(text));
            }
        }
        conflicts.extend(self.conflicts_after_end(records));
        conflicts
    }

    /// Segments that resumed or suspended the run after it had ended.
    fn conflicts_after_end(&self, records: &[Record<'_>]) -> Vec<Conflict> {
        let Some(end) = self.ends.first().copied() else { return Vec::new() };
        let latest = self.resumes.iter().chain(self.resumed_without_suspension(records)).chain(&self.suspends);
        let ended_at = time(&records[end].body);
        let late: Vec<usize> = latest.copied().filter(|at| time(&records[*at].body) > ended_at).collect();
        if late.is_empty() {
            return Vec::new(); // nearly always
        }
        let predecessors = self.predecessors(records, end);
        let hosts = self.hosts(records);
        let host = |at: usize| hosts.get(&records[at].segment_id);
        let ending: BTreeSet<SegmentId> = self.ends.iter().map(|at| records[*at].segment_id).collect();
        let mut late_segments = BTreeSet::new();
        let mut conflicts = Vec::new();
        for at in late {
            let same_host = host(at).is_some() && host(at) == host(end);
            let tolerance = if same_host { 0 } else { CLOCK_TOLERANCE };
            let record = &records[at];
            let after = time(&record.body) - ended_at > tolerance;
            // A segment that ended the run again is named already.
            if !after || predecessors.include(record) || ending.contains(&record.segment_id) {
                continue;
            }
            if late_segments.insert(record.segment_id) && late_segments.len() <= MAX_NAMED {
                let what = if let Body::RunSuspend(_) = record.body { "suspended" } else { "resumed" };
                let (by, ended_by) = (described_segment(record), described_segment(&records[end]));
                conflicts.push(Conflict::of_run(format!("the run was {what} by {by} after {ended_by} had ended it")));
            }
        }
        if late_segments.len() > MAX_NAMED {
            let more = late_segments.len() - MAX_NAMED;
            conflicts.push(Conflict::of_run(format!("{more} more segments came after the run had ended")));
        }
        conflicts
    }

    /// Segments that resumed the run without ending a suspension.
    fn resumed_without_suspension<'s>(&'s self, records: &'s [Record<'_>]) -> impl Iterator<Item = &'s usize> {
        let left = |at: &&usize| {
            matches!(records[**at].body, Body::Segment(Segment { via: Via::Resume, suspension_id: None, .. }))
        };
        self.segments.iter().filter(left)
    }

    /// What came before the segment of this record, whatever the clocks say: what it goes on from, what that goes on from, and
    /// so on.
    fn predecessors<'s>(&self, records: &'s [Record<'_>], place: usize) -> Predecessors<'s> {
        let succession = self.succession(records);
        let mut found = Predecessors::default();
        let mut open = vec![records[place].segment_id];
        while let Some(segment) = open.pop() {
            if found.segments.insert(segment) {
                found.suspensions.extend(succession.suspensions(segment));
                open.extend(succession.before(segment));
            }
        }
        found
    }

    /// Which segment goes on from which.
    fn succession<'s>(&self, records: &'s [Record<'_>]) -> Succession<'s> {
        Succession::of(records, &self.segments, &self.suspends, &self.resumes)
    }

    /// The places of the records that added attributes, in the order in which they did: segment by segment, each after those
    /// that it goes on from, and by number within a segment. It does not depend on the order in which the records came.
    pub(super) fn added_attributes(&self, records: &[Record<'_>]) -> Vec<usize> {
        let mut added = self.attributes.clone();
        let segment = |at: &usize| records[*at].segment_id;
        // Usually one process adds all of them, or none does.
        let places = match added.first().map(segment) {
            Some(one) if added.iter().any(|at| segment(at) != one) => {
                self.succession(records).places(self.starts.first().map(segment))
            }
            _ => Map::default(),
        };
        // A segment's own record may be lost: such a segment comes last.
        let place = |segment| places.get(&segment).copied().unwrap_or(usize::MAX);
        added.sort_by_key(|at| (place(segment(at)), segment(at), records[*at].segment_seq));
        added
    }

    fn hosts<'s>(&self, records: &'s [Record<'_>]) -> Map<SegmentId, &'s str> {
        let host = |at: &usize| match &records[*at].body {
            Body::Segment(Segment { resource, .. }) => {
                Some((records[*at].segment_id, resource.get("host.name")?.as_str()?))
            }
            _ => None,
        };
        self.segments.iter().filter_map(host).collect()
    }

    /// Whether a suspension was never resumed.
    pub(super) fn is_suspended(&self, records: &[Record<'_>]) -> bool {
        let over: BTreeSet<_> =
            self.resumes.iter().chain(&self.segments).filter_map(|at| suspension_of(&records[*at].body)).collect();
        self.suspends.iter().any(|at| suspension_of(&records[*at].body).is_none_or(|id| !over.contains(id)))
    }

    /// Whether code declared the run. Otherwise it consists of the spans of its trace.
    pub(super) fn is_owned(&self, records: &[Record<'_>]) -> bool {
        let said = [&self.starts, &self.ends, &self.suspends, &self.resumes].iter().any(|places| !places.is_empty());
        let resumed = |at: &usize| matches!(records[*at].body, Body::Segment(Segment { via: Via::Resume, .. }));
        said || self.segments.iter().any(resumed)
    }
}

/// What came before a segment.
#[derive(Default)]
struct Predecessors<'s> {
    /// The segments that had begun.
    segments: BTreeSet<SegmentId>,
    /// The suspensions that it, or one before it, resumed.
    suspensions: BTreeSet<&'s str>,
}

impl Predecessors<'_> {
    /// Whether a record about the run is one of them. A predecessor can still suspend the run later, since a saved run can
    /// be copied; so a suspension counts only if it was resumed.
    fn include(&self, record: &Record<'_>) -> bool {
        match &record.body {
            Body::RunSuspend(RunSuspend { suspension_id, .. }) => self.suspensions.contains(&**suspension_id),
            _ => self.segments.contains(&record.segment_id),
        }
    }
}

fn time(body: &Body<'_>) -> u64 {
    time_of(body).unwrap_or(0)
}

fn described_segment(record: &Record<'_>) -> String {
    format!("{} (segment {:.8})", record.service, record.segment_id)
}

/// A start or an end in a few words.
fn described(record: &Record<'_>) -> String {
    let what = match &record.body {
        Body::RunEnd(RunEnd { status: Status::Ok, .. }) => "as ok".to_owned(),
        Body::RunEnd(RunEnd { status: Status::Cancelled, .. }) => "as cancelled".to_owned(),
        Body::RunEnd(_) => "as an error".to_owned(),
        Body::RunStart(RunStart { name, .. }) => format!("as `{name}`"),
        _ => String::new(),
    };
    format!("{what} by {}", described_segment(record))
}
