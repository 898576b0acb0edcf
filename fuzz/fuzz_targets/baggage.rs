//! What is kept is well-formed, within limits and made of whole members; any value can be put in and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge::w3c::Baggage;

fuzz_target!(|input: (&str, &str, &[u8])| {
    let (key, value, header) = input;
    let (baggage, dropped) = Baggage::parse(header);
    assert!(baggage.as_str().len() <= 8192 && baggage.iter().count() <= 64);
    assert_eq!(Baggage::parse(baggage.as_str().as_bytes()), (baggage.clone(), None), "reads back whole");
    let members = header.split(|b| *b == b',').filter(|m| !m.iter().all(|b| matches!(b, b' ' | b'\t'))).count();
    let dropped = dropped.map_or(0, |d| d.malformed + d.over_limit);
    assert_eq!(baggage.iter().count() + dropped, members, "kept or counted");
    for member in baggage.iter() {
        assert!(header.windows(member.raw_value().len().max(1)).any(|w| w.starts_with(member.raw_value().as_bytes())));
        let _ = (member.value(), member.properties().count());
    }
    if let Ok(with) = baggage.with(key, value) {
        assert_eq!(with.get(key).as_deref(), Some(value));
        assert_eq!(Baggage::parse(with.as_str().as_bytes()), (with.clone(), None));
        assert_eq!(with.without(key), baggage.without(key));
    }
});
