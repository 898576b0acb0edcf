//! Attributes of OTLP as attributes of OpenTelemetry's API for Rust.

use crate::otlp::json;
use crate::otlp::model::{AnyValue, KeyValue};
use opentelemetry_0_33::{self as otel, Array, StringValue, Value};

pub(super) fn all(attributes: Vec<KeyValue<'_>>) -> Vec<otel::KeyValue> {
    attributes.into_iter().map(one).collect()
}

fn one(attribute: KeyValue<'_>) -> otel::KeyValue {
    otel::KeyValue::new(attribute.key.into_owned(), value(attribute.value))
}

/// The API has text, truth values, numbers, and lists of one of these. All else is text: bytes as base64, the rest as JSON.
pub(super) fn value(value: AnyValue<'_>) -> Value {
    match value {
        AnyValue::Str(v) => Value::String(v.into_owned().into()),
        AnyValue::Bool(v) => Value::Bool(v),
        AnyValue::I64(v) => Value::I64(v),
        AnyValue::F64(v) => Value::F64(v),
        AnyValue::Bytes(v) => Value::String(json::to_base64(&v).into()),
        AnyValue::Array(ref values) => match list(values) {
            Some(list) => Value::Array(list),
            None => as_json(&value),
        },
        AnyValue::Empty | AnyValue::Map(_) => as_json(&value),
    }
}

/// A list whose values are all of one type.
fn list(values: &[AnyValue<'_>]) -> Option<Array> {
    fn of<'v, 'a, T>(values: &'v [AnyValue<'a>], one: impl Fn(&'v AnyValue<'a>) -> Option<T>) -> Option<Vec<T>> {
        values.iter().map(one).collect()
    }
    match values.first() {
        None => Some(Array::String(vec![])),
        Some(AnyValue::Str(_)) => {
            of(values, |it| it.as_str().map(|v| StringValue::from(v.to_owned()))).map(Array::String)
        }
        Some(AnyValue::Bool(_)) => {
            of(values, |it| if let AnyValue::Bool(v) = it { Some(*v) } else { None }).map(Array::Bool)
        }
        Some(AnyValue::I64(_)) => {
            of(values, |it| if let AnyValue::I64(v) = it { Some(*v) } else { None }).map(Array::I64)
        }
        Some(AnyValue::F64(_)) => {
            of(values, |it| if let AnyValue::F64(v) = it { Some(*v) } else { None }).map(Array::F64)
        }
        Some(_) => None,
    }
}

fn as_json(value: &AnyValue<'_>) -> Value {
    Value::String(json::from_value(value).into())
}
