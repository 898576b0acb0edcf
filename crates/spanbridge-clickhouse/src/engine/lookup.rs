//! Finding ids.

use super::read::{RUNS_AT_ONCE, ids};
use super::snapshot::Asked;
use crate::client::{Rows, Setting, broken};
use crate::schema::feeds::{CHANGED, STARTED_BY};
use spanbridge::{RunId, SpanId, TraceId};
use spanbridge_query::Error as QueryError;
use spanbridge_query::engine::{IdMatches, IdPrefix, Mention, SpanMatch};
use std::io;

type Result<T> = std::result::Result<T, QueryError>;

/// The types of records that a span begins or ends with.
const OF_SPANS: &str = "type IN ('span', 'span:start', 'span:end')";

impl Asked<'_> {
    /// What each row of a query says.
    pub(super) fn all<T>(&self, query: &str, one: impl FnMut(&mut Rows) -> io::Result<T>) -> Result<Vec<T>> {
        self.all_with(query, &[], one)
    }

    pub(super) fn all_with<T>(
        &self,
        query: &str,
        settings: &[Setting],
        mut one: impl FnMut(&mut Rows) -> io::Result<T>,
    ) -> Result<Vec<T>> {
        let mut rows = self.client.query(query, settings)?;
        let mut found = Vec::new();
        while !rows.is_at_end().map_err(|error| broken(&error))? {
            found.push(one(&mut rows).map_err(|error| broken(&error))?);
        }
        Ok(found)
    }

    pub(super) fn look_up(&self, prefix: &IdPrefix, limit: usize) -> Result<IdMatches> {
        let limit = limit.saturating_add(1).min(1 << 30);
        let range = |column: &str| {
            let (first, last) = prefix.run_ids().into_inner();
            format!("{column} >= unhex('{first:032x}') AND {column} <= unhex('{last:032x}')")
        };
        let mut found = IdMatches::default();
        let query = format!("SELECT DISTINCT run FROM summary WHERE {} ORDER BY run LIMIT {limit}", range("run"));
        found.runs = self.all(&query, run)?.into_iter().flatten().collect();
        let query = format!(
            "SELECT DISTINCT id, run FROM mention WHERE kind = 't' AND {} ORDER BY id, run LIMIT {limit}",
            range("id")
        );
        let traces = self.all(&query, |rows| Ok((TraceId::new(u128::from_be_bytes(rows.fixed()?)), run(rows)?)))?;
        found.traces = traces.into_iter().filter_map(|(trace, run)| Some((trace?, run?))).collect();
        // What pruned runs mention stays, for those that are connected with them.
        let pruned = self.pruned_of(&found.traces.iter().map(|(_, run)| *run).collect::<Vec<_>>())?;
        found.traces.retain(|(_, run)| !pruned.contains(run));
        if let Some(range) = prefix.span_ids() {
            let (first, last) = range.into_inner();
            let query = format!(
                "SELECT span, run, argMax(toString(name), if(type = 'span:end', 0, version)) FROM record \
                 PREWHERE span >= unhex('{first:016x}') AND span <= unhex('{last:016x}') \
                 WHERE {OF_SPANS} AND run != unhex('{:032x}') GROUP BY span, run ORDER BY span, run LIMIT {limit}",
                0
            );
            let spans = self
                .all(&query, |rows| Ok((SpanId::new(u64::from_be_bytes(rows.fixed()?)), run(rows)?, rows.text()?)))?;
            let spans = spans.into_iter().filter_map(|(span, run, name)| Some((span?, run?, name)));
            found.spans = spans.map(|(span_id, run_id, name)| SpanMatch { span_id, run_id, name }).collect();
        }
        Ok(found)
    }

    pub(super) fn mentioning(&self, mention: Mention, wanted: &[u128]) -> Result<Vec<(u128, RunId)>> {
        let kind = match mention {
            Mention::Trace => 't',
            Mention::Parent => STARTED_BY,
            Mention::Link => 'l',
            _ => return Ok(Vec::new()),
        };
        self.pairs(kind, wanted)
    }

    /// How many spans a run has.
    pub(super) fn spans_of(&self, run: RunId) -> Result<u64> {
        let query =
            format!("SELECT uniqExact(span) FROM record PREWHERE run IN ({}) WHERE {OF_SPANS}", ids([run.get()]));
        let spans = self.all(&query, |rows| rows.u64())?;
        match spans.first() {
            // Whether it is stored is asked, too.
            Some(0) | None => {
                let query = format!("SELECT count() FROM record WHERE run IN ({})", ids([run.get()]));
                Ok(self.all(&query, |rows| rows.u64())?.first().map_or(0, |records| (*records).min(1)))
            }
            Some(spans) => Ok(*spans),
        }
    }

    /// The runs that changed a row with one of these marks.
    pub(super) fn changing(&self, rows: &[u128]) -> Result<Vec<RunId>> {
        let mut runs: Vec<RunId> = self.pairs(CHANGED, rows)?.into_iter().map(|(_, run)| run).collect();
        runs.sort_unstable();
        runs.dedup();
        Ok(runs)
    }

    /// The ids that are mentioned in this way, each with the run.
    pub(super) fn pairs(&self, kind: char, wanted: &[u128]) -> Result<Vec<(u128, RunId)>> {
        let mut found = Vec::new();
        for some in wanted.chunks(RUNS_AT_ONCE) {
            let list = ids(some.iter().copied());
            let query = format!("SELECT DISTINCT id, run FROM mention WHERE kind = '{kind}' AND id IN ({list})");
            let pairs = self.all(&query, |rows| Ok((u128::from_be_bytes(rows.fixed()?), run(rows)?)))?;
            found.extend(pairs.into_iter().filter_map(|(id, run)| Some((id, run?))));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// The id of a run. `None`: none.
pub(super) fn run(rows: &mut Rows) -> io::Result<Option<RunId>> {
    Ok(RunId::new(u128::from_be_bytes(rows.fixed()?)))
}
