//! `GET /healthz`: whether the server answers, and the store is kept.

use super::app::App;
use super::reply::Json;
use axum::extract::State;
use serde_json::json;

/// `degraded`: the store cannot be read, a directory is not folded, or nothing is removed. Needs no token, so it says no more. It asks the store
/// nothing, and so waits for nobody: the thread that keeps the store looks at it all along.
pub(super) async fn health(State(app): State<App>) -> Json {
    let is_well = app.upkeep.problem().is_none();
    Json::new(&json!({ "schemaVersion": 1, "status": if is_well { "ok" } else { "degraded" } }))
}
