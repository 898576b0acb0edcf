//! Writing blocks.

mod fields;
use super::bytes::{distance, put_varint};
use super::intern::{Interner, KnownNames};
use super::recent::Recent;
use super::shape::ShapeWriter;
use super::{BLOCK_TARGET, part};
use spanbridge::record::{BodyView, RecordView};
use spanbridge::{RunId, SegmentId, TraceId};

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
    parts: Vec<u8>,
    heads: Vec<u8>,
    words: Vec<u8>,
    times: Vec<u8>,
    numbers: Vec<u8>,
    lengths: Vec<u8>,
    texts: Vec<u8>,
    part_count: u64,
    last: LastPart,
    open: OpenPart,
    /// Tells this block from those before it: names have numbers of their own in each.
    block: u32,
}

/// What the header of the next part refers to.
#[derive(Debug, Default)]
struct LastPart {
    run: usize,
    segment_id: Option<SegmentId>,
    service: Option<u32>,
    base: u64,
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
        let tables = self.names.bytes().len() + self.names.len() + self.shapes.table().len();
        streams + tables + self.parts.len() + self.heads.len() >= BLOCK_TARGET
    }

    pub fn is_empty(&self) -> bool {
        self.part_count == 0
    }

    /// Begins a part whose first record has this sequence number and about this time.
    pub fn begin(&mut self, head: &PartHead<'_>, first_seq: u64, base: u64) {
        self.close_part();
        let (service, _) = self.names.intern(head.service.as_bytes());
        let same_segment = self.last.segment_id == Some(head.segment_id);
        let same_service = self.last.service == Some(service);
        let other_trace = head.other_trace();
        let flags = [
            (part::RUN, head.run_id.is_some()),
            (part::OWN_TRACE, head.trace_id.is_some() && other_trace.is_none()),
            (part::OTHER_TRACE, other_trace.is_some()),
            (part::SAME_SEGMENT, same_segment),
            (part::SAME_SERVICE, same_service),
        ];
        let out = &mut self.parts;
        out.push(flags.iter().filter(|(_, holds)| *holds).fold(0, |bits, (bit, _)| bits | bit));
        put_varint(out, (head.run - self.last.run) as u64);
        if let Some(trace) = other_trace {
            out.extend_from_slice(&trace.get().to_le_bytes());
        }
        if !same_segment {
            out.extend_from_slice(&head.segment_id.get().to_le_bytes());
        }
        if !same_service {
            put_varint(out, u64::from(service));
        }
        put_varint(out, first_seq);
        put_varint(out, distance(self.last.base, base));
        self.last = LastPart { run: head.run, segment_id: Some(head.segment_id), service: Some(service), base };
        self.open.key = head.key;
        self.open.trace_id = head.trace_id;
        self.open.time = base;
        self.open.recent.clear();
        self.part_count += 1;
    }

    /// How many records there are is known, and written, last.
    fn close_part(&mut self) {
        if self.part_count > 0 {
            put_varint(&mut self.parts, std::mem::take(&mut self.open.records));
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
        for count in [self.part_count, self.shapes.len() as u64, self.names.len() as u64] {
            put_varint(out, count);
        }
        let mut name_lengths = Vec::with_capacity(self.names.len() + 16);
        self.names.lengths().for_each(|n| put_varint(&mut name_lengths, n as u64));
        let sections = self.sections();
        put_varint(out, name_lengths.len() as u64);
        sections.iter().for_each(|s| put_varint(out, s.len() as u64));
        out.extend_from_slice(&name_lengths);
        sections.iter().for_each(|s| out.extend_from_slice(s));
        self.clear();
    }

    /// In the order in which they stand in the block.
    fn sections(&self) -> [&[u8]; 9] {
        [
            self.names.bytes(),
            self.shapes.table(),
            &self.parts,
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
        for section in [
            &mut self.parts,
            &mut self.heads,
            &mut self.words,
            &mut self.times,
            &mut self.numbers,
            &mut self.lengths,
            &mut self.texts,
        ] {
            section.clear();
        }
        self.part_count = 0;
        self.last = LastPart::default();
        self.block = (self.block + 1) % KnownNames::NO_BLOCK;
    }
}
