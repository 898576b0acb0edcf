//! Records that were told: an engine may tell some of them again.

use crate::fingerprint::Fingerprints;
use spanbridge::record::Record;
use spanbridge_graph::hash::Map;
use std::fmt;

/// How many are remembered at most: about 35 MB.
const MAX_KNOWN: usize = 1 << 20;

/// Records that were told, each by its content.
///
/// What comes again was there when its read before ended, or shortly before. So when there are too many, those are forgotten that did not
/// come in this read or the last one.
pub(super) struct Known {
    prints: Fingerprints,
    /// The number of the read in which each came last.
    all: Map<u64, u32>,
    max: usize,
    read: u32,
    /// The last read in which something was forgotten that may come again.
    forgot: Option<u32>,
}

impl Default for Known {
    fn default() -> Self {
        Self { prints: Fingerprints::default(), all: Map::default(), max: MAX_KNOWN, read: 0, forgot: None }
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("records", &self.all.len()).finish_non_exhaustive()
    }
}

impl Known {
    /// Whether this record is not known. It is from then on.
    pub(super) fn is_new(&mut self, record: &Record<'_>) -> bool {
        let print = self.prints.of(record).all;
        if let Some(read) = self.all.get_mut(&print) {
            *read = self.read;
            return false;
        }
        if self.all.len() >= self.max {
            self.make_room();
        }
        self.all.insert(print, self.read);
        true
    }

    fn make_room(&mut self) {
        let last = self.read.saturating_sub(1);
        self.all.retain(|_, read| *read >= last);
        if self.all.len() > self.max / 2 {
            self.all.clear();
            self.forgot = Some(self.read);
        }
    }

    /// Ends a read. `true`: what came in it may have come before, or may come once more.
    pub(super) fn end_read(&mut self) -> bool {
        let may_repeat = self.forgot.is_some_and(|forgot| self.read <= forgot.saturating_add(1));
        self.read = self.read.saturating_add(1);
        may_repeat
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanbridge::SegmentId;
    use spanbridge::record::{Body, Diagnostic};

    fn record(seq: u64) -> Record<'static> {
        let segment = SegmentId::new(7).expect("not zero");
        Record::new(segment, seq, "shop", Body::Diagnostic(Diagnostic::new("code", "message")))
    }

    /// Reads so many records from the first one on, and says how many were new.
    fn read(known: &mut Known, from: u64, count: u64) -> (u64, bool) {
        let new = (from..from + count).filter(|seq| known.is_new(&record(*seq))).count();
        (new as u64, known.end_read())
    }

    /// Each read tells the last 30 again, and never are more than 100 remembered.
    #[test]
    fn what_comes_again_is_known() {
        let mut known = Known { max: 100, ..Known::default() };
        assert_eq!(read(&mut known, 1, 40), (40, false));
        for n in 1..50 {
            assert_eq!(read(&mut known, n * 10 + 1, 40), (10, false));
            assert!(known.all.len() <= 100);
        }
    }

    #[test]
    fn other_content_is_another_record() {
        let mut known = Known::default();
        let mut other = record(1);
        other.service = "mail".into();
        assert!(known.is_new(&record(1)) && known.is_new(&other) && !known.is_new(&record(1)));
    }

    /// More comes at once than can be remembered. It is told, and that some may come twice.
    #[test]
    fn what_was_forgotten_is_said() {
        let mut known = Known { max: 100, ..Known::default() };
        let (told, may_repeat) = read(&mut known, 1, 250);
        assert!(told == 250 && may_repeat && known.all.len() <= 100);
        let (told, may_repeat) = read(&mut known, 211, 50);
        assert!((10..=50).contains(&told) && may_repeat);
        assert_eq!(read(&mut known, 251, 20), (10, false));
    }
}
