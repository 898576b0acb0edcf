//! Envelopes that services put around what they forward. They are searched for a context, and for hidden fields that the
//! handler should not see.

use super::values::*;
use crate::json::Json;
use spanbridge::carrier::{Extraction, Header};
use spanbridge::payload::take;
use std::ops::Range;

/// The envelopes: a member that identifies one, and the member with its content, an object or a string of JSON.
const ENVELOPES: [(&str, &str); 4] = [
    // An SNS notification, which also has attributes.
    ("TopicArn", "Message"),
    // An EventBridge event.
    ("detail-type", "detail"),
    // The result of an asynchronous call, as sent to a Lambda destination.
    ("requestContext", "requestPayload"),
    // The result of a Step Functions task that invoked a function.
    ("ExecutedVersion", "Payload"),
];
const MARKS: usize = ENVELOPES.len();

/// The members that are looked up in an object: those of [`ENVELOPES`], the attributes of SNS, and `Records`, as in an event
/// from SNS.
const NAMES: [&str; 2 * MARKS + 2] = {
    let mut names = ["MessageAttributes"; 2 * MARKS + 2];
    let mut at = 0;
    while at < MARKS {
        (names[at], names[MARKS + at]) = ENVELOPES[at];
        at += 1;
    }
    names[2 * MARKS] = "Records";
    names
};

/// The depth to which envelopes are searched: seven objects, or three strings, each of which has to be copied.
const DEPTH: u8 = 7;
const OBJECT: u8 = 1;
const TEXT: u8 = 2;

/// The ranges of hidden fields in a payload, in no order.
#[derive(Debug, Default)]
pub(super) struct Cuts<'p> {
    /// The payload; `None` while the search is inside a string, which is a copy.
    payload: Option<&'p [u8]>,
    found: Vec<Range<usize>>,
}

impl Cuts<'_> {
    fn add(&mut self, part: &[u8], cuts: impl Iterator<Item = Range<usize>>) {
        if let Some(start) = self.payload.and_then(|payload| Json::new(part).offset_in(payload)) {
            self.found.extend(cuts.map(|cut| start + cut.start..start + cut.end))
        }
    }
}

/// The context in a payload inside an event: in its hidden field, or in its content if it is an envelope.
pub(super) fn payload(body: &[u8]) -> Extraction {
    look(body.trim_ascii(), DEPTH, &mut Cuts::default())
}

/// The context in an object of the payload, and the ranges of the hidden fields in it.
pub(super) fn part(object: Json<'_>, payload: &[u8]) -> (Extraction, Vec<Range<usize>>) {
    let mut cuts = Cuts { payload: Some(payload), found: vec![] };
    (look(object.written(), DEPTH, &mut cuts), cuts.found)
}

/// The same for the content of an envelope; the hidden field of the envelope itself is not looked at.
pub(super) fn inside(object: Json<'_>, payload: &[u8]) -> (Extraction, Vec<Range<usize>>) {
    let mut cuts = Cuts { payload: Some(payload), found: vec![] };
    (open(object, DEPTH, &mut cuts), cuts.found)
}

fn look(written: &[u8], depth: u8, cuts: &mut Cuts<'_>) -> Extraction {
    let taken = take(written);
    cuts.add(written, taken.cuts());
    let found = hidden(&taken);
    // With a context found, the search goes on only for hidden fields to remove.
    if !found.context.is_empty() && cuts.payload.is_none() {
        return found;
    }
    let inside = open(Json::new(written), depth, cuts);
    or_else(found, || inside)
}

fn open(object: Json<'_>, depth: u8, cuts: &mut Cuts<'_>) -> Extraction {
    if !object.is_object() {
        return Extraction::default();
    }
    let found = object.pick(NAMES);
    let [.., records, attributes] = found;
    let marked = (0..MARKS).find_map(|at| Some((at, found[at].and(found[MARKS + at])?)));
    if let Some((at, inner)) = marked {
        let is_sns = at == 0;
        let attributes = attributes.filter(|_| is_sns);
        let in_attributes = extract_from(attributes.into_iter().flat_map(Json::members), sns_value);
        if !in_attributes.context.is_empty() && cuts.payload.is_none() {
            return in_attributes;
        }
        let inside = further(inner, depth, cuts);
        return or_else(in_attributes, || inside);
    }
    // Of several records none is the cause of the invocation.
    let mut records = records.into_iter().flat_map(Json::elements);
    match (records.next().and_then(|only| only.get("Sns")), records.next()) {
        (Some(notification), None) => further(notification, depth, cuts),
        _ => Extraction::default(),
    }
}

fn further(inner: Json<'_>, depth: u8, cuts: &mut Cuts<'_>) -> Extraction {
    match inner.text() {
        Some(text) if depth > TEXT => look(text.as_bytes(), depth - TEXT, &mut Cuts::default()),
        None if depth > OBJECT => look(inner.written(), depth - OBJECT, cuts),
        _ => Extraction::default(),
    }
}

/// The value of an SNS message attribute: `{"Type": …, "Value": …}`.
pub(super) fn sns_value(attribute: Json<'_>) -> Header<'_> {
    match attribute.pick(["Type", "Value"]) {
        [Some(kind), Some(value)] if kind.text().as_deref() == Some("Binary") => base64_header(value),
        [_, Some(value)] => text_header(value),
        [_, None] => Header::Unusable("has no value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIDDEN: &str =
        r#"{"__spanbridge":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}"#;

    #[test]
    fn nesting_is_bounded() {
        let mut body = HIDDEN.to_owned();
        for texts in 0..6 {
            assert_eq!(!payload(body.as_bytes()).context.is_empty(), texts <= 3, "{texts}");
            body = format!(r#"{{"TopicArn":"t","Message":{}}}"#, serde_json::Value::from(body));
        }
        let mut body = HIDDEN.to_owned();
        for objects in 0..10 {
            assert_eq!(!payload(body.as_bytes()).context.is_empty(), objects < 7, "{objects}");
            body = format!(r#"{{"detail-type":"t","detail":{body}}}"#);
        }
    }

    #[test]
    fn only_marked_envelopes_are_opened() {
        for (mark, inner) in ENVELOPES {
            let marked = format!(r#"{{"{mark}":{{}},"{inner}":{HIDDEN}}}"#);
            assert!(!payload(marked.as_bytes()).context.is_empty(), "{mark}");
            let users = format!(r#"{{"{inner}":{HIDDEN}}}"#);
            assert!(payload(users.as_bytes()).context.is_empty(), "{inner}");
        }
    }
}
