//! Whole answers.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

/// JSON that was built where it may take its time.
#[derive(Debug)]
pub(super) struct Json(Bytes);

impl Json {
    pub(super) fn new(value: &Value) -> Self {
        Self::of(value)
    }

    /// Of anything that is written as JSON.
    pub(super) fn of(value: &impl Serialize) -> Self {
        // Writing to memory cannot fail, since all keys are text.
        Self(serde_json::to_vec(value).unwrap_or_default().into())
    }
}

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        reply(StatusCode::OK, "application/json", self.0)
    }
}

/// JSON, with this status.
pub(super) fn json_reply(status: StatusCode, value: &Value) -> Response {
    reply(status, "application/json", value.to_string())
}

/// Anything, with this status and media type.
pub(super) fn reply(status: StatusCode, media: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}
