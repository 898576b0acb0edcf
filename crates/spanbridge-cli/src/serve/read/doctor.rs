//! `GET /api/v1/doctor` and `GET /api/v1/runs/{id}/doctor`: what is missing in runs.

use crate::answers::{self, DoctorQuestion};
use crate::serve::app::{App, Beside};
use crate::serve::refusal::Refusal;
use crate::serve::reply::Json;
use crate::serve::request::{Ids, Parameters, number};
use crate::values::{duration, now, since};
use axum::extract::State;
use spanbridge_graph::Checkup;
use spanbridge_query::Store;

/// How many runs are checked by default, newest first. The command checks all; a page should not make someone wait for that.
const DEFAULT_LIMIT: usize = 100;

/// Checks the newest runs.
pub(in crate::serve) async fn doctor(State(app): State<App>, mut parameters: Parameters) -> Result<Json, Refusal> {
    let since = parameters.value("since", since)?;
    let limit = parameters.value("limit", number)?.unwrap_or(DEFAULT_LIMIT);
    check(app, DoctorQuestion { id: None, since, limit: Some(limit) }, parameters).await
}

/// Checks the run, the trace or the run of the span with this id.
pub(in crate::serve) async fn doctor_of(
    State(app): State<App>,
    Ids(id): Ids<String>,
    parameters: Parameters,
) -> Result<Json, Refusal> {
    check(app, DoctorQuestion { id: Some(id), ..DoctorQuestion::default() }, parameters).await
}

async fn check(app: App, question: DoctorQuestion, mut parameters: Parameters) -> Result<Json, Refusal> {
    let mut checkup = Checkup::new(now());
    if let Some(grace) = parameters.value("grace", duration)? {
        checkup = checkup.grace(grace);
    }
    if let Some(silence) = parameters.value("silence", duration)? {
        checkup = checkup.silence(silence);
    }
    parameters.end()?;
    let id = question.id.clone();
    let check = move |store: &Store| {
        let selection = question.select(store)?;
        let checkup = store.check_up(&selection.run_ids, checkup)?;
        Ok(Json::new(&answers::doctor(store, &selection, &checkup)))
    };
    match id {
        Some(id) => app.answer_about(vec![id], Beside::Others, check).await,
        None => app.search(check).await,
    }
}
