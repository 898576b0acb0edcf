//! A walk over the records of a batch, in order.

use super::packed::{Origin, Packed};
use super::record_view::{PackedRecord, RecordView};
use super::words::JOINED;
use crate::buffer;

/// Walks over the records of a batch.
#[derive(Clone)]
pub(crate) struct Walk<'a> {
    packed: &'a Packed,
    /// Where the next record begins, and where its stretch ends.
    at: usize,
    end: usize,
    /// Where the next record begins that others are joined to; `u32::MAX` where there is none.
    next_head: u32,
    /// The number of the last record in its segment.
    seq: u64,
    /// The stretch that we are in, once we are in one.
    origin: &'a Origin,
    /// How many stretches, heads and notes lie behind us.
    origins: usize,
    heads: usize,
    notes: usize,
}

impl Origin {
    /// A stretch with nothing in it.
    const NONE: Origin = Origin {
        trace: 0,
        run: 0,
        ordinal: 0,
        suspension: 0,
        previous_resumption: 0,
        made: 0,
        via: super::Via::Start,
        segment: 0,
        first: 0,
        records: 0,
        before: 0,
        opens: false,
    };
}

impl<'a> Walk<'a> {
    pub(crate) fn new(packed: &'a Packed) -> Self {
        let next_head = packed.heads.first().map_or(u32::MAX, |head| head.0);
        Walk { packed, at: 0, end: 0, next_head, seq: 0, origin: &Origin::NONE, origins: 0, heads: 0, notes: 0 }
    }

    /// The first record that is joined to the one at `next_head`.
    #[cold]
    fn join(&mut self) -> u32 {
        let heads = &self.packed.heads;
        let join = heads.get(self.heads).map_or(0, |head| head.1);
        self.heads += 1;
        self.next_head = heads.get(self.heads).map_or(u32::MAX, |head| head.0);
        join
    }

    /// The next record of the stretch that we are in.
    #[inline(always)]
    fn within(&mut self) -> Option<PackedRecord<'a>> {
        while self.at < self.end {
            let (packed, at) = (self.packed, self.at);
            let header = packed.words.words[at];
            self.at += buffer::words(header);
            if buffer::kind(header) & JOINED != 0 {
                continue;
            }
            self.seq += 1;
            let at = at as u32;
            let join = if at == self.next_head { self.join() } else { 0 };
            return Some(PackedRecord { packed, origin: self.origin, seq: self.seq, at, join });
        }
        None
    }

    /// Begins the next stretch; gives the segment's own record if it begins there, or a note behind the last.
    #[cold]
    #[inline(never)]
    fn go_on(&mut self) -> Option<Option<RecordView<'a>>> {
        let packed = self.packed;
        let Some(origin) = packed.origins.get(self.origins) else {
            let note = packed.notes.get(self.notes)?;
            self.notes += 1;
            return Some(Some(RecordView::note(packed, note)));
        };
        self.origins += 1;
        let next = packed.origins.get(self.origins);
        (self.at, self.end) = (origin.first as usize, next.map_or(packed.words.words.len(), |n| n.first as usize));
        (self.origin, self.seq) = (origin, origin.before);
        Some(origin.opens.then(|| RecordView::opening(packed, origin)))
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = RecordView<'a>;

    #[inline]
    fn next(&mut self) -> Option<RecordView<'a>> {
        loop {
            if let Some(record) = self.within() {
                return Some(RecordView::packed(record));
            }
            match self.go_on() {
                Some(None) => {}
                other => return other.flatten(),
            }
        }
    }

    /// A loop per stretch, so that what its records share is looked at once.
    #[inline]
    fn fold<B, F: FnMut(B, RecordView<'a>) -> B>(mut self, mut all: B, mut f: F) -> B {
        loop {
            while let Some(record) = self.within() {
                all = f(all, RecordView::packed(record))
            }
            match self.go_on() {
                Some(Some(record)) => all = f(all, record),
                Some(None) => {}
                None => return all,
            }
        }
    }
}
