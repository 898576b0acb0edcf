//! The answer as JSON: camelCase names, RFC 3339 times, absent fields left out.

use super::model::{
    Excused, Failure, FailureKind, LastGood, Lost, Note, Outcome, RolledBack, StateChange, StateWriter, Step, Why,
};
use crate::causes::Hop;
use crate::diff::Difference;
use crate::json::mutation::MutationView;
use crate::json::parts::{List, Object, Time, is_empty};
use crate::json::related::SummaryView;
use crate::model::ColumnChange;
use serde::{Serialize, Serializer};
use serde_json::Value;
use spanbridge::record::{MutationOp, SCHEMA_VERSION};
use spanbridge::{RunId, SpanId, TraceId};

impl Why {
    /// The answer as JSON, the same as `spanbridge why --format json`.
    pub fn to_json(&self) -> Value {
        // Writing to memory cannot fail, since all keys are text.
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl Serialize for Why {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WhyView {
            schema_version: SCHEMA_VERSION,
            run: SummaryView::of(&self.run),
            error: self.error.as_deref(),
            attributes: Object(&self.attributes),
            outcome: self.outcome,
            failures: List(&self.failures, FailureView::of),
            more_failures: self.more_failures,
            recovered: List(&self.recovered, ExcusedView::of),
            more_recovered: self.more_recovered,
            handled: List(&self.handled, ExcusedView::of),
            more_handled: self.more_handled,
            rolled_back: List(&self.rolled_back, RolledBackView::of),
            more_rolled_back: self.more_rolled_back,
            unfinished: List(&self.unfinished, StepView::of),
            more_unfinished: self.more_unfinished,
            last_good: self.last_good.as_ref().map(LastGoodView::of),
            notes: List(&self.notes, NoteView::of),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WhyView<'a> {
    schema_version: u32,
    run: SummaryView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "is_empty")]
    attributes: Object<'a>,
    outcome: Outcome,
    failures: List<'a, Failure, FailureView<'a>>,
    more_failures: usize,
    recovered: List<'a, Excused, ExcusedView<'a>>,
    more_recovered: usize,
    handled: List<'a, Excused, ExcusedView<'a>>,
    more_handled: usize,
    rolled_back: List<'a, RolledBack, RolledBackView<'a>>,
    more_rolled_back: usize,
    unfinished: List<'a, Step, StepView<'a>>,
    more_unfinished: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_good: Option<LastGoodView<'a>>,
    notes: List<'a, Note, NoteView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureView<'a> {
    kind: FailureKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<StepView<'a>>,
    path: List<'a, Step, StepView<'a>>,
    path_omitted: usize,
    attempts: List<'a, Step, StepView<'a>>,
    more_attempts: usize,
    earlier: List<'a, Step, StepView<'a>>,
    took_down: List<'a, Step, StepView<'a>>,
    more_taken_down: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter: Option<StepView<'a>>,
    changes: List<'a, StateChange, StateChangeView<'a>>,
    more_changes: usize,
    other_writers: List<'a, StateChange, StateChangeView<'a>>,
    rolled_back: List<'a, RolledBack, RolledBackView<'a>>,
    more_rolled_back: usize,
    alike: usize,
    owner_ok: bool,
}

impl<'a> FailureView<'a> {
    fn of(failure: &'a Failure) -> Self {
        FailureView {
            kind: failure.kind,
            step: failure.step().map(StepView::of),
            path: List(&failure.path, StepView::of),
            path_omitted: failure.path_omitted,
            attempts: List(&failure.attempts, StepView::of),
            more_attempts: failure.more_attempts,
            earlier: List(&failure.earlier, StepView::of),
            took_down: List(&failure.took_down, StepView::of),
            more_taken_down: failure.more_taken_down,
            dead_letter: failure.dead_letter.as_ref().map(StepView::of),
            changes: List(&failure.changes, StateChangeView::of),
            more_changes: failure.more_changes,
            other_writers: List(&failure.other_writers, StateChangeView::of),
            rolled_back: List(&failure.rolled_back, RolledBackView::of),
            more_rolled_back: failure.more_rolled_back,
            alike: failure.alike,
            owner_ok: failure.owner_ok,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StepView<'a> {
    run_id: RunId,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<SpanId>,
    name: &'a str,
    primitive: &'a str,
    service: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_type: Option<&'a str>,
    hop: Hop,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<Lost>,
    started_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
}

impl<'a> StepView<'a> {
    fn of(step: &'a Step) -> Self {
        StepView {
            run_id: step.run_id,
            span_id: step.span_id,
            name: &step.name,
            primitive: &step.primitive,
            service: &step.service,
            status: step.status,
            error: step.error.as_deref(),
            error_type: step.error_type.as_deref(),
            hop: step.hop,
            lost: step.lost,
            started_at: Time(step.started_at),
            duration_ms: step.duration.map(|nanos| nanos as f64 / 1e6),
        }
    }
}

/// In the form of a change in a row's history.
#[derive(Serialize)]
struct StateChangeView<'a> {
    mutation: MutationView<'a>,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    writer: Option<WriterView<'a>>,
    changed: Vec<ColumnView<'a>>,
}

impl<'a> StateChangeView<'a> {
    fn of(change: &'a StateChange) -> Self {
        StateChangeView {
            mutation: MutationView::of(&change.mutation),
            service: &change.service,
            writer: change.writer.as_ref().map(WriterView::of),
            changed: match change.mutation.op {
                // As in a history: nothing of the row is left.
                MutationOp::Delete => Vec::new(),
                _ => change.mutation.changes().into_iter().map(ColumnView::of).collect(),
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WriterView<'a> {
    run_id: RunId,
    run_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<TraceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<SpanId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_name: Option<&'a str>,
}

impl<'a> WriterView<'a> {
    fn of(writer: &'a StateWriter) -> Self {
        WriterView {
            run_id: writer.run_id,
            run_name: &writer.run_name,
            trace_id: writer.trace_id,
            span_id: writer.span_id,
            span_name: writer.span_name.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct ColumnView<'a> {
    column: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a Value>,
}

impl<'a> ColumnView<'a> {
    fn of(change: ColumnChange<'a>) -> Self {
        ColumnView { column: change.column, before: change.before, after: change.after }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RolledBackView<'a> {
    transaction: StepView<'a>,
    statements: List<'a, Step, StepView<'a>>,
    more_statements: usize,
}

impl<'a> RolledBackView<'a> {
    fn of(of: &'a RolledBack) -> Self {
        RolledBackView {
            transaction: StepView::of(&of.transaction),
            statements: List(&of.statements, StepView::of),
            more_statements: of.more_statements,
        }
    }
}

#[derive(Serialize)]
struct ExcusedView<'a> {
    step: StepView<'a>,
    by: StepView<'a>,
    count: usize,
}

impl<'a> ExcusedView<'a> {
    fn of(excused: &'a Excused) -> Self {
        ExcusedView { step: StepView::of(&excused.step), by: StepView::of(&excused.by), count: excused.count }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LastGoodView<'a> {
    run: SummaryView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_difference: Option<&'a Difference>,
    differences: usize,
}

impl<'a> LastGoodView<'a> {
    fn of(good: &'a LastGood) -> Self {
        LastGoodView {
            run: SummaryView::of(&good.run),
            first_difference: good.first_difference.as_ref(),
            differences: good.differences,
        }
    }
}

#[derive(Serialize)]
struct NoteView<'a> {
    code: &'a str,
    message: &'a str,
}

impl<'a> NoteView<'a> {
    fn of(note: &'a Note) -> Self {
        NoteView { code: note.code, message: &note.message }
    }
}
