//! X-Ray's header and the client context: what is read can be written, and is then read the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge::carrier::extract;
use spanbridge_lambda::{ClientContext, XRay};

fuzz_target!(|input: (&[u8], &str)| {
    let (header, users) = input;
    if let Ok(xray) = XRay::parse(header) {
        assert_eq!(XRay::parse(xray.to_string().as_bytes()), Ok(xray));
    }
    let Ok(mut sent) = ClientContext::read(users) else { return };
    let ours = extract(&sent).context;
    let was_too_long = users.len() > ClientContext::LIMIT;
    let left_out = sent.inject(&ours);
    let Some(encoded) = sent.encode() else { return };
    assert!(was_too_long || encoded.len() <= ClientContext::LIMIT);
    let read = ClientContext::read(&encoded).expect("as we wrote it");
    if left_out.is_none() {
        assert_eq!(extract(&read).context, ours);
    }
});
