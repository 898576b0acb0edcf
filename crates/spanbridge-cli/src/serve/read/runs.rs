//! `GET /api/v1/runs`: lists of runs.

use crate::answers::{self, RunsQuestion, SORTS};
use crate::serve::app::App;
use crate::serve::refusal::Refusal;
use crate::serve::reply::Json;
use crate::serve::request::{Parameters, number};
use crate::values::{duration, since, status};
use axum::extract::State;
use spanbridge_query::{RunSort, Store};

/// A larger page would take long, and much memory.
const MAX_LIMIT: usize = 1000;

pub(in crate::serve) async fn runs(State(app): State<App>, mut parameters: Parameters) -> Result<Json, Refusal> {
    let count = parameters.flag("count")?;
    let question = question(&mut parameters)?;
    parameters.end()?;
    // These read the records of each run that the other parameters leave.
    let is_search = question.error.is_some() || !question.attributes.is_empty();
    let list = move |store: &Store| {
        Ok(Json::new(&match count {
            true => answers::count(store, store.count(&question.query())?),
            false => answers::runs(store, &question.rows(store)?),
        }))
    };
    if is_search { app.search(list).await } else { app.answer(list).await }
}

fn question(parameters: &mut Parameters) -> Result<RunsQuestion, Refusal> {
    let default = RunsQuestion::default();
    Ok(RunsQuestion {
        status: parameters.value("status", status)?,
        service: parameters.text("service")?,
        name: parameters.text("name")?,
        attributes: parameters.all("attribute"),
        error: parameters.text("error")?,
        since: parameters.value("since", since)?,
        until: parameters.value("until", since)?,
        min_duration: parameters.value("minDuration", duration)?,
        children: parameters.flag("children")?,
        sort: parameters.value("sort", sort)?.unwrap_or(default.sort),
        limit: parameters.value("limit", limit)?.unwrap_or(default.limit),
        page: parameters.value("page", page)?.unwrap_or(default.page),
    })
}

fn sort(text: &str) -> Result<RunSort, String> {
    let found = SORTS.iter().find(|(word, _)| *word == text);
    found.map(|(_, sort)| *sort).ok_or_else(|| format!("expected {}", SORTS.map(|(word, _)| word).join(", ")))
}

fn limit(text: &str) -> Result<usize, String> {
    let limit: usize = number(text)?;
    if limit > MAX_LIMIT { Err(format!("expected at most {MAX_LIMIT}")) } else { Ok(limit) }
}

fn page(text: &str) -> Result<u32, String> {
    number(text).ok().filter(|page| *page > 0).ok_or_else(|| "expected a whole number from 1".to_owned())
}
