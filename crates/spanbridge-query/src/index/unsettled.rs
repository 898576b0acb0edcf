//! Messages without a settlement: what the row of a run says of them, and which receivers settle messages of several runs with one call.

use crate::{Error, Result};
use rusqlite::Connection;
use spanbridge_graph::hash::Set;
use spanbridge_graph::{Unsettled, UnsettledMessage};
use spanbridge_store::codec::bytes::{Reader, put_varint};

/// Receivers that settle messages of several runs with one call.
#[derive(Clone, Debug)]
pub(super) enum SettlesOthers {
    /// Runs that an earlier release folded were not looked at yet, so it may be any.
    Unknown,
    Known(Set<u64>),
}

impl SettlesOthers {
    /// As the index says.
    pub(super) fn of(connection: &Connection) -> Result<Self> {
        let mut query = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM outdated)")?;
        if query.query_row([], |row| row.get(0))? {
            return Ok(Self::Unknown);
        }
        let mut query = connection.prepare_cached("SELECT receiver FROM settles_others")?;
        let found = query.query_map([], |row| row.get::<_, i64>(0))?;
        Ok(Self::Known(found.map(|receiver| Ok(receiver? as u64)).collect::<Result<_>>()?))
    }

    /// How many of these messages count as failed at this time.
    pub(super) fn count(&self, unsettled: &Unsettled, now: u64) -> u64 {
        match self {
            Self::Unknown => 0,
            Self::Known(receivers) => unsettled.count(now, |receiver| receivers.contains(&receiver)),
        }
    }
}

/// Notes receivers in the index.
pub(super) fn note(connection: &Connection, receivers: &[u64]) -> Result<()> {
    for receiver in receivers {
        let mut add = connection.prepare_cached("INSERT OR IGNORE INTO settles_others(receiver) VALUES (?)")?;
        add.execute([*receiver as i64])?;
    }
    Ok(())
}

/// The column of a row. `None`: there is nothing.
pub(super) fn column(unsettled: &Unsettled) -> Option<Vec<u8>> {
    if unsettled.is_empty() {
        return None;
    }
    let (mut out, mut last) = (Vec::new(), 0);
    put_varint(&mut out, unsettled.messages.len() as u64);
    for message in &unsettled.messages {
        put_varint(&mut out, message.due - last);
        out.extend_from_slice(&message.receiver.to_le_bytes());
        last = message.due;
    }
    unsettled.settle_others.iter().for_each(|receiver| out.extend_from_slice(&receiver.to_le_bytes()));
    Some(out)
}

/// What [`column`] has written.
pub(super) fn read(column: Option<&[u8]>) -> Result<Unsettled> {
    let Some(column) = column else { return Ok(Unsettled::default()) };
    parse(column).ok_or_else(|| Error::corrupt("the unsettled messages of a run cannot be read"))
}

fn parse(column: &[u8]) -> Option<Unsettled> {
    let mut r = Reader(column);
    let receiver = |r: &mut Reader<'_>| Some(u64::from_le_bytes(*r.take(8)?.first_chunk()?));
    let (mut found, mut due) = (Unsettled::default(), 0u64);
    for _ in 0..r.count_within(r.0.len())? {
        due = due.checked_add(r.varint()?)?;
        found.messages.push(UnsettledMessage { due, receiver: receiver(&mut r)? });
    }
    while !r.0.is_empty() {
        found.settle_others.push(receiver(&mut r)?);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn come_back_as_written(mut messages: Vec<(u64, u64)>, settle_others: Vec<u64>) {
            messages.sort_unstable();
            let messages = messages.into_iter().map(|(due, receiver)| UnsettledMessage { due, receiver }).collect();
            let all = Unsettled { messages, settle_others };
            prop_assert_eq!(read(column(&all).as_deref()).unwrap(), all);
        }

        #[test]
        fn any_bytes_can_be_read(bytes: Vec<u8>) {
            let _ = read(Some(&bytes));
        }
    }
}
