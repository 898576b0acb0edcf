//! What the table of runs knows: which runs may match, and when they began at the latest.

use super::lookup::run;
use super::snapshot::Asked;
use crate::client::{Rows, quoted};
use crate::identifier::identifier;
use crate::schema::feeds::{LATEST, TIME, flag, rank, service_bit};
use spanbridge::RunId;
use spanbridge_graph::RunStatus;
use spanbridge_query::{Error, RunFilter};
use std::cmp::Reverse;
use std::fmt::Write;
use std::io;

type Result<T> = std::result::Result<T, Error>;

const SECOND: u64 = 1_000_000_000;

/// What the table says of a run.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) run: RunId,
    /// It began then, or earlier.
    pub(super) latest: u64,
    /// It began exactly then.
    pub(super) is_exact: bool,
    /// The runs that started it, by its starts: one, unless these contradict each other.
    pub(super) parents: Vec<RunId>,
    /// Its starts contradict each other about that. One of them may say that no run started it.
    pub(super) is_unclear: bool,
}

impl Known {
    fn read(rows: &mut Rows) -> io::Result<Option<Self>> {
        let (run, latest, is_exact) = (run(rows)?, rows.u64()?, rows.u8()? != 0);
        let parents = rows.array(|rows| rows.text())?;
        let is_unclear = parents.len() > 1;
        let parents = parents.iter().filter_map(|digits| digits.parse().ok()).collect();
        Ok(run.map(|run| Self { run, latest, is_exact, parents, is_unclear }))
    }

    /// Its place in a list that has the newest first.
    pub(super) fn place(&self) -> (u64, RunId) {
        (self.latest, self.run)
    }
}

/// Which runs are asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    /// What has to be true of the rows of a run. A run has several rows until they are merged.
    of_rows: Vec<String>,
    /// What has to be true of one of its records.
    of_records: Vec<String>,
    /// What has to be true of the run as a whole.
    of_runs: Vec<String>,
    has_names: bool,
    has_messages: bool,
    has_parents: bool,
    has_times: bool,
}

impl Choice {
    /// The runs that may match a filter.
    pub(super) fn of(filter: &RunFilter) -> Self {
        let mut all = Self::default();
        all.times(filter);
        if let Some(status) = filter.status {
            all.status(status);
        }
        if let Some(service) = &filter.service {
            let service = quoted(service);
            all.of_records.push(format!("service = {service}"));
            // A set of texts is put together for each run ten times slower than a number.
            all.of_runs.push(format!("bitAnd(bits, {}) != 0", service_bit(&service)));
        }
        // What letters of other alphabets have in common with others, each program sees in its own way.
        if let Some(part) = filter.name.as_ref().filter(|part| part.is_ascii() && !part.is_empty()) {
            let named = flag::STARTED | flag::TOP;
            let has = |name: &str| format!("positionCaseInsensitive({name}, {}) > 0", quoted(part));
            all.of_records.push(has("name"));
            all.of_runs.push(format!("(arrayExists(name -> {}, all_names) OR bitAnd(bits, {named}) = 0)", has("name")));
            all.has_names = true;
        }
        all
    }

    /// Whether those of all runs that may match are found without a look at what is known of each.
    pub(super) fn is_quick_for_all(&self) -> bool {
        !(self.of_rows.is_empty() && self.of_records.is_empty())
    }

    /// The same, and who started them is asked, too.
    pub(super) fn with_parents(self) -> Self {
        Self { has_parents: true, ..self }
    }

    fn status(&mut self, status: RunStatus) {
        let has = |bits: u64| format!("bitAnd(bits, {bits}) != 0");
        let in_row = |bits: u64| format!("bitAnd(finalizeAggregation(flags), {bits}) != 0");
        match status {
            RunStatus::Error => {
                let bits = flag::FAILED | flag::HINT;
                self.of_rows.push(format!("({} OR notEmpty(finalizeAggregation(messages)))", in_row(bits)));
                let unsettled = "arrayReduce('groupBitXor', arrayMap(m -> bitShiftRight(m, 32), all_messages)) != 0";
                self.of_runs.push(format!("({} OR {unsettled})", has(bits)));
                self.has_messages = true;
            }
            RunStatus::Cancelled => {
                self.of_rows.push(in_row(flag::CANCELLED));
                self.of_runs.push(has(flag::CANCELLED));
            }
            RunStatus::Suspended => {
                self.of_rows.push(in_row(flag::SUSPENDED));
                self.of_runs.push(format!("{} AND bitAnd(bits, {}) = 0", has(flag::SUSPENDED), flag::ENDED));
            }
            RunStatus::Open => {
                let (owned, ended) = (flag::OWNED, flag::ENDED);
                self.of_runs.push(format!("if({}, bitAnd(bits, {ended}) = 0, {})", has(owned), has(flag::APART)));
            }
            RunStatus::Ok => self.of_runs.push(format!("(bitAnd(bits, {}) = 0 OR {})", flag::OWNED, has(flag::ENDED))),
            // Only their records tell.
            _ => {}
        }
    }

    fn times(&mut self, filter: &RunFilter) {
        if let Some(since) = filter.since {
            self.of_runs.push(format!("latest >= {since}"));
        }
        if let Some((before, _)) = filter.before {
            self.of_runs.push(format!("earliest <= {before}"));
            self.has_times = true;
        }
        if let Some(least) = filter.min_duration.filter(|least| *least > 0) {
            // A difference has a sign, whatever it is the difference of.
            let end = format!("(toUInt64(last_second) + 1) * {SECOND}");
            self.of_runs.push(format!(
                "(last_second = 4294967295 OR {end} >= earliest AND toUInt64({end} - earliest) >= {least})"
            ));
            // It has ended.
            let (owned, ended) = (flag::OWNED, flag::ENDED);
            self.of_runs.push(format!("(bitAnd(bits, {owned}) = 0 OR bitAnd(bits, {ended}) != 0)"));
            self.has_times = true;
        }
    }
}

impl Asked<'_> {
    /// What is known of the runs that may match, the newest first. `which` is about the column `run`; `None`: all.
    pub(super) fn known(&self, choice: &Choice, which: Option<&str>) -> Result<Vec<Known>> {
        match which {
            Some(which) => self.ask_known(choice, Some(which.to_owned()), ""),
            None => self.known_of_all(choice, ""),
        }
    }

    /// What is known of so many of all runs that may match, the newest first. The others began no later than the last of these.
    pub(super) fn newest_known(&self, choice: &Choice, many: usize) -> Result<Vec<Known>> {
        // Of each shard so many, and of all of these so many.
        let mut known = self.known_of_all(choice, &format!(" ORDER BY latest DESC, run DESC LIMIT {many}"))?;
        known.truncate(many);
        Ok(known)
    }

    fn known_of_all(&self, choice: &Choice, ordered: &str) -> Result<Vec<Known>> {
        let (summary, record) = (self.table_here("summary"), self.table_here("record"));
        // Which runs these are is found faster than what is known of each is put together.
        let rows = choice.of_rows.iter().map(|is| format!("run IN (SELECT run FROM {summary} WHERE {is})"));
        let records = choice.of_records.iter().map(|is| format!("run IN (SELECT run FROM {record} PREWHERE {is})"));
        let which: Vec<String> = rows.chain(records).collect();
        let which = Some(which.join(" AND ")).filter(|which| !which.is_empty());
        self.ask_known(choice, which, ordered)
    }

    fn ask_known(&self, choice: &Choice, which: Option<String>, ordered: &str) -> Result<Vec<Known>> {
        let mut columns = String::new();
        for (is_asked, column) in [
            (choice.has_names, ", groupUniqArrayArrayMerge(names) AS all_names"),
            (choice.has_messages, ", groupUniqArrayArrayMerge(messages) AS all_messages"),
            (choice.has_times, ", minMerge(first) AS first_second, maxMerge(last) AS last_second"),
        ] {
            columns.push_str(if is_asked { column } else { "" });
        }
        let (ended_apart, owner, span) = (flag::ENDED_APART, rank::OWNER, rank::SPAN);
        if choice.has_times {
            let _ = write!(
                columns,
                ", if(time_rank = {owner} AND time != {LATEST}, time, \
                 if(first_second = 4294967295, 0, toUInt64(first_second) * {SECOND})) AS earliest"
            );
        }
        let parents = if choice.has_parents { "groupUniqArrayArrayMerge(parents)" } else { "emptyArrayString()" };
        let which = which.map_or(String::new(), |which| format!(" PREWHERE {which}"));
        let having = if choice.of_runs.is_empty() { "1".to_owned() } else { choice.of_runs.join(" AND ") };
        let query = format!(
            "SELECT run, multiIf(time = {TIME}, toUInt64(0), time = {LATEST}, toUInt64({}), time) AS latest, \
             toUInt8(time = {TIME} OR time != {LATEST} AND \
             (time_rank = {owner} OR time_rank = {span} AND bitAnd(bits, {ended_apart}) = 0)) AS is_exact, \
             {parents} AS all_parents, groupBitOrMerge(flags) AS bits, minMerge(began) AS ranked, \
             bitShiftRight(ranked, 62) AS time_rank, bitAnd(ranked, {TIME}) AS time{columns} \
             FROM summary{which} GROUP BY run HAVING {having}{ordered}",
            u64::MAX,
        );
        // All of a run is on one shard.
        let settings = [("distributed_group_by_no_merge", "1".to_owned())];
        let query = format!("SELECT run, latest, is_exact, all_parents FROM ({query}) AS runs");
        let found = self.all_with(&query, &settings, Known::read)?;
        let mut found: Vec<Known> = found.into_iter().flatten().collect();
        found.sort_unstable_by_key(|known| Reverse(known.place()));
        Ok(found)
    }

    /// A table as it is on each shard, for a query within a query.
    pub(super) fn table_here(&self, table: &str) -> String {
        let local = if self.client.address.cluster.is_some() { "_local" } else { "" };
        format!("{}.{table}{local}", identifier(&self.client.address.database))
    }
}
