//! Spans that spanbridge exported.

use spanbridge::semconv;
use spanbridge_otel::otlp::model::{AnyValue, Resource, get};

/// Whether a span with this resource may have been recorded by spanbridge. A collector has the spans of all services, those of
/// spanbridge among them: beside their own records, which say more, the records that are made of a span would contradict them. See
/// [`Store::import_unless_recorded`](spanbridge_query::Store::import_unless_recorded).
pub fn is_ours(resource: &Resource<'_>) -> bool {
    get(&resource.attributes, semconv::TELEMETRY_SDK_NAME).and_then(AnyValue::as_str) == Some("spanbridge")
}
