//! Records that come too late: their run was pruned, or would have been by now.

use crate::client::{Client, broken};
use crate::error::Result;
use crate::server::Version;
use spanbridge::RunId;
use spanbridge::record::{BodyView, RecordView};
use spanbridge_graph::{run_of, time_of};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;
const SECOND: u64 = 1_000_000_000;

/// How many runs are asked for in one query.
const RUNS_AT_ONCE: usize = 5_000;

/// How far runs were removed: days of the Unix epoch, of which the first is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Horizon {
    /// By `prune`.
    pub(super) pruned: u16,
    /// By the time to live of the table. 0: it has none.
    pub(super) expired: u16,
}

impl Horizon {
    /// How far it is now. `keep`: the days that the table keeps.
    pub(super) fn of(client: &Client, keep: Option<u16>) -> Result<Self> {
        let pruned = client.value("SELECT toUInt16(max(before)) FROM horizon")?.parse().unwrap_or(0);
        let expired = keep.map_or(0, |days| today().saturating_sub(days));
        Ok(Self { pruned, expired })
    }

    /// What is earlier than this day may be gone.
    pub(super) fn first_day(self) -> u16 {
        self.pruned.max(self.expired)
    }

    fn first_time(self) -> u64 {
        u64::from(self.first_day()) * DAY * SECOND
    }
}

/// The day that it is, of the Unix epoch.
pub(super) fn today() -> u16 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    u16::try_from(now / DAY).unwrap_or(u16::MAX)
}

/// For how many days the table keeps records. `None`: there is no end.
pub(super) fn kept_days(client: &Client, version: Version) -> Result<Option<u16>> {
    if !version.has_ttl() {
        return Ok(None);
    }
    let local = if client.address.cluster.is_some() { "_local" } else { "" };
    let query = format!(
        "SELECT extract(any(engine_full), 'TTL day \\\\+ toIntervalDay\\\\(([0-9]+)\\\\)') FROM system.tables \
         WHERE database = currentDatabase() AND name = 'record{local}'"
    );
    Ok(client.value(&query)?.parse().ok())
}

/// What of a batch is about one run.
#[derive(Default)]
struct OfRun {
    /// The time of the last record.
    last: u64,
    has_time: bool,
    /// One is older than what is kept.
    has_old: bool,
    /// It begins here, and is not old.
    is_begun: bool,
}

/// What of a batch is late.
#[derive(Default)]
pub(super) struct Late {
    runs: BTreeSet<RunId>,
    of_no_run: u64,
}

impl Late {
    /// Asks for the runs of a batch.
    pub(super) fn of(client: &Client, horizon: Horizon, records: &[RecordView<'_>]) -> Result<Self> {
        let first = horizon.first_time();
        if first == 0 {
            return Ok(Self::default());
        }
        let mut runs = BTreeMap::<RunId, OfRun>::new();
        for record in records {
            let (Some(run), time) = (run_of(*record), time_of(record.body())) else { continue };
            let one = runs.entry(run).or_default();
            let is_old = time.is_some_and(|time| time < first);
            one.last = one.last.max(time.unwrap_or(0));
            one.has_time |= time.is_some();
            one.has_old |= is_old;
            one.is_begun |= matches!(record.body(), BodyView::RunStart(_)) && !is_old;
        }
        // A run that began later cannot have been pruned.
        runs.retain(|_, one| one.has_old || !one.is_begun);
        let all: Vec<RunId> = runs.keys().copied().collect();
        let mut late = found(client, &all, |ids| format!("SELECT DISTINCT run FROM pruned WHERE run IN ({ids})"))?;
        let second = u64::from(horizon.expired) * DAY;
        if horizon.expired > 0 {
            late.extend(found(client, &all, |ids| {
                format!("SELECT run FROM summary WHERE run IN ({ids}) GROUP BY run HAVING maxMerge(last) < {second}")
            })?);
        }
        let is_old = |one: &OfRun| one.has_time && one.last < first;
        let old: Vec<RunId> =
            runs.iter().filter(|(run, one)| is_old(one) && !late.contains(run)).map(|(run, _)| *run).collect();
        let there = found(client, &old, |ids| format!("SELECT DISTINCT run FROM summary WHERE run IN ({ids})"))?;
        late.extend(old.into_iter().filter(|run| !there.contains(run)));
        Ok(Self { runs: late, of_no_run: first })
    }

    /// Whether a record is.
    pub(super) fn has(&self, record: RecordView<'_>) -> bool {
        match run_of(record) {
            Some(run) => self.runs.contains(&run),
            None => time_of(record.body()).is_some_and(|time| time < self.of_no_run),
        }
    }
}

/// The runs that a query about some of these finds.
fn found(client: &Client, runs: &[RunId], query: impl Fn(&str) -> String) -> Result<BTreeSet<RunId>> {
    let mut found = BTreeSet::new();
    for some in runs.chunks(RUNS_AT_ONCE) {
        let ids: Vec<String> = some.iter().map(|run| format!("unhex('{run}')")).collect();
        let mut rows = client.query(&query(&ids.join(", ")), &[])?;
        while !rows.is_at_end().map_err(|error| broken(&error))? {
            let id = rows.fixed().map_err(|error| broken(&error))?;
            found.extend(RunId::new(u128::from_be_bytes(id)));
        }
    }
    Ok(found)
}
