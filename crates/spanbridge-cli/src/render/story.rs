//! Where a run has been: the segments that began it or went on with it, and the waits between them.
//!
//! One after the other they stand side by side. Where several went on with one wait, nobody knows what came before what:
//! they stand below it, each with all that came of it.

use spanbridge::SegmentId;
use spanbridge::record::Via;
use spanbridge_store::graph::{Graph, Segment, Suspension};
use std::collections::{HashMap, HashSet};

/// What tells processes apart, and hosts.
pub(crate) const PID: &str = "process.pid";
pub(crate) const HOST: &str = "host.name";

/// What a segment says of itself under this key.
pub(crate) fn resource<'g>(segment: &'g Segment, key: &str) -> Option<&'g serde_json::Value> {
    segment.resource.iter().find(|(k, _)| k == key).map(|(_, v)| v)
}

/// One of the two, by its place in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Chapter {
    Segment(usize),
    Suspension(usize),
}

/// The chapters of a run, each with the one that it stands below, in the order in which they are told.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) chapters: Vec<(Option<Chapter>, Chapter)>,
    segments: HashMap<SegmentId, usize>,
    /// Segments of others who ended the run while it waited: they resumed nothing.
    pub(crate) endings: HashSet<usize>,
    /// Not all segments are of one process; of one host.
    pub(crate) several: (bool, bool),
}

impl Story {
    /// Nothing, of a run that was never anywhere else.
    pub(crate) fn of(graph: &Graph) -> Self {
        let run = &graph.run;
        let resumed = |s: &Segment| s.via == Some(Via::Resume);
        if run.suspensions.is_empty() && !run.segments.iter().any(resumed) {
            return Self::default();
        }
        let mut suspended_by: HashMap<SegmentId, Vec<usize>> = HashMap::new();
        let mut resumed_by: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, s) in run.suspensions.iter().enumerate() {
            s.segment_id.into_iter().for_each(|id| suspended_by.entry(id).or_default().push(place));
        }
        for (place, s) in run.segments.iter().enumerate() {
            s.suspension_id.iter().for_each(|id| resumed_by.entry(id).or_default().push(place));
        }
        let known: HashMap<&str, &Suspension> = run.suspensions.iter().map(|s| (s.suspension_id.as_str(), s)).collect();
        let there: HashSet<SegmentId> = run.segments.iter().map(|s| s.segment_id).collect();
        let begins = |s: &Segment| match s.via {
            Some(Via::Start) => true,
            Some(Via::Resume) => s.suspension_id.as_deref().is_none_or(|id| !known.contains_key(id)),
            // One that received the run tells nothing by itself, unless it did what only an owner does.
            Some(Via::Receive) | None => suspended_by.contains_key(&s.segment_id),
        };
        let differ = |key| run.segments.windows(2).any(|pair| resource(&pair[0], key) != resource(&pair[1], key));
        let mut story = Self { several: (differ(PID), differ(HOST)), ..Self::default() };
        for (place, s) in run.segments.iter().enumerate().filter(|_| run.ended_at.is_some()) {
            let continued = s.suspension_id.as_deref().and_then(|id| known.get(id));
            if continued.is_some_and(|wait| wait.resumed_at.is_none()) {
                story.endings.insert(place);
            }
        }
        // What is still to be told, next last.
        let first = run.segments.iter().enumerate().filter(|(_, s)| begins(s)).map(|(i, _)| Chapter::Segment(i));
        // Nobody is known to have suspended it.
        let lost = run.suspensions.iter().enumerate();
        let lost = lost.filter(|(_, s)| s.segment_id.is_none_or(|id| !there.contains(&id)));
        let lost = lost.map(|(i, _)| Chapter::Suspension(i));
        let mut open: Vec<(Option<Chapter>, Chapter)> = first.chain(lost).map(|c| (None, c)).collect();
        open.reverse();
        let mut told: HashSet<Chapter> = HashSet::new();
        while let Some((below, chapter)) = open.pop() {
            if !told.insert(chapter) {
                continue; // ids that go round in a circle
            }
            story.chapters.push((below, chapter));
            match chapter {
                Chapter::Segment(i) => {
                    let id = run.segments[i].segment_id;
                    story.segments.insert(id, i);
                    let then = suspended_by.get(&id).into_iter().flatten().rev();
                    let below = if let Some(Chapter::Suspension(_)) = below { Some(chapter) } else { below };
                    open.extend(then.map(|s| (below, Chapter::Suspension(*s))));
                }
                Chapter::Suspension(i) => {
                    match resumed_by.get(run.suspensions[i].suspension_id.as_str()).map(Vec::as_slice) {
                        None | Some([]) => {}
                        Some([one]) => open.push((below, Chapter::Segment(*one))),
                        Some(several) => {
                            open.extend(several.iter().rev().map(|s| (Some(chapter), Chapter::Segment(*s))));
                        }
                    }
                }
            }
        }
        story
    }

    /// The segment, if the story tells of it.
    pub(crate) fn segment(&self, id: SegmentId) -> Option<usize> {
        self.segments.get(&id).copied()
    }
}
