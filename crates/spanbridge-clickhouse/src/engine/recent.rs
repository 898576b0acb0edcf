//! The runs that were active last.
//!
//! A run began at the time of one of its records, so it was active then. So among the runs that were active since a time are all that
//! began since then.

use super::snapshot::Asked;
use spanbridge_query::Error;

type Result<T> = std::result::Result<T, Error>;

/// Nanoseconds of a slot, as a power of two: 17 seconds.
const SLOT: u32 = 34;

/// The same of the column `active.late`.
const LATE: u32 = 18;

/// How many slots are looked at: an hour, three days, half a year.
const WIDTHS: [u32; 3] = [1 << 8, 1 << 14, 1 << 20];

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
    /// About so many runs, or all since this time: those that were active last, up to a slot. `None`: there are not so many.
    pub(super) fn recent(&self, since: Option<u64>, until: u32, many: u64) -> Result<Option<Recent>> {
        let least = since.map_or(0, slot);
        let newest = until.min(slot(self.now().saturating_mul(1000)).saturating_add(1));
        for width in WIDTHS {
            let from = newest.saturating_sub(width).max(least);
            let query = format!(
                "SELECT slot, count() FROM active WHERE slot >= {from} AND slot <= {until} GROUP BY slot ORDER BY slot DESC"
            );
            let (mut rows, mut last) = (0, None);
            for (slot, count) in self.all(&query, |rows| Ok((rows.u32()?, rows.u64()?)))? {
                rows += count;
                last = Some((slot, count));
                if rows >= many {
                    break;
                }
            }
            if let Some((slot, count)) = last.filter(|_| rows >= many) {
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
