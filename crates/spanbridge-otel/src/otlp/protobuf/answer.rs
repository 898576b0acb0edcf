//! Writes what a receiver answers.

use super::tags::{length_tag, partial_success, response, rpc_status, varint_tag};
use super::write::{nested, put_text, put_varint};

/// Appends `ExportTraceServiceResponse`: how many spans were rejected, and why. Nothing, if all is well.
pub fn write_response(rejected: u64, why: &str, out: &mut Vec<u8>) {
    if rejected == 0 && why.is_empty() {
        return;
    }
    nested::<1>(out, length_tag(response::PARTIAL_SUCCESS), |out| {
        if rejected > 0 {
            out.push(varint_tag(partial_success::REJECTED_SPANS));
            put_varint(out, rejected.min(i64::MAX as u64));
        }
        put_text(out, length_tag(partial_success::ERROR_MESSAGE), why);
    });
}

/// Appends a `google.rpc.Status`, which is the body of an answer that is no success: a
/// [code](https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto), and why.
pub fn write_status(code: u8, why: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&[varint_tag(rpc_status::CODE), code & 0x7f]);
    put_text(out, length_tag(rpc_status::MESSAGE), why);
}
