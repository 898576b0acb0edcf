//! How far someone has read what is stored.

use crate::engine::Cursor;
use crate::{Error, ErrorKind, Result};
use spanbridge_store::codec::bytes::{Reader, put_varint};
use spanbridge_store::log::LogName;
use std::collections::BTreeMap;

/// A log that cannot exist. In a cursor it stands for the number of those that were gone, in the index for that of those that are
/// forgotten.
const GONE: LogName = LogName { writer: 0, number: 0 };

/// How far someone has read: the last block, and the end of each log that was there.
#[derive(Debug, Default)]
pub(super) struct Position {
    pub(super) block: i64,
    pub(super) logs: BTreeMap<LogName, u64>,
    /// How many other logs were known, which were gone. `None`: an earlier release made the cursor.
    pub(super) gone: Option<u64>,
}

impl Position {
    pub(super) fn read(cursor: &Cursor) -> Result<Self> {
        let read = || {
            let (mut r, mut position) = (Reader(cursor.as_bytes()), Self::default());
            position.block = i64::try_from(r.varint()?).ok()?;
            while !r.0.is_empty() {
                let log = LogName { writer: r.word()?, number: u32::try_from(r.varint()?).ok()? };
                position.logs.insert(log, r.varint()?);
            }
            position.gone = position.logs.remove(&GONE);
            Some(position)
        };
        match cursor.as_bytes() {
            [] => Ok(Self::default()),
            _ => read().ok_or_else(|| Error::new(ErrorKind::Corrupt, "the cursor is not of this store")),
        }
    }

    pub(super) fn cursor(&self) -> Cursor {
        let mut bytes = Vec::new();
        put_varint(&mut bytes, self.block as u64);
        let gone = self.gone.map(|gone| (GONE, gone));
        for (log, at) in self.logs.iter().map(|(log, at)| (*log, *at)).chain(gone) {
            bytes.extend_from_slice(&log.writer.to_le_bytes());
            put_varint(&mut bytes, u64::from(log.number));
            put_varint(&mut bytes, at);
        }
        Cursor::from_bytes(bytes)
    }

    /// Whether all that is folded by now was read here as part of a log, so that blocks which were made since have nothing new.
    /// `passed`: up to where each log is folded that there ever was. A log that is gone stays as it was.
    pub(super) fn has_read(&self, passed: &BTreeMap<LogName, u64>) -> bool {
        let is_read = |(log, passed): (&LogName, &u64)| self.logs.get(log).is_none_or(|read| passed <= read);
        self.gone == Some(self.others(passed)) && passed.iter().all(is_read)
    }

    /// How many logs of which something is folded are none of those that were there. Those that the index has forgotten are counted,
    /// too: this number never falls, so another one says that something is new, or that a log which was there is forgotten.
    pub(super) fn others(&self, passed: &BTreeMap<LogName, u64>) -> u64 {
        let known = passed.iter().filter(|(log, _)| **log != GONE && !self.logs.contains_key(*log));
        known.filter(|(_, passed)| **passed > 0).count() as u64 + passed.get(&GONE).copied().unwrap_or(0)
    }
}

/// The cursor after a frame from here to there in a log, which nobody else writes to. `None`: something before it was not read.
pub(crate) fn after_frame(cursor: &Cursor, log: LogName, (from, to): (u64, u64)) -> Option<Cursor> {
    let mut position = Position::read(cursor).ok()?;
    let read = position.logs.entry(log).or_insert(from);
    if *read != from {
        return None;
    }
    *read = to;
    Some(position.cursor())
}
