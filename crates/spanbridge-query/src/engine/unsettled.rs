//! Messages that were never settled, in rows of an engine that does not know them by itself.
//!
//! The records of a run say which of its messages have no settlement, and from when on that counts. Whether it counts depends on the other
//! runs, too: one of them may show that the receiver settles messages of several runs with one call. Only if a message is due, the engine is
//! asked for that.

use crate::Result;
use crate::runs::RunRow;
use spanbridge_graph::hash::Map;
use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

/// Judges the messages of rows at one time, and remembers what it has learned of their receivers. One for each snapshot.
#[doc(hidden)]
#[derive(Debug)]
pub struct NeverSettled {
    now: u64,
    /// Whether a receiver settles messages of several runs with one call.
    receivers: RefCell<Map<u64, bool>>,
}

impl NeverSettled {
    /// At this time, in nanoseconds since the Unix epoch.
    pub fn at(now: u64) -> Self {
        Self { now, receivers: RefCell::default() }
    }

    /// When that is.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Says in each of these rows how many of its messages were never settled.
    ///
    /// `settling_others` is asked which of some receivers settle messages of several runs with one call, by the rows of all stored runs. It
    /// is not asked if no message is due, and once for each receiver.
    pub fn judge(&self, rows: &mut [RunRow], settling_others: impl FnOnce(&[u64]) -> Result<Vec<u64>>) -> Result<()> {
        // They are in the order of their times.
        let is_due = |row: &RunRow| row.unsettled.messages.first().is_some_and(|first| first.due <= self.now);
        let due = rows.iter().filter(|row| is_due(row)).flat_map(|row| &row.unsettled.messages);
        let receivers = due.filter(|message| message.due <= self.now).map(|message| message.receiver);
        let mut unknown: Vec<u64> = receivers.filter(|it| !self.receivers.borrow().contains_key(it)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.is_empty() {
            let settling = settling_others(&unknown)?;
            let known = unknown.iter().map(|receiver| (*receiver, settling.contains(receiver)));
            self.receivers.borrow_mut().extend(known);
        }
        let receivers = self.receivers.borrow();
        for row in rows.iter_mut().filter(|row| is_due(row)) {
            let settles_others = |receiver| receivers.get(&receiver).copied().unwrap_or(false);
            row.set_never_settled(row.unsettled.count(self.now, settles_others));
        }
        Ok(())
    }
}

/// In nanoseconds since the Unix epoch.
#[doc(hidden)]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
