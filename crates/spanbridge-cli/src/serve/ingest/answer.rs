//! What a client is told.

use super::form::Form;
use super::outcome::Outcome;
use super::refused::Refused;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Value, json};
use spanbridge_otel::otlp::{json as otlp_json, protobuf};

/// Seconds after which it is worth to come again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Writes the receipt for records.
pub(super) fn write_receipt(outcome: &Outcome, body: &mut Vec<u8>) {
    let Outcome { read, stored, repeated, conflicts, rejected, .. } = outcome;
    body.extend_from_slice(
        format!(
            r#"{{"schemaVersion":1,"read":{read},"stored":{stored},"repeated":{repeated},"conflicts":{conflicts},"rejected":["#
        )
        .as_bytes(),
    );
    for (place, (index, reason)) in rejected.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let reason = Value::from(reason.as_str());
        body.extend_from_slice(format!(r#"{comma}{{"index":{index},"reason":{reason}}}"#).as_bytes());
    }
    body.extend_from_slice(b"]}");
}

/// Writes `ExportTraceServiceResponse`. `without_ids`: spans that were rejected before anything was stored.
pub(super) fn write_exported(form: Form, outcome: &Outcome, without_ids: u64, body: &mut Vec<u8>) {
    let mut spans: Vec<u64> = outcome.rejected.iter().map(|(number, _)| *number).collect();
    spans.dedup();
    let mut why = Vec::new();
    if without_ids > 0 {
        why.push(format!("{without_ids} without a valid trace id, span id or parent id"));
    }
    if let Some((_, first)) = outcome.rejected.first() {
        why.push(format!("{} that cannot be stored: {first}", spans.len()));
    }
    // Also where nothing is rejected: a warning, as the specification calls it.
    if outcome.conflicts > 0 {
        let records = if outcome.conflicts == 1 { "record contradicts" } else { "records contradict" };
        let conflicts = outcome.conflicts;
        why.push(format!("{conflicts} {records} what is stored under the same id; both are kept"));
    }
    let (rejected, why) = (without_ids + spans.len() as u64, why.join("; "));
    match form {
        Form::Json => otlp_json::write_response(rejected, &why, body),
        _ => protobuf::write_response(rejected, &why, body),
    }
}

/// An answer to a request that was taken.
pub(super) fn answered(form: Form, body: impl AsRef<[u8]> + Send + 'static) -> Response {
    response(StatusCode::OK, media_type(form), Bytes::from_owner(body))
}

/// Why a request is not taken: to a sender of OTLP as `google.rpc.Status` in the encoding of its request, to others as JSON.
pub(super) fn refused(form: Form, refused: &Refused) -> Response {
    let body = match form {
        Form::Records => {
            json!({ "error": { "code": refused.code, "message": refused.message } }).to_string().into_bytes()
        }
        Form::Json | Form::Protobuf => rpc_status(form, rpc_code(refused.status), &refused.message),
    };
    let mut response = response(refused.status, media_type(form), body);
    if refused.status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    response
}

/// Makes the body of an answer a `google.rpc.Status` in this encoding. Its status and its other headers stay.
pub(super) fn as_status(form: Form, message: &str, response: Response) -> Response {
    let (mut head, _) = response.into_parts();
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(form)));
    head.headers.remove(header::CONTENT_LENGTH);
    let body = rpc_status(form, rpc_code(head.status), message);
    Response::from_parts(head, body.into())
}

fn rpc_status(form: Form, code: u8, message: &str) -> Vec<u8> {
    let mut body = Vec::new();
    let write = if form == Form::Json { otlp_json::write_status } else { protobuf::write_status };
    write(code, message, &mut body);
    body
}

/// The code of a `google.rpc.Status`.
fn rpc_code(status: StatusCode) -> u8 {
    match status {
        StatusCode::REQUEST_TIMEOUT => 4,                             // DEADLINE_EXCEEDED
        StatusCode::FORBIDDEN => 7,                                   // PERMISSION_DENIED
        StatusCode::PAYLOAD_TOO_LARGE => 8,                           // RESOURCE_EXHAUSTED
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => 12, // UNIMPLEMENTED
        StatusCode::SERVICE_UNAVAILABLE => 14,                        // UNAVAILABLE
        StatusCode::UNAUTHORIZED => 16,                               // UNAUTHENTICATED
        _ => 3,                                                       // INVALID_ARGUMENT
    }
}

fn media_type(form: Form) -> &'static str {
    if form == Form::Protobuf { "application/x-protobuf" } else { "application/json" }
}

fn response(status: StatusCode, media: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}
