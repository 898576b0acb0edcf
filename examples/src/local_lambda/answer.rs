//! What a caller is told, in the service's words.

use super::account;
use super::invocation::{FunctionError, Part, Whole};
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use std::convert::Infallible;
use tokio::sync::mpsc;

/// An error of the service: the function was not invoked.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: &'static str,
    body: serde_json::Value,
}

impl Refusal {
    fn new(status: StatusCode, error: &'static str, message: &str) -> Self {
        // Some of the service's errors spell it one way, some the other.
        let name = if error == "ResourceNotFoundException" { "Message" } else { "message" };
        Refusal { status, error, body: serde_json::json!({ "Type": "User", name: message }) }
    }

    pub(super) fn not_found(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            &format!("Function not found: {}", account::arn(name)),
        )
    }

    pub(super) fn throttled() -> Self {
        let mut refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.");
        refusal.body["Reason"] = "ReservedFunctionConcurrentInvocationLimitExceeded".into();
        refusal
    }

    pub(super) fn invalid_content(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContentException", message)
    }

    pub(super) fn invalid_parameter(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidParameterValueException", message)
    }

    pub(super) fn too_large(most: usize) -> Self {
        let message = format!("Request must be smaller than {most} bytes for the InvokeFunction operation");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLargeException", &message)
    }

    pub(super) fn response(self, id: &str) -> Response {
        let kind = [("x-amzn-errortype", self.error), ("content-type", "application/json")];
        (self.status, request_id(id), kind, self.body.to_string()).into_response()
    }
}

pub(super) fn request_id(id: &str) -> [(&'static str, String); 1] {
    [("x-amzn-requestid", id.to_owned())]
}

/// The answer to a call that waits for the whole response.
pub(super) fn whole(id: &str, Whole { response, log }: Whole, with_log: bool) -> Response {
    let (error, body) = match response {
        Ok(body) => (None, body),
        Err(error) => (Some(("x-amz-function-error", "Unhandled")), error.body.to_vec()),
    };
    let headers = [("content-type", "application/json"), ("x-amz-executed-version", "$LATEST")];
    let log = with_log.then(|| [("x-amz-log-result", BASE64_STANDARD.encode(log))]);
    let mut response = (StatusCode::OK, request_id(id), headers, body).into_response();
    for (name, value) in error.map(|(n, v)| (n, v.to_owned())).into_iter().chain(log.into_iter().flatten()) {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The answer to a call that takes the response as it comes: an [event
/// stream](https://smithy.io/2.0/aws/amazon-eventstream.html).
pub(super) fn streamed(id: &str, parts: mpsc::Receiver<Part>, with_log: bool) -> Response {
    let frames = stream::unfold(Some(parts), move |parts| async move {
        let mut parts = parts?;
        Some(match parts.recv().await? {
            Part::Chunk(chunk) => (frame("PayloadChunk", "application/octet-stream", chunk), Some(parts)),
            Part::Ended { error, log } => {
                let complete = complete(error, with_log.then_some(log));
                (frame("InvokeComplete", "application/json", complete), None)
            }
        })
    });
    let headers = [("content-type", "application/vnd.amazon.eventstream"), ("x-amz-executed-version", "$LATEST")];
    (StatusCode::OK, request_id(id), headers, Body::from_stream(frames)).into_response()
}

fn complete(error: Option<FunctionError>, log: Option<Vec<u8>>) -> Bytes {
    let mut complete = serde_json::Map::new();
    if let Some(FunctionError { in_stream, body }) = error {
        complete.insert("ErrorCode".to_owned(), in_stream.unwrap_or_else(|| "Unhandled".to_owned()).into());
        complete.insert("ErrorDetails".to_owned(), String::from_utf8_lossy(&body).into());
    }
    if let Some(log) = log {
        complete.insert("LogResult".to_owned(), BASE64_STANDARD.encode(log).into());
    }
    serde_json::Value::Object(complete).to_string().into()
}

fn frame(kind: &'static str, content_type: &'static str, payload: Bytes) -> Result<Bytes, Infallible> {
    let header = |name: &'static str, value: &'static str| Header::new(name, HeaderValue::String(value.into()));
    let message = Message::new(payload)
        .add_header(header(":message-type", "event"))
        .add_header(header(":event-type", kind))
        .add_header(header(":content-type", content_type));
    let mut frame = Vec::new();
    // It fails for more than 16 MiB, which no chunk has.
    let _ = write_message_to(&message, &mut frame);
    Ok(frame.into())
}
