//! An event of any source is read without a panic, and the handler sees what was sent but for the hidden field.
#![no_main]

#[path = "../../crates/spanbridge-lambda/tests/support/hidden.rs"]
mod hidden;

use hidden::without_hidden;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use spanbridge::payload::FIELD;
use spanbridge_lambda::__private::bodies;
use spanbridge_lambda::{Event, InvocationMetadata, Source};

fuzz_target!(|sent: &[u8]| {
    let (event, payload) = Event::read(sent, InvocationMetadata::new());
    for carried in event.records().iter().map(|record| &record.carried).chain([event.carried()]) {
        if let Some(parent) = carried.context.trace_parent() {
            assert_ne!(parent.trace_id.get(), 0);
        }
    }
    event.attributes().for_each(|(name, _)| assert!(!name.is_empty()));
    // What may be captured of the records: each in its place, and nothing of ours.
    let bodies = bodies(event.source(), sent);
    assert!([0, bodies.len()].contains(&event.records().len()), "S3's are no messages");
    assert!(bodies.len() <= 10_000, "so many have room");
    for body in bodies.into_iter().flatten() {
        // DynamoDB's is a change; ours stands in the images of it.
        if let (Ok(Value::Object(body)), false) = (serde_json::from_slice(&body), event.source() == Source::DynamoDb) {
            assert!(!body.contains_key(FIELD))
        }
    }
    // Against a parser, which knows no bytes before the text.
    if let Ok(expected) = serde_json::from_slice::<Value>(sent) {
        let expected = without_hidden(expected, event.source());
        assert_eq!(serde_json::from_slice::<Value>(&payload).expect("still JSON"), expected);
    }
});
