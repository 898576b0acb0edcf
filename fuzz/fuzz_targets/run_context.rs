//! What is stored of a run: whatever is read is written so that it reads the same again, in text and in bytes, and its
//! context is one that can travel.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge::{Context, RunContext};

fuzz_target!(|input: &[u8]| {
    if let Ok(saved) = serde_json::from_slice::<RunContext>(input) {
        let text = saved.to_string();
        let again: RunContext = text.parse().expect("what is written can be read");
        assert_eq!(again.to_string(), text);
        let bytes = postcard::to_stdvec(&again).expect("written");
        assert_eq!(postcard::from_bytes::<RunContext>(&bytes).expect("read"), again);
        let run = saved.run_id();
        assert_eq!(Context::from(saved).run_id(), run);
    }
    if let Ok(saved) = postcard::from_bytes::<RunContext>(input) {
        // Text has no number that is none.
        let text = saved.to_string();
        assert_eq!(text.parse::<RunContext>().expect("read").to_string(), text);
    }
});
