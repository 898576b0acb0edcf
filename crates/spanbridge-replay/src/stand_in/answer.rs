//! Recorded answers.

use crate::case::Case;
use crate::matching::{RecordedPlace, boundary};
use serde_json::Value as Json;
use spanbridge::adapter::{Recorded, RecordedArtifact, RecordedError, Reply};
use spanbridge::{Value, semconv};

/// The recorded answer to a call, or a recorded value.
pub(super) fn of(case: &Case, place: RecordedPlace) -> Reply {
    match place {
        RecordedPlace::Span(span) => of_span(case, span),
        RecordedPlace::Value { span, event } => {
            let text = case.spans()[span].events[event].attributes.get(semconv::VALUE_TEXT).and_then(Json::as_str);
            text.map_or(Recorded::new(), |text| Recorded::new().with_attribute(semconv::VALUE_TEXT, text)).into()
        }
    }
}

/// As if it had been done: a settlement that the record does not have.
pub(super) fn done() -> Reply {
    Recorded::new().into()
}

/// The name of a recorded value.
fn value_name(case: &Case, span: usize, event: usize) -> &str {
    case.spans()[span].events[event].attributes.get(semconv::VALUE_NAME).and_then(Json::as_str).unwrap_or_default()
}

fn of_span(case: &Case, span: usize) -> Reply {
    let span = &case.spans()[span];
    let mut recorded = Recorded::new();
    for (key, value) in &span.attributes {
        recorded = match value {
            Json::String(text) => recorded.with_attribute(key, text.as_str()),
            Json::Bool(yes) => recorded.with_attribute(key, *yes),
            Json::Number(n) => match (n.as_i64(), n.as_f64()) {
                (Some(n), _) => recorded.with_attribute(key, n),
                (None, Some(n)) => recorded.with_attribute(key, n),
                (None, None) => recorded,
            },
            Json::Null => recorded,
            other => recorded.with_attribute(key, Value::Json(&other.to_string())),
        }
    }
    for artifact in case.artifacts.iter().filter(|artifact| artifact.span_id == span.span_id) {
        if let Some(payload) = artifact.payload() {
            let answer = RecordedArtifact::new(&artifact.kind, payload);
            recorded = recorded.with_artifact(match artifact.content_type.as_str() {
                "" => answer,
                content_type => answer.content_type(content_type),
            })
        }
    }
    let class = span.error_type.as_deref().or(span.text(semconv::ERROR_TYPE));
    let error = match span.status.as_str() {
        "error" | "panicked" => Some(RecordedError::new(span.error.as_deref().unwrap_or_default())),
        // Nobody waited for the answer, so there is none.
        "cancelled" => Some(RecordedError::new("the recorded call was given up before it was answered")),
        "open" => Some(RecordedError::new("the end of the recorded call was not recorded")),
        _ => None,
    };
    match error {
        Some(error) => recorded.with_error(match class {
            Some(class) => error.of_class(class),
            None => error,
        }),
        None => recorded,
    }
    .into()
}

/// What a recorded call that was not made is shown as.
pub(super) fn boundary_of(case: &Case, place: RecordedPlace) -> String {
    match place {
        RecordedPlace::Span(span) => boundary(&case.spans()[span]),
        RecordedPlace::Value { span, event } => format!("value {}", value_name(case, span, event)),
    }
}
