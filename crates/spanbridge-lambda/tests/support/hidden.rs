//! Hidden fields that the handler must not see, once more over parsed JSON.

use serde_json::Value;
use spanbridge_lambda::Source;

/// The member that identifies an envelope, and the member with its content.
const ENVELOPES: [(&str, &str); 4] = [
    ("TopicArn", "Message"),
    ("detail-type", "detail"),
    ("requestContext", "requestPayload"),
    ("ExecutedVersion", "Payload"),
];

/// An event without its hidden fields, to the depth that is searched.
pub(crate) fn without_hidden(mut event: Value, source: Source) -> Value {
    remove(&mut event);
    let has = |event: &Value, name: &str| event.get(name).is_some_and(|value| !value.is_null());
    match (&mut event, source) {
        (event, Source::EventBridge) => event.get_mut("detail").into_iter().for_each(|detail| strip(detail, 7)),
        (Value::Array(all), Source::Direct) => {
            if let [only] = all.as_mut_slice() {
                strip(only, 7)
            }
        }
        (event, Source::Direct) if ["requestPayload", "ExecutedVersion", "TopicArn"].iter().any(|m| has(event, m)) => {
            open(event, 7)
        }
        _ => {}
    }
    event
}

fn remove(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        object.remove("__spanbridge");
    }
}

fn strip(value: &mut Value, depth: u8) {
    remove(value);
    open(value, depth)
}

fn open(value: &mut Value, depth: u8) {
    if depth < 2 || !value.is_object() {
        return;
    }
    for (mark, inner) in ENVELOPES {
        if !value[mark].is_null() && !value[inner].is_null() {
            return strip(&mut value[inner], depth - 1);
        }
    }
    if let Some([only]) = value.get_mut("Records").and_then(Value::as_array_mut).map(Vec::as_mut_slice) {
        only.get_mut("Sns").into_iter().for_each(|notification| strip(notification, depth - 1))
    }
}
