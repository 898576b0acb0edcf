//! Following what is inserted.
//!
//! All rows of a batch have its time. A batch that was inserted before a cursor may be seen only after it: an insert takes a while, and
//! the clocks of writers differ. So whoever follows looks at the batches of the last minute again. A cursor says which of them it knows,
//! and how many rows they had, so that only those are read that are new or have grown.

use super::batches::{Batch, Batches};
use super::snapshot::Asked;
use spanbridge_query::engine::{Cursor, EachBatch};
use spanbridge_query::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::rc::Rc;

type Result<T> = std::result::Result<T, Error>;

/// Inserts that take longer than this, or clocks that differ by more, may be left out by who follows. In microseconds.
const OVERLAP: u64 = 60_000_000;

/// How many batches a cursor knows at most. With more, it knows none, and the last minute is told again. So a cursor has 4 KB at most.
const MAX_KNOWN: usize = 500;

/// How many batches and records are asked for in one query: whoever has enough need not wait for the rest.
const MAX_AT_ONCE: (usize, u64) = (500, 1 << 17);

/// Up to where somebody has read.
#[derive(Debug, Default, PartialEq)]
struct Position {
    /// In microseconds since the Unix epoch.
    at: u64,
    /// What was seen of the batches of the minute before. None, if there are too many.
    known: BTreeMap<u64, u32>,
}

impl Position {
    /// `None`: the cursor is none of ours.
    fn read(cursor: &Cursor) -> Option<Self> {
        let (at, rest) = cursor.as_bytes().split_first_chunk::<8>()?;
        let at = u64::from_le_bytes(*at);
        let (batches, rest) = rest.as_chunks::<4>();
        let mut known = BTreeMap::new();
        for pair in batches.chunks(2) {
            let [ago, seen] = pair else { return None };
            known.insert(at.checked_sub(u32::from_le_bytes(*ago).into())?, u32::from_le_bytes(*seen));
        }
        rest.is_empty().then_some(Self { at, known })
    }

    fn cursor(&self) -> Cursor {
        let mut bytes = self.at.to_le_bytes().to_vec();
        for (at, seen) in self.known.iter().filter(|_| self.known.len() <= MAX_KNOWN) {
            let Ok(ago) = u32::try_from(self.at.saturating_sub(*at)) else { continue };
            bytes.extend(ago.to_le_bytes());
            bytes.extend(seen.to_le_bytes());
        }
        Cursor::from_bytes(bytes)
    }
}

impl Asked<'_> {
    pub(super) fn end_cursor(&self) -> Result<Cursor> {
        let at = self.now();
        let since = at.saturating_sub(OVERLAP);
        let known = self.batches(since)?.range(since..).map(|(at, batch)| (*at, batch.seen())).collect();
        Ok(Position { at, known }.cursor())
    }

    pub(super) fn follow_from(&self, after: &Cursor, each: &mut EachBatch<'_>) -> Result<()> {
        let order = "version DESC, run, segment, seq, hash";
        if after.as_bytes().is_empty() {
            return self.read_where(&inserted(0, self.now()), order, each);
        }
        let none = || Error::new(ErrorKind::Corrupt, "read the cursor: it is none of a ClickHouse");
        let Position { at, known } = Position::read(after).ok_or_else(none)?;
        let batches = self.batches(at.saturating_sub(OVERLAP))?;
        let new = batches.iter().filter(|(at, batch)| known.get(at) != Some(&batch.seen()));
        let (mut some, mut rows) = (Vec::new(), 0);
        for (at, batch) in new {
            if some.len() == MAX_AT_ONCE.0 || rows + batch.rows > MAX_AT_ONCE.1 {
                self.read_batches(&std::mem::take(&mut some), order, each)?;
                rows = 0;
            }
            some.push(*at);
            rows += batch.rows;
        }
        self.read_batches(&some, order, each)
    }

    /// Calls `each` with what these batches brought. What was there before is of the batch that brought it first.
    fn read_batches(&self, batches: &[u64], order: &str, each: &mut EachBatch<'_>) -> Result<()> {
        if batches.is_empty() {
            return Ok(());
        }
        let versions: Vec<String> = batches.iter().map(|at| (!at).to_string()).collect();
        let which = format!("version IN ({})", versions.join(", "));
        // Found by the key: the first of equal rows can be told only beside the others.
        let parts = format!("(run, segment) GLOBAL IN (SELECT DISTINCT run, segment FROM record WHERE {which})");
        self.read_where(&format!("{parts} AND {which}"), order, each)
    }

    /// The batches that were inserted from this time on until now, as they are now.
    fn batches(&self, since: u64) -> Result<Rc<Batches>> {
        if let Some((_, batches)) = self.seen.borrow().as_ref().filter(|(from, _)| *from <= since) {
            return Ok(batches.clone());
        }
        let query = format!(
            "SELECT version, count(), groupBitXor(hash) FROM record WHERE {} GROUP BY version",
            inserted(since, self.now())
        );
        let found = self.all(&query, |rows| Ok((!rows.u64()?, rows.u64()?, rows.u32()?)))?;
        let found = found.into_iter().map(|(at, rows, hash)| (at, Batch { rows, hash }));
        let batches: Rc<Batches> = Rc::new(found.collect());
        *self.seen.borrow_mut() = Some((since, batches.clone()));
        Ok(batches)
    }
}

/// What was inserted from one time to another, both included.
fn inserted(first: u64, last: u64) -> String {
    format!("version >= {} AND version <= {}", !last, !first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_made() {
        for known in [0, 1, MAX_KNOWN] {
            let known = (0..known as u64).map(|n| (1_000_000_000 - n * 1000, n as u32 * 7)).collect();
            let position = Position { at: 1_000_000_000, known };
            assert!(position.cursor().as_bytes().len() < 4096);
            assert_eq!(Position::read(&position.cursor()), Some(position));
        }
        let many = Position { at: 1_000_000_000, known: (0..=MAX_KNOWN as u64).map(|n| (n, 1)).collect() };
        assert_eq!(Position::read(&many.cursor()), Some(Position { at: 1_000_000_000, known: BTreeMap::new() }));
    }

    #[test]
    fn what_is_no_cursor_is_not_read() {
        for bytes in [&[0u8; 3] as &[u8], &[0; 12], &[0; 17], &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(Position::read(&Cursor::from_bytes(bytes)), None, "{bytes:?}");
        }
    }
}
