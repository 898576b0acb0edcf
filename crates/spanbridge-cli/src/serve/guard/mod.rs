//! Who may ask, and what a browser may do with the answer.
//!
//! Without a token, only this machine can connect, but any web page that its user opens could ask, too: it may give its own name our
//! address (DNS rebinding), or send forms here. So `Host` must be a loopback name or address, and `Origin` must be ours. With a
//! token, nobody without it gets anything but the page's files, whatever name leads here; browsers send no token by themselves.

mod headers;
mod host;
mod token;

use super::app::App;
use super::ingest::handler::{self as ingest, OTLP};
use super::meter::Route;
use super::refusal::Refusal;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Duration;

/// Stands before every handler.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_data = is_data(request.uri().path());
    let mut response = match check(&app, &request, is_data) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            app.meter.add(Route::default(), refusal.status().as_u16(), Duration::ZERO);
            as_asked(request.uri().path(), request.headers(), refusal)
        }
    };
    headers::add(response.headers_mut(), is_data);
    response
}

/// Whether this is what is stored, and not a file of the page.
fn is_data(path: &str) -> bool {
    ["/api/", "/v1/", "/metrics"].iter().any(|start| path.starts_with(start))
}

/// Senders of OTLP are answered in the encoding of their request.
fn as_asked(path: &str, headers: &HeaderMap, refusal: Refusal) -> Response {
    if !path.starts_with(OTLP) {
        return refusal.into_response();
    }
    let message = refusal.message().to_owned();
    ingest::as_status(headers, &message, refusal.into_response())
}

fn check(app: &App, request: &Request, is_data: bool) -> Result<(), Refusal> {
    let host = host::host(request)?;
    if app.token.is_none() && !host::is_loopback(host) {
        let message = format!("accept the host {host}: without a token, it must be localhost or a loopback address");
        return Err(Refusal::new(StatusCode::FORBIDDEN, "host", message));
    }
    host::check_origin(request.headers(), host)?;
    if is_data {
        host::check_site(request.headers())?;
    }
    match &app.token {
        Some(token) if is_data => token::check(request.headers(), token),
        _ => Ok(()),
    }
}
