//! What was spliced in comes out again and leaves the payload as it was, whatever that was; what is JSON stays JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;
use spanbridge::payload::{FIELD, HiddenFields, splice, take};
use spanbridge::w3c::{HEADERS, header_named, is_other_case};

fuzz_target!(|input: (&str, Option<&str>, &[u8])| {
    let (traceparent, tracestate, payload) = input;
    let is_json =
        |json: &[u8]| serde_json::from_slice::<IgnoredAny>(json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json)).is_ok();
    let taken = take(payload);
    let rest = taken.payload();
    assert_eq!(rest.len() + taken.cuts().map(|c| c.len()).sum::<usize>(), payload.len());
    assert!(take(&rest).fields.is_none() || !is_json(payload), "nothing is left over");
    assert!(!is_json(payload) || is_json(&rest));
    // Against a parser: the same object but for the field.
    if let Ok(Value::Object(mut object)) = serde_json::from_slice(payload) {
        let field = object.remove(FIELD);
        let text = |name: &str| field.as_ref().and_then(|f| f.get(name)).and_then(Value::as_str);
        // Exact names come before those in other case, of which the last counts, as far as it is a text.
        let any_case = |name: &str| {
            let members = field.as_ref().and_then(Value::as_object).into_iter().flatten();
            members.into_iter().any(|(key, _)| is_other_case(key) && header_named(key) == Some(name))
        };
        if let Some(fields) = &taken.fields {
            let found = [Some(&*fields.traceparent), fields.tracestate.as_deref(), fields.baggage.as_deref()];
            for (name, found) in HEADERS.into_iter().zip(found) {
                assert!(any_case(name) || found.unwrap_or_default() == text(name).unwrap_or_default());
            }
        } else {
            assert_eq!((text("traceparent"), text("baggage")), (None, None));
        }
        assert_eq!(serde_json::from_slice::<Value>(&rest).expect("still JSON"), Value::Object(object));
    }

    let fields =
        HiddenFields { traceparent: traceparent.into(), tracestate: tracestate.map(Into::into), baggage: None };
    let Some(sent) = splice(payload, &fields) else { return };
    assert_eq!(is_json(&sent), is_json(payload));
    let received = take(&sent);
    assert_eq!(received.payload(), rest);
    assert_eq!(received.fields, Some(fields));
    assert_eq!(received.problem, None);
});
