//! Answers that say why there is none: `{"error": {"code", "message", "candidates"?}}`.

use super::reply::json_reply;
use crate::answers::NoAnswer;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use spanbridge_query::{Candidate, ErrorKind};

/// Seconds after which it is worth to come again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Why a request is not answered as asked.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    candidates: Vec<Value>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), candidates: Vec::new() }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// An argument that cannot be read.
    pub(super) fn bad_argument(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_argument", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// Too much at once.
    pub(super) fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "answer the request: too many others wait")
    }

    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message });
        if !self.candidates.is_empty() {
            error["candidates"] = self.candidates.into();
        }
        let mut response = json_reply(self.status, &json!({ "error": error }));
        match self.status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

impl From<spanbridge_query::Error> for Refusal {
    fn from(error: spanbridge_query::Error) -> Self {
        let (status, code) = match error.kind() {
            ErrorKind::InvalidId => (StatusCode::BAD_REQUEST, "bad_argument"),
            ErrorKind::Busy | ErrorKind::Moved => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            ErrorKind::Full => (StatusCode::INSUFFICIENT_STORAGE, "full"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "store"),
        };
        Self::new(status, code, error.to_string())
    }
}

impl From<NoAnswer> for Refusal {
    fn from(no: NoAnswer) -> Self {
        match no {
            NoAnswer::NotAnId { error, .. } | NoAnswer::Store(error) => error.into(),
            NoAnswer::Ambiguous { id, candidates } => {
                let message = format!("find {id}: several ids begin with it");
                let candidates = candidates.iter().map(candidate).collect();
                Self { candidates, ..Self::new(StatusCode::CONFLICT, "ambiguous", message) }
            }
            NoAnswer::NotFound(what) => Self::not_found(what),
        }
    }
}

fn candidate(c: &Candidate) -> Value {
    json!({ "id": c.id.to_string(), "kind": c.id.kind(), "runId": c.run_id.to_string(), "name": c.name })
}
