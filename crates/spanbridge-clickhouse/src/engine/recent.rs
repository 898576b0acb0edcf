//! The runs that were active last.
//!
//! A run began at the time of one of its records, so it was active then. So among the runs that were active since a time are all that
//! began since then.

use super::known::Choice;
use super::snapshot::Asked;
use spanbridge_query::{Error, RunFilter};

type Result<T> = std::result::Result<T, Error>;

/// Nanoseconds of a slot, as a power of two: 17 seconds.
const SLOT: u32 = 34;

/// The same of the column `active.late`.
const LATE: u32 = 18;

/// How many slots are looked at: an hour, three days, half a year.
const WIDTHS: [u32; 3] = [1 << 8, 1 << 14, 1 << 20];

/// How many runs are looked at first.
const FEWEST: usize = 512;

/// How many times more are looked at if none of them matches.
const GROWTH: u64 = 8;

/// For more than these, it is quicker to look at all; and if none of so many matches, then those that do are quicker found among all.
const MOST: u64 = 1 << 18;
const MOST_FOR_NONE: u64 = 1 << 12;

/// Which runs are looked at: those that were active last. More and more of them, until enough match.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Nothing that matches began earlier.
    since: Option<u64>,
    /// The last slot.
    until: u32,
    /// Only runs that took so many slots can match, so those that began later need not be looked at alone.
    reach: u32,
    many: u64,
    most_for_none: u64,
}

impl Window {
    /// Which to look at first for a list of so many runs.
    pub(super) fn of(filter: &RunFilter, choice: &Choice, limit: usize) -> Self {
        let mut of_runs = filter.clone();
        (of_runs.since, of_runs.before) = (None, None);
        let fewest = if of_runs == RunFilter::default() { limit } else { FEWEST };
        Self {
            since: filter.since.filter(|since| *since > 0),
            until: filter.before.map_or(u32::MAX, |(before, _)| slot(before)),
            reach: filter.min_duration.filter(|least| *least > 0).map_or(0, |least| slot(least).saturating_add(1)),
            many: limit.saturating_mul(2).max(fewest) as u64,
            most_for_none: if choice.is_quick_for_all() { MOST_FOR_NONE } else { MOST },
        }
    }

    /// Looks at more, since only so many were found. `false`: all are to be looked at.
    pub(super) fn grow(&mut self, found: usize, limit: usize) -> bool {
        if found == 0 {
            self.many = self.many.saturating_mul(GROWTH);
            return self.many <= self.most_for_none;
        }
        // Twice what it takes if the others are like these.
        let wanted = u128::from(self.many) * 2 * limit as u128 / found as u128;
        self.many = u64::try_from(wanted).unwrap_or(u64::MAX).max(self.many.saturating_mul(4));
        self.many <= MOST
    }
}

/// Runs that were active in some time.
#[derive(Clone, Debug)]
pub(super) struct Recent {
    /// A condition of the rows of the table `active`.
    pub(super) rows: String,
    /// The same, and of all that are later.
    pub(super) and_later: String,
    /// All others began at this time or earlier.
    pub(super) bound: u64,
    /// No others were asked for.
    pub(super) is_all: bool,
}

impl Recent {
    fn new(and_later: String, until: u32, bound: u64) -> Self {
        Self { rows: format!("{and_later} AND slot <= {until}"), and_later, bound, is_all: false }
    }
}

/// The slot of a time.
pub(super) fn slot(at: u64) -> u32 {
    u32::try_from(at >> SLOT).unwrap_or(u32::MAX)
}

impl Asked<'_> {
    /// The runs of a window, among which are all that began so late and match. `None`: there are not so many, or too many.
    pub(super) fn recent(&self, window: &Window) -> Result<Option<Recent>> {
        let Window { since, until, reach, many, .. } = *window;
        let least = since.map_or(0, slot);
        let newest = until.min(slot(self.now().saturating_mul(1000)).saturating_add(1));
        for width in WIDTHS {
            let from = newest.saturating_sub(width).max(least);
            let query = format!(
                "SELECT slot, count() FROM active WHERE slot >= {from} AND slot <= {until} GROUP BY slot ORDER BY slot DESC"
            );
            let (mut rows, mut far, mut last) = (0, None, None);
            for (slot, count) in self.all(&query, |rows| Ok((rows.u32()?, rows.u64()?)))? {
                rows += count;
                let far = far.get_or_insert(slot.saturating_sub(reach));
                if rows >= many && slot <= *far {
                    last = Some((slot, count));
                    break;
                }
            }
            if let Some((slot, count)) = last {
                if reach > 0 {
                    let bound = (u64::from(slot) << SLOT).saturating_sub(1);
                    let recent = Recent::new(format!("slot >= {slot}"), until, bound);
                    return Ok((rows <= MOST).then_some(recent));
                }
                return self.last_of_slot(slot, until, count, many - (rows - count)).map(Some);
            }
            if let Some(since) = since.filter(|_| from == least) {
                let all = Recent::new(format!("slot >= {least}"), until, since.saturating_sub(1));
                return Ok(Some(Recent { is_all: true, ..all }));
            }
        }
        Ok(None)
    }

    /// What is later than this slot, and the last rows of it: about so many of all that it has.
    fn last_of_slot(&self, slot: u32, until: u32, all: u64, many: u64) -> Result<Recent> {
        let start = u64::from(slot) << SLOT;
        if all <= many.saturating_mul(2) {
            return Ok(Recent::new(format!("slot >= {slot}"), until, start.saturating_sub(1)));
        }
        let query = format!("SELECT late FROM active WHERE slot = {slot} ORDER BY late DESC LIMIT {many}, 1");
        let late = self.all(&query, |rows| rows.u16())?.first().copied().unwrap_or(0);
        let bound = (start | u64::from(late) << LATE).saturating_sub(1);
        let and_later = format!("slot >= {slot} AND (slot > {slot} OR late >= {late})");
        Ok(Recent::new(and_later, until, bound))
    }
}
