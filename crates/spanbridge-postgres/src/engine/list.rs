//! Lists of runs, by the table of runs.
//!
//! It says of nearly every run all that a list says. A few rows are not current: of large runs that grow, and of those with what the
//! table cannot hold, such as a NUL in the name. These are made of their records for each question, and join the others.

use super::snapshot::{Asked, Result};
use crate::records::{self, Wanted};
use crate::run::{self, SHOWN, shown_number};
use crate::schema::unsettled;
use crate::session::Uuid;
use spanbridge::RunId;
use spanbridge_graph::RunStatus;
use spanbridge_query::engine::Order;
use spanbridge_query::{RunFilter, RunRow};
use std::cmp::Reverse;
use std::ops::RangeInclusive;
use tokio_postgres::types::ToSql;

/// How many rows are read in one query.
const AT_ONCE: usize = 5_000;

/// What the table says of current runs that match, with the texts that it names.
#[derive(Clone, Default)]
struct Conditions {
    all: Vec<String>,
    texts: Vec<String>,
    /// Nothing in the table can match.
    is_none: bool,
}

impl Conditions {
    /// Once for each part of the table that may have some.
    fn of(filter: &RunFilter, now: u64) -> Vec<Self> {
        let others = Self::apart_from_status(filter);
        let with = |some: Vec<String>| Self { all: [some, others.all.clone()].concat(), ..others.clone() };
        let shown = |status| format!("shown = {}", shown_number(status));
        match filter.status {
            None => vec![others],
            Some(RunStatus::Error) => vec![
                with(vec![shown(RunStatus::Error)]),
                with(vec![unsettled::HAS_MESSAGES.to_owned(), unsettled::is_due(now)]),
            ],
            Some(status) => vec![with(vec![shown(status)])],
        }
    }

    fn apart_from_status(filter: &RunFilter) -> Self {
        let mut found = Self { all: vec!["is_current".to_owned()], ..Self::default() };
        if let Some(service) = &filter.service {
            let text = found.text(service);
            found.all.push(format!("services @> ARRAY[{text}]"));
        }
        // What letters of other alphabets have in common with others, each program sees in its own way.
        if let Some(part) = filter.name.as_ref().filter(|part| part.is_ascii() && !part.is_empty()) {
            let text = found.text(part);
            found.all.push(format!(
                "(position(lower({text} COLLATE \"C\") IN lower(name COLLATE \"C\")) > 0 OR octet_length(name) <> length(name))"
            ));
        }
        if let Some(since) = filter.since {
            found.at_least("started_at", since);
        }
        if let Some((time, run)) = filter.before {
            found.before(time, run);
        }
        if let Some(least) = filter.min_duration {
            found.at_least("greatest(ended_at - started_at, 0)", least);
            found.all.push("ended_at IS NOT NULL".to_owned());
        }
        found
    }

    /// The place of a text in the query.
    fn text(&mut self, text: &str) -> String {
        self.is_none |= text.contains('\0');
        self.texts.push(text.to_owned());
        format!("${}::text", self.texts.len())
    }

    fn at_least(&mut self, what: &str, least: u64) {
        match i64::try_from(least) {
            Ok(least) => self.all.push(format!("{what} >= {least}")),
            Err(_) => self.is_none = true,
        }
    }

    fn before(&mut self, time: u64, run: RunId) {
        if let Ok(time) = i64::try_from(time) {
            self.all.push(format!("(started_at, run) < ({time}, '{run}')"));
        }
    }
}

impl Asked<'_> {
    /// The runs that match, newest first.
    pub(super) fn list(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        let mut found = self.not_current()?.to_vec();
        self.judge(&mut found)?;
        found.retain(|row| filter.matches(row));
        for conditions in Conditions::of(filter, self.never_settled.now()) {
            found.extend(self.list_current(conditions, filter, limit)?);
        }
        found.sort_unstable_by_key(|row| Reverse((row.started_at, row.run_id)));
        found.truncate(limit);
        Ok(found)
    }

    /// The first runs of those with these conditions that match.
    fn list_current(&self, mut conditions: Conditions, filter: &RunFilter, limit: usize) -> Result<Vec<RunRow>> {
        let (mut found, mut page) = (Vec::new(), limit.min(AT_ONCE));
        while found.len() < limit && !conditions.is_none {
            let mut rows = self.newest(&conditions, page)?;
            let is_last = rows.len() < page;
            if let Some(last) = rows.last() {
                conditions.before(last.started_at, last.run_id);
            }
            self.judge(&mut rows)?;
            found.extend(rows.into_iter().filter(|row| filter.matches(row)));
            if is_last {
                break;
            }
            page = (page * 4).min(AT_ONCE);
        }
        Ok(found)
    }

    fn newest(&self, conditions: &Conditions, most: usize) -> Result<Vec<RunRow>> {
        let query = format!(
            "SELECT {SHOWN} FROM run WHERE {} ORDER BY started_at DESC, run DESC LIMIT {most}",
            conditions.all.join(" AND ")
        );
        let texts: Vec<&(dyn ToSql + Sync)> = conditions.texts.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
        self.read_rows(&query, &texts)
    }

    /// The rows that a query selects, which has the columns of [`SHOWN`].
    fn read_rows(&self, query: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<RunRow>> {
        let doing = "list runs";
        let mut rows = Vec::new();
        for row in self.transaction.query(doing, query, parameters)? {
            rows.extend(run::read(&row).map_err(|error| self.transaction.failed(doing, &error))?);
        }
        Ok(rows)
    }

    /// The rows of the runs of which the table does not say everything.
    pub(super) fn not_current(&self) -> Result<&[RunRow]> {
        if let Some(rows) = self.not_current.get() {
            return Ok(rows);
        }
        let doing = "list runs";
        let mut wanted = Vec::new();
        for row in self.transaction.query(doing, "SELECT run FROM run WHERE NOT is_current", &[])? {
            let run: Uuid = row.try_get(0).map_err(|error| self.transaction.failed(doing, &error))?;
            wanted.extend(RunId::new(run.0));
        }
        let rows = self.made_of_records(&records::find(&self.transaction, &wanted)?)?;
        Ok(self.not_current.get_or_init(|| rows))
    }

    fn made_of_records(&self, wanted: &[Wanted]) -> Result<Vec<RunRow>> {
        let mut rows = Vec::with_capacity(wanted.len());
        self.read(wanted, &mut |run, records| {
            rows.push(RunRow::of(run, &records));
            Ok(())
        })?;
        Ok(rows)
    }

    /// The rows of these runs.
    pub(super) fn rows_of(&self, runs: &[RunId]) -> Result<Vec<RunRow>> {
        let mut found = Vec::with_capacity(runs.len());
        let query = format!("SELECT {SHOWN} FROM run WHERE is_current AND run = ANY($1)");
        let others = "SELECT run FROM run WHERE NOT is_current AND run = ANY($1)";
        for some in runs.chunks(AT_ONCE) {
            let ids: Vec<Uuid> = some.iter().map(|run| Uuid(run.get())).collect();
            found.extend(self.read_rows(&query, &[&ids])?);
            let doing = "list runs";
            let mut wanted = Vec::new();
            for row in self.transaction.query(doing, others, &[&ids])? {
                let run: Uuid = row.try_get(0).map_err(|error| self.transaction.failed(doing, &error))?;
                wanted.extend(RunId::new(run.0));
            }
            found.extend(self.made_of_records(&records::find(&self.transaction, &wanted)?)?);
        }
        self.judge(&mut found)?;
        Ok(found)
    }

    /// The runs that began at this time, each with the time.
    pub(super) fn starts(&self, during: RangeInclusive<u64>, order: Order, limit: usize) -> Result<Vec<(u64, RunId)>> {
        let time = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let direction = if order == Order::OldestFirst { "ASC" } else { "DESC" };
        let query = format!(
            "SELECT started_at, run FROM run WHERE is_current AND started_at >= {} AND started_at <= {} \
             ORDER BY started_at {direction}, run {direction} LIMIT {}",
            time(*during.start()),
            time(*during.end()),
            time(limit as u64),
        );
        let others = self.not_current()?.iter().map(|row| (row.started_at, row.run_id));
        let mut starts: Vec<(u64, RunId)> = others.filter(|(at, _)| during.contains(at)).collect();
        let doing = "list runs";
        for row in self.transaction.query(doing, &query, &[])? {
            let read = || Ok((row.try_get::<_, i64>(0)? as u64, row.try_get::<_, Uuid>(1)?.0));
            let (at, run) = read().map_err(|error| self.transaction.failed(doing, &error))?;
            starts.extend(RunId::new(run).map(|run| (at, run)));
        }
        match order {
            Order::OldestFirst => starts.sort_unstable(),
            Order::NewestFirst => starts.sort_unstable_by_key(|start| Reverse(*start)),
        }
        starts.truncate(limit);
        Ok(starts)
    }

    /// About how many spans a run has.
    pub(super) fn spans_of(&self, run: RunId) -> Result<u64> {
        let query = format!(
            "SELECT coalesce(max(greatest(spans, CASE WHEN is_current THEN 1 ELSE records / 2 END, 1)), 0) \
             FROM run WHERE run = '{run}'"
        );
        let spans: i64 = self.transaction.value("look for a run", &query, &[])?;
        Ok(spans as u64)
    }
}
