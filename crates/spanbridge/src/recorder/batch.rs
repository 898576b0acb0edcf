//! The records of one delivery.

use super::report::lock;
use crate::record::packed::{Entry, Packed};
use crate::record::{AttributeValue, Attributes, Body, Record, Via};
use crate::{RunId, SegmentId, TraceId};
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex};

/// Who records: what every segment says of the process.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) instance: u64,
    pub(crate) service: String,
    pub(crate) resource: Vec<(Cow<'static, str>, AttributeValue<'static>)>,
    /// Memory of batches that every sink is done with, for those to come.
    pub(crate) spare: Mutex<Vec<(Vec<u64>, Vec<Entry>)>>,
}

/// Spare batches that are kept: one is filled while others are read.
const SPARE: usize = 4;

impl Source {
    /// Memory for a batch, which may have been one before; else with room for so many.
    pub(super) fn spare(&self, words: usize, entries: usize) -> (Vec<u64>, Vec<Entry>) {
        let spare = lock(&self.spare).pop();
        spare.unwrap_or_else(|| (Vec::with_capacity(words), Vec::with_capacity(entries)))
    }

    fn take_back(&self, mut words: Vec<u64>, mut entries: Vec<Entry>) {
        words.clear();
        entries.clear();
        let mut spare = lock(&self.spare);
        if spare.len() < SPARE {
            spare.push((words, entries))
        }
    }

    /// The segment of records that belong to no run.
    pub(crate) fn segment(&self) -> SegmentId {
        SegmentId(self.instance)
    }
}

/// Whose records come next in a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) trace: u128,
    pub(crate) run: u128,
    /// Of a segment of its own, else 0.
    pub(crate) ordinal: u64,
    /// The suspension that the segment continues, or 0.
    pub(crate) suspension: u64,
    /// The resumption after which the segment goes on, or 0.
    pub(crate) previous_resumption: u64,
    /// When that segment was made, in ticks, or 0.
    pub(crate) made: u64,
    /// The place of the first of its entries.
    pub(crate) first: u32,
    pub(crate) via: Via,
    pub(crate) segment: u64,
    /// The number of the record before its first one here.
    pub(crate) before: u64,
    /// The segment begins here: its own record has number 1.
    pub(crate) opens: bool,
}

/// Something about the recording itself, beside all runs.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) seq: u64,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) count: u64,
}

/// The records of one delivery: frozen, so that every sink and every retry sees the same.
pub struct Batch {
    pub(crate) source: Arc<Source>,
    pub(crate) number: u64,
    pub(crate) packed: Packed,
    pub(crate) entries: Vec<Entry>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) notes: Vec<Note>,
}

impl Batch {
    /// Names the recorder that made it; with the number it names the batch.
    pub fn instance(&self) -> u64 {
        self.source.instance
    }

    /// Counts up from 1 in each recorder. A batch that comes again has the same number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The service that records.
    pub fn service(&self) -> &str {
        &self.source.service
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.entries.len() + self.notes.len() + self.origins.iter().filter(|o| o.opens).count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that it takes up.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.packed.words.capacity() * size_of::<u64>()
            + self.entries.capacity() * size_of::<Entry>()
            + size_of_val(&self.packed.joins[..])
            + size_of_val(&self.origins[..])
    }

    /// The records, in order. Those of one run stand together in stretches, but a run may have several.
    #[inline]
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        Records {
            batch: self,
            origins: 0,
            run: 0,
            trace: 0,
            segment: 0,
            seq: 0,
            entries: [].iter(),
            notes: self.notes.iter(),
        }
    }

    /// The first record of a segment.
    fn opening<'a>(&'a self, origin: &'a Origin) -> Record<'a> {
        let first = self.entries.get(origin.first as usize);
        let id = |id: u64| (id != 0).then(|| format!("{id:016x}").into());
        let [resumption, previous_resumption] =
            if origin.via == Via::Resume { [origin.ordinal, origin.previous_resumption] } else { [0; 2] };
        Record {
            id: None,
            run_id: RunId::new(origin.run),
            trace_id: TraceId::new(origin.trace),
            segment_id: SegmentId(origin.segment),
            segment_seq: 1,
            service: Cow::Borrowed(self.service()),
            body: Body::Segment {
                started_at: first.map_or(0, |e| self.packed.time(e)),
                resource: Attributes::slice(&self.source.resource),
                via: origin.via,
                suspension_id: id(origin.suspension),
                resumption_id: id(resumption),
                previous_resumption_id: id(previous_resumption),
            },
        }
    }

    fn note<'a>(&'a self, note: &'a Note) -> Record<'a> {
        Record {
            id: None,
            run_id: None,
            trace_id: None,
            segment_id: self.source.segment(),
            segment_seq: note.seq,
            service: Cow::Borrowed(self.service()),
            body: Body::Diagnostic {
                code: Cow::Borrowed(note.code),
                message: Cow::Borrowed(&note.message),
                count: Some(note.count),
                span_id: None,
                attributes: Attributes::new(),
            },
        }
    }
}

/// Walks through a batch.
struct Records<'a> {
    batch: &'a Batch,
    /// Stretches that were begun.
    origins: usize,
    // of the stretch that we are in
    run: u128,
    trace: u128,
    segment: u64,
    seq: u64,
    entries: std::slice::Iter<'a, Entry>,
    notes: std::slice::Iter<'a, Note>,
}

impl<'a> Records<'a> {
    /// Begins the next stretch; gives the segment's own record if it begins there, or a note behind the last.
    #[cold]
    #[inline(never)]
    fn go_on(&mut self) -> Option<Option<Record<'a>>> {
        let batch = self.batch;
        let Some(origin) = batch.origins.get(self.origins) else {
            return self.notes.next().map(|n| Some(batch.note(n)));
        };
        self.origins += 1;
        let end = batch.origins.get(self.origins).map_or(batch.entries.len(), |next| next.first as usize);
        self.entries = batch.entries[origin.first as usize..end].iter();
        (self.run, self.trace, self.segment, self.seq) = (origin.run, origin.trace, origin.segment, origin.before);
        Some(origin.opens.then(|| batch.opening(origin)))
    }
}

impl<'a> Records<'a> {
    #[inline(always)]
    fn record(&self, body: Body<'a>) -> Record<'a> {
        Record {
            id: None,
            run_id: RunId::new(self.run),
            trace_id: TraceId::new(self.trace),
            segment_id: SegmentId(self.segment),
            segment_seq: self.seq,
            service: Cow::Borrowed(self.batch.service()),
            body,
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        loop {
            let Some(entry) = self.entries.next() else {
                match self.go_on() {
                    Some(None) => continue,
                    other => return other.flatten(),
                }
            };
            self.seq += 1;
            let packed = &self.batch.packed;
            if let Some((words, items)) = packed.span(entry) {
                let start = packed.start(words, items);
                if entry.end == 0 {
                    return Some(self.record(Body::SpanStart(start)));
                }
                return Some(self.record(Body::Span(start, packed.end_of(entry, words, items))));
            }
            if let Some(body) = packed.other(entry, TraceId::new(self.trace)) {
                return Some(self.record(body));
            }
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.source.take_back(std::mem::take(&mut self.packed.words), std::mem::take(&mut self.entries))
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("number", &self.number).field("records", &self.len()).finish_non_exhaustive()
    }
}
