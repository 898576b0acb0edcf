//! What is read is written as version 00 and reads back the same; the digits are those that were there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge::w3c::{RANDOM, SAMPLED, TraceParent};

fuzz_target!(|header: &[u8]| {
    let Ok(parent) = TraceParent::parse(header) else { return };
    let text = parent.to_bytes();
    let trimmed = header.trim_ascii();
    assert_eq!(trimmed[2..53], text[2..53]);
    let again = TraceParent::parse(&text).expect("what was written");
    assert_eq!(again, TraceParent { flags: parent.flags & (SAMPLED | RANDOM), ..parent });
    assert_eq!(parent.to_string().as_bytes(), text);
});
