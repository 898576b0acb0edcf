//! The records of one delivery.

use super::report::lock;
use crate::record::packed::Packed;
use crate::record::walk::Walk;
use crate::record::{Record, RecordView};
use std::fmt;
use std::sync::{Arc, Mutex};

/// The records of one delivery: frozen, so that every sink and every retry sees the same.
///
/// Walk over it with `for record in batch`: each is a [`RecordView`], which borrows from the batch and allocates nothing.
/// [`Batch::records`] gives owned [`Record`]s where that is more convenient.
///
/// A clone is cheap and shares the records. It may outlive [`Sink::deliver`](crate::Sink::deliver) and go to other threads.
#[derive(Clone)]
pub struct Batch {
    frozen: Arc<Frozen>,
}

/// Bytes of records after which a batch is handed over: small enough for a cache.
pub(super) const HANDED_OVER_AT: usize = 192 << 10;

/// Words that a batch of that many bytes may have: it is looked at after each chunk.
pub(super) const FULL_WORDS: usize = HANDED_OVER_AT / size_of::<u64>() + crate::buffer::WORDS;

struct Frozen {
    number: u64,
    len: usize,
    packed: Packed,
    spare: Arc<Spare>,
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

impl Batch {
    /// The bytes of a batch with nothing but notes.
    pub(super) const SMALLEST: usize = size_of::<Frozen>();

    pub(super) fn new(number: u64, packed: Packed, spare: Arc<Spare>) -> Self {
        Batch { frozen: Arc::new(Frozen { number, len: packed.len(), packed, spare }) }
    }

    /// Names the recorder that made it; with the number it names the batch.
    pub fn instance(&self) -> u64 {
        self.frozen.packed.source.instance
    }

    /// Counts up from 1 in each recorder. A batch that comes again has the same number.
    pub fn number(&self) -> u64 {
        self.frozen.number
    }

    /// The service that records.
    pub fn service(&self) -> &str {
        &self.frozen.packed.source.service
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.frozen.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that it takes up.
    pub(super) fn bytes(&self) -> usize {
        let packed = &self.frozen.packed;
        Self::SMALLEST
            + packed.words.words.capacity() * size_of::<u64>()
            + size_of_val(&packed.words.joins[..])
            + size_of_val(&packed.heads[..])
            + size_of_val(&packed.origins[..])
    }

    /// The records, in order. Those of one run stand together in stretches, but a run may have several.
    #[inline]
    pub fn iter(&self) -> BatchIter<'_> {
        BatchIter(Walk::new(&self.frozen.packed))
    }

    /// The records as values with public fields. Convenient, and several times slower than [`Batch::iter`].
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.iter().map(RecordView::to_record)
    }
}

impl<'a> IntoIterator for &'a Batch {
    type Item = RecordView<'a>;
    type IntoIter = BatchIter<'a>;

    #[inline]
    fn into_iter(self) -> BatchIter<'a> {
        self.iter()
    }
}

/// Iterates over the records of a [`Batch`].
#[derive(Clone)]
pub struct BatchIter<'a>(Walk<'a>);

impl<'a> Iterator for BatchIter<'a> {
    type Item = RecordView<'a>;

    #[inline]
    fn next(&mut self) -> Option<RecordView<'a>> {
        self.0.next()
    }

    #[inline]
    fn fold<B, F: FnMut(B, RecordView<'a>) -> B>(self, all: B, f: F) -> B {
        self.0.fold(all, f)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.spare.put(std::mem::take(&mut self.packed.words.words))
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("number", &self.number()).field("records", &self.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for BatchIter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchIter").finish_non_exhaustive()
    }
}
