//! The records of a batch: their words, in stretches of one run and one segment each.

use super::Via;
use super::attributes::Pair;
use super::words::Words;
use std::sync::Arc;

/// Who records: what every segment says about the process.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Names the recorder.
    pub(crate) instance: u64,
    pub(crate) service: String,
    pub(crate) resource: Vec<Pair<'static>>,
}

/// A stretch of records of one run and one segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) trace: u128,
    pub(crate) run: u128,
    /// Which segment of the run: 0 for the usual one.
    pub(crate) ordinal: u64,
    /// The suspension that the segment continues, or 0.
    pub(crate) suspension: u64,
    /// The resumption before this segment's, or 0.
    pub(crate) previous_resumption: u64,
    /// When that segment was made, in ticks, or 0.
    pub(crate) made: u64,
    pub(crate) via: Via,
    pub(crate) segment: u64,
    /// Where the words of its first record begin.
    pub(crate) first: u32,
    /// The number of its records, without the segment's own.
    pub(crate) records: u32,
    /// The number of the record before its first one here.
    pub(crate) before: u64,
    /// The segment begins here: its own record has number 1.
    pub(crate) opens: bool,
}

/// Something about the recording itself, outside all runs.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) seq: u64,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) count: u64,
}

/// The records of a batch: those of each stretch in turn, then the notes.
pub(crate) struct Packed {
    pub(crate) source: Arc<Source>,
    pub(crate) words: Words,
    /// Records that others are joined to: where each begins, and its first join. In the order of the words.
    pub(crate) heads: Vec<(u32, u32)>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) notes: Vec<Note>,
}

impl Packed {
    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        let of_stretches = self.origins.iter().map(|o| o.records as usize + usize::from(o.opens)).sum::<usize>();
        of_stretches + self.notes.len()
    }
}
