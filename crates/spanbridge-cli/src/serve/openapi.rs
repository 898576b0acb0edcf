//! `GET /api/openapi.json`, and the schemas that it refers to.

use super::files::{SCHEMAS, embedded};
use super::refusal::Refusal;
use super::reply::reply;
use super::request::Ids;
use axum::http::StatusCode;
use axum::response::Response;

/// The description of every path. Tests hold it to what is there.
pub(super) const OPENAPI: &str = include_str!("../../../../docs/openapi.json");

pub(super) async fn openapi() -> Response {
    reply(StatusCode::OK, "application/json", OPENAPI)
}

pub(super) async fn schema(Ids(name): Ids<String>) -> Result<Response, Refusal> {
    match embedded(SCHEMAS, &name) {
        Some((_, content, _)) => Ok(reply(StatusCode::OK, "application/schema+json", content)),
        None => Err(Refusal::not_found(format!("find {name}: no such schema"))),
    }
}
