//! What all exporters of one telemetry have in common.

use super::content;
use super::limits::Limits;
use crate::otlp::model::{AnyValue, KeyValue, Resource, Span};
use spanbridge::record::BodyView;
use spanbridge::{RecordBatch, Value, semconv};
use std::borrow::Cow;

#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// Of the resource, and before what the recorder says.
    pub(super) attributes: Vec<KeyValue<'static>>,
    pub(super) content: bool,
    pub(super) limits: Limits,
}

impl Settings {
    /// Sets attributes of the resource. A key that is there already gets the new value.
    pub(super) fn set(&mut self, attribute: KeyValue<'static>) {
        self.attributes.retain(|other| other.key != attribute.key);
        self.attributes.push(attribute)
    }

    /// Takes out of a span what does not leave.
    pub(super) fn shape(&self, span: &mut Span<'_>) {
        if !self.content {
            content::remove(span)
        }
        self.limits.apply(span)
    }

    /// The resource of a recorder, by the first batch of it.
    pub(super) fn resource_of(&self, batch: &RecordBatch) -> Resource<'static> {
        let mut all = Settings::default();
        all.set(KeyValue::new(semconv::SERVICE_NAME, batch.service().to_owned()));
        let segment = batch.iter().find_map(|record| match record.body() {
            BodyView::Segment(segment) => Some(segment),
            _ => None,
        });
        for (key, value) in segment.iter().flat_map(|segment| segment.resource()) {
            all.set(KeyValue { key: Cow::Owned(key.to_owned()), value: owned(value) })
        }
        for (key, value) in [
            (semconv::TELEMETRY_SDK_NAME, "spanbridge"),
            (semconv::TELEMETRY_SDK_LANGUAGE, "rust"),
            (semconv::TELEMETRY_SDK_VERSION, env!("CARGO_PKG_VERSION")),
        ] {
            all.set(KeyValue::new(key, value))
        }
        self.attributes.iter().for_each(|attribute| all.set(attribute.clone()));
        Resource { attributes: all.attributes }
    }
}

/// A resource of ours has text and numbers.
fn owned(value: Value<'_>) -> AnyValue<'static> {
    match value {
        Value::I64(v) => AnyValue::I64(v),
        Value::F64(v) => AnyValue::F64(v),
        Value::Bool(v) => AnyValue::Bool(v),
        Value::Static(v) => AnyValue::Str(v.into()),
        Value::Str(v) | Value::Json(v) => AnyValue::Str(v.to_owned().into()),
        _ => AnyValue::Empty,
    }
}
