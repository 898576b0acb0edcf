//! What was said about the run itself: its start, its waits, its end, and who worked on it. Here it is decided what
//! contradicts what; docs/adr/0006 tells the rules.
//!
//! Nothing here depends on the order in which records come. Where two facts contradict each other, the earlier one is
//! shown and both are told of.

use super::join::Conflict;
use crate::hash::Map;
use spanbridge::record::{Body, Record, Via};
use spanbridge::{SegmentId, Status};
use std::collections::{BTreeMap, BTreeSet};

/// Clocks of two hosts may differ so much without anybody being wrong.
const SKEW: u64 = 1_000_000_000;

/// So many of those who contradict each other are named; of the rest it is told how many.
const TOLD: usize = 4;

/// The records about the run, by their place.
#[derive(Default)]
pub(super) struct Lifecycle {
    /// The earliest first; those that say the same are there once.
    pub(super) starts: Vec<usize>,
    /// As `starts`.
    pub(super) ends: Vec<usize>,
    /// Each segment once.
    pub(super) segments: Vec<usize>,
    /// Each suspension once.
    pub(super) suspends: Vec<usize>,
    /// A suspension may be resumed by several segments: a fan-out.
    pub(super) resumes: Vec<usize>,
}

impl Lifecycle {
    /// Takes a record in, if it is about the run.
    pub(super) fn add(&mut self, body: &Body<'_>, place: usize) {
        match body {
            Body::RunStart { .. } => self.starts.push(place),
            Body::RunEnd { .. } => self.ends.push(place),
            Body::RunSuspend { .. } => self.suspends.push(place),
            Body::RunResume { .. } => self.resumes.push(place),
            Body::Segment { .. } => self.segments.push(place),
            _ => {}
        }
    }

    /// Once all are there: puts them in order, and says what contradicts what.
    pub(super) fn settle(&mut self, records: &[Record<'_>]) -> Vec<Conflict> {
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
                conflicts.push(Conflict::new("a segment was recorded twice, in different words; the earlier is shown"));
            }
            same
        });
        self.suspends.sort_by_key(|at| (suspension_of(body(*at)), time(body(*at)), records[*at].segment_id));
        self.suspends.dedup_by(|later, first| {
            let same = suspension_of(body(*later)) == suspension_of(body(*first));
            if same && body(*later) != body(*first) {
                conflicts
                    .push(Conflict::new("a suspension was recorded twice, in different words; the earlier is shown"));
            }
            same
        });
        self.resumes.sort_by_key(|at| (suspension_of(body(*at)), time(body(*at)), records[*at].segment_id));
        let key = |at: usize| (suspension_of(body(at)), records[at].segment_id);
        self.resumes.dedup_by(|later, first| key(*later) == key(*first) && body(*later) == body(*first));
        for (places, what) in [(&self.starts, "started"), (&self.ends, "ended")] {
            if places.len() > 1 {
                let told: Vec<_> = places.iter().take(TOLD).map(|at| told(&records[*at])).collect();
                let more = if places.len() > TOLD { ", …" } else { "" };
                let times = if places.len() == 2 { "twice".to_owned() } else { format!("{} times", places.len()) };
                let text = format!("the run was {what} {times}: {}{more}; the earliest is shown", told.join(", "));
                conflicts.push(Conflict::new(text));
            }
        }
        conflicts.extend(self.after_the_end(records));
        conflicts
    }

    /// Who resumed or suspended the run after it had ended.
    fn after_the_end(&self, records: &[Record<'_>]) -> Vec<Conflict> {
        let Some(end) = self.ends.first().copied() else { return Vec::new() };
        let latest = self.resumes.iter().chain(self.taken_over(records)).chain(&self.suspends);
        let ended_at = time(&records[end].body);
        let late: Vec<usize> = latest.copied().filter(|at| time(&records[*at].body) > ended_at).collect();
        if late.is_empty() {
            return Vec::new(); // as nearly always
        }
        let past = self.past(records, end);
        let hosts = self.hosts(records);
        let host = |at: usize| hosts.get(&records[at].segment_id);
        let ending: BTreeSet<SegmentId> = self.ends.iter().map(|at| records[*at].segment_id).collect();
        let mut told = BTreeSet::new();
        let mut conflicts = Vec::new();
        for at in late {
            let same_host = host(at).is_some() && host(at) == host(end);
            let slack = if same_host { 0 } else { SKEW };
            let record = &records[at];
            let after = time(&record.body) - ended_at > slack;
            // Who ended it again has been told of.
            if !after || past.has(record) || ending.contains(&record.segment_id) {
                continue;
            }
            if told.insert(record.segment_id) && told.len() <= TOLD {
                let what = if let Body::RunSuspend { .. } = record.body { "suspended" } else { "resumed" };
                let whom = (told_segment(record), told_segment(&records[end]));
                conflicts
                    .push(Conflict::new(format!("the run was {what} by {} after {} had ended it", whom.0, whom.1)));
            }
        }
        if told.len() > TOLD {
            conflicts.push(Conflict::new(format!("{} more segments came after the run had ended", told.len() - TOLD)));
        }
        conflicts
    }

    /// Segments that go on with the run without ending a suspension.
    fn taken_over<'s>(&'s self, records: &'s [Record<'_>]) -> impl Iterator<Item = &'s usize> {
        let left =
            |at: &&usize| matches!(records[**at].body, Body::Segment { via: Via::Resume, suspension_id: None, .. });
        self.segments.iter().filter(left)
    }

    /// What came before this segment whatever the clocks say: it resumed what another had suspended, or goes on after a
    /// resumption of another, and so did that one.
    fn past<'s>(&self, records: &'s [Record<'_>], place: usize) -> Past<'s> {
        let mut suspended_by: BTreeMap<&str, SegmentId> = BTreeMap::new();
        for at in &self.suspends {
            suspended_by.extend(suspension_of(&records[*at].body).map(|id| (id, records[*at].segment_id)));
        }
        let mut resumed: Map<SegmentId, Vec<&str>> = Map::default();
        for at in self.resumes.iter().chain(&self.segments) {
            let ids = resumed.entry(records[*at].segment_id).or_default();
            ids.extend(suspension_of(&records[*at].body));
        }
        // A resumption may have several segments: a recorder forgets, and begins anew.
        let mut segments_of: Map<&str, Vec<SegmentId>> = Map::default();
        let mut after: Map<SegmentId, &str> = Map::default();
        for record in self.segments.iter().map(|at| &records[*at]) {
            let Body::Segment { resumption_id, previous_resumption_id, .. } = &record.body else { continue };
            if let Some(leg) = resumption_id {
                segments_of.entry(leg).or_default().push(record.segment_id);
            }
            after.extend(previous_resumption_id.as_deref().map(|leg| (record.segment_id, leg)));
        }
        let mut past = Past::default();
        let mut open = vec![records[place].segment_id];
        while let Some(segment) = open.pop() {
            if past.segments.insert(segment) {
                let ids = resumed.get(&segment).into_iter().flatten();
                past.suspensions.extend(ids.clone());
                open.extend(ids.filter_map(|id| suspended_by.get(id)));
                open.extend(after.get(&segment).and_then(|leg| segments_of.get(leg)).into_iter().flatten());
            }
        }
        past
    }

    fn hosts<'s>(&self, records: &'s [Record<'_>]) -> Map<SegmentId, &'s str> {
        let host = |at: &usize| match &records[*at].body {
            Body::Segment { resource, .. } => Some((records[*at].segment_id, resource.get("host.name")?.as_str()?)),
            _ => None,
        };
        self.segments.iter().filter_map(host).collect()
    }

    /// Whether a suspension has no resume.
    pub(super) fn is_suspended(&self, records: &[Record<'_>]) -> bool {
        let over: BTreeSet<_> =
            self.resumes.iter().chain(&self.segments).filter_map(|at| suspension_of(&records[*at].body)).collect();
        self.suspends.iter().any(|at| suspension_of(&records[*at].body).is_none_or(|id| !over.contains(id)))
    }

    /// Whether somebody declared the run, rather than it being its trace's own.
    pub(super) fn is_owned(&self, records: &[Record<'_>]) -> bool {
        let said = [&self.starts, &self.ends, &self.suspends, &self.resumes].iter().any(|places| !places.is_empty());
        let resumed = |at: &usize| matches!(records[*at].body, Body::Segment { via: Via::Resume, .. });
        said || self.segments.iter().any(resumed)
    }
}

/// What came before a segment.
#[derive(Default)]
struct Past<'s> {
    /// Those that had begun.
    segments: BTreeSet<SegmentId>,
    /// Those that it, or one before it, resumed.
    suspensions: BTreeSet<&'s str>,
}

impl Past<'_> {
    /// Whether a record of how the run went on belongs there. Who had begun may suspend the run later all the same: what is
    /// saved of it may be a copy.
    fn has(&self, record: &Record<'_>) -> bool {
        match &record.body {
            Body::RunSuspend { suspension_id, .. } => self.suspensions.contains(&**suspension_id),
            _ => self.segments.contains(&record.segment_id),
        }
    }
}

/// The suspension that a record is about.
pub(super) fn suspension_of<'r>(body: &'r Body<'_>) -> Option<&'r str> {
    match body {
        Body::RunSuspend { suspension_id, .. } | Body::RunResume { suspension_id, .. } => Some(suspension_id),
        Body::Segment { suspension_id, .. } => suspension_id.as_deref(),
        _ => None,
    }
}

fn time(body: &Body<'_>) -> u64 {
    crate::delivery::time_of(body).unwrap_or(0)
}

fn told_segment(record: &Record<'_>) -> String {
    format!("{} (segment {:.8})", record.service, record.segment_id)
}

/// A start or an end in a few words.
fn told(record: &Record<'_>) -> String {
    let what = match &record.body {
        Body::RunEnd { status: Status::Ok, .. } => "as ok".to_owned(),
        Body::RunEnd { status: Status::Cancelled, .. } => "as cancelled".to_owned(),
        Body::RunEnd { .. } => "as an error".to_owned(),
        Body::RunStart { name, .. } => format!("as `{name}`"),
        _ => String::new(),
    };
    format!("{what} by {}", told_segment(record))
}
