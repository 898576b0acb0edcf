//! `GET /api/v1/find/{id}`: what an id stands for.

use crate::answers;
use crate::serve::app::App;
use crate::serve::refusal::Refusal;
use crate::serve::reply::Json;
use crate::serve::request::{Ids, Parameters};
use axum::extract::State;
use serde_json::json;

pub(in crate::serve) async fn find(
    State(app): State<App>,
    Ids(id): Ids<String>,
    parameters: Parameters,
) -> Result<Json, Refusal> {
    parameters.end()?;
    app.answer(move |store| {
        let (what, run_ids) = answers::find(store, &id)?;
        let run_ids: Vec<String> = run_ids.iter().map(ToString::to_string).collect();
        let found = json!({ "schemaVersion": 1, "kind": what.kind(), "id": what.to_string(), "runIds": run_ids });
        Ok(Json::new(&found))
    })
    .await
}
