//! X-Ray's header and the client context: what is read can be written, and is then read the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge::carrier::extract;
use spanbridge_lambda::{ClientContext, XRay};
use std::str::FromStr;

fuzz_target!(|input: (&[u8], &str)| {
    let (header, users) = input;
    if let Ok(xray) = XRay::parse(header) {
        assert_eq!(XRay::parse(xray.to_string().as_bytes()), Ok(xray));
    }
    let Ok(mut sent) = ClientContext::from_str(users) else { return };
    let ours = extract(&sent).context;
    let was_too_long = users.len() > ClientContext::MAX_LEN;
    let left_out = sent.inject(&ours);
    let Some(encoded) = sent.encode() else { return };
    assert!(was_too_long || encoded.len() <= ClientContext::MAX_LEN);
    let read = ClientContext::from_str(&encoded).expect("as we wrote it");
    if left_out.is_none() {
        assert_eq!(extract(&read).context, ours);
    }
});
