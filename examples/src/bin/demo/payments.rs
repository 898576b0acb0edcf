//! The payments service.

use crate::http::HttpService;
use crate::services::busy;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use spanbridge::{Primitive, Recorder, observe};

/// Starts the service.
pub(crate) async fn start(payments: &Recorder) -> anyhow::Result<HttpService> {
    HttpService::start(payments, Router::new().route("/charge", post(charge))).await
}

async fn charge(cents: String) -> StatusCode {
    let Ok(cents) = cents.parse::<i64>() else { return StatusCode::BAD_REQUEST };
    observe::span("score risk").primitive(Primitive::SCORING_JUDGE).run(|| busy(3)).await;
    observe::event("charged", &[("cents", cents.into())]);
    StatusCode::NO_CONTENT
}
