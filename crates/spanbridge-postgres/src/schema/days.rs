//! The partitions of the table `record`: one for each day on which a run began.
//!
//! All records of a run are in the partition of the run, whenever they come. So a run is read from one partition, what comes again on
//! another day is found, and a partition has whole runs.

use crate::error::Result;
use crate::session::Pool;
use crate::transaction::Transaction;
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

/// The day of records of no run. Days are counted from 2000-01-01.
pub(crate) const NO_RUN: i32 = -1;

pub(crate) const DAY: u64 = 86_400_000_000_000;

/// 2000-01-01, in days since the Unix epoch.
pub(crate) const FIRST: i32 = 10_957;

/// What is older is put into the oldest partition of these, and what is later into the newest: a clock that is wrong must not make
/// partitions without end.
const MAX_AGE: i32 = 400;

/// The partitions that are there.
#[derive(Default)]
pub(crate) struct Days {
    known: BTreeSet<i32>,
}

impl Days {
    /// The day of a run with records of this time.
    pub(crate) fn of(time: Option<u64>) -> i32 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
        let day = |time: u64| (time / DAY) as i32 - FIRST;
        let today = day(now);
        time.map_or(today, day).clamp((today - MAX_AGE).max(0), (today + 1).max(0))
    }

    /// Forgets them: others may have removed some.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
    }

    /// Makes the partitions that are missing. Several may do so at once, and nobody who reads or writes has to wait for it.
    pub(crate) fn ensure(&mut self, pool: &Pool, days: &BTreeSet<i32>) -> Result<()> {
        let missing: Vec<i32> = days.difference(&self.known).copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let doing = "make a partition";
        let transaction = Transaction::begin(pool.session()?, "BEGIN")?;
        super::lock(&transaction)?;
        // To make a partition of a table stops everybody who uses the table. To attach a table does not.
        let query = "SELECT format('CREATE TABLE %1$I (LIKE record INCLUDING DEFAULTS); \
             ALTER TABLE record ATTACH PARTITION %1$I FOR VALUES FROM (%2$L) TO (%3$L)', name, day, day + 1) \
             FROM (SELECT date '2000-01-01' + n AS day, 'record_' || to_char(date '2000-01-01' + n, 'YYYYMMDD') AS name \
             FROM unnest($1::int[]) n) days WHERE to_regclass(name) IS NULL ORDER BY day";
        for row in transaction.query(doing, query, &[&missing])? {
            let statements: String = row.try_get(0).map_err(|error| transaction.failed(doing, &error))?;
            transaction.run(doing, &statements)?;
        }
        transaction.commit()?;
        self.known.extend(missing);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_clock_makes_no_new_days() {
        let today = Days::of(None);
        assert_eq!(Days::of(Some(0)), today - MAX_AGE);
        assert_eq!(Days::of(Some(u64::MAX)), today + 1);
        assert!(today > 9_000);
        assert_eq!(Days::of(Some((FIRST as u64 + today as u64) * DAY)), today);
    }
}
