//! What is kept of each span while the records of a run are read for the first time.

use crate::model::SpanStatus;
use spanbridge::Status;

/// So many records about the run itself are kept, besides its starts and ends.
pub(super) const MAX_OF_RUN: usize = 10_000;

/// The end of what has none.
pub(super) const OPEN: u64 = u64::MAX;

/// A span. 40 bytes, since there may be millions; a [node of the tree](crate::tree::Node) is beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Light {
    /// When it ended, or [`OPEN`].
    pub(super) ended_at: u64,
    /// A hash of its name, kind of step and service. 0: its start is not recorded.
    pub(super) call: u64,
    /// A hash of its call and all attributes that do not say how it went: the same for attempts at the same.
    pub(super) attempt: u32,
    /// A hash of its error, in words, without ids and numbers. 0: it has none.
    pub(super) error: u32,
    /// Hashes of its start and its end, to see whether they come twice and differ.
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) marks: Marks,
}

/// What else is known of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks(u32);

impl Marks {
    const STATUS: u32 = 0b111;
    /// Its start is recorded.
    pub(super) const START: u32 = 1 << 3;
    /// Its end is recorded.
    pub(super) const END: u32 = 1 << 4;
    /// It says that something went wrong, whatever its status: it refused a message, or answered with an error.
    pub(super) const NOTABLE: u32 = 1 << 5;
    /// It is the work on a message.
    pub(super) const DELIVERY: u32 = 1 << 6;
    /// It is a settlement.
    pub(super) const SETTLE: u32 = 1 << 7;
    /// It has two different starts or ends.
    pub(super) const CONFLICT: u32 = 1 << 8;
    /// It has links.
    pub(super) const LINKED: u32 = 1 << 9;
    /// It changed rows of a database, or is a transaction that was rolled back.
    pub(super) const WROTE: u32 = 1 << 10;

    pub(super) fn has(self, mark: u32) -> bool {
        self.0 & mark != 0
    }

    pub(super) fn set(&mut self, mark: u32) {
        self.0 |= mark;
    }

    pub(super) fn set_status(&mut self, status: Status) {
        let number = match status {
            Status::Ok => 1,
            Status::Error => 2,
            Status::Panicked => 3,
            Status::Cancelled => 4,
        };
        self.0 = self.0 & !Self::STATUS | number;
    }
}

impl Light {
    pub(super) fn new() -> Self {
        Self { ended_at: OPEN, call: 0, attempt: 0, error: 0, start: 0, end: 0, marks: Marks::default() }
    }

    pub(super) fn status(&self) -> SpanStatus {
        match self.marks.0 & Marks::STATUS {
            1 => SpanStatus::Ok,
            2 => SpanStatus::Error,
            3 => SpanStatus::Panicked,
            4 => SpanStatus::Cancelled,
            _ => SpanStatus::Open,
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        matches!(self.status(), SpanStatus::Error | SpanStatus::Panicked)
    }

    /// Whether its start or its end is recorded.
    pub(super) fn is_recorded(&self) -> bool {
        self.marks.has(Marks::START | Marks::END)
    }

    /// The same for spans that are alike: call, status and error.
    pub(super) fn print(&self) -> (u64, u32, u32) {
        (self.call, self.marks.0 & (Marks::STATUS | Marks::START), self.error)
    }
}
