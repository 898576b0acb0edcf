//! Which handler is run again.

use super::batch::members;
use super::belonging::is_handler;
use super::run::RecordedRun;
use crate::answers::{self, NoAnswer, find, runs_of_trace};
use spanbridge::{RunId, SpanId};
use spanbridge_query::{Id, Store};
use spanbridge_replay::Case;
use std::collections::HashSet;

/// How many runs up a handler is looked for.
const MAX_RUNS_UP: usize = 16;

/// How many runs of a trace are looked at.
const MAX_RUNS: usize = 100;

/// The handler that is run again, or those that it may be.
#[derive(Debug)]
#[non_exhaustive]
pub enum Entry {
    /// This one, and everything that is recorded of it.
    One(Box<Case>),
    /// There are several, and none of them failed first or is the only one whose input was recorded whole.
    Several(Vec<Candidate>),
}

/// A handler that may be run again.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// Its span.
    pub span_id: SpanId,
    /// The name of the span.
    pub name: String,
    /// The service that recorded it.
    pub service: String,
    /// How it ended.
    pub status: &'static str,
    /// Why it cannot be run again. `None`: it can.
    pub obstacle: Option<String>,
}

/// The handler to run again of what this id stands for: the one around the span that is named; else the one around the first failure that
/// is inside of one; else the only one whose input was recorded whole.
///
/// # Errors
/// If there is none, or the store cannot be read.
pub fn choose(store: &Store, id: &str, span: Option<&str>) -> Result<Entry, NoAnswer> {
    let (what, run_ids) = find(store, id)?;
    if let Some(named) = span {
        let (of, runs) = find(store, named)?;
        let Id::Span(span) = of else {
            return Err(NoAnswer::NotFound(format!("find the span {named}: this is the id of a {}", of.kind())));
        };
        return around_named(store, runs[0], span);
    }
    if let Id::Span(span) = what {
        return around_named(store, run_ids[0], span);
    }
    let why = answers::why(store, id)?;
    // A failure of the run itself has no handler; the next one may.
    for step in why.failures.iter().filter_map(|of| of.step()) {
        if let Some(span) = step.span_id
            && let Some(case) = around(store, step.run_id, span)?
        {
            return Ok(Entry::One(case));
        }
    }
    among_all(store, id, what, &run_ids)
}

fn around_named(store: &Store, run: RunId, span: SpanId) -> Result<Entry, NoAnswer> {
    let none = || {
        let what = "no received message, request or event is around it in its process";
        NoAnswer::NotFound(format!("find a handler around span {span}: {what}"))
    };
    around(store, run, span)?.map(Entry::One).ok_or_else(none)
}

/// The work of the handler around a span, in the same process. Where there are several, of the innermost one whose input was recorded
/// whole: the work on a record of a Lambda event is begun by the function alone.
fn around(store: &Store, run: RunId, span: SpanId) -> Result<Option<Box<Case>>, NoAnswer> {
    let Some(mut run) = RecordedRun::read(store, run)? else { return Ok(None) };
    let Some(mut at) = run.place(span) else { return Ok(None) };
    let (mut innermost, mut seen) = (None, HashSet::from([run.graph.run.run_id]));
    if is_handler(&run.graph.spans[at]) {
        // What is named is meant.
        return Ok(Some(Box::new(own_run(store, &run, at)?)));
    }
    loop {
        let span = &run.graph.spans[at];
        if is_handler(span) {
            let is_whole = run.obstacle(at).is_none();
            if is_whole || innermost.is_none() {
                innermost = Some(own_run(store, &run, at)?);
            }
            if is_whole {
                break;
            }
        }
        match span.parent {
            Some(above) if run.processes.is_part(&run.graph.spans[above], span) => at = above,
            Some(_) => break,
            // Its run may have been started by a span of another one, in the same process.
            None => {
                let of = &run.graph.run;
                let (Some(parent), Some(by)) = (of.parent_run_id, of.triggered_by_span_id) else { break };
                if seen.len() > MAX_RUNS_UP || !seen.insert(parent) {
                    break;
                }
                let (id, Some(above)) = (span.span_id, RecordedRun::read(store, parent)?) else { break };
                // The run is in the tree of the one that started it.
                let (Some(by), Some(below)) = (above.place(by), above.place(id)) else { break };
                if !above.processes.is_part(&above.graph.spans[by], &above.graph.spans[below]) {
                    break;
                }
                (run, at) = (above, by);
            }
        }
    }
    Ok(innermost.map(Box::new))
}

/// The work of a handler, with what is known of its own run: it may stand in the tree of another one.
fn own_run(store: &Store, run: &RecordedRun, at: usize) -> Result<Case, NoAnswer> {
    let span = &run.graph.spans[at];
    let own = if span.run_id == run.graph.run.run_id { None } else { RecordedRun::read(store, span.run_id)? };
    let own = own.as_ref().and_then(|own| Some((own, own.place(span.span_id)?)));
    let (run, at) = own.unwrap_or((run, at));
    let mut case = run.case(at);
    for members in members(store, run, &run.processes.parts(&run.graph, at))? {
        members.places.iter().for_each(|at| members.run.add_to(&mut case, members.batch, *at));
    }
    Ok(case)
}

/// The only handler whose input was recorded whole, or the only one.
fn among_all(store: &Store, id: &str, what: Id, run_ids: &[RunId]) -> Result<Entry, NoAnswer> {
    let gone = || NoAnswer::NotFound(format!("read the run of {id}: it is no longer in the store"));
    let first = RecordedRun::read(store, *run_ids.first().ok_or_else(gone)?)?.ok_or_else(gone)?;
    let others = runs_of_trace(what, run_ids, &first.graph, MAX_RUNS);
    let (mut candidates, mut known) = (Vec::new(), HashSet::new());
    let (mut only_whole, mut only) = (None, None);
    let mut add = |run: &RecordedRun| -> Result<(), NoAnswer> {
        for at in run.handlers() {
            let span = &run.graph.spans[at];
            if !known.insert(span.span_id) {
                continue;
            }
            let obstacle = run.obstacle(at);
            if obstacle.is_none() && only_whole.is_none() {
                only_whole = Some(own_run(store, run, at)?);
            } else if only.is_none() {
                only = Some(own_run(store, run, at)?);
            }
            candidates.push(Candidate {
                span_id: span.span_id,
                name: span.name.clone(),
                service: span.service.clone(),
                status: span.status.as_str(),
                obstacle,
            });
        }
        Ok(())
    };
    add(&first)?;
    for run in others.iter().filter(|run| **run != first.graph.run.run_id) {
        if let Some(run) = RecordedRun::read(store, *run)? {
            add(&run)?;
        }
    }
    let whole = candidates.iter().filter(|candidate| candidate.obstacle.is_none()).count();
    match (whole, candidates.len()) {
        (_, 0) => {
            let what = "none of its spans is the work on a received message, request or event";
            Err(NoAnswer::NotFound(format!("find a handler in {id}: {what}")))
        }
        (1, _) => Ok(only_whole.map_or(Entry::Several(candidates), |case| Entry::One(Box::new(case)))),
        (_, 1) => Ok(only.map_or(Entry::Several(candidates), |case| Entry::One(Box::new(case)))),
        _ => Ok(Entry::Several(candidates)),
    }
}
