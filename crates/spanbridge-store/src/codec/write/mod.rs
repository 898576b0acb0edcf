//! Writing blocks.

mod fields;
mod parts;

use super::BLOCK_TARGET;
use super::bytes::put_varint;
use super::intern::{Interner, KnownNames};
use super::recent::Recent;
use super::shape::ShapeWriter;
use spanbridge::record::{BodyView, RecordView};
use spanbridge::{RunId, SegmentId, TraceId};

pub use parts::{PartHeader, PartsWriter};

/// What the records of a part share.
#[derive(Clone, Copy, Debug)]
pub struct PartHead<'a> {
    /// The place of the run among the runs of the delivery.
    pub run: usize,
    /// The run under which the records are found: their own, or that of their trace. `None`: neither is named.
    pub key: Option<RunId>,
    pub run_id: Option<RunId>,
    pub trace_id: Option<TraceId>,
    pub segment_id: SegmentId,
    pub service: &'a str,
}

impl PartialEq for PartHead<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // All records of a recorder have the service at the same place.
        let same_service = std::ptr::eq(self.service, other.service) || self.service == other.service;
        (self.run, self.key, self.run_id) == (other.run, other.key, other.run_id)
            && (self.trace_id, self.segment_id) == (other.trace_id, other.segment_id)
            && same_service
    }
}

impl<'a> PartHead<'a> {
    /// What this record shares with its neighbours.
    #[inline]
    pub fn of(run: usize, record: RecordView<'a>) -> Self {
        let (run_id, trace_id) = (record.run_id(), record.trace_id());
        Self {
            run,
            key: run_id.or(trace_id.map(RunId::of_trace)),
            run_id,
            trace_id,
            segment_id: record.segment_id(),
            service: record.service(),
        }
    }

    /// The trace is named, and is another than the run's own.
    pub fn other_trace(&self) -> Option<TraceId> {
        self.trace_id.filter(|t| Some(RunId::of_trace(*t)) != self.key)
    }
}

/// A block in the making. Used again for the next one, so that its buffers are allocated once.
#[derive(Debug, Default)]
pub struct BlockWriter {
    names: Interner,
    shapes: ShapeWriter,
    parts: PartsWriter,
    heads: Vec<u8>,
    words: Vec<u8>,
    times: Vec<u8>,
    numbers: Vec<u8>,
    lengths: Vec<u8>,
    texts: Vec<u8>,
    open: OpenPart,
    /// Tells this block from those before it: names have numbers of their own in each.
    block: u32,
}

/// The part that records are being added to.
#[derive(Debug, Default)]
struct OpenPart {
    key: Option<RunId>,
    trace_id: Option<TraceId>,
    time: u64,
    records: u64,
    recent: Recent,
}

impl BlockWriter {
    /// Whether the block has as many bytes as a block should.
    pub fn is_full(&self) -> bool {
        let streams = self.words.len() + self.times.len() + self.numbers.len() + self.lengths.len() + self.texts.len();
        let tables = self.names.bytes().len() + self.names.count() + self.shapes.table().len();
        streams + tables + self.parts.bytes().len() + self.heads.len() >= BLOCK_TARGET
    }

    pub fn is_empty(&self) -> bool {
        self.parts.count() == 0
    }

    /// Begins a part whose first record has this sequence number and about this time.
    pub fn begin(&mut self, head: &PartHead<'_>, first_seq: u64, base: u64) {
        self.close_part();
        let (service, _) = self.names.intern(head.service.as_bytes());
        let other_trace = head.other_trace();
        self.parts.begin(&PartHeader {
            run: head.run,
            names_run: head.run_id.is_some(),
            names_own_trace: head.trace_id.is_some() && other_trace.is_none(),
            other_trace,
            segment_id: head.segment_id,
            service,
            first_seq,
            base,
        });
        self.open.key = head.key;
        self.open.trace_id = head.trace_id;
        self.open.time = base;
        self.open.recent.clear();
    }

    /// How many records there are is known, and written, last.
    fn close_part(&mut self) {
        if self.parts.count() > 0 {
            self.parts.end(std::mem::take(&mut self.open.records));
        }
    }

    /// Adds a record to the part that was begun. [`refusal`] must have found nothing against it.
    ///
    /// `id` is the id that the record has of its own.
    pub fn add<'a>(&mut self, known: &mut KnownNames<'a>, id: Option<&str>, body: &BodyView<'a>) {
        self.open.records += 1;
        self.shapes.begin();
        self.body(known, id, body);
        let shape = self.shapes.finish();
        put_varint(&mut self.heads, u64::from(shape));
    }

    /// Ends the block: appends it to `out`, and is ready for the next.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.close_part();
        let counts = [self.parts.count(), self.shapes.len() as u64, self.names.count() as u64];
        put_sections(out, counts, self.names.lengths(), &self.sections());
        self.clear();
    }

    /// In the order in which they stand in the block.
    fn sections(&self) -> [&[u8]; 9] {
        [
            self.names.bytes(),
            self.shapes.table(),
            self.parts.bytes(),
            &self.heads,
            &self.words,
            &self.times,
            &self.numbers,
            &self.lengths,
            &self.texts,
        ]
    }

    fn clear(&mut self) {
        self.names.clear();
        self.shapes.clear();
        for section in
            [&mut self.heads, &mut self.words, &mut self.times, &mut self.numbers, &mut self.lengths, &mut self.texts]
        {
            section.clear();
        }
        self.parts.clear();
        self.block = (self.block + 1) % KnownNames::NO_BLOCK;
    }
}

/// Puts a block together from the numbers of its parts, shapes and names, the lengths of the names, and its sections: names,
/// shapes, parts, heads, words, times, numbers, lengths, texts.
pub fn put_sections(out: &mut Vec<u8>, counts: [u64; 3], names: impl Iterator<Item = usize>, sections: &[&[u8]; 9]) {
    counts.iter().for_each(|count| put_varint(out, *count));
    let mut name_lengths = Vec::with_capacity(counts[2] as usize + 16);
    names.for_each(|n| put_varint(&mut name_lengths, n as u64));
    put_varint(out, name_lengths.len() as u64);
    sections.iter().for_each(|s| put_varint(out, s.len() as u64));
    out.extend_from_slice(&name_lengths);
    sections.iter().for_each(|s| out.extend_from_slice(s));
}
