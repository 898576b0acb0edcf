//! The [Invoke API](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html), as the SDKs call it.

use super::invocation::{Invocation, ResponseSender};
use super::response::{self, ServiceError};
use super::service::Service;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Maximum size of an event in bytes: of a synchronous call, and of an asynchronous one.
const MAX_PAYLOAD: usize = 6 * 1024 * 1024;
const MAX_ASYNC_PAYLOAD: usize = 1024 * 1024;
/// Maximum size of a client context, in bytes of base64.
const MAX_CLIENT_CONTEXT: usize = 3583;

pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .route("/2021-11-15/functions/{name}/response-streaming-invocations", post(invoke_streaming))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(service)
}

type Functions = State<Arc<Service>>;

async fn invoke(functions: Functions, name: Path<String>, headers: HeaderMap, payload: Bytes) -> Response {
    let request = Request { headers, payload };
    let id = new_id();
    request.invoke(functions.0, &name, &id).await.unwrap_or_else(|error| error.response(&id))
}

async fn invoke_streaming(functions: Functions, name: Path<String>, headers: HeaderMap, payload: Bytes) -> Response {
    let request = Request { headers, payload };
    let id = new_id();
    request.invoke_streaming(functions.0, &name, &id).unwrap_or_else(|error| error.response(&id))
}

struct Request {
    headers: HeaderMap,
    payload: Bytes,
}

impl Request {
    async fn invoke(self, functions: Arc<Service>, name: &str, id: &str) -> Result<Response, ServiceError> {
        let kind = self.header("x-amz-invocation-type").unwrap_or("RequestResponse");
        let deployed = functions.find(name)?;
        match kind {
            "RequestResponse" => {
                let (invocation, tail) = (self.invocation(id, MAX_PAYLOAD)?, self.wants_log()?);
                let permit = deployed.permit()?;
                let (parts, outcome) = ResponseSender::collected();
                // A task of its own, so the invocation continues if the caller disconnects.
                tokio::spawn(async move { deployed.invoke(invocation, parts, permit).await });
                Ok(response::buffered(id, outcome.await, tail))
            }
            "Event" => {
                // Lambda does not pass the client context to an asynchronous invocation.
                let invocation = Invocation { client_context: None, ..self.invocation(id, MAX_ASYNC_PAYLOAD)? };
                deployed.check_enabled()?;
                tokio::spawn(deployed.invoke_async(invocation));
                Ok((StatusCode::ACCEPTED, response::request_id(id)).into_response())
            }
            "DryRun" => Ok((StatusCode::NO_CONTENT, response::request_id(id)).into_response()),
            other => Err(ServiceError::invalid_parameter(&format!("invocationType: {other}"))),
        }
    }

    fn invoke_streaming(self, functions: Arc<Service>, name: &str, id: &str) -> Result<Response, ServiceError> {
        let deployed = functions.find(name)?;
        match self.header("x-amz-invocation-type") {
            None | Some("RequestResponse") => {}
            Some("DryRun") => return Ok((StatusCode::NO_CONTENT, response::request_id(id)).into_response()),
            Some(other) => return Err(ServiceError::invalid_parameter(&format!("invocationType: {other}"))),
        }
        let (invocation, tail) = (self.invocation(id, MAX_PAYLOAD)?, self.wants_log()?);
        let permit = deployed.permit()?;
        let (parts, received) = ResponseSender::new();
        tokio::spawn(async move { deployed.invoke(invocation, parts, permit).await });
        Ok(response::streamed(id, received, tail))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn wants_log(&self) -> Result<bool, ServiceError> {
        match self.header("x-amz-log-type") {
            None | Some("None") => Ok(false),
            Some("Tail") => Ok(true),
            Some(other) => Err(ServiceError::invalid_parameter(&format!("logType: {other}"))),
        }
    }

    fn invocation(&self, id: &str, limit: usize) -> Result<Invocation, ServiceError> {
        if self.payload.len() > limit {
            return Err(ServiceError::too_large(limit));
        }
        let payload = match self.payload.is_empty() {
            true => Bytes::from_static(b"{}"),
            false => self.payload.clone(),
        };
        serde_json::from_slice::<serde::de::IgnoredAny>(&payload)
            .map_err(|e| ServiceError::invalid_content(&format!("Could not parse request body into json: {e}")))?;
        Ok(Invocation { id: id.to_owned(), payload, client_context: self.client_context()?, trace_id: self.trace_id() })
    }

    fn client_context(&self) -> Result<Option<String>, ServiceError> {
        let Some(encoded) = self.header("x-amz-client-context").filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let decoded = BASE64_STANDARD.decode(encoded).ok().filter(|_| encoded.len() <= MAX_CLIENT_CONTEXT);
        let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        let object =
            text.filter(|text| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok());
        // JSON may contain line breaks between its tokens, and a header may not.
        let line = object.map(|text| text.replace(['\r', '\n'], " "));
        line.map(Some)
            .ok_or_else(|| ServiceError::invalid_content("Client context must be a valid Base64-encoded JSON object."))
    }

    /// The caller's trace header, else a new one that is not sampled.
    fn trace_id(&self) -> String {
        self.header("x-amzn-trace-id").map(str::to_owned).unwrap_or_else(|| {
            let (time, n) = (
                SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
                COUNT.fetch_add(1, Ordering::Relaxed),
            );
            format!(
                "Root=1-{:08x}-{:016x}{n:08x};Parent={:016x};Sampled=0;Lineage=1:00000000:0",
                time.as_secs(),
                time.as_nanos() as u64,
                n + 1
            )
        })
    }
}

static COUNT: AtomicU64 = AtomicU64::new(1);

/// A request id in the format of Lambda's.
fn new_id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:08x}-{:04x}-4{:03x}-8{:03x}-{n:012x}", now >> 32, (now >> 16) & 0xffff, (now >> 4) & 0xfff, now & 0xfff)
}
