//! What is said of the whole run, by all of its spans.

use super::light::{Marks, OPEN};
use super::shape::Shape;
use crate::build::{joined, waited};
use crate::join::Joined;
use crate::model::{LeftOut, Run, RunStatus, SpanStatus};
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SpanId, TraceId};
use std::collections::BTreeSet;

/// How many traces of a run are named.
const MAX_TRACES: usize = 10_000;

/// What is counted while records are read.
#[derive(Default)]
pub(super) struct Figures {
    /// Records that contradict others.
    pub(super) conflicts: u64,
    /// Rows that were changed.
    pub(super) mutations: u64,
    services: BTreeSet<String>,
    last_service: String,
    traces: BTreeSet<TraceId>,
    /// Of the span that names a run without an owner: whether it has a parent, its start, its name.
    name: Option<(bool, u64, String)>,
}

impl Figures {
    pub(super) fn add_trace(&mut self, trace: Option<TraceId>) {
        if self.traces.len() < MAX_TRACES {
            self.traces.extend(trace);
        }
    }

    pub(super) fn add_service(&mut self, service: &str) {
        if self.last_service != service {
            service.clone_into(&mut self.last_service);
            if self.services.len() < LeftOut::MAX_SERVICES {
                self.services.insert(service.to_owned());
            }
        }
    }

    pub(super) fn add_name(&mut self, is_root: bool, started_at: u64, name: &str) {
        let is_first = |(has_parent, at, known): &(bool, u64, String)| {
            (!is_root, started_at, name) < (*has_parent, *at, known.as_str())
        };
        if self.name.as_ref().is_none_or(is_first) {
            self.name = Some((!is_root, started_at, name.to_owned()));
        }
    }

    /// The span that started the run, by its own records.
    pub(super) fn trigger(of_run: &[Record<'_>]) -> Option<SpanId> {
        let joined = Joined::of(of_run);
        match &of_run[*joined.lifecycle.starts.first()?].body {
            Body::RunStart(start) => start.triggered_by_span_id,
            _ => None,
        }
    }

    /// What all spans say of the run.
    pub(super) fn whole(&self, shape: &Shape, of_run: &[Record<'_>]) -> Whole {
        let recorded = || (0..shape.len()).filter(|place| shape.light(*place).is_recorded());
        let last = recorded().map(|place| shape.light(place).ended_at).max();
        let is_suspended = of_run.iter().any(|record| matches!(record.body, Body::RunSuspend(_) | Body::RunResume(_)));
        Whole {
            is_contradictory: self.conflicts > 0,
            status: status(shape),
            name: self.name.as_ref().map(|(_, _, name)| name.clone()),
            started_at: recorded().map(|place| shape.started_at(place)).min(),
            // One that has no end ends last.
            ended_at: last.filter(|end| *end != OPEN),
            trace_ids: self.traces.iter().copied().collect(),
            ran: is_suspended.then(|| joined(shape.ran())),
        }
    }

    /// The figures of the whole run, without groups.
    pub(super) fn totals(&self, shape: &Shape) -> LeftOut {
        let mut totals = LeftOut { spans: shape.len() as u64, ..LeftOut::default() };
        let has = |mark: u32| shape.lights().iter().filter(|light| light.marks.has(mark)).count() as u64;
        totals.listed = has(Marks::START).max(has(Marks::END));
        for place in 0..shape.len() {
            let light = shape.light(place);
            totals.errors += u64::from(light.has_failed());
            totals.open += u64::from(light.status() == SpanStatus::Open);
            totals.last_at = totals.last_at.max(shape.last_at(place));
        }
        totals.services = self.services.iter().cloned().collect();
        totals
    }
}

/// What all spans of a run say of it.
pub(super) struct Whole {
    is_contradictory: bool,
    status: RunStatus,
    name: Option<String>,
    started_at: Option<u64>,
    ended_at: Option<u64>,
    trace_ids: Vec<TraceId>,
    /// When spans ran, if the run was suspended.
    ran: Option<Vec<(u64, u64)>>,
}

impl Whole {
    /// Corrects a run that was made of a few of its spans.
    pub(super) fn correct(self, run: &mut Run) {
        if self.is_contradictory {
            run.status = RunStatus::Conflicted;
        } else if !run.owned && run.status != RunStatus::Conflicted {
            run.status = self.status;
        }
        if !run.has_start {
            run.name = self.name.unwrap_or_default();
            run.started_at = self.started_at.unwrap_or(run.started_at);
        }
        if !run.owned {
            run.ended_at = self.ended_at;
        }
        let (own, others): (Vec<_>, Vec<_>) =
            self.trace_ids.into_iter().partition(|trace| RunId::of_trace(*trace) == run.run_id);
        run.trace_ids = [own, others].concat();
        if let Some(ran) = self.ran {
            run.waited = waited(run, &ran);
        }
    }
}

/// The status of a run without an owner: see [`Outline::status`](crate::Outline::status).
fn status(shape: &Shape) -> RunStatus {
    let tops = || shape.children(None).map(|place| shape.light(place));
    if tops().any(|light| light.has_failed()) {
        RunStatus::Error
    } else if tops().any(|light| light.status() == SpanStatus::Cancelled) {
        RunStatus::Cancelled
    } else if shape.lights().iter().any(|light| light.marks.has(Marks::START) && !light.marks.has(Marks::END)) {
        RunStatus::Open
    } else {
        RunStatus::Ok
    }
}
