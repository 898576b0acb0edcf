//! `GET /api/v1/runs/{id}/why`: where the failure of a run began.

use crate::answers;
use crate::serve::app::{App, Beside};
use crate::serve::refusal::Refusal;
use crate::serve::reply::Json;
use crate::serve::request::{Ids, Parameters};
use axum::extract::State;

pub(in crate::serve) async fn why(
    State(app): State<App>,
    Ids(id): Ids<String>,
    parameters: Parameters,
) -> Result<Json, Refusal> {
    parameters.end()?;
    app.answer_about(vec![id.clone()], Beside::Others, move |store| {
        let mut answer = answers::why(store, &id)?.to_json();
        answers::add_damage(&mut answer, store);
        Ok(Json::new(&answer))
    })
    .await
}
