//! The headers of parts.

use crate::codec::bytes::{distance, put_varint};
use crate::codec::part;
use spanbridge::{SegmentId, TraceId};

/// What the records of a part share, as it is written. Their number is written when the part is closed.
#[derive(Clone, Copy, Debug)]
pub struct PartHeader {
    /// The place of the run among the runs of the delivery. Never less than in the part before.
    pub run: usize,
    /// Whether the records name their run.
    pub names_run: bool,
    /// Whether they name their trace, and it is the run's own.
    pub names_own_trace: bool,
    /// The trace, if it is named and is not the run's own.
    pub other_trace: Option<TraceId>,
    /// The segment.
    pub segment_id: SegmentId,
    /// The number of the service among the names of the block.
    pub service: u32,
    /// The sequence number of the first record.
    pub first_seq: u64,
    /// The time from which the first time of the part is measured.
    pub base: u64,
}

/// The headers of the parts of a block in the making.
#[derive(Debug, Default)]
pub struct PartsWriter {
    bytes: Vec<u8>,
    count: u64,
    last: Option<PartHeader>,
}

impl PartsWriter {
    /// Begins a part.
    pub fn begin(&mut self, head: &PartHeader) {
        let last = self.last;
        let same_segment = last.is_some_and(|l| l.segment_id == head.segment_id);
        let same_service = last.is_some_and(|l| l.service == head.service);
        let flags = [
            (part::RUN, head.names_run),
            (part::OWN_TRACE, head.names_own_trace),
            (part::OTHER_TRACE, head.other_trace.is_some()),
            (part::SAME_SEGMENT, same_segment),
            (part::SAME_SERVICE, same_service),
        ];
        let out = &mut self.bytes;
        out.push(flags.iter().filter(|(_, holds)| *holds).fold(0, |bits, (bit, _)| bits | bit));
        put_varint(out, (head.run - last.map_or(0, |l| l.run)) as u64);
        if let Some(trace) = head.other_trace {
            out.extend_from_slice(&trace.get().to_le_bytes());
        }
        if !same_segment {
            out.extend_from_slice(&head.segment_id.get().to_le_bytes());
        }
        if !same_service {
            put_varint(out, u64::from(head.service));
        }
        put_varint(out, head.first_seq);
        put_varint(out, distance(last.map_or(0, |l| l.base), head.base));
        self.last = Some(*head);
        self.count += 1;
    }

    /// Ends the part that was begun: it has this many records.
    pub fn end(&mut self, records: u64) {
        put_varint(&mut self.bytes, records);
    }

    /// How many parts were begun.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The headers.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Ready for another block.
    pub fn clear(&mut self) {
        self.bytes.clear();
        (self.count, self.last) = (0, None);
    }
}
