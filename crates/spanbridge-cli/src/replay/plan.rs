//! What a replay would do.

use serde_json::{Value, json};
use spanbridge::{SpanId, semconv};
use spanbridge_replay::{Case, Label, NOT_WRAPPED};
use std::collections::HashMap;

/// What a replay would do, if the code does what it did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// Why it is not possible. `None` if it is.
    pub reason: Option<String>,
    /// What would run and be called, in order.
    pub steps: Vec<Planned>,
}

/// Something that would run, or a call that would be made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Planned {
    /// How deep it stands below the entry.
    pub depth: usize,
    /// The name of its span.
    pub name: String,
    /// What step it is.
    pub primitive: String,
    /// What was called, if that says more than the name.
    pub target: Option<String>,
    /// Where its result would come from.
    pub label: Label,
    /// The recorded span.
    pub recorded: SpanId,
}

impl Plan {
    /// What a replay of this case would do.
    pub fn of(case: &Case) -> Self {
        let mut depths: HashMap<SpanId, usize> = HashMap::new();
        let steps = case.spans().iter().map(|span| {
            let above = span.parent_span_id.and_then(|above| depths.get(&above));
            let depth = above.map_or(0, |above| above + 1);
            depths.insert(span.span_id, depth);
            let target = target(span);
            Planned {
                depth,
                name: span.name.clone(),
                primitive: span.primitive.clone(),
                label: label(case, span, target.as_deref().unwrap_or_default()),
                target,
                recorded: span.span_id,
            }
        });
        Self { reason: case.obstacle(), steps: steps.collect() }
    }

    /// As JSON, in the form of `docs/schema/replay.json`.
    pub fn to_json(&self, case: &Case) -> Value {
        let entry = case.entry();
        let step = |(index, step): (usize, &Planned)| {
            let mut json = json!({
                "index": index, "depth": step.depth, "name": step.name, "primitive": step.primitive, "label": step.label,
                "recordedSpanId": step.recorded,
            });
            if let Some(target) = &step.target {
                json["target"] = target.as_str().into();
            }
            json
        };
        let mut json = json!({
            "schemaVersion": 1,
            "run": case.run,
            "entry": { "spanId": entry.span_id, "name": entry.name, "primitive": entry.primitive },
            "verdict": if self.reason.is_some() { "impossible" } else { "planned" },
            "steps": self.steps.iter().enumerate().map(step).collect::<Vec<_>>(),
            "note": NOT_WRAPPED,
        });
        if let Some(reason) = &self.reason {
            json["reason"] = reason.as_str().into();
        }
        json
    }
}

/// What the stand-in will do with a call that is as recorded.
fn label(case: &Case, span: &spanbridge_replay::Span, target: &str) -> Label {
    match span.primitive.as_str() {
        "db.query" if case.scratch.is_some() && case.scratch.as_deref() == span.text(semconv::DB_NAMESPACE) => {
            Label::Live
        }
        "db.query" => Label::Refused,
        operation if case.live.iter().any(|live| live.allows(operation, target)) => Label::Live,
        "http.client" | "messaging.publish" | "messaging.settle" | "function.invoke" => Label::Recorded,
        _ => Label::ReExecuted,
    }
}

/// What was called.
fn target(span: &spanbridge_replay::Span) -> Option<String> {
    match span.primitive.as_str() {
        "http.client" => {
            let url = span.text(semconv::URL_FULL)?;
            let url = url.split('#').next().unwrap_or_default();
            Some(format!("{} {url}", span.text(semconv::HTTP_REQUEST_METHOD).unwrap_or("GET")))
        }
        "db.query" => span.text(semconv::DB_NAMESPACE).map(str::to_owned),
        _ => None,
    }
}
