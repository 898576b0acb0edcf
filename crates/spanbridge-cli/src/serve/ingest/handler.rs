//! The two endpoints, and what senders are told who take another one.

use super::form::Form;
use super::refused::Refused;
use super::{answer, body};
use crate::serve::app::App;
use crate::serve::refusal::Refusal;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

/// How the paths of OTLP begin. Errors of all of them are `google.rpc.Status`.
pub(in crate::serve) const OTLP: &str = "/v1";

/// `POST /api/v1/records`.
pub(in crate::serve) async fn records(State(app): State<App>, request: Request) -> Response {
    let form = Form::of_records(request.headers());
    take(&app, form, Form::Records, request).await
}

/// `POST /v1/traces`.
pub(in crate::serve) async fn traces(State(app): State<App>, request: Request) -> Response {
    let form = Form::of_traces(request.headers());
    let answered_in = answered_in(request.headers());
    take(&app, form, answered_in, request).await
}

async fn take(app: &App, form: Result<Form, Refused>, answered_in: Form, request: Request) -> Response {
    match app.ingest.take(form, request).await {
        Ok(answered) => answer::answered(answered_in, answered),
        Err(refused) => answer::refused(answered_in, &refused),
    }
}

/// Something that was sent to where nothing is taken. It is read before it is answered: who is cut off may never see why.
pub(in crate::serve) async fn nowhere(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let hint = match path {
        "/v1/metrics" | "/v1/logs" | "/v1development/profiles" => "only traces are taken, at /v1/traces",
        _ => "no such endpoint; spans of OTLP go to /v1/traces, and records to /api/v1/records",
    };
    let refusal = Refusal::not_found(format!("find {} {path}: {hint}", head.method));
    body::drain(body).await;
    if !path.starts_with(OTLP) {
        return refusal.into_response();
    }
    let message = refusal.message().to_owned();
    as_status(&head.headers, &message, refusal.into_response())
}

/// Makes the body of an answer that is no success a `google.rpc.Status`, in the encoding of a request with these headers.
pub(in crate::serve) fn as_status(headers: &HeaderMap, message: &str, response: Response) -> Response {
    answer::as_status(answered_in(headers), message, response)
}

/// Who sends something else is answered in what anybody can read.
fn answered_in(headers: &HeaderMap) -> Form {
    Form::of_traces(headers).unwrap_or(Form::Json)
}
