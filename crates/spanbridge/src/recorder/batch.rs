//! The records of one delivery.

use super::report::{Totals, lock};
use super::summary::Report;
use crate::record::packed::Packed;
use crate::record::walk::Walk;
use crate::record::{BodyView, Record, RecordView};
use std::fmt;
use std::sync::{Arc, Mutex};

/// The records of one delivery: frozen, so that every sink and every retry sees the same.
///
/// Walk over it with `for record in batch`: each is a [`RecordView`], which borrows from the batch and allocates nothing.
/// [`RecordBatch::records`] gives owned [`Record`]s where that is more convenient.
///
/// A clone is cheap and shares the records. It may outlive [`Sink::deliver`](crate::Sink::deliver) and go to other threads.
#[derive(Clone)]
pub struct RecordBatch {
    frozen: Arc<Frozen>,
    /// The places of the records that are offered, in order; all of them where there is nothing.
    rest: Option<Arc<[u32]>>,
    /// Whose share of the memory it takes up.
    _share: Option<Arc<Share>>,
}

/// Gives the bytes of a batch back to a sink's share of the memory when the last clone of it is dropped.
struct Share {
    bytes: usize,
    of: Arc<dyn TakesBack>,
}

/// What has a share of the memory.
pub(super) trait TakesBack: Send + Sync {
    fn take_back(&self, bytes: usize);
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.take_back(self.bytes)
    }
}

/// Bytes of records after which a batch is handed over: small enough for a cache.
pub(super) const HANDED_OVER_AT: usize = 192 << 10;

/// Words that a batch of that many bytes may have: it is looked at after each chunk.
pub(super) const FULL_WORDS: usize = HANDED_OVER_AT / size_of::<u64>() + crate::buffer::WORDS;

struct Frozen {
    number: u64,
    complete_until: u64,
    len: usize,
    packed: Packed,
    spare: Arc<Spare>,
    totals: Arc<Totals>,
}

/// Memory of batches that every sink is done with, for those to come.
#[derive(Default)]
pub(super) struct Spare(Mutex<Vec<Vec<u64>>>);

impl Spare {
    /// The buffers that are kept: one is filled while others are read.
    const KEPT: usize = 4;

    /// Memory of `words` words or more.
    pub(super) fn take(&self, words: usize) -> Vec<u64> {
        lock(&self.0).pop().unwrap_or_else(|| Vec::with_capacity(words))
    }

    /// Keeps the memory of a large batch. That of a small one is soon made again.
    fn put(&self, mut words: Vec<u64>) {
        if words.capacity() >= FULL_WORDS {
            words.clear();
            let mut all = lock(&self.0);
            if all.len() < Self::KEPT {
                all.push(words)
            }
        }
    }
}

impl RecordBatch {
    /// The bytes of a batch with nothing but notes.
    pub(super) const SMALLEST: usize = size_of::<Frozen>();

    pub(super) fn new(
        number: u64,
        complete_until: u64,
        packed: Packed,
        spare: Arc<Spare>,
        totals: Arc<Totals>,
    ) -> Self {
        let frozen = Arc::new(Frozen { number, complete_until, len: packed.len(), packed, spare, totals });
        RecordBatch { frozen, rest: None, _share: None }
    }

    /// The same for one sink: `of` gets the bytes back when it and its clones are dropped.
    pub(super) fn in_the_share(self, of: Arc<dyn TakesBack>) -> Self {
        let share = Share { bytes: self.bytes(), of };
        RecordBatch { _share: Some(Arc::new(share)), ..self }
    }

    /// The same with the records alone that are at these places of this one. They are in order, and each is there once.
    pub(super) fn only(&self, places: &[usize]) -> Self {
        let original = |place: &usize| match &self.rest {
            Some(rest) => rest[*place],
            None => *place as u32,
        };
        RecordBatch { rest: Some(places.iter().map(original).collect()), ..self.clone() }
    }

    /// Names the recorder that made it; with the number it names the batch.
    pub fn instance(&self) -> u64 {
        self.frozen.packed.source.instance
    }

    /// Counts up from 1 in each recorder. A batch that comes again has the same number, also when only some of its records
    /// come again.
    pub fn number(&self) -> u64 {
        self.frozen.number
    }

    /// What was recorded before this time is in this batch or in an earlier one, in nanoseconds since the epoch. Of what was recorded
    /// later, a thread's records may be here and those of another that it goes on from may not: threads are read one after the
    /// other, while they record.
    pub fn complete_until(&self) -> u64 {
        self.frozen.complete_until
    }

    /// The service that records.
    pub fn service(&self) -> &str {
        &self.frozen.packed.source.service
    }

    /// What became of all records of its recorder so far, as [`Recorder::report`](crate::Recorder::report) tells: for a sink that
    /// watches losses.
    pub fn report(&self) -> Report {
        self.frozen.totals.report(true)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.rest.as_ref().map_or(self.frozen.len, |rest| rest.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many spans end in it. This walks over the batch.
    pub fn ended_spans(&self) -> u64 {
        let ends = |record: RecordView<'_>| match record.body() {
            BodyView::Span(span) => span.end().is_some(),
            BodyView::SpanEnd(_) => true,
            _ => false,
        };
        self.iter().fold(0, |spans, record| spans + u64::from(ends(record)))
    }

    /// The bytes that it takes up.
    pub(super) fn bytes(&self) -> usize {
        let packed = &self.frozen.packed;
        Self::SMALLEST
            + packed.words.words.capacity() * size_of::<u64>()
            + size_of_val(&packed.words.joins[..])
            + size_of_val(&packed.heads[..])
            + size_of_val(&packed.origins[..])
            + packed.words.large.bytes
    }

    /// The records, in order. Those of one run stand together in stretches, but a run may have several.
    #[inline]
    pub fn iter(&self) -> BatchIter<'_> {
        BatchIter { walk: Walk::new(&self.frozen.packed), place: 0, rest: self.rest.as_ref().map(|rest| rest.iter()) }
    }

    /// The records as values with public fields. Convenient, and several times slower than [`RecordBatch::iter`].
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.iter().map(RecordView::to_record)
    }
}

impl<'a> IntoIterator for &'a RecordBatch {
    type Item = RecordView<'a>;
    type IntoIter = BatchIter<'a>;

    #[inline]
    fn into_iter(self) -> BatchIter<'a> {
        self.iter()
    }
}

/// Iterates over the records of a [`RecordBatch`].
#[derive(Clone)]
pub struct BatchIter<'a> {
    walk: Walk<'a>,
    /// The place of the record that the walk comes to next; not counted while all are wanted.
    place: u32,
    /// The places that are still to come, if not all of them are.
    rest: Option<std::slice::Iter<'a, u32>>,
}

impl<'a> BatchIter<'a> {
    #[cold]
    fn next_of_rest(&mut self) -> Option<RecordView<'a>> {
        let wanted = *self.rest.as_mut()?.next()?;
        let skipped = wanted - self.place;
        self.place = wanted + 1;
        self.walk.nth(skipped as usize)
    }
}

impl<'a> Iterator for BatchIter<'a> {
    type Item = RecordView<'a>;

    #[inline]
    fn next(&mut self) -> Option<RecordView<'a>> {
        if self.rest.is_none() { self.walk.next() } else { self.next_of_rest() }
    }

    #[inline]
    fn fold<B, F: FnMut(B, RecordView<'a>) -> B>(mut self, mut all: B, mut f: F) -> B {
        if self.rest.is_none() {
            return self.walk.fold(all, f);
        }
        while let Some(record) = self.next_of_rest() {
            all = f(all, record)
        }
        all
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.spare.put(std::mem::take(&mut self.packed.words.words))
    }
}

impl fmt::Debug for RecordBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordBatch")
            .field("number", &self.number())
            .field("records", &self.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BatchIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchIter").finish_non_exhaustive()
    }
}
