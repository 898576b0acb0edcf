//! Removing old runs.
//!
//! Runs that go are written down in `pruned` first. Of days that are over, what belongs to other runs is copied into the partition of
//! [kept](KEPT_DAY) records, and the partition is dropped. Each of these steps may be done again, on every shard by itself: all of a run is
//! on one shard, copies that come twice are one row, and views take what comes twice for one.

use super::snapshot::Asked;
use crate::client::{Client, broken, quoted};
use crate::error::{Error, ErrorKind, Result};
use crate::identifier::identifier;
use crate::row::{KEPT_DAY, columns};
use crate::schema::{self, feeds::AT};
use spanbridge::RunId;
use spanbridge_query::engine::{Old, Removed};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Runs whose ids begin with one of so many digits are asked for at once.
const PARTS: u8 = 16;

/// How many days it is remembered which runs were removed.
const REMEMBERED: u16 = 400;

/// How often to look whether servers have removed rows, and how long that may take.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const REMOVING: Duration = Duration::from_secs(30 * 60);

const NO_RUN: &str = "unhex('00000000000000000000000000000000')";
const SPAN: &str = "type IN ('span', 'span:start')";

/// When a span of a record was over, or when it happened.
fn until() -> String {
    format!("{AT} + bitOr(bitShiftLeft(toUInt64(took_high), 32), toUInt64(took_low))")
}

/// What is to be removed, and from where.
pub(super) struct Pruning<'c> {
    client: &'c Client,
    old: &'c Old,
    /// The first day that stays.
    before: u16,
    local: &'static str,
    on_cluster: String,
}

impl<'c> Pruning<'c> {
    pub(super) fn new(client: &'c Client, old: &'c Old) -> Result<Self> {
        let before = u16::try_from(old.first_day()).ok().filter(|day| *day < KEPT_DAY);
        let before = before.ok_or_else(|| Error::new(ErrorKind::Refused, "remove old runs: there is no such day"))?;
        let local = if client.address.cluster.is_some() { "_local" } else { "" };
        Ok(Self { client, old, before, local, on_cluster: client.address.on_cluster() })
    }

    /// Removes what is old. It tells after each day what is gone so far.
    pub(super) fn run(&self, after_step: &mut dyn FnMut(&Removed) -> bool) -> Result<Removed> {
        let mut removed = Removed::default();
        let had = self.bytes()?;
        removed.bytes_left = had;
        if self.old.dry_run {
            for part in 0..PARTS {
                removed.runs += self.gone(part, &mut removed.kept)?.len() as u64;
            }
            let (spans, all) =
                (self.spans(&removed.kept)?, self.number(&format!("SELECT count() FROM record WHERE {SPAN}"))?);
            let share = u128::from(had) * u128::from(spans) / u128::from(all.max(1));
            removed.spans = spans;
            removed.bytes = u64::try_from(share).unwrap_or(had).min(had);
            removed.bytes_left = had - removed.bytes;
            return Ok(removed);
        }
        // A question to all shards: one that is away is named, before anything is removed.
        self.number(&format!("SELECT count() FROM summary WHERE run = {NO_RUN}"))?;
        // From here on, nothing is stored any more that would be half of a run.
        let unfinished = self.number("SELECT toUInt64(max(finished)) FROM horizon")?;
        self.note(0, 0)?;
        for part in 0..PARTS {
            let gone = self.gone(part, &mut removed.kept)?;
            removed.runs += gone.len() as u64;
            self.write_down(&gone)?;
        }
        removed.spans = self.spans(&removed.kept)?;
        self.note(0, self.forgotten()?)?;
        let pruned = self.here("pruned");
        let gone = format!("run IN (SELECT run FROM {pruned} WHERE before >= {unfinished})");
        let of_kept = format!("day = toDate({KEPT_DAY}) AND {gone}");
        self.delete("summary", &gone)?;
        self.delete("active", &gone)?;
        self.delete("mention", &format!("kind IN ('m', 's') AND {gone}"))?;
        self.delete("record", &of_kept)?;
        self.wait()?;
        for day in self.days()? {
            self.drop_day(day)?;
            removed.bytes_left = self.bytes()?;
            removed.bytes = had.saturating_sub(removed.bytes_left);
            if !after_step(&removed) {
                return Ok(removed);
            }
        }
        let forgotten = self.before.saturating_sub(REMEMBERED);
        self.delete("mention", &format!("run IN (SELECT run FROM {pruned} WHERE before < {forgotten})"))?;
        self.wait()?;
        self.delete("pruned", &format!("before < {forgotten}"))?;
        self.note(self.before, 0)?;
        removed.bytes_left = self.bytes()?;
        removed.bytes = had.saturating_sub(removed.bytes_left);
        Ok(removed)
    }

    /// A table as it is on each shard. Other shards, and servers that do something later, know no database of ours.
    fn here(&self, table: &str) -> String {
        format!("{}.{table}{}", identifier(&self.client.address.database), self.local)
    }

    /// Removes rows of a table, which servers do by and by.
    fn delete(&self, table: &str, which: &str) -> Result<()> {
        // To look is cheap, and to remove rows writes parts again.
        match self.number(&format!("SELECT count() FROM {table} WHERE {which}"))? {
            0 => Ok(()),
            _ => self.everywhere(&format!("ALTER TABLE {table}{}{} DELETE WHERE {which}", self.local, self.on_cluster)),
        }
    }

    /// Runs that are old, with ids that begin with this digit. Those that stay all the same are added to `kept`.
    fn gone(&self, part: u8, kept: &mut Vec<RunId>) -> Result<Vec<RunId>> {
        let second = u64::from(self.before) * 86_400;
        let query = format!(
            "SELECT run FROM (SELECT run, maxMerge(last) AS last_second FROM summary WHERE {} GROUP BY run \
             HAVING last_second < {second}) AS runs",
            range(part)
        );
        // All of a run is on one shard.
        let settings = [("distributed_group_by_no_merge", "1".to_owned())];
        let mut gone = Vec::new();
        let mut rows = self.client.query(&query, &settings)?;
        while !rows.is_at_end().map_err(|error| broken(&error))? {
            let id = rows.fixed().map_err(|error| broken(&error))?;
            let Some(run) = RunId::new(u128::from_be_bytes(id)) else { continue };
            let is_kept = self.old.keep.binary_search(&run).is_ok();
            if is_kept { kept.push(run) } else { gone.push(run) }
        }
        Ok(gone)
    }

    /// Writes down which runs go.
    fn write_down(&self, gone: &[RunId]) -> Result<()> {
        if gone.is_empty() {
            return Ok(());
        }
        let mut rows = Vec::with_capacity(gone.len() * 18);
        for run in gone {
            rows.extend_from_slice(&run.get().to_be_bytes());
            rows.extend_from_slice(&self.before.to_le_bytes());
        }
        let settings = [("insert_distributed_sync", "1".to_owned())];
        self.client.insert("INSERT INTO pruned (run, before) FORMAT RowBinary", &rows, &settings)
    }

    /// How many spans the runs have that are old, without those that are kept.
    fn spans(&self, kept: &[RunId]) -> Result<u64> {
        let second = u64::from(self.before) * 86_400;
        let spans = |which: &str| {
            self.number(&format!(
                "SELECT count() FROM (SELECT run, span FROM record WHERE {SPAN} AND {which} AND (day < toDate({}) OR day = toDate({KEPT_DAY})) \
                 GROUP BY run, span) AS spans",
                self.before
            ))
        };
        let mut all = spans(&format!(
            "run IN (SELECT run FROM {} GROUP BY run HAVING maxMerge(last) < {second})",
            self.here("summary")
        ))?;
        for some in kept.chunks(5_000) {
            let ids: Vec<String> = some.iter().map(|run| format!("unhex('{run}')")).collect();
            all = all.saturating_sub(spans(&format!("run IN ({})", ids.join(", ")))?);
        }
        Ok(all)
    }

    /// The time of the last change of a row that goes. 0: none goes.
    fn forgotten(&self) -> Result<u64> {
        let of_runs = self.number(&format!(
            "SELECT max({}) FROM record WHERE run IN (SELECT run FROM {} WHERE kind = 'm' AND run IN (SELECT run FROM {}))",
            until(),
            self.here("mention"),
            self.here("pruned")
        ))?;
        let of_no_run = self.number(&format!(
            "SELECT max({AT}) FROM record WHERE run = {NO_RUN} AND type = 'mutation' AND day < toDate({})",
            self.before
        ))?;
        Ok(of_runs.max(of_no_run))
    }

    /// Days that are over and have records on a shard, the first one first.
    fn days(&self) -> Result<Vec<u16>> {
        let place = match &self.client.address.cluster {
            Some(cluster) => format!("cluster({}, system, parts)", quoted(cluster)),
            None => "system.parts".to_owned(),
        };
        let query = format!(
            "SELECT DISTINCT toUInt16(toDate(partition)) AS number FROM {place} WHERE active AND database = {} \
             AND table = 'record{}' AND number < {} ORDER BY number",
            quoted(&self.client.address.database),
            self.local,
            self.before
        );
        let (mut days, mut rows) = (Vec::new(), self.client.query(&query, &[])?);
        while !rows.is_at_end().map_err(|error| broken(&error))? {
            days.push(rows.u16().map_err(|error| broken(&error))?);
        }
        Ok(days)
    }

    /// Copies what stays of a day, and drops the day.
    fn drop_day(&self, day: u16) -> Result<()> {
        let (local, pruned) = (self.local, self.here("pruned"));
        let kept = format!("toDate({KEPT_DAY})");
        let values = columns::COLUMNS.map(|(name, _)| if name == "day" { kept.clone() } else { format!("`{name}`") });
        for part in 0..PARTS {
            let range = range(part);
            let which = format!(
                "day = toDate({day}) AND {range} AND run != {NO_RUN} \
                 AND run NOT IN (SELECT run FROM {pruned} WHERE {range})"
            );
            // Most days have nothing of the kind.
            if self.number(&format!("SELECT count() FROM record WHERE {which}"))? > 0 {
                let copy = format!(
                    "INSERT INTO record{local} ({}) SELECT {} FROM record{local} WHERE {which}",
                    columns::names(),
                    values.join(", ")
                );
                self.client.run_everywhere(&copy, &[])?;
            }
        }
        let name = self.client.value(&format!("SELECT toString(toDate({day}))"))?;
        self.everywhere(&format!("ALTER TABLE record{local}{} DROP PARTITION {}", self.on_cluster, quoted(&name)))
    }

    /// Waits until the servers have removed the rows that they were told to.
    fn wait(&self) -> Result<()> {
        let place = match &self.client.address.cluster {
            Some(cluster) => format!("cluster({}, system, mutations)", quoted(cluster)),
            None => "system.mutations".to_owned(),
        };
        let query = format!(
            "SELECT count() FROM {place} WHERE database = {} AND NOT is_done",
            quoted(&self.client.address.database)
        );
        let end = Instant::now() + REMOVING;
        while self.number(&query)? > 0 {
            if Instant::now() > end {
                let what = "remove old runs: servers still remove rows, see system.mutations; do it again to go on";
                return Err(Error::new(ErrorKind::Refused, what));
            }
            sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Notes how far runs are removed, on each node. `finished`: up to here, all is done.
    fn note(&self, finished: u16, forgotten: u64) -> Result<()> {
        let before = self.before;
        self.client.run_everywhere(&format!("INSERT INTO horizon VALUES ({before}, {finished}, {forgotten})"), &[])
    }

    /// Where each statement has to go.
    fn everywhere(&self, statement: &str) -> Result<()> {
        schema::run_where_due(self.client, statement, &[])
    }

    fn bytes(&self) -> Result<u64> {
        Ok(schema::sizes(self.client)?.iter().map(|(_, bytes, _)| bytes).sum())
    }

    fn number(&self, query: &str) -> Result<u64> {
        number(self.client, query)
    }
}

/// The runs whose ids begin with this digit.
fn range(part: u8) -> String {
    format!("run >= unhex('{part:x}{}') AND run <= unhex('{part:x}{}')", "0".repeat(31), "f".repeat(31))
}

fn number(client: &Client, query: &str) -> Result<u64> {
    let text = client.value(query)?;
    text.parse().map_err(|_| Error::new(ErrorKind::Corrupt, format!("read a number: the server says {text:?}")))
}

impl Asked<'_> {
    /// Which of these runs were removed.
    pub(super) fn pruned_of(&self, runs: &[RunId]) -> Result<Vec<RunId>> {
        let mut found = Vec::new();
        for some in runs.chunks(1_000) {
            let ids: Vec<String> = some.iter().map(|run| format!("unhex('{run}')")).collect();
            let query = format!("SELECT DISTINCT run FROM pruned WHERE run IN ({})", ids.join(", "));
            let mut rows = self.client.query(&query, &[])?;
            while !rows.is_at_end().map_err(|error| broken(&error))? {
                let id = rows.fixed().map_err(|error| broken(&error))?;
                found.extend(RunId::new(u128::from_be_bytes(id)));
            }
        }
        Ok(found)
    }

    /// The time up to which changes of rows were removed.
    pub(super) fn forgotten_up_to(&self) -> Result<Option<u64>> {
        Ok(Some(number(self.client, "SELECT max(forgotten) FROM horizon")?).filter(|time| *time > 0))
    }
}
