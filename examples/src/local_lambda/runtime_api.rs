//! The [Runtime API](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html) of one sandbox, and the part of the
//! Extensions API that an internal extension needs to get SIGTERM.

use super::account::ACCOUNT;
use super::invocation::{FunctionError, ResponsePart};
use super::sandbox::{Running, Sandbox};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

/// Maximum size of a buffered response, in bytes.
const MAX_RESPONSE: usize = 6 * 1024 * 1024 + 100;

const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";

type CurrentSandbox = State<Arc<Sandbox>>;

pub(super) fn router(sandbox: Arc<Sandbox>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .route("/2018-06-01/runtime/restore/next", get(async || StatusCode::OK))
        .route("/2018-06-01/runtime/restore/error", post(init_error))
        .route("/2020-01-01/extension/register", post(register))
        .route("/2020-01-01/extension/event/next", get(async || std::future::pending::<StatusCode>().await))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(sandbox)
}

async fn next(State(sandbox): CurrentSandbox) -> Response {
    let Some(invocation) = sandbox.next().await else { return StatusCode::GONE.into_response() };
    let deadline = (SystemTime::now() + sandbox.function.timeout).duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut response = Response::builder()
        // Python's runtime does not start without it.
        .header(header::CONTENT_TYPE, "application/json")
        .header("lambda-runtime-aws-request-id", &invocation.id)
        .header("lambda-runtime-deadline-ms", deadline.as_millis().to_string())
        .header("lambda-runtime-invoked-function-arn", sandbox.function.arn())
        .header("lambda-runtime-trace-id", &invocation.trace_id);
    if let Some(context) = &invocation.client_context {
        response = response.header("lambda-runtime-client-context", context.as_bytes());
    }
    let id = invocation.id;
    response.body(invocation.payload.into()).unwrap_or_else(|e| {
        // The client context has characters that a header cannot have.
        finish(&sandbox, &id, Err(function_error(e.to_string().into())));
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

async fn response(State(sandbox): CurrentSandbox, Path(id): Path<String>, headers: HeaderMap, body: Body) -> Response {
    let Some(parts) = sandbox.running().get(&id).map(|running| running.parts.clone()) else { return unknown(&id) };
    let mode = headers.get("lambda-runtime-function-response-mode");
    let streamed = mode.is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming"));
    let (mut body, mut size, mut failed) = (body, 0, None);
    while let Some(frame) = body.frame().await {
        match frame.map(|frame| frame.into_data().map_err(|frame| frame.into_trailers())) {
            Ok(Ok(data)) => {
                size += data.len();
                if !streamed && size > MAX_RESPONSE {
                    finish(&sandbox, &id, Err(function_error(too_large())));
                    return (StatusCode::PAYLOAD_TOO_LARGE, too_large()).into_response();
                }
                parts.send(ResponsePart::Chunk(data)).await
            }
            Ok(Err(Ok(trailers))) => failed = in_stream(&trailers),
            Ok(Err(Err(_))) => {}
            // The connection broke. If the process died, its exit status is the better error.
            Err(_) if sandbox.process_id().is_some() => return StatusCode::BAD_REQUEST.into_response(),
            Err(e) => {
                failed = Some(FunctionError {
                    in_stream: Some("Runtime.TruncatedResponse".into()),
                    body: e.to_string().into(),
                })
            }
        }
    }
    finish(&sandbox, &id, failed.map_or(Ok(()), Err));
    accepted()
}

/// The error in a streamed response, which comes [in its
/// trailers](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming).
fn in_stream(trailers: &HeaderMap) -> Option<FunctionError> {
    let kind = trailers.get(ERROR_TYPE)?.to_str().ok()?.to_owned();
    let body = trailers.get(ERROR_BODY).and_then(|body| BASE64_STANDARD.decode(body).ok()).unwrap_or_default();
    Some(FunctionError { in_stream: Some(kind), body: body.into() })
}

async fn error(State(sandbox): CurrentSandbox, Path(id): Path<String>, body: Bytes) -> Response {
    if finish(&sandbox, &id, Err(function_error(body))) { accepted() } else { unknown(&id) }
}

async fn init_error(State(sandbox): CurrentSandbox, body: Bytes) -> Response {
    sandbox.init_error.send_replace(Some(body));
    accepted()
}

async fn register(State(sandbox): CurrentSandbox) -> Response {
    sandbox.has_extension.store(true, Ordering::Relaxed);
    let function = serde_json::json!({
        "functionName": sandbox.function.name,
        "functionVersion": "$LATEST",
        "handler": "bootstrap",
        "accountId": ACCOUNT,
    });
    let id = ("lambda-extension-identifier", "00000000-0000-4000-8000-000000000000");
    ([id, ("content-type", "application/json")], function.to_string()).into_response()
}

/// Ends an invocation. Returns whether it was running.
fn finish(sandbox: &Sandbox, id: &str, outcome: Result<(), FunctionError>) -> bool {
    match sandbox.running().remove(id) {
        Some(Running { done, .. }) => done.send(outcome).is_ok(),
        None => false,
    }
}

fn function_error(body: Bytes) -> FunctionError {
    FunctionError { in_stream: None, body }
}

fn too_large() -> Bytes {
    let message = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
    serde_json::json!({ "errorType": "Function.ResponseSizeTooLarge", "errorMessage": message }).to_string().into()
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response()
}

fn unknown(id: &str) -> Response {
    let message = format!("Invalid request ID: {id}");
    let body = serde_json::json!({ "errorType": "InvalidRequestID", "errorMessage": message });
    (StatusCode::BAD_REQUEST, body.to_string()).into_response()
}
