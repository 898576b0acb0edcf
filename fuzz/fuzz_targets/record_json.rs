//! A line that is a record is written as one that says the same, on one line, however often.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge::record::Record;

fuzz_target!(|line: &str| {
    match Record::from_json(line) {
        Ok(Some(record)) => {
            let written = record.to_json();
            assert!(!written.contains(['\n', '\r']));
            let again = Record::from_json(&written).expect("what was written").expect("of the same type");
            assert_eq!(again.to_json(), written);
            assert_eq!(again.record_id(), record.record_id());
            assert_eq!(record.clone().into_owned(), record);
        }
        Ok(None) => {}
        Err(e) => assert!(e.to_string().starts_with("read a record: ")),
    }
});
