//! The status of a response is found as a parser finds it: in text, in a value, and in text that is a value.
#![no_main]

#[path = "../../crates/spanbridge-lambda/src/json.rs"]
#[expect(dead_code, reason = "in the crate, all of it is used")]
mod json;
#[path = "../../crates/spanbridge-lambda/src/consume/status.rs"]
mod status;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;
use status::{of_json, of_response};

/// How many members are looked at, and how many bytes of text.
const LIMITS: (usize, usize) = (64, 64 * 1024);

fuzz_target!(|sent: &[u8]| {
    let in_text = of_json(sent).map(|status| status.as_u16());
    let Ok(value) = serde_json::from_slice::<Value>(sent) else { return };
    let code = value.as_object().and_then(|object| object.get("statusCode")?.as_u64());
    let expected = code.filter(|code| (100..1000).contains(code)).map(|code| code as u16);
    let in_value = of_response(&value).map(|status| status.as_u16());
    if value.as_object().is_none_or(|object| object.len() <= LIMITS.0) {
        assert_eq!(in_value, expected)
    }
    if sent.len() <= LIMITS.1 {
        assert_eq!(in_text, expected);
        let raw: Box<RawValue> = serde_json::from_slice(sent).expect("JSON");
        assert_eq!(of_response(&raw).map(|status| status.as_u16()), expected)
    }
});
