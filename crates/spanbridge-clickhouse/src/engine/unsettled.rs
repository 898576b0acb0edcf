//! Which messages without a settlement count, by the other runs.
//!
//! Whether a receiver settles messages of several runs with one call is asked only if a message of it is due. The tables say which runs may
//! show it, and their records whether they do; mostly the first one does, or there is none.

use super::lookup::run;
use super::snapshot::Asked;
use crate::client::quoted;
use crate::schema::feeds::{NO_SPAN, is_settlement};
use crate::schema::settlers::{SETTLES_OTHERS, has_settlement_apart, is_kept, receiver_id};
use spanbridge::RunId;
use spanbridge_graph::hash::{Map, Set};
use spanbridge_query::{Error, RunRow};

type Result<T> = std::result::Result<T, Error>;

/// How many runs of a receiver are looked at first.
const FEW: usize = 3;

/// How many runs are read at a time.
const PAGE: usize = 32;

impl Asked<'_> {
    /// The rows of these runs, as far as they are stored.
    pub(super) fn rows_of(&self, runs: &[RunId]) -> Result<Vec<RunRow>> {
        let mut rows = self.rows_by_records(runs)?;
        self.receivers.never_settled.judge(&mut rows, |receivers| self.settling_others(receivers))?;
        Ok(rows)
    }

    /// Those of these receivers that settle messages of several runs with one call.
    fn settling_others(&self, receivers: &[u64]) -> Result<Vec<u64>> {
        let left = self.receivers.named(receivers);
        let mut search = Search { asked: self, left, found: Vec::new(), seen: Set::default() };
        search.read(&search.mentioning(&format!("LIMIT {FEW} BY id"))?)?;
        search.read(&search.mentioning("")?)?;
        search.read(&search.settling_apart()?)?;
        Ok(search.found)
    }
}

struct Search<'s> {
    asked: &'s Asked<'s>,
    /// Receivers of which no run that was read shows it.
    left: Map<u64, (String, String)>,
    /// Others.
    found: Vec<u64>,
    seen: Set<RunId>,
}

impl Search<'_> {
    /// Runs with a settlement by one of the receivers that are left that shows it by itself.
    fn mentioning(&self, limit: &str) -> Result<Vec<RunId>> {
        let ids = self.left.values().map(|(service, system)| receiver_id(&quoted(service), &quoted(system)));
        let ids: Vec<String> = ids.collect();
        let query = format!(
            "SELECT DISTINCT id, run FROM mention WHERE kind = '{SETTLES_OTHERS}' AND id IN ({}) {limit}",
            ids.join(", ")
        );
        self.runs(&format!("SELECT DISTINCT run FROM ({query}) AS runs"))
    }

    /// Runs with a settlement by one of them below a span that is not the work on a message that is to be settled.
    fn settling_apart(&self) -> Result<Vec<RunId>> {
        let services: Set<&str> = self.left.values().map(|(service, _)| &**service).collect();
        let services: Vec<String> = services.into_iter().map(quoted).collect();
        let summary = self.asked.table_here("summary");
        // Then it is in one of its rows, too, which is quicker to find.
        let rows = format!("SELECT run FROM {summary} WHERE {}", has_settlement_apart("finalizeAggregation(messages)"));
        let runs = format!(
            "SELECT run FROM (SELECT run, groupUniqArrayArrayMerge(messages) AS numbers FROM {summary} \
             WHERE run IN ({rows}) GROUP BY run) WHERE {}",
            has_settlement_apart("numbers")
        );
        self.runs(&format!(
            "SELECT DISTINCT run FROM record WHERE run IN ({runs}) AND {} AND parent != {NO_SPAN} AND service IN ({}) AND {}",
            is_settlement(),
            services.join(", "),
            is_kept(),
        ))
    }

    fn runs(&self, query: &str) -> Result<Vec<RunId>> {
        if self.left.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.asked.all(query, run)?.into_iter().flatten().filter(|run| !self.seen.contains(run)).collect())
    }

    /// Reads these runs until they show it of all receivers.
    fn read(&mut self, runs: &[RunId]) -> Result<()> {
        for some in runs.chunks(PAGE) {
            if self.left.is_empty() {
                return Ok(());
            }
            self.seen.extend(some.iter().copied());
            for row in self.asked.rows_by_records(some)? {
                for receiver in &row.unsettled().settle_others {
                    self.found.extend(self.left.remove(receiver).map(|_| *receiver));
                }
            }
        }
        Ok(())
    }
}
