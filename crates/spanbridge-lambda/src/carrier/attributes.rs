//! Message attributes of SQS and SNS, in either SDK's types.

use spanbridge::Context;
use spanbridge::carrier::{Budget, Extract, Header, Inject, inject_within};
use spanbridge::w3c;
use std::collections::HashMap;

/// A message attribute, in an SDK's type.
pub(crate) trait Attribute: Sized {
    /// An attribute of type `String`.
    fn of_text(text: &str) -> Self;

    /// Its text or its bytes; `None` where it has neither.
    fn bytes(&self) -> Option<&[u8]>;

    /// The bytes that its type and its value count towards the size of the message.
    fn size(&self) -> usize;
}

/// The attributes of a message, as a carrier.
#[derive(Debug)]
pub(crate) struct Attributes<'a, V>(pub(crate) &'a mut HashMap<String, V>);

/// The attributes that a message may have.
const MAX_ATTRIBUTES: usize = 10;
/// The length of the type name `String`, which counts beside the name and the value.
const TYPE_SIZE: usize = 6;

impl<V: Attribute> Attributes<'_, V> {
    /// Writes a context within `bytes`, and within what the application's own attributes leave of ten. Returns what had to
    /// be left out, if anything.
    pub(crate) fn inject(&mut self, context: &Context, bytes: usize) -> Option<String> {
        let others = self.0.keys().filter(|name| w3c::header_named(name).is_none()).count();
        let headers = MAX_ATTRIBUTES.saturating_sub(others);
        inject_within(context, Budget::new(bytes, TYPE_SIZE, headers), self)
    }
}

impl<V: Attribute> Extract for Attributes<'_, V> {
    fn get(&self, name: &str) -> Header<'_> {
        match self.0.get(name).map(V::bytes) {
            None => Header::Absent,
            Some(None) => Header::Unusable("has neither text nor bytes"),
            Some(Some(bytes)) => Header::Value(bytes.into()),
        }
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        self.0.keys().for_each(|name| f(name))
    }
}

impl<V: Attribute> Inject for Attributes<'_, V> {
    fn set(&mut self, name: &'static str, value: &str) {
        self.0.insert(name.to_owned(), V::of_text(value));
    }

    fn remove(&mut self, name: &'static str) {
        self.0.remove(name);
    }

    fn remove_other_case(&mut self) {
        self.0.retain(|name, _| !w3c::is_other_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanbridge::carrier::extract;
    use spanbridge::w3c::{Baggage, SAMPLED, TraceParent, TraceState};
    use spanbridge::{RunId, SpanId, TraceId};

    /// An attribute as in the SDKs.
    #[derive(Debug, PartialEq)]
    enum Value {
        Text(String),
        Bytes(Vec<u8>),
        Nothing,
    }

    impl Attribute for Value {
        fn of_text(text: &str) -> Self {
            Value::Text(text.to_owned())
        }

        fn size(&self) -> usize {
            TYPE_SIZE + self.bytes().map_or(0, <[u8]>::len)
        }

        fn bytes(&self) -> Option<&[u8]> {
            match self {
                Value::Text(text) => Some(text.as_bytes()),
                Value::Bytes(bytes) => Some(bytes),
                Value::Nothing => None,
            }
        }
    }

    fn users(count: usize) -> HashMap<String, Value> {
        (0..count).map(|n| (format!("attribute{n}"), Value::Nothing)).collect()
    }

    fn context(state: &str, baggage: &str) -> Context {
        let (trace_id, span_id) = (TraceId::new(5).unwrap(), SpanId::new(7).unwrap());
        let (run, state, _) = TraceState::parse(state.as_bytes());
        let parent = TraceParent { trace_id, span_id, flags: SAMPLED };
        Context::remote(parent, run, state, Baggage::parse(baggage.as_bytes()).0)
    }

    #[test]
    fn a_message_never_exceeds_ten() {
        let full = context("sb=r:00000000000000000000000000000009,vendor=1", "tenant=7");
        for (context, users_have, written, left_out) in [
            (&full, 0, &["traceparent", "tracestate", "baggage"][..], None),
            (&full, 7, &["traceparent", "tracestate", "baggage"], None),
            (&full, 8, &["traceparent", "tracestate"], Some("no room for the baggage (8 bytes)")),
            (&full, 9, &["traceparent"], Some("no room for the baggage (8 bytes) and 2 members of tracestate")),
            (&full, 10, &[], Some("no room for the context")),
            (&full, 12, &[], Some("no room for the context")),
            (&context("", "tenant=7"), 8, &["traceparent", "baggage"], None),
            (&context("", "tenant=7"), 9, &["traceparent"], Some("no room for the baggage (8 bytes)")),
            (&context("", ""), 9, &["traceparent"], None),
            (&Context::EMPTY, 10, &[], None),
        ] {
            // A header from an earlier hop is replaced, so it takes no place.
            let mut attributes = users(users_have);
            if users_have < MAX_ATTRIBUTES {
                attributes.insert(w3c::TRACEPARENT.to_owned(), Value::of_text("old"));
            }
            let mut carrier = Attributes(&mut attributes);
            assert_eq!(carrier.inject(context, usize::MAX).as_deref(), left_out, "{users_have}");
            let ours = |name: &&&str| attributes.get(**name).is_some_and(|value| *value != Value::of_text("old"));
            let found: Vec<_> = ["traceparent", "tracestate", "baggage"].iter().filter(ours).copied().collect();
            assert_eq!(found, written, "{users_have}");
            assert!(attributes.len() <= MAX_ATTRIBUTES.max(users_have));
        }
    }

    #[test]
    fn bytes_count_with_the_type() {
        let mut attributes = users(0);
        let exactly = w3c::TRACEPARENT.len() + TYPE_SIZE + TraceParent::LEN;
        assert_eq!(Attributes(&mut attributes).inject(&context("", ""), exactly), None);
        assert!(Attributes(&mut attributes).inject(&context("", ""), exactly - 1).is_some());
        assert!(attributes.is_empty());
    }

    #[test]
    fn a_written_context_is_read_back() {
        let mut attributes = users(3);
        let sent = context("sb=r:00000000000000000000000000000009,vendor=1", "tenant=7");
        Attributes(&mut attributes).inject(&sent, usize::MAX);
        let text = attributes.remove("baggage").and_then(|v| v.bytes().map(<[u8]>::to_vec)).unwrap();
        attributes.insert("baggage".to_owned(), Value::Bytes(text));
        let found = extract(&Attributes(&mut attributes));
        assert_eq!((found.context, found.problems), (sent, vec![]));
        assert_eq!(found_run(&mut attributes), RunId::new(9));
        attributes.insert("traceparent".to_owned(), Value::Nothing);
        let found = extract(&Attributes(&mut attributes));
        assert_eq!(found.problems[0].to_string(), "traceparent: has neither text nor bytes");
    }

    fn found_run(attributes: &mut HashMap<String, Value>) -> Option<RunId> {
        extract(&Attributes(attributes)).context.run_id()
    }
}
