//! A record of Crux becomes records of ours that are written and read without a change, the same each time; and what it says is
//! not dropped: its attributes are those of the record.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge::record::Record;
use spanbridge_cli::import::crux::{Converted, Fields, Suspensions, read};

fuzz_target!(|text: &str| {
    let Ok(fields) = Fields::parse(text) else { return };
    let once = read(fields);
    assert_eq!(once, read(Fields::parse(text).expect("as before")));
    match once {
        Ok(Converted::Record { record, more } | Converted::Resumed { record, more }) => {
            let mut suspensions = Suspensions::default();
            suspensions.add(&record);
            let mut resolved = record.clone();
            suspensions.resolve(&mut resolved);
            for record in [record, resolved].into_iter().chain(more) {
                let line = record.to_json();
                let again = Record::from_json(&line).expect("what was written").expect("of a known type");
                assert_eq!(again.to_json(), line);
            }
        }
        Ok(_) => {}
        Err(why) => assert!(!why.is_empty() && !why.contains('\n')),
    }
});
