//! Which messages without a settlement count as failed work, at the time of the snapshot.

use super::super::unsettled::SettlesOthers;
use super::super::{operations::Member, run::FAILED, run::OK_UNSETTLED, unsettled};
use super::IndexSnapshot;
use crate::Result;
use crate::runs::RunRow;
use rusqlite::{OptionalExtension, params};
use spanbridge_graph::Unsettled;

impl IndexSnapshot<'_> {
    /// Says in a row how many messages were never settled.
    pub(super) fn judge(&self, row: &mut RunRow) -> Result<()> {
        row.set_never_settled(self.never_settled(&row.unsettled)?);
        Ok(())
    }

    /// How many of these messages count as failed.
    fn never_settled(&self, unsettled: &Unsettled) -> Result<u64> {
        // They are in the order of their times.
        match unsettled.messages.first() {
            Some(first) if first.due <= self.now => Ok(self.settles_others()?.count(unsettled, self.now)),
            _ => Ok(0),
        }
    }

    /// When another of these messages counts, if one will.
    pub(super) fn next_due(&self, unsettled: &Unsettled) -> u64 {
        unsettled.messages.iter().map(|message| message.due).find(|due| *due > self.now).unwrap_or(u64::MAX)
    }

    /// Whether the index says that this run failed, or work of it; and when that changes by itself.
    pub(super) fn is_failure(&self, member: &Member) -> Result<(bool, u64)> {
        if member.status != OK_UNSETTLED {
            return Ok((FAILED.contains(&member.status), u64::MAX));
        }
        let mut query = self.transaction.prepare_cached("SELECT unsettled FROM run WHERE id = ?")?;
        let column: Option<Option<Vec<u8>>> = query.query_row([member.row], |row| row.get(0)).optional()?;
        let unsettled = unsettled::read(column.flatten().as_deref())?;
        Ok((self.never_settled(&unsettled)? > 0, self.next_due(&unsettled)))
    }

    /// How many parts of an operation are ok, and have messages that count as failed.
    pub(super) fn unsettled_parts(&self, root: i64) -> Result<i64> {
        let mut query = self.transaction.prepare_cached("SELECT unsettled FROM run WHERE root = ? AND status = ?")?;
        let mut rows = query.query(params![root, OK_UNSETTLED])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            let unsettled = unsettled::read(row.get::<_, Option<Vec<u8>>>(0)?.as_deref())?;
            count += i64::from(self.never_settled(&unsettled)? > 0);
        }
        Ok(count)
    }

    /// The receivers that settle messages of several runs with one call, by the index and by what is not folded.
    fn settles_others(&self) -> Result<&SettlesOthers> {
        if let Some(known) = self.settles_others.get() {
            return Ok(known);
        }
        let mut known = SettlesOthers::of(&self.transaction)?;
        if let SettlesOthers::Known(receivers) = &mut known {
            for (run, _) in self.view.runs.iter().filter(|(_, tail)| tail.totals.may_fail) {
                let found = self.made_row(*run, |row| row.unsettled.settle_others.clone());
                receivers.extend(self.skip_damaged(|| format!("run {run}"), found)?.unwrap_or_default());
            }
        }
        Ok(self.settles_others.get_or_init(|| known))
    }
}
