//! The history of a run: the segments that began or continued it, and the waits between them.
//!
//! If one stage follows the other, they stand at the same level. If several segments resumed one wait, their order is not
//! known: they stand below it, each with everything that followed.

use spanbridge::SegmentId;
use spanbridge::record::Via;
use spanbridge_graph::{Graph, Segment, Suspension};
use std::collections::{HashMap, HashSet};

/// The resource attributes that identify a process and its host.
pub(crate) const PID: &str = "process.pid";
pub(crate) const HOST: &str = "host.name";

/// A resource attribute of a segment.
pub(crate) fn resource<'g>(segment: &'g Segment, key: &str) -> Option<&'g serde_json::Value> {
    segment.resource.iter().find(|(k, _)| k == key).map(|(_, v)| v)
}

/// A segment or a suspension, by its index in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Segment(usize),
    Suspension(usize),
}

/// The stages of a run in order, each with the one that it stands below.
#[derive(Default)]
pub(crate) struct RunHistory {
    pub(crate) stages: Vec<(Option<Stage>, Stage)>,
    segments: HashMap<SegmentId, usize>,
    /// Segments that ended the run while it waited, and resumed nothing.
    pub(crate) end_only: HashSet<usize>,
    /// Whether the segments are of several processes.
    pub(crate) several_processes: bool,
    /// Whether the segments are of several hosts.
    pub(crate) several_hosts: bool,
}

impl RunHistory {
    /// The history of a run. Empty if nobody resumed it.
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
            // A segment that only received the run is no stage, unless it suspended the run.
            Some(_) | None => suspended_by.contains_key(&s.segment_id),
        };
        let differ = |key| run.segments.windows(2).any(|pair| resource(&pair[0], key) != resource(&pair[1], key));
        let mut history = Self { several_processes: differ(PID), several_hosts: differ(HOST), ..Self::default() };
        for (place, s) in run.segments.iter().enumerate().filter(|_| run.ended_at.is_some()) {
            let continued = s.suspension_id.as_deref().and_then(|id| known.get(id));
            if continued.is_some_and(|wait| wait.resumed_at.is_none()) {
                history.end_only.insert(place);
            }
        }
        // What is still to be added, the next one last.
        let first = run.segments.iter().enumerate().filter(|(_, s)| begins(s)).map(|(i, _)| Stage::Segment(i));
        // Suspensions by an unknown segment.
        let lost = run.suspensions.iter().enumerate();
        let lost = lost.filter(|(_, s)| s.segment_id.is_none_or(|id| !there.contains(&id)));
        let lost = lost.map(|(i, _)| Stage::Suspension(i));
        let mut open: Vec<(Option<Stage>, Stage)> = first.chain(lost).map(|c| (None, c)).collect();
        open.reverse();
        let mut added: HashSet<Stage> = HashSet::new();
        while let Some((below, stage)) = open.pop() {
            if !added.insert(stage) {
                continue; // a cycle of ids
            }
            history.stages.push((below, stage));
            match stage {
                Stage::Segment(i) => {
                    let id = run.segments[i].segment_id;
                    history.segments.insert(id, i);
                    let then = suspended_by.get(&id).into_iter().flatten().rev();
                    let below = if let Some(Stage::Suspension(_)) = below { Some(stage) } else { below };
                    open.extend(then.map(|s| (below, Stage::Suspension(*s))));
                }
                Stage::Suspension(i) => {
                    match resumed_by.get(run.suspensions[i].suspension_id.as_str()).map(Vec::as_slice) {
                        None | Some([]) => {}
                        Some([one]) => open.push((below, Stage::Segment(*one))),
                        Some(several) => {
                            open.extend(several.iter().rev().map(|s| (Some(stage), Stage::Segment(*s))));
                        }
                    }
                }
            }
        }
        history
    }

    /// The index of a segment, if it is a stage.
    pub(crate) fn segment(&self, id: SegmentId) -> Option<usize> {
        self.segments.get(&id).copied()
    }
}
