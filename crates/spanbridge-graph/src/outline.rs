//! The outline of a run: its spans in order, its name, times and status. Enough for a line in a list.

use super::join::Joined;
use super::model::{RunStatus, SpanStatus, Trigger};
use super::record::{end_of, start_of, time_of};
use super::tree::{Node, Placed, arrange};
use spanbridge::record::{Body, Record, RunEnd, RunStart};
use spanbridge::{RunId, SpanId, Status};

/// The outline of a run.
pub struct Outline {
    pub(super) joined: Joined,
    pub(super) nodes: Vec<Node>,
    pub(super) order: Vec<Placed>,
}

impl Outline {
    /// The outline of a run with these records.
    pub fn of(run_id: RunId, records: &[Record<'_>]) -> Self {
        let mut joined = Joined::of(records);
        // What may stand above a root and is no span of this run: the run itself, or the span that triggered it.
        let trigger = joined.lifecycle.starts.first().and_then(|at| match &records[*at].body {
            Body::RunStart(start) => start.triggered_by_span_id,
            _ => None,
        });
        let is_outside = |parent: &SpanId| *parent == run_id.as_parent() || Some(*parent) == trigger;
        let mut nodes = std::mem::take(&mut joined.nodes);
        let is_below = |node: &&mut Node| SpanId::new(node.parent).is_some_and(|parent| is_outside(&parent));
        nodes.iter_mut().filter(is_below).for_each(|node| node.parent = 0);
        // A span known only from its events began at the first of them, or at an unknown time.
        for (span, place) in &joined.events {
            if let Body::Event(event) = &records[*place].body
                && !joined.spans[*span].is_recorded()
            {
                nodes[*span].started_at = nodes[*span].started_at.min(event.timestamp);
            }
        }
        let first = nodes.iter().map(|n| n.started_at).min().filter(|at| *at != u64::MAX).unwrap_or(0);
        nodes.iter_mut().filter(|n| n.started_at == u64::MAX).for_each(|n| n.started_at = first);
        let order = arrange(&nodes, &joined.index);
        Self { joined, nodes, order }
    }

    pub(super) fn span_status(&self, span: usize, records: &[Record<'_>]) -> SpanStatus {
        let end = self.joined.spans[span].end.and_then(|at| end_of(&records[at as usize].body));
        match end.map(|e| e.status) {
            None => SpanStatus::Open,
            Some(Status::Ok) => SpanStatus::Ok,
            Some(Status::Error) => SpanStatus::Error,
            Some(Status::Panicked) => SpanStatus::Panicked,
            Some(Status::Cancelled) => SpanStatus::Cancelled,
        }
    }

    /// The status: the first that applies. What the owner said takes precedence over failed spans, since their errors may
    /// have been handled. Without an owner, the spans without a parent decide.
    pub fn status(&self, records: &[Record<'_>]) -> RunStatus {
        let joined = &self.joined;
        if !joined.conflicts.is_empty() {
            return RunStatus::Conflicted;
        }
        if joined.lifecycle.is_owned(records) {
            let end = joined.lifecycle.ends.first().map(|at| &records[*at].body);
            return match end {
                Some(Body::RunEnd(RunEnd { status: Status::Error | Status::Panicked, .. })) => RunStatus::Error,
                Some(Body::RunEnd(RunEnd { status: Status::Cancelled, .. })) => RunStatus::Cancelled,
                Some(_) => RunStatus::Ok,
                None if joined.lifecycle.is_suspended(records) => RunStatus::Suspended,
                None => RunStatus::Open,
            };
        }
        let tops = || self.order.iter().filter(|p| p.depth() == 0).map(|p| self.span_status(p.node(), records));
        if tops().any(|s| matches!(s, SpanStatus::Error | SpanStatus::Panicked)) {
            RunStatus::Error
        } else if tops().any(|s| s == SpanStatus::Cancelled) {
            RunStatus::Cancelled
        } else if joined.spans.iter().any(|s| s.start.is_some() && s.end.is_none()) {
            RunStatus::Open
        } else {
            RunStatus::Ok
        }
    }

    /// The name its owner gave it, else the name of the first root, else of the first span.
    pub fn name<'r>(&self, records: &'r [Record<'_>]) -> &'r str {
        if let Some(Body::RunStart(RunStart { name, .. })) =
            self.joined.lifecycle.starts.first().map(|at| &records[*at].body)
        {
            return name;
        }
        let started = self.joined.spans.iter().zip(&self.nodes).filter_map(|(span, node)| {
            let start = span.start.and_then(|at| start_of(&records[at as usize].body))?;
            Some((node.parent != 0, start.started_at, &start.name))
        });
        started.min().map_or("", |(_, _, name)| name)
    }

    /// The run that started it, as its owner said.
    pub fn parent_run_id(&self, records: &[Record<'_>]) -> Option<RunId> {
        match self.joined.lifecycle.starts.first().map(|at| &records[*at].body) {
            Some(Body::RunStart(start)) => start.parent_run_id,
            _ => None,
        }
    }

    /// A span of this run, as the trigger of another run.
    pub fn trigger(&self, span: SpanId, records: &[Record<'_>]) -> Option<Trigger> {
        let parts = &self.joined.spans[self.joined.index.get(span.get())?];
        let record = &records[parts.start? as usize];
        let start = start_of(&record.body)?;
        let end = parts.end.and_then(|at| end_of(&records[at as usize].body));
        Some(Trigger {
            primitive: start.primitive.clone().into_owned(),
            service: record.service.clone().into_owned(),
            started_at: Some(start.started_at),
            ended_at: end.map(|end| end.ended_at),
            ..Trigger::new(self.name(records), &*start.name)
        })
    }

    /// When it began: by its owner, else by its first span, else by any record.
    pub fn started_at(&self, records: &[Record<'_>]) -> u64 {
        if let Some(Body::RunStart(RunStart { started_at, .. })) =
            self.joined.lifecycle.starts.first().map(|at| &records[*at].body)
        {
            return *started_at;
        }
        let spans = self.joined.spans.iter().zip(&self.nodes);
        let spans = spans.filter(|(span, _)| span.is_recorded()).map(|(_, node)| node.started_at).min();
        spans.or_else(|| records.iter().filter_map(|r| time_of(&r.body)).min()).unwrap_or(0)
    }

    /// When it ended: by its owner, else by its last span once all have ended.
    pub fn ended_at(&self, records: &[Record<'_>]) -> Option<u64> {
        if self.joined.lifecycle.is_owned(records) {
            return match self.joined.lifecycle.ends.first().map(|at| &records[*at].body) {
                Some(Body::RunEnd(RunEnd { ended_at, .. })) => Some(*ended_at),
                _ => None,
            };
        }
        let spans = self.joined.spans.iter().filter(|span| span.is_recorded());
        let ends = spans.map(|s| Some(end_of(&records[s.end? as usize].body)?.ended_at));
        ends.collect::<Option<Vec<u64>>>()?.into_iter().max()
    }
}
