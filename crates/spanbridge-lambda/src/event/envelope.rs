//! What services put around what they send on: looked into for a context, and for what the handler is not to see.

use super::read::*;
use crate::carrier::Standard;
use crate::json::Json;
use spanbridge::carrier::{Extraction, Header};
use spanbridge::payload::take;
use std::ops::Range;

/// The envelopes: a member that says whose one is, and the member that holds what is sent on, an object or its text.
const ENVELOPES: [(&str, &str); 4] = [
    // A notification of SNS; it has attributes as well.
    ("TopicArn", "Message"),
    // An event of EventBridge.
    ("detail-type", "detail"),
    // What became of an asynchronous call, for a destination of Lambda's.
    ("requestContext", "requestPayload"),
    // What a task of Step Functions gave that called a function.
    ("ExecutedVersion", "Payload"),
];
const MARKS: usize = ENVELOPES.len();

/// What is looked for in an object: whose it is, what is in it, the attributes of SNS, and its event as functions get it.
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

/// How far payloads are looked for in payloads: seven objects, or three texts, of which each is copied.
const DEPTH: u8 = 7;
const OBJECT: u8 = 1;
const TEXT: u8 = 2;

/// The stretches of hidden fields in a payload, in no order.
#[derive(Debug, Default)]
pub(super) struct Cuts<'p> {
    /// The payload; none where what is looked at is not a part of it as it stands.
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

/// The context of a payload that travels as text or bytes, in its hidden field or in what it is an envelope of.
pub(super) fn payload(body: &[u8]) -> Extraction {
    look(body.trim_ascii(), DEPTH, &mut Cuts::default())
}

/// The context of an object that stands in a payload, and the hidden fields there.
pub(super) fn part(object: Json<'_>, payload: &[u8]) -> (Extraction, Vec<Range<usize>>) {
    let mut cuts = Cuts { payload: Some(payload), found: vec![] };
    (look(object.written(), DEPTH, &mut cuts), cuts.found)
}

/// The same of what an object is an envelope of, without a look at its own hidden field.
pub(super) fn inside(object: Json<'_>, payload: &[u8]) -> (Extraction, Vec<Range<usize>>) {
    let mut cuts = Cuts { payload: Some(payload), found: vec![] };
    (open(object, DEPTH, &mut cuts), cuts.found)
}

fn look(written: &[u8], depth: u8, cuts: &mut Cuts<'_>) -> Extraction {
    let taken = take(written);
    cuts.add(written, taken.cuts());
    let found = hidden(&taken);
    // What is to be taken out may stand further in, all the same.
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
        let in_attributes = attributes.filter(|_| is_sns).map(|all| sns_attributes(all).extract());
        let in_attributes = in_attributes.unwrap_or_default();
        if !in_attributes.context.is_empty() && cuts.payload.is_none() {
            return in_attributes;
        }
        let inside = further(inner, depth, cuts);
        return or_else(in_attributes, || inside);
    }
    // Of several it is nobody's.
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

/// The standard headers among message attributes of SNS: `{"Type": …, "Value": …}`.
pub(super) fn sns_attributes(attributes: Json<'_>) -> Standard<'_> {
    let mut found = Standard::default();
    for (name, attribute) in attributes.members() {
        found.offer(&name, || sns_value(attribute))
    }
    found
}

/// The value of an attribute of SNS.
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
    fn a_payload_in_a_payload_ends() {
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
    fn whose_it_is_has_to_be_said() {
        for (mark, inner) in ENVELOPES {
            let marked = format!(r#"{{"{mark}":{{}},"{inner}":{HIDDEN}}}"#);
            assert!(!payload(marked.as_bytes()).context.is_empty(), "{mark}");
            let users = format!(r#"{{"{inner}":{HIDDEN}}}"#);
            assert!(payload(users.as_bytes()).context.is_empty(), "{inner}");
        }
    }
}
