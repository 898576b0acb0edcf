//! Lists of runs: the table of runs chooses, and the records of those say the rest.
//!
//! The table has minima, maxima and sets, which stay right however often a record is inserted. They say when a run began at the
//! latest, and that it cannot match; what a run is like, only its records say. So the runs that may match are read, newest first,
//! until enough of them do.

use super::lookup::run;
use super::read::RUNS_AT_ONCE;
use super::snapshot::Asked;
use crate::client::{Rows, broken, quoted};
use crate::schema::tables::flag;
use spanbridge::RunId;
use spanbridge_graph::RunStatus;
use spanbridge_query::engine::Order;
use spanbridge_query::{Error as QueryError, RunFilter, RunRow};
use std::cmp::Reverse;
use std::io;
use std::ops::RangeInclusive;

type Result<T> = std::result::Result<T, QueryError>;

/// The fewest runs that are asked for at first.
const FEWEST: usize = 64;

/// A run that may match.
struct Candidate {
    run: RunId,
    /// It began then, or earlier.
    latest: u64,
    /// It began exactly then.
    is_exact: bool,
}

fn candidate(rows: &mut Rows) -> io::Result<Option<Candidate>> {
    let (run, latest, is_exact) = (run(rows)?, rows.u64()?, rows.u8()? != 0);
    Ok(run.map(|run| Candidate { run, latest, is_exact }))
}

/// The candidates under a condition, newest first.
fn candidates(conditions: &[String]) -> String {
    let started = flag::STARTED;
    let conditions = if conditions.is_empty() { "1".to_owned() } else { conditions.join(" AND ") };
    format!(
        "SELECT run, latest, is_exact FROM (SELECT run, groupBitOrMerge(flags) AS bits, minMerge(started_at) AS start, \
         maxMerge(last_start) AS other_start, minMerge(first_at) AS first, maxMerge(last_at) AS last, \
         groupUniqArrayMerge(names) AS all_names, groupUniqArrayMerge(services) AS all_services, \
         bitAnd(bits, {started}) != 0 AS is_started, if(is_started, other_start, last) AS latest, \
         if(is_started, start, if(first > last, toUInt64(0), first)) AS earliest, \
         is_started AND start = other_start AS is_exact \
         FROM run GROUP BY run) AS runs WHERE {conditions} ORDER BY latest DESC, run DESC"
    )
}

/// What the table says of runs that match.
fn conditions(filter: &RunFilter) -> Vec<String> {
    let mut all = Vec::new();
    let has = |bits: u32| format!("bitAnd(bits, {bits}) != 0");
    match filter.status {
        Some(RunStatus::Error) => all.push(has(flag::FAILED | flag::MESSAGES)),
        Some(RunStatus::Cancelled) => all.push(has(flag::CANCELLED)),
        Some(RunStatus::Suspended) => all.push(has(flag::SUSPENDED)),
        Some(RunStatus::Open) => all.push(format!("bitAnd(bits, {}) = 0", flag::ENDED)),
        _ => {}
    }
    if let Some(service) = &filter.service {
        all.push(format!("has(all_services, {})", quoted(service)));
    }
    // What letters of other alphabets have in common with others, each program sees in its own way.
    if let Some(part) = filter.name.as_ref().filter(|part| part.is_ascii() && !part.is_empty()) {
        let named = flag::STARTED | flag::TOP;
        all.push(format!(
            "(arrayExists(name -> positionCaseInsensitive(name, {}) > 0, all_names) OR bitAnd(bits, {named}) = 0)",
            quoted(part)
        ));
    }
    if let Some(since) = filter.since {
        all.push(format!("latest >= {since}"));
    }
    if let Some((before, _)) = filter.before {
        all.push(format!("earliest <= {before}"));
    }
    if let Some(least) = filter.min_duration {
        // A difference has a sign, whatever it is the difference of.
        all.push(format!("last >= earliest AND toUInt64(last - earliest) >= {least}"));
    }
    all
}

impl Asked<'_> {
    /// The runs that match, newest first.
    pub(super) fn list(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        let mut found = Found { filter, rows: Vec::new() };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let first = limit.saturating_mul(2).max(FEWEST);
        let all = conditions(filter);
        let mut after: Option<(u64, RunId)> = None;
        // Some at first. If they are not enough, the rest.
        for most in [Some(first).filter(|first| *first < RUNS_AT_ONCE), None] {
            let mut wanted = all.clone();
            if let Some((latest, run)) = after {
                wanted.push(format!("(latest < {latest} OR latest = {latest} AND run < unhex('{run}'))"));
            }
            let query = candidates(&wanted) + &most.map_or(String::new(), |most| format!(" LIMIT {most}"));
            let mut rows = self.client.query(&query, &[])?;
            let mut seen = 0;
            loop {
                let page = next_page(&mut rows)?;
                seen += page.len();
                let Some(last) = page.last() else { break };
                after = Some((last.latest, last.run));
                let runs: Vec<RunId> = page.iter().map(|candidate| candidate.run).collect();
                self.read_runs(&runs, true, &mut |run, records| {
                    found.add(RunRow::of(run, &records));
                    Ok(())
                })?;
                if after.is_some_and(|after| found.certain(after) >= limit) {
                    return Ok(found.newest(limit));
                }
            }
            if most.is_none_or(|most| seen < most) {
                break;
            }
        }
        Ok(found.newest(limit))
    }

    /// The runs that began at this time, each with the time.
    pub(super) fn starts(&self, during: RangeInclusive<u64>, order: Order, limit: usize) -> Result<Vec<(u64, RunId)>> {
        let conditions = [format!("latest >= {}", during.start()), format!("earliest <= {}", during.end())];
        let found = self.all(&candidates(&conditions), candidate)?;
        let (exact, others): (Vec<_>, Vec<_>) = found.into_iter().flatten().partition(|candidate| candidate.is_exact);
        let mut starts: Vec<_> = exact.into_iter().map(|candidate| (candidate.latest, candidate.run)).collect();
        let others: Vec<RunId> = others.into_iter().map(|candidate| candidate.run).collect();
        self.read_runs(&others, true, &mut |run, records| {
            starts.push((RunRow::of(run, &records).started_at, run));
            Ok(())
        })?;
        starts.retain(|(at, _)| during.contains(at));
        match order {
            Order::OldestFirst => starts.sort_unstable(),
            Order::NewestFirst => starts.sort_unstable_by_key(|start| Reverse(*start)),
        }
        starts.truncate(limit);
        Ok(starts)
    }
}

fn next_page(rows: &mut Rows) -> Result<Vec<Candidate>> {
    let mut page = Vec::new();
    while page.len() < RUNS_AT_ONCE && !rows.is_at_end().map_err(|error| broken(&error))? {
        page.extend(candidate(rows).map_err(|error| broken(&error))?);
    }
    Ok(page)
}

/// The runs that match, as far as they are read.
struct Found<'f> {
    filter: &'f RunFilter,
    rows: Vec<RunRow>,
}

impl Found<'_> {
    fn add(&mut self, row: RunRow) {
        if self.filter.matches(&row) {
            self.rows.push(row);
        }
    }

    /// How many of them come before every run that is not read. Those began at this time or earlier.
    fn certain(&self, unread: (u64, RunId)) -> usize {
        self.rows.iter().filter(|row| (row.started_at, row.run_id) >= unread).count()
    }

    fn newest(mut self, limit: usize) -> Vec<RunRow> {
        self.rows.sort_unstable_by_key(|row| Reverse((row.started_at, row.run_id)));
        self.rows.truncate(limit);
        self.rows
    }
}
