//! The file that a replay reads: whatever is read is written so that it reads the same again, and its entry is there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge_replay::{Case, Report};

fuzz_target!(|input: &[u8]| {
    if let Ok(case) = Case::from_json(input) {
        let again = Case::from_json(case.to_json().as_bytes()).expect("what is written can be read");
        assert_eq!(again, case);
        let entry = case.entry().span_id;
        assert!(case.span(entry).is_some());
        for artifact in &case.artifacts {
            assert!(artifact.content.text.is_none() || artifact.content.bytes().is_some());
        }
    }
    if let Ok(report) = Report::from_json(input) {
        assert_eq!(Report::from_json(report.to_json().as_bytes()).expect("what is written can be read"), report);
        let _ = report.to_string();
    }
});
