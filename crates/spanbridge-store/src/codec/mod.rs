//! Blocks: many records in few bytes.
//!
//! A block holds the records of some runs, about 32 KiB before compression. Records are grouped in *parts*: one run, one
//! trace, one segment, one service, consecutive sequence numbers; all that is written once. What a record says is split
//! in two:
//!
//! - its *shape* is what it shares with others: the type, the name, the primitive, the keys and kinds of the attributes,
//!   which optional fields are there. A block has a table of its shapes, and of the names they mention;
//! - its *values* go to streams of their own, by nature: words (ids, floating-point numbers), times (as distances),
//!   numbers, the lengths of texts, the texts. Like stands beside like, which is what compressors want.
//!
//! A shape knows how much of each stream a record of it takes. So a reader steps over the records of other runs without
//! decoding them, and over records of a type that it does not know, and compaction can move whole parts. A type that is added
//! must therefore leave alone what the records after it build on: the time that theirs is measured from, and the spans that
//! began shortly before.
//!
//! ```text
//! block  = header, names, shapes, parts, heads, words, times, numbers, lengths, texts
//! packed = method, raw length, checksum, payload
//! ```
//!
//! `write` writes blocks and `read` reads them; the two walk the fields of a record in the same order and must be
//! changed together, with the format's version. `pack` compresses.

pub mod bytes;
mod intern;
mod limits;
pub mod pack;
mod plan;
mod read;
mod recent;
mod shape;
#[cfg(test)]
mod tests;
mod write;

pub use intern::{Interner, KnownNames};
pub use limits::refusal;
pub use plan::{NO_NAME, Plan, Step};
pub use read::{Block, MovingBlock, Part, Streams};
pub use write::{BlockWriter, PartHead, PartHeader, PartsWriter, put_sections};

/// Raw bytes after which a block is closed. Measured best between look-ups (small) and compression (large).
pub const BLOCK_TARGET: usize = 32 << 10;

/// The most raw bytes that a block may claim to have. A record of the greatest weight that is stored fits well within.
pub const BLOCK_LIMIT: usize = 64 << 20;

/// What a record says, in a byte.
mod tag {
    pub(super) const SEGMENT: u8 = 1;
    pub(super) const RUN_START: u8 = 2;
    pub(super) const RUN_SUSPEND: u8 = 3;
    pub(super) const RUN_RESUME: u8 = 4;
    pub(super) const RUN_END: u8 = 5;
    pub(super) const SPAN_START: u8 = 6;
    pub(super) const SPAN_END: u8 = 7;
    pub(super) const SPAN: u8 = 8;
    pub(super) const SPAN_ATTRIBUTES: u8 = 9;
    pub(super) const EVENT: u8 = 10;
    pub(super) const ARTIFACT: u8 = 11;
    pub(super) const EDGE: u8 = 12;
    pub(super) const DIAGNOSTIC: u8 = 13;
    pub(super) const RUN_ATTRIBUTES: u8 = 14;
    pub(super) const MUTATION: u8 = 15;
    /// The last of them. A later release may have more.
    pub(super) const LAST: u8 = MUTATION;
    /// The record has an id of its own.
    pub(super) const FOREIGN: u8 = 0x40;
    /// Beside the `via` of a segment: it names its resumption of the run, or the one before.
    pub(super) const RESUMPTIONS: u8 = 0x40;
    /// Beside the status of a span's end: the class of its error follows the error's text.
    pub(super) const ERROR_TYPE: u8 = 0x40;
}

/// What kind of value an attribute has, in a byte; 0 ends the list.
mod value {
    pub(super) const END: u8 = 0;
    pub(super) const I64: u8 = 1;
    pub(super) const F64: u8 = 2;
    pub(super) const BOOL: u8 = 3;
    pub(super) const STR: u8 = 4;
    pub(super) const JSON: u8 = 5;
}

/// How another span is named, in a byte.
mod span {
    pub(super) const NONE: u8 = 0;
    pub(super) const WORD: u8 = 1;
    /// One that began shortly before in the same part: the number says how many back.
    pub(super) const RECENT: u8 = 2;
    /// What stands for the run itself.
    pub(super) const RUN: u8 = 3;
}

/// What was done to a row, in a byte.
mod op {
    use spanbridge::record::MutationOp;

    /// `None`: it is newer than this crate.
    pub(super) fn code(op: MutationOp) -> Option<u8> {
        Some(match op {
            MutationOp::Insert => 1,
            MutationOp::Update => 2,
            MutationOp::Delete => 3,
            MutationOp::Truncate => 4,
            _ => return None,
        })
    }

    pub(super) fn of(code: u8) -> Option<MutationOp> {
        MutationOp::ALL.into_iter().find(|op| self::code(*op) == Some(code))
    }
}

/// What is at the end of an edge, in a byte.
mod endpoint {
    pub(super) const SPAN: u8 = 1;
    pub(super) const RUN: u8 = 2;
    pub(super) const ARTIFACT: u8 = 3;
}

/// What a part's header holds, in bits.
mod part {
    /// The records name their run.
    pub(super) const RUN: u8 = 1;
    /// They name their trace, and it is the run's own.
    pub(super) const OWN_TRACE: u8 = 2;
    /// They name their trace, which is another.
    pub(super) const OTHER_TRACE: u8 = 4;
    /// The segment is that of the part before.
    pub(super) const SAME_SEGMENT: u8 = 8;
    /// The service is that of the part before.
    pub(super) const SAME_SERVICE: u8 = 16;
}
