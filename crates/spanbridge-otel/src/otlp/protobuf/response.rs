//! Reads what a receiver answers.

use super::tags::{partial_success, response, rpc_status};
use super::wire::{Message, Wire};
use crate::error::Result;

/// Reads `ExportTraceServiceResponse`: how many spans were rejected, and why.
///
/// # Errors
/// It is not a message of protobuf.
pub(crate) fn read_partial_success(bytes: &[u8]) -> Result<(i64, String)> {
    let (mut rejected, mut why) = (0, String::new());
    let mut message = Message::whole(bytes);
    while let Some(field) = message.field()? {
        let (response::PARTIAL_SUCCESS, Wire::Bytes(mut partial)) = field else { continue };
        while let Some(field) = partial.field()? {
            match field {
                (partial_success::REJECTED_SPANS, Wire::Varint(number)) => rejected = number as i64,
                (partial_success::ERROR_MESSAGE, Wire::Bytes(text)) => why = lossy(text),
                _ => {}
            }
        }
    }
    Ok((rejected, why))
}

/// Reads the message of a `google.rpc.Status`, which is the body of an answer that is no success.
///
/// # Errors
/// It is not a message of protobuf.
pub(crate) fn read_status_message(bytes: &[u8]) -> Result<String> {
    let mut why = String::new();
    let mut message = Message::whole(bytes);
    while let Some(field) = message.field()? {
        if let (rpc_status::MESSAGE, Wire::Bytes(text)) = field {
            why = lossy(text);
        }
    }
    Ok(why)
}

fn lossy(text: Message<'_>) -> String {
    String::from_utf8_lossy(text.bytes).into_owned()
}
