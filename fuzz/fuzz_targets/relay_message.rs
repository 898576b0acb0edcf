//! Any message is read or named, and what was read of it is read again from the messages that it is sent on as.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge::record::Record;
use spanbridge_relay::Address;
use spanbridge_relay::format::{decode, encode};

fuzz_target!(|input: (Option<&[u8]>, &[u8])| {
    let (format, value) = input;
    let Ok(decoded) = decode(format, Some(value)) else { return };
    let lines = value.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    assert_eq!(decoded.records.len() + decoded.faults.len(), lines);
    let messages = encode(decoded.records.iter().map(Record::view));
    let sent: u64 = messages.iter().map(|message| message.records).sum();
    assert_eq!(sent, decoded.records.len() as u64);
    for message in &messages {
        let again = decode(Some(b"1"), Some(message.value.as_bytes())).expect("what was written");
        assert!(again.faults.is_empty());
        assert_eq!(again.records.len() as u64, message.records);
    }
    // The URL of a topic, too: what is shown of one is one.
    if let Ok(url) = std::str::from_utf8(value) {
        if let Ok(address) = url.parse::<Address>() {
            let shown = address.to_string();
            let again: Address = shown.parse().expect("what was shown");
            assert_eq!(again.to_string(), shown);
        }
    }
});
