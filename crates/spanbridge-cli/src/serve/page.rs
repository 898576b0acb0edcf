//! The paths that lead to the page.

use super::app::App;
use super::assets::File;
use super::ingest::handler::{self as ingest, OTLP};
use super::refusal::Refusal;
use super::reply::reply;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Everything that is not another route: files below `/assets/`, and otherwise the page, which reads the path itself.
pub(super) async fn page(State(app): State<App>, request: Request) -> Response {
    let path = request.uri().path();
    let is_data = ["/api/", OTLP].iter().any(|start| path.starts_with(start));
    if request.method() == Method::POST {
        return ingest::nowhere(request).await;
    }
    if is_data || !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Refusal::not_found(format!("find {} {path}: no such endpoint", request.method())).into_response();
    }
    match app.assets.file(path.strip_prefix("/assets/").unwrap_or("index.html")) {
        Some(file) => answer(file, request.headers()),
        None => Refusal::not_found(format!("find {path}: the page has no such file")).into_response(),
    }
}

/// A path with another method.
pub(super) async fn not_allowed(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let message = format!("find {method} {path}: no such method");
    let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", message.as_str()).into_response();
    if path.starts_with(OTLP) { ingest::as_status(request.headers(), &message, refusal) } else { refusal }
}

/// Browsers ask each time, and get the file again only if it has changed.
fn answer(file: File, headers: &HeaderMap) -> Response {
    let tag = HeaderValue::from_str(&file.tag).ok();
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let is_known = known.flat_map(|tags| tags.split(',')).any(|tag| tag.trim().trim_start_matches("W/") == file.tag);
    let mut response = match is_known {
        true => reply(StatusCode::NOT_MODIFIED, file.media, ()),
        false => reply(StatusCode::OK, file.media, file.content),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    tag.and_then(|tag| headers.insert(header::ETAG, tag));
    response
}
