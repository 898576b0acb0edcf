//! Following what is stored.
//!
//! A cursor is what PostgreSQL calls a snapshot: which transactions a question saw. Each record has the number of the transaction that
//! stored it, so what comes after a cursor is exactly what it did not see, also of transactions that began before it and were open.

use super::snapshot::{Asked, Result};
use crate::row::COLUMNS;
use spanbridge_query::engine::{Cursor, EachBatch};

/// Which transactions a question saw.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    /// All before this one are over.
    first_open: i64,
    /// This one and those after it had not begun.
    next: i64,
    /// Those in between that were not over.
    open: Vec<i64>,
}

impl Seen {
    /// Reads `xmin:xmax:xip,xip…`.
    fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(text).ok()?.split(':');
        let (first_open, next, open) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        let open = open.split(',').filter(|number| !number.is_empty()).map(|number| number.parse().ok());
        let seen = Self { first_open, next, open: open.collect::<Option<_>>()? };
        parts.next().is_none().then_some(seen)
    }

    /// What it did not see.
    fn condition(&self) -> String {
        let open: String = self.open.iter().map(|number| format!(" OR tx = {number}")).collect();
        format!("tx >= {} AND (tx >= {}{open})", self.first_open, self.next)
    }
}

impl Asked<'_> {
    pub(super) fn follow_after(&self, after: &Cursor, each: &mut EachBatch<'_>) -> Result<()> {
        let end = self.end.as_bytes();
        if after.as_bytes() == end {
            return Ok(());
        }
        // A cursor of another server may be later than everything here. Then nothing of it is true.
        let is_ours = |seen: &Seen| Seen::parse(end).is_some_and(|end| seen.next <= end.next);
        let condition = match Seen::parse(after.as_bytes()).filter(is_ours) {
            Some(seen) => seen.condition(),
            None => "true".to_owned(),
        };
        self.scroll(&format!("SELECT {COLUMNS} FROM record WHERE {condition} ORDER BY tx, run, segment < 0, segment, seq < 0, seq, id"), each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_snapshot_is_read() {
        let seen = Seen::parse(b"10:20:10,14,15").unwrap();
        assert_eq!(seen, Seen { first_open: 10, next: 20, open: vec![10, 14, 15] });
        assert_eq!(seen.condition(), "tx >= 10 AND (tx >= 20 OR tx = 10 OR tx = 14 OR tx = 15)");
        assert_eq!(Seen::parse(b"7:7:").unwrap().condition(), "tx >= 7 AND (tx >= 7)");
        for text in ["", "1", "1:2", "1:2:x", "1:2:3:4", "\u{fffd}"] {
            assert_eq!(Seen::parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_cursor_may_be_given(bytes in prop::collection::vec(any::<u8>(), 0..20), text in "[0-9:,-]{0,12}") {
            let _ = (Seen::parse(&bytes), Seen::parse(text.as_bytes()));
        }
    }
}
