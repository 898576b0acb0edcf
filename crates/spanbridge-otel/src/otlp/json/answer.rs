//! Writes what a receiver answers.

use super::write::{count_member, object, put_text, text_member, time_member};

/// Appends `ExportTraceServiceResponse`: how many spans were rejected, and why. `{}`, if all is well.
pub fn write_response(rejected: u64, why: &str, out: &mut Vec<u8>) {
    if rejected == 0 && why.is_empty() {
        return out.extend_from_slice(b"{}");
    }
    out.extend_from_slice(br#"{"partialSuccess":"#);
    object(out, |out| {
        // An integer of 64 bits, as times are.
        time_member(out, "rejectedSpans", rejected.min(i64::MAX as u64));
        text_member(out, "errorMessage", why);
    });
    out.push(b'}');
}

/// Appends a `google.rpc.Status`, which is the body of an answer that is no success: a
/// [code](https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto), and why.
pub fn write_status(code: u8, why: &str, out: &mut Vec<u8>) {
    object(out, |out| {
        count_member(out, "code", u32::from(code));
        out.extend_from_slice(br#","message":"#);
        put_text(out, why);
    });
}
