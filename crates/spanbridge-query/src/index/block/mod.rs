//! Folded blocks: the records of whole runs, in fewer bytes than those of deliveries.
//!
//! A delivery has a few records of many runs. A fold gathers the records of each run, and most of what they refer to is then in
//! the same block. So a span that a record refers to is a small number: how many spans of the run began since. The end of a
//! span is how long it took, and the values of each attribute have a stream of their own, where like stands beside like.
//!
//! Nothing is decoded on the way: a record keeps its shape, and its values move from the streams of one block to those of the
//! other as the [plan](spanbridge_store::codec::Plan) of the shape says. [`FoldedBlock::unfold`] moves them back, into a block
//! like that of a delivery, which is read as any other.
//!
//! ```text
//! packed  = version, checksum, lengths, words, numeric, textual
//! words   = the ids of the runs, then all words: incompressible
//! numeric = shapes, runs, parts, heads, times, durations, references, the numbers of each name (compressed)
//! textual = names, the texts of each name (compressed)
//! ```
//!
//! The two are compressed apart, because digits and letters compress better when they do not share a table with numbers.

mod check;
mod cursor;
mod ordinals;
mod pack;
mod read;
#[cfg(test)]
mod tests;
mod unfold;
mod vocabulary;
mod write;

pub use check::{check_packed, check_sections};
pub(crate) use pack::Packer;
pub(crate) use read::FoldedBlock;
pub(crate) use unfold::Unfolding;
pub(crate) use vocabulary::{ShapeMap, Vocabulary};
pub(crate) use write::{FoldedWriter, Sections};

/// Raw bytes after which a block is closed. Measured best between look-ups (small) and compression (large).
pub(crate) const TARGET: usize = 64 << 10;

/// The most bytes that a section may claim to have before compression.
pub(crate) const LIMIT: usize = spanbridge_store::codec::BLOCK_LIMIT;

/// What the header of a part holds, in bits.
mod part {
    /// The records name their run.
    pub(super) const RUN: u8 = 1;
    /// They name their trace, and it is the run's own.
    pub(super) const OWN_TRACE: u8 = 2;
    /// They name their trace, which is another: two words.
    pub(super) const OTHER_TRACE: u8 = 4;
    /// The segment is new in this run: a word, and the name of its service.
    pub(super) const NEW_SEGMENT: u8 = 8;
    /// The sequence number is not the one expected: that after the segment's last, or 1.
    pub(super) const SEQUENCE: u8 = 16;
    /// The service is another than before in this segment.
    pub(super) const SERVICE: u8 = 32;
}
