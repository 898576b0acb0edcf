//! How messages were settled and transactions ended, then and now: that is no part of the call, but of its span.

use crate::case::{Case, Span};
use crate::report::{Divergence, DivergenceKind, Label, Step};
use serde_json::Value;
use spanbridge::adapter::HandoffStatus;
use spanbridge::semconv::{HANDOFF_STATUS, MESSAGING_OPERATION_NAME, SETTLE_MULTIPLE, SETTLE_REQUEUE};
use std::collections::HashMap;

/// Marks the steps that are settled otherwise than they were recorded. `records` are those of the replay.
pub(super) fn compare(case: &Case, steps: &mut [Step], records: &[Value]) {
    let then: HashMap<_, _> = case.spans().iter().map(|span| (span.span_id, span)).collect();
    let mut now: HashMap<(&str, &str), &Value> = HashMap::new();
    for record in records {
        let (Some(span), Some(attributes)) = (record["spanId"].as_str(), record["attributes"].as_object()) else {
            continue;
        };
        for key in [SETTLE_MULTIPLE, SETTLE_REQUEUE, HANDOFF_STATUS] {
            if let Some(value) = attributes.get(key) {
                now.insert((span, key), value);
            }
        }
    }
    for step in steps.iter_mut().filter(|step| step.label == Label::Recorded && step.divergence.is_none()) {
        let recorded = step.recorded_span_id.and_then(|span| then.get(&span).copied());
        let (Some(recorded), Some(span)) = (recorded, step.span_id) else { continue };
        let span = span.to_string();
        let differs = |key: &&&str| is_other(key, recorded.attributes.get(**key), now.get(&(&*span, **key)).copied());
        let Some(key) = keys(recorded).iter().find(differs) else { continue };
        let shown = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
        let side = |value| format!("{} with {key} {}", step.name, shown(value));
        let (expected, actual) = (side(recorded.attributes.get(*key)), side(now.get(&(&*span, *key)).copied()));
        let target = step.target.as_deref().unwrap_or(&step.name);
        let mut divergence = Divergence::new(DivergenceKind::Changed, format!("{} {target}", step.primitive));
        divergence.index = Some(step.index);
        (step.label, step.divergence) = (Label::Diverged, Some(divergence.of(expected, actual)))
    }
}

/// What is compared of a span.
fn keys(span: &Span) -> &'static [&'static str] {
    match span.primitive.as_str() {
        "messaging.settle" => &[SETTLE_MULTIPLE, SETTLE_REQUEUE],
        "messaging.publish" if span.text(MESSAGING_OPERATION_NAME) == Some("transaction") => &[HANDOFF_STATUS],
        _ => &[],
    }
}

fn is_other(key: &str, then: Option<&Value>, now: Option<&Value>) -> bool {
    if key != HANDOFF_STATUS {
        return then != now;
    }
    // Of a commit that has failed nobody knows what became of it.
    let ended = [HandoffStatus::Committed, HandoffStatus::RolledBack].map(HandoffStatus::as_str);
    let is_known = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|text| ended.contains(&text));
    then != now && is_known(then) && is_known(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Run;
    use serde_json::json;
    use spanbridge::{RunId, SpanId};

    fn id(n: u64) -> SpanId {
        SpanId::new(n).unwrap()
    }

    /// What is said of a call that was recorded with these attributes, and has those in the replay.
    fn said(primitive: &str, then: Value, now: &Value) -> Option<String> {
        let mut span = Span::new(id(1), "nack orders", primitive);
        span.attributes = then.as_object().unwrap().clone();
        let case = Case::new(Run::new(RunId::new(1).unwrap(), "order"), span);
        let step = json!({"index": 1, "depth": 1, "name": "nack orders", "primitive": primitive, "label": "recorded",
            "spanId": id(2), "recordedSpanId": id(1)});
        let mut steps = [serde_json::from_value(step).unwrap()];
        compare(&case, &mut steps, &[json!({"spanId": id(2), "attributes": now})]);
        let [step] = steps;
        assert_eq!(step.label == Label::Diverged, step.divergence.is_some());
        step.divergence.map(|divergence| divergence.actual)
    }

    /// A message that goes back to its queue now, and was dropped then, is a difference; so is a commit that is none any more.
    #[test]
    fn what_becomes_of_it_is_compared() {
        let requeue = |yes: bool| json!({"spanbridge.settle.requeue": yes});
        let actual = said("messaging.settle", requeue(false), &requeue(true));
        assert_eq!(actual.as_deref(), Some("nack orders with spanbridge.settle.requeue true"));
        assert_eq!(said("messaging.settle", requeue(true), &requeue(true)), None);
        assert!(said("messaging.settle", json!({}), &json!({"spanbridge.settle.multiple": true})).is_some());
        let ended =
            |status: &str| json!({"messaging.operation.name": "transaction", "spanbridge.handoff.status": status});
        assert!(said("messaging.publish", ended("committed"), &ended("rolled_back")).is_some());
        assert_eq!(said("messaging.publish", ended("unknown"), &ended("committed")), None);
        assert_eq!(said("messaging.publish", json!({"spanbridge.handoff.status": "committed"}), &json!({})), None);
    }
}
