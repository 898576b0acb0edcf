//! What the store says.

use super::super::findings::Findings;
use super::super::loaded::Loaded;
use super::super::state::ask::{Answer, Request};
use crate::answers::{GraphOptions, NoAnswer, find, follow};
use crate::values::now;
use spanbridge::RunId;
use spanbridge_graph::Checkup;
use spanbridge_query::{Error, Id, Store};
use std::sync::Arc;
use std::time::Instant;

/// The answer, or why there is none, in a sentence.
pub(super) fn answer(store: &Store, request: Request) -> Result<Answer, String> {
    let failed = |error: Error| unread(&error);
    let begun = Instant::now();
    let took = || u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
    match request {
        Request::Runs(query, limit) => {
            // One more than is shown says whether there are more.
            let mut rows = store.list(&query, limit.saturating_add(1)).map_err(failed)?;
            let more = rows.len() > limit;
            rows.truncate(limit);
            Ok(Answer::Runs(rows, more, took()))
        }
        Request::Find(id) => match find(store, &id) {
            Ok((what, runs)) => {
                let span = if let Id::Span(span) = what { Some(span) } else { None };
                let run = runs.first().ok_or_else(|| format!("the run of {id} is no longer in the store"))?;
                Ok(Answer::Found(*run, span))
            }
            Err(NoAnswer::Ambiguous { id, candidates }) => {
                Err(format!("{} ids begin with {id}; more digits tell them apart", candidates.len()))
            }
            Err(error) => Err(format!("failed to {error}")),
        },
        Request::Run(run, options) => {
            let loaded = load(store, run, options).map_err(|no| match no {
                NoAnswer::Store(error) => unread(&error),
                other => format!("failed to {other}"),
            })?;
            Ok(Answer::Run(loaded.map(Arc::new), took()))
        }
        Request::Why(run) => Ok(Answer::Why(store.why(&[run]).map_err(failed)?.map(Box::new))),
        Request::Findings(run) => {
            let checkup = store.check_up(&[run], Checkup::new(now())).map_err(failed)?;
            Ok(Answer::Findings(Arc::new(Findings::new(checkup.gaps(), checkup.not_judged()))))
        }
        Request::Search(loaded, text) => Ok(Answer::Matches(loaded.search(&text))),
    }
}

/// In one line, of which the end may be cut: which store it is, the reader knows.
fn unread(error: &Error) -> String {
    format!("failed to read the store: {}", error.reason())
}

fn load(store: &Store, run: RunId, options: GraphOptions) -> Result<Option<Loaded>, NoAnswer> {
    let Some(mut graph) = store.graph(run)? else { return Ok(None) };
    follow(store, &mut graph, options)?;
    Ok(Some(Loaded::new(graph)))
}
