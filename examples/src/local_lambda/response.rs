//! The responses to callers: errors, buffered responses and event streams, as the service encodes them.

use super::account;
use super::invocation::{BufferedResponse, FunctionError, ResponsePart};
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

/// An error of the service. The function was not invoked.
#[derive(Debug)]
pub(super) struct ServiceError {
    status: StatusCode,
    error: &'static str,
    body: serde_json::Value,
}

impl ServiceError {
    fn new(status: StatusCode, error: &'static str, message: &str) -> Self {
        // The service spells the member `Message` in some of its errors, and `message` in the others.
        let name = if error == "ResourceNotFoundException" { "Message" } else { "message" };
        ServiceError { status, error, body: serde_json::json!({ "Type": "User", name: message }) }
    }

    pub(super) fn not_found(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ResourceNotFoundException",
            &format!("Function not found: {}", account::arn(name)),
        )
    }

    pub(super) fn throttled() -> Self {
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Rate Exceeded.");
        error.body["Reason"] = "ReservedFunctionConcurrentInvocationLimitExceeded".into();
        error
    }

    pub(super) fn invalid_content(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContentException", message)
    }

    pub(super) fn invalid_parameter(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidParameterValueException", message)
    }

    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("Request must be smaller than {limit} bytes for the InvokeFunction operation");
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

/// The response to `Invoke`, with the whole response of the function.
pub(super) fn buffered(id: &str, BufferedResponse { response, log }: BufferedResponse, with_log: bool) -> Response {
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

/// The response to `InvokeWithResponseStream`: an [event stream](https://smithy.io/2.0/aws/amazon-eventstream.html).
pub(super) fn streamed(id: &str, parts: mpsc::Receiver<ResponsePart>, with_log: bool) -> Response {
    let frames = stream::unfold(Some(parts), move |parts| async move {
        let mut parts = parts?;
        Some(match parts.recv().await? {
            ResponsePart::Chunk(chunk) => (frame("PayloadChunk", "application/octet-stream", chunk), Some(parts)),
            ResponsePart::Ended { error, log } => {
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
    // Fails only above 16 MiB, and no chunk is that large.
    let _ = write_message_to(&message, &mut frame);
    Ok(frame.into())
}
