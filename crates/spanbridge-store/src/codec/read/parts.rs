//! The parts of a block: what their records share.

use super::streams::wide;
use crate::codec::bytes::{Reader, at_distance};
use crate::codec::part;
use spanbridge::{SegmentId, TraceId};

/// What the records of a part share.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The place of the run among the runs of the delivery.
    pub run: usize,
    pub(super) flags: u8,
    /// The trace, if it is named and is not the run's own.
    pub other_trace: Option<TraceId>,
    /// The segment.
    pub segment_id: SegmentId,
    /// The service.
    pub service: &'a str,
    /// The sequence number of the first record.
    pub first_seq: u64,
    /// The time from which the first time of the part is measured.
    pub base: u64,
    /// How many records the part has.
    pub records: u64,
}

impl Part<'_> {
    /// Whether the records name their run.
    pub fn names_run(&self) -> bool {
        self.flags & part::RUN != 0
    }

    /// Whether they name their trace, and it is the run's own.
    pub fn names_own_trace(&self) -> bool {
        self.flags & part::OWN_TRACE != 0
    }
}

/// The parts of a block, read from the front.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    rest: Reader<'a>,
    left: u64,
    last: Option<Part<'a>>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(count: u64, parts: &'a [u8]) -> Self {
        Self { rest: Reader(parts), left: count, last: None }
    }

    /// The next part; `Some(None)` after the last.
    pub(super) fn next(&mut self, names: &[&'a str]) -> Option<Option<Part<'a>>> {
        if self.left == 0 {
            return Some(None);
        }
        self.left -= 1;
        let r = &mut self.rest;
        let flags = r.byte()?;
        let step = usize::try_from(r.varint()?).ok()?;
        let run = self.last.map_or(0, |l| l.run).checked_add(step)?;
        let other_trace = match flags & part::OTHER_TRACE {
            0 => None,
            _ => Some(TraceId::new(wide(r)?)?),
        };
        let segment_id = match flags & part::SAME_SEGMENT {
            0 => SegmentId::new(r.word()?)?,
            _ => self.last?.segment_id,
        };
        let service = match flags & part::SAME_SERVICE {
            0 => names.get(usize::try_from(r.varint()?).ok()?)?,
            _ => self.last?.service,
        };
        let first_seq = r.varint()?;
        let base = at_distance(self.last.map_or(0, |l| l.base), r.varint()?);
        let records = r.varint()?;
        let part = Part { run, flags, other_trace, segment_id, service, first_seq, base, records };
        self.last = Some(part);
        Some(Some(part))
    }
}
