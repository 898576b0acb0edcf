//! A filter, by the numbers that texts have in the index.

use super::super::order::ordered;
use super::super::run::{status_number, statuses_shown};
use super::super::texts;
use crate::Result;
use crate::runs::{RunFilter, RunRow};
use crate::search::has_text;
use rusqlite::{Connection, Row};
use spanbridge_graph::RunStatus;
use std::collections::BTreeSet;

/// What the columns of a matching row have.
pub(super) struct Wanted {
    pub(super) since: i64,
    /// The start of the run that all others come after.
    pub(super) before: i64,
    counts_as: Option<RunStatus>,
    status: Option<Vec<i64>>,
    names: Option<BTreeSet<i64>>,
    services: Option<BTreeSet<i64>>,
}

impl Wanted {
    /// `None`: no folded run can match.
    pub(super) fn of(connection: &Connection, filter: &RunFilter) -> Result<Option<Self>> {
        let mut wanted = Self {
            since: filter.since.map_or(i64::MIN, ordered),
            before: filter.before.map_or(i64::MAX, |(started_at, _)| ordered(started_at)),
            counts_as: filter.status,
            status: filter.status.map(statuses_shown),
            names: None,
            services: None,
        };
        if let Some(part) = &filter.name {
            let mut names = BTreeSet::new();
            let mut query = connection.prepare_cached("SELECT id, text FROM text")?;
            let mut found = query.query([])?;
            while let Some(row) = found.next()? {
                if row.get_ref(1)?.as_str().is_ok_and(|text| has_text(text, part)) {
                    names.insert(row.get(0)?);
                }
            }
            if part.is_empty() {
                names.insert(0);
            }
            wanted.names = Some(names);
        }
        if let Some(service) = &filter.service {
            let Some(number) = texts::find(connection, service)? else { return Ok(None) };
            let mut sets = BTreeSet::new();
            let mut query = connection.prepare_cached("SELECT id, texts FROM service_set")?;
            let mut found = query.query([])?;
            while let Some(row) = found.next()? {
                if texts::read_set(row.get_ref(1)?.as_blob().unwrap_or_default()).contains(&number) {
                    sets.insert(row.get(0)?);
                }
            }
            wanted.services = Some(sets);
        }
        Ok(Some(wanted))
    }

    /// Whether a row of a run has what is wanted in its status, its name and its services.
    pub(super) fn fits(&self, row: &Row<'_>) -> bool {
        let has = |column: usize, values: &BTreeSet<i64>| row.get(column).is_ok_and(|value| values.contains(&value));
        self.status.as_ref().is_none_or(|status| row.get(5).is_ok_and(|s| status.contains(&s)))
            && self.names.as_ref().is_none_or(|names| has(6, names))
            && self.services.as_ref().is_none_or(|sets| has(7, sets))
    }

    /// Whether a row has the status that is wanted: the number of its status does not always tell.
    pub(super) fn is_status_of(&self, row: &RunRow) -> bool {
        self.counts_as.is_none_or(|status| row.counts_as(status))
    }

    /// The columns with an index that has few of these values, and the values.
    pub(super) fn columns(&self, most: usize) -> Vec<(&'static str, Vec<i64>)> {
        let set = |values: &Option<BTreeSet<i64>>| {
            values.as_ref().map(|v| v.iter().copied().collect::<Vec<_>>()).filter(|v| v.len() <= most)
        };
        let status = self.status.clone().filter(|status| !status.contains(&status_number(RunStatus::Ok)));
        let columns = [("status", status), ("name", set(&self.names)), ("services", set(&self.services))];
        columns.into_iter().filter_map(|(column, values)| Some((column, values?))).collect()
    }
}
