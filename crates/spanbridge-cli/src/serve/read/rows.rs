//! `GET /api/v1/runs/{id}/rows` and `/spans/{spanId}`: a run as columns, and everything about one of its spans.

use super::graph::options;
use crate::answers::{self, GraphOptions, NoAnswer};
use crate::serve::app::{App, Beside};
use crate::serve::refusal::Refusal;
use crate::serve::reply::Json;
use crate::serve::request::{Ids, Parameters};
use crate::serve::rows::{Rows, SpanDetails};
use crate::values::now;
use axum::extract::State;
use spanbridge::{RunId, SpanId};
use spanbridge_graph::{Checkup, Gap, Graph, GraphLimit};
use spanbridge_query::{Id, Store};
use std::collections::BTreeSet;

pub(in crate::serve) async fn rows(
    State(app): State<App>,
    Ids(id): Ids<String>,
    mut parameters: Parameters,
) -> Result<Json, Refusal> {
    let (options, beside) = options(&mut parameters)?;
    let with_findings = parameters.flag("findings")?;
    parameters.end()?;
    let ids = vec![id.clone()];
    let question = move |store: &Store| {
        let (what, _) = answers::find(store, &id)?;
        let graph = answers::graph(store.within(limit()), &id, options)?;
        let shown: BTreeSet<RunId> = graph.spans.iter().map(|span| span.run_id).chain([graph.run.run_id]).collect();
        let gaps = findings(store, shown, with_findings)?;
        let mut rows = Rows::of(&graph);
        if let Id::Span(span) = what {
            rows = rows.selected(span);
        }
        Ok(Json::of(&match &gaps {
            Some(gaps) => rows.findings(gaps),
            None => rows,
        }))
    };
    let beside = if with_findings { Beside::Others } else { beside };
    app.answer_about(ids, beside, question).await
}

pub(in crate::serve) async fn span(
    State(app): State<App>,
    Ids((id, span)): Ids<(String, String)>,
    mut parameters: Parameters,
) -> Result<Json, Refusal> {
    let with_findings = parameters.flag("findings")?;
    parameters.end()?;
    let ids = vec![id.clone()];
    let question = move |store: &Store| {
        let not_found = || NoAnswer::NotFound(format!("find span {span}: the run has no such span"));
        let mut graph = answers::graph(store.within(limit()), &id, GraphOptions::default())?;
        let mut found = span_of(store, &graph, &span)?;
        if graph.left_out.is_some() && found.is_none_or(|found| graph.spans.iter().all(|s| s.span_id != found)) {
            graph = answers::graph(store.within(GraphLimit::none()), &id, GraphOptions::default())?;
            found = span_of(store, &graph, &span)?;
        }
        let span_id = found.ok_or_else(not_found)?;
        let gaps = findings(store, [graph.run.run_id], with_findings)?;
        let details = SpanDetails::of(&graph, span_id).ok_or_else(not_found)?;
        Ok(Json::of(&match &gaps {
            Some(gaps) => details.findings(gaps),
            None => details,
        }))
    };
    let beside = if with_findings { Beside::Others } else { Beside::Nothing };
    app.answer_about(ids, beside, question).await
}

/// Runs with more spans than the page can draw are summarised.
fn limit() -> GraphLimit {
    GraphLimit::default().whole(100_000)
}

/// A span of the run. Its id counts before those of other runs that begin so.
fn span_of(store: &Store, graph: &Graph, id: &str) -> Result<Option<SpanId>, NoAnswer> {
    let whole = id.to_ascii_lowercase();
    if let Some(span) = graph.spans.iter().find(|span| span.span_id.to_string() == whole) {
        return Ok(Some(span.span_id));
    }
    Ok(match answers::find(store, id)?.0 {
        Id::Span(span) => Some(span),
        _ => None,
    })
}

/// What doctor finds in these runs, if that was asked for.
fn findings(store: &Store, runs: impl IntoIterator<Item = RunId>, wanted: bool) -> Result<Option<Vec<Gap>>, NoAnswer> {
    let runs: Vec<RunId> = runs.into_iter().collect();
    let check = |()| store.gaps(&runs, Checkup::new(now()));
    Ok(wanted.then_some(()).map(check).transpose()?)
}
