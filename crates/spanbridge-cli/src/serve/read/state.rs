//! `GET /api/v1/state/history` and `/blame`: how a row of a database changed, and who gave each column its value.

use crate::answers::{self, ShownChanges};
use crate::serve::app::App;
use crate::serve::refusal::Refusal;
use crate::serve::reply::Json;
use crate::serve::request::Parameters;
use crate::values::since;
use axum::extract::State;
use spanbridge_query::state::{RowKey, RowQuery};

pub(in crate::serve) async fn history(State(app): State<App>, mut parameters: Parameters) -> Result<Json, Refusal> {
    let query = row(&mut parameters)?;
    let shown = ShownChanges { column: parameters.text("column")?, since: parameters.value("since", since)? };
    parameters.end()?;
    app.search(move |store| {
        let answer = answers::state(store, &query)?;
        shown.check(&answer)?;
        let mut json = answer.history_json(|change| shown.has(change));
        answers::add_damage(&mut json, store);
        Ok(Json::new(&json))
    })
    .await
}

pub(in crate::serve) async fn blame(State(app): State<App>, mut parameters: Parameters) -> Result<Json, Refusal> {
    let query = row(&mut parameters)?;
    parameters.end()?;
    app.search(move |store| {
        let mut json = answers::state(store, &query)?.blame_json();
        answers::add_damage(&mut json, store);
        Ok(Json::new(&json))
    })
    .await
}

/// Which row is asked for.
fn row(parameters: &mut Parameters) -> Result<RowQuery, Refusal> {
    let missing = |name: &str| Refusal::bad_argument(format!("read {name}: it is missing"));
    let table = parameters.text("table")?.ok_or_else(|| missing("table"))?;
    let key = |text: &str| RowKey::parse(text).ok_or_else(|| "expected 1, a=1,b=2 or a JSON object".to_owned());
    let key = parameters.value("key", key)?.ok_or_else(|| missing("key"))?;
    Ok(RowQuery::new(table, key).in_database(parameters.text("database")?))
}
