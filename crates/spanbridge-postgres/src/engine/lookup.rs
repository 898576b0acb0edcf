//! Finding ids.

use super::snapshot::{Asked, Result};
use crate::mention;
use crate::session::Uuid;
use spanbridge::{RunId, SpanId, TraceId};
use spanbridge_query::engine::{IdMatches, IdPrefix, Mention, SpanMatch};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// How many ids are asked for in one query.
const AT_ONCE: usize = 5_000;

type Parameters<'p> = [&'p (dyn ToSql + Sync)];

impl Asked<'_> {
    /// What each row of a query says.
    fn all<T>(
        &self,
        query: &str,
        parameters: &Parameters<'_>,
        one: impl Fn(&Row) -> std::result::Result<Option<T>, tokio_postgres::Error>,
    ) -> Result<Vec<T>> {
        let doing = "look for ids";
        let mut found = Vec::new();
        for row in self.transaction.query(doing, query, parameters)? {
            found.extend(one(&row).map_err(|error| self.transaction.failed(doing, &error))?);
        }
        Ok(found)
    }

    pub(super) fn look_up(&self, prefix: &IdPrefix, limit: usize) -> Result<IdMatches> {
        let limit = limit.saturating_add(1).min(1 << 30);
        let (first, last) = prefix.run_ids().into_inner();
        let range = |column: &str| format!("{column} >= '{first:032x}' AND {column} <= '{last:032x}'");
        let mut found = IdMatches::default();
        let query = format!("SELECT run FROM run WHERE {} ORDER BY run LIMIT {limit}", range("run"));
        found.runs = self.all(&query, &[], |row| Ok(RunId::new(row.try_get::<_, Uuid>(0)?.0)))?;
        let query =
            format!("SELECT id, run FROM mention WHERE kind = 't' AND {} ORDER BY id, run LIMIT {limit}", range("id"));
        found.traces = self.all(&query, &[], |row| {
            let (trace, run) = (row.try_get::<_, Uuid>(0)?.0, row.try_get::<_, Uuid>(1)?.0);
            Ok(TraceId::new(trace).zip(RunId::new(run)))
        })?;
        if let Some(range) = prefix.span_ids() {
            let (first, last) = range.into_inner();
            // The first digits are the same, so both have the same sign. A name is in all but the ends.
            let query = format!(
                "SELECT DISTINCT ON (span, run) span, run, shape FROM record JOIN shape ON shape.id = shape \
                 WHERE flags & 4 <> 0 AND span >= {} AND span <= {} AND day >= '2000-01-01' \
                 ORDER BY span, run, type = 'span:end', tx, segment, seq, record.id LIMIT {limit}",
                first as i64, last as i64
            );
            let spans = self.all(&query, &[], |row| {
                let (span, run) = (row.try_get::<_, i64>(0)? as u64, row.try_get::<_, Uuid>(1)?.0);
                let shape: i32 = row.try_get(2)?;
                Ok(SpanId::new(span).zip(RunId::new(run)).map(|(span, run)| (span, run, shape)))
            })?;
            found.spans = self.with_shapes(|shapes| {
                shapes.read(&self.transaction, spans.iter().map(|(.., shape)| *shape))?;
                let name = |shape| shapes.get(shape).map_or(String::new(), |texts| texts[2].to_string());
                let spans = spans.into_iter();
                let found = spans.map(|(span_id, run_id, shape)| SpanMatch { span_id, run_id, name: name(shape) });
                Result::Ok(found.collect())
            })?;
        }
        Ok(found)
    }

    pub(super) fn mentioning(&self, mention: Mention, wanted: &[u128]) -> Result<Vec<(u128, RunId)>> {
        match mention {
            Mention::Trace => self.mentions_of(mention::TRACE, wanted),
            Mention::Parent => self.mentions_of(mention::PARENT, wanted),
            Mention::Link => self.mentions_of(mention::LINK, wanted),
            _ => Ok(Vec::new()),
        }
    }

    /// The runs that changed one of the rows with these marks.
    pub(super) fn changing(&self, marks: &[u128]) -> Result<Vec<RunId>> {
        let mut runs: Vec<RunId> = self.mentions_of(mention::MARK, marks)?.into_iter().map(|(_, run)| run).collect();
        runs.sort_unstable();
        runs.dedup();
        Ok(runs)
    }

    fn mentions_of(&self, kind: i8, wanted: &[u128]) -> Result<Vec<(u128, RunId)>> {
        let query = "SELECT id, run FROM mention WHERE kind = $1 AND id = ANY($2)";
        let mut found = Vec::new();
        for some in wanted.chunks(AT_ONCE) {
            let ids: Vec<Uuid> = some.iter().copied().map(Uuid).collect();
            found.extend(self.all(query, &[&kind, &ids], |row| {
                let (id, run) = (row.try_get::<_, Uuid>(0)?.0, row.try_get::<_, Uuid>(1)?.0);
                Ok(RunId::new(run).map(|run| (id, run)))
            })?);
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}
