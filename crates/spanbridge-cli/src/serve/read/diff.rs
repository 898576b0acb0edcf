//! `GET /api/v1/diff/{a}/{b}`: how two runs differ.

use crate::answers;
use crate::serve::app::{App, Beside};
use crate::serve::refusal::Refusal;
use crate::serve::reply::Json;
use crate::serve::request::{Ids, Parameters};
use crate::values::{duration, percent};
use axum::extract::State;
use spanbridge_graph::DiffOptions;

/// Instead of the second id: the last run of the first one's kind in which nothing failed for good.
const LAST_GOOD: &str = "last-good";

pub(in crate::serve) async fn diff(
    State(app): State<App>,
    Ids((left, right)): Ids<(String, String)>,
    mut parameters: Parameters,
) -> Result<Json, Refusal> {
    let mut options = DiffOptions::default();
    if let Some(percent) = parameters.value("percent", percent)? {
        options = options.percent(percent);
    }
    if let Some(least) = parameters.value("least", duration)? {
        options = options.least(least);
    }
    parameters.end()?;
    let mut ids = vec![left.clone()];
    ids.extend((right != LAST_GOOD).then(|| right.clone()));
    app.answer_about(ids, Beside::Others, move |store| {
        let (left, right) = match right.as_str() {
            LAST_GOOD => answers::last_good(store, &left)?,
            right => (answers::run_of(store, &left)?, answers::run_of(store, right)?),
        };
        let mut answer = answers::diff(store, left, right, &options)?.to_json();
        answers::add_damage(&mut answer, store);
        Ok(Json::new(&answer))
    })
    .await
}
