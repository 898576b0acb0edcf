//! The run itself: who worked on it, when it waited and how long.

use super::input::Input;
use crate::model::{Run, Segment, Suspension};
use crate::record::{end_of, start_of, suspension_of};
use crate::values::merged;
use serde_json::Value;
use spanbridge::record::Body;
use spanbridge::{RunId, SegmentId, TraceId};
use std::collections::{BTreeMap, BTreeSet};

/// The run itself.
pub(super) fn run(input: &Input<'_, '_>) -> Run {
    let (outline, records) = (input.outline, input.records);
    let mut run = Run {
        owned: outline.joined.lifecycle.is_owned(records),
        has_start: !outline.joined.lifecycle.starts.is_empty(),
        ended_at: outline.ended_at(records),
        attributes: attributes(input),
        trace_ids: trace_ids(input),
        segments: segments(input),
        suspensions: suspensions(input),
        ..Run::new(input.run_id, outline.name(records), outline.status(records), outline.started_at(records))
    };
    if !run.suspensions.is_empty() {
        run.waited = waited(&run, &active(input));
    }
    if let Some(Body::RunStart(start)) = outline.joined.lifecycle.starts.first().map(|at| input.body(*at)) {
        run.parent_run_id = start.parent_run_id;
        run.triggered_by_span_id = start.triggered_by_span_id;
    }
    if let Some(Body::RunEnd(end)) = outline.joined.lifecycle.ends.first().map(|at| input.body(*at)) {
        run.error = end.error.as_deref().map(str::to_owned);
    }
    run
}

/// The attributes that the run began with, then what was added. The last value of a key counts.
fn attributes(input: &Input<'_, '_>) -> Vec<(String, Value)> {
    let lifecycle = &input.outline.joined.lifecycle;
    let places = lifecycle.starts.first().copied().into_iter().chain(lifecycle.added_attributes(input.records));
    merged(places.filter_map(|at| match input.body(at) {
        Body::RunStart(start) => Some(&start.attributes),
        Body::RunAttributes(added) => Some(&added.attributes),
        _ => None,
    }))
}

/// The run's own trace first.
fn trace_ids(input: &Input<'_, '_>) -> Vec<TraceId> {
    let mut last = None;
    let changes = input.records.iter().filter_map(|r| r.trace_id.filter(|t| last.replace(*t) != Some(*t)));
    let all: BTreeSet<TraceId> = changes.collect();
    let is_own = |t: &&TraceId| RunId::of_trace(**t) == input.run_id;
    all.iter().filter(is_own).chain(all.iter().filter(|t| !is_own(t))).copied().collect()
}

/// By start. Those whose own record is missing come last; they are known from what else they recorded.
fn segments(input: &Input<'_, '_>) -> Vec<Segment> {
    let mut all: BTreeMap<SegmentId, Segment> = BTreeMap::new();
    for place in &input.outline.joined.lifecycle.segments {
        let record = &input.records[*place];
        let Body::Segment(segment) = &record.body else { continue };
        all.insert(
            record.segment_id,
            Segment {
                segment_id: record.segment_id,
                service: record.service.clone().into_owned(),
                via: Some(segment.via),
                started_at: Some(segment.started_at),
                resource: merged([&segment.resource]),
                suspension_id: segment.suspension_id.as_deref().map(str::to_owned),
            },
        );
    }
    let mut last = None;
    // Whoever reads what a database has logged did not work on the run.
    for record in input.records.iter().filter(|record| !matches!(record.body, Body::Mutation(_))) {
        if last.replace(record.segment_id) != Some(record.segment_id) {
            all.entry(record.segment_id).or_insert_with(|| Segment::new(record.segment_id, &*record.service));
        }
    }
    let mut all: Vec<Segment> = all.into_values().collect();
    all.sort_by_key(|s| (s.started_at.is_none(), s.started_at));
    all
}

fn suspensions(input: &Input<'_, '_>) -> Vec<Suspension> {
    let mut all: BTreeMap<&str, Suspension> = BTreeMap::new();
    let said = &input.outline.joined.lifecycle;
    for place in said.suspends.iter().chain(&said.resumes) {
        let Some(id) = suspension_of(input.body(*place)) else { continue };
        let suspension = all.entry(id).or_insert_with(|| Suspension::new(id));
        match input.body(*place) {
            Body::RunSuspend(suspend) => {
                suspension.segment_id = Some(input.records[*place].segment_id);
                suspension.suspended_at = Some(suspend.suspended_at);
                suspension.reason = suspend.reason.as_deref().map(str::to_owned);
            }
            // If several segments resumed it, the first of them ended the wait.
            Body::RunResume(resume) => {
                suspension.resumed_at = [suspension.resumed_at, Some(resume.resumed_at)].into_iter().flatten().min();
            }
            _ => {}
        }
    }
    let mut all: Vec<Suspension> = all.into_values().collect();
    all.sort_by_key(|s| s.suspended_at.or(s.resumed_at));
    all
}

/// When spans ran, in order and without overlaps. A span without an end is left out: nobody knows until when it ran.
fn active(input: &Input<'_, '_>) -> Vec<(u64, u64)> {
    let spans = input.outline.joined.spans.iter();
    let ran: Vec<(u64, u64)> = spans
        .filter_map(|parts| {
            let start = start_of(input.body(parts.start? as usize))?;
            Some((start.started_at, end_of(input.body(parts.end? as usize))?.ended_at))
        })
        .collect();
    joined(ran)
}

/// These times, in order and without overlaps.
pub(crate) fn joined(mut ran: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    ran.sort_unstable();
    ran.dedup_by(|next, last| {
        let touches = next.0 <= last.1;
        if touches {
            last.1 = last.1.max(next.1);
        }
        touches
    });
    ran
}

/// How long the run waited: the time in which it was suspended and no span of it ran. A wait without an end lasts until the
/// run ends; before that its length is not known.
pub(crate) fn waited(run: &Run, active: &[(u64, u64)]) -> u64 {
    let waits = run.suspensions.iter().filter_map(|s| Some((s.suspended_at?, s.resumed_at.or(run.ended_at)?)));
    let mut waits: Vec<(u64, u64)> = waits.filter(|(from, to)| from < to).collect();
    waits.sort_unstable();
    let (mut sum, mut done) = (0u64, 0);
    for (from, to) in waits {
        let from = from.max(done);
        if from >= to {
            continue; // inside another wait
        }
        done = to;
        let first = active.partition_point(|(_, end)| *end <= from);
        let meanwhile = active[first..].iter().take_while(|(start, _)| *start < to);
        // By the clocks of two machines, a span may end before it begins.
        let worked: u64 = meanwhile.map(|(start, end)| end.min(&to).saturating_sub(*start.max(&from))).sum();
        sum += (to - from).saturating_sub(worked);
    }
    sum
}
