//! Attributes of records and attributes of OTLP.

use crate::otlp::json;
use crate::otlp::model::{AnyValue, KeyValue};
use spanbridge::Value;
use spanbridge::record::{AttributeValue, Attributes, AttributesView};
use std::borrow::Cow;
use std::collections::HashMap;

/// Up to here, comparing each key with those before it is fastest. Beyond, that would take quadratic time.
const FEW: usize = 32;

/// Attributes, each key once.
pub(super) fn all<'a>(attributes: AttributesView<'a>) -> Vec<KeyValue<'a>> {
    let mut all = Vec::new();
    add(&mut all, attributes);
    unique(&mut all);
    all
}

/// Adds attributes. When all are there, [`unique`] is due: after each of many, it would take quadratic time.
pub(super) fn add<'a>(all: &mut Vec<KeyValue<'a>>, more: AttributesView<'a>) {
    for (key, value) in more {
        all.push(KeyValue { key: Cow::Borrowed(key), value: to_otlp(value) });
    }
}

/// As [`add`], borrowing nothing.
pub(super) fn add_owned(all: &mut Vec<KeyValue<'static>>, more: AttributesView<'_>) {
    for (key, value) in more {
        all.push(KeyValue { key: Cow::Owned(key.to_owned()), value: to_otlp(value).into_owned() });
    }
    unique(all);
}

/// Of a key that repeats, the last value counts: OTLP has each key once.
pub(super) fn unique(all: &mut Vec<KeyValue<'_>>) {
    let mut at = 0;
    if all.len() <= FEW {
        while at < all.len() {
            if all[at + 1..].iter().any(|later| later.key == all[at].key) {
                all.remove(at);
            } else {
                at += 1;
            }
        }
        return;
    }
    let last: HashMap<&str, usize> = all.iter().enumerate().map(|(at, attribute)| (&*attribute.key, at)).collect();
    if last.len() == all.len() {
        return;
    }
    let mut is_last: Vec<bool> = vec![false; all.len()];
    last.values().for_each(|at| is_last[*at] = true);
    let mut is_last = is_last.into_iter();
    all.retain(|_| is_last.next().unwrap_or(true));
}

fn to_otlp(value: Value<'_>) -> AnyValue<'_> {
    match value {
        Value::I64(v) => AnyValue::I64(v),
        Value::F64(v) => AnyValue::F64(v),
        Value::Bool(v) => AnyValue::Bool(v),
        // What is not JSON after all is text.
        Value::Json(v) => json::to_value(v).unwrap_or(AnyValue::Str(Cow::Borrowed(v))),
        other => AnyValue::Str(Cow::Borrowed(other.as_str().unwrap_or_default())),
    }
}

/// The attributes of a record.
pub(super) fn to_record(attributes: Vec<KeyValue<'_>>) -> Attributes<'_> {
    attributes.into_iter().map(|attribute| (attribute.key, to_record_value(attribute.value))).collect()
}

/// Lists, maps and nothing are JSON; bytes are text in base64, as they are in OTLP's JSON.
fn to_record_value(value: AnyValue<'_>) -> AttributeValue<'_> {
    match value {
        AnyValue::Str(v) => AttributeValue::Str(v),
        AnyValue::Bool(v) => AttributeValue::Bool(v),
        AnyValue::I64(v) => AttributeValue::I64(v),
        AnyValue::F64(v) => AttributeValue::F64(v),
        AnyValue::Bytes(v) => AttributeValue::Str(json::to_base64(&v).into()),
        AnyValue::Empty | AnyValue::Array(_) | AnyValue::Map(_) => {
            AttributeValue::Json(json::from_value(&value).into())
        }
    }
}
