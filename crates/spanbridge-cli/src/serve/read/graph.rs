//! `GET /api/v1/runs/{id}`: the graph of a run.

use crate::answers::{self, GraphOptions};
use crate::serve::app::{App, Beside};
use crate::serve::refusal::Refusal;
use crate::serve::reply::Json;
use crate::serve::request::{Ids, Parameters};
use axum::extract::State;
use spanbridge_query::Store;

pub(in crate::serve) async fn graph(
    State(app): State<App>,
    Ids(id): Ids<String>,
    mut parameters: Parameters,
) -> Result<Json, Refusal> {
    let (options, beside) = options(&mut parameters)?;
    parameters.end()?;
    let ids = vec![id.clone()];
    let question = move |store: &Store| Ok(Json::new(&answers::graph(store, &id, options)?.to_json()));
    app.answer_about(ids, beside, question).await
}

/// What is asked for beside the run, and what that reads.
pub(super) fn options(parameters: &mut Parameters) -> Result<(GraphOptions, Beside), Refusal> {
    let options = GraphOptions {
        follow_children: parameters.flag("followChildren")?,
        critical_path: parameters.flag("criticalPath")?,
    };
    Ok((options, if options == GraphOptions::default() { Beside::Nothing } else { Beside::Children }))
}
