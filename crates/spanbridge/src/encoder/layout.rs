//! What the words of a record mean. `encoder` writes it, `record::packed` reads it.
//!
//! | kind | words |
//! |---|---|
//! | span | header, end, span id, parent, name's address, start; items |
//! | context | header, trace (2), run (2); of a segment of its own: its ordinal, the suspension that it continues or 0, when it was made, the resumption after which it goes on or 0 |
//! | late end | header, end, span id; items |
//! | more | header, span id; items |
//! | fact | header, span id or 0, own id or 0, time; items |
//!
//! An end is `ticks << 3 | status`, 0 while open. An item is key, meta, and the value in one word or more; the key is
//! the address of a `&'static str`, or 0 for a field of the record itself, whose number then stands for the length.

use crate::Kind;

pub(crate) const SPAN_WORDS: usize = 6;
pub(crate) const CONTEXT_WORDS: usize = 5;
/// Of a context with a segment of its own.
pub(crate) const CONTEXT_WORDS_MOST: usize = CONTEXT_WORDS + 4;
pub(crate) const LATE_END_WORDS: usize = 3;
pub(crate) const MORE_WORDS: usize = 2;
pub(crate) const FACT_WORDS: usize = 4;

/// Bytes of a text that is recorded by its address: what is longer is copied. Sinks write it out in full, so what a record takes up
/// here has to be in some proportion to what it takes up there.
pub(crate) const MAX_STATIC: usize = 128;

/// Bytes of the key of an attribute, which is always recorded by its address.
pub(crate) const MAX_KEY: usize = 255;

// Header of a span: length of a static name in bits 24..40, code of the primitive in 40..48, kind in 48..51;
// of any record with items: whether there are fields among them in 51.
pub(crate) const NAME_AT: u32 = 24;
pub(crate) const PRIMITIVE_AT: u32 = 40;
pub(crate) const KIND_AT: u32 = 48;
/// Not all items are attributes.
pub(crate) const FIELDS_AT: u32 = 51;
/// The primitive stands in an item.
pub(crate) const CUSTOM: u64 = 255;
// Header of a context: it came from another process; it goes on with a run that was elsewhere.
pub(crate) const REMOTE_AT: u32 = 24;
pub(crate) const RESUMED_AT: u32 = 25;
// Header of a fact: which one.
pub(crate) const FACT_AT: u32 = 24;

pub(crate) fn kind_of(header: u64) -> Kind {
    Kind::ALL.get((header >> KIND_AT & 7) as usize).copied().unwrap_or_default()
}

// Meta word of an item: length of the key in bits 0..16, tag in 16..24, length of the value in 32..64.
pub(crate) const TAG_I64: u64 = 0;
pub(crate) const TAG_F64: u64 = 1;
pub(crate) const TAG_BOOL: u64 = 2;
pub(crate) const TAG_STATIC: u64 = 3;
pub(crate) const TAG_STR: u64 = 4;
pub(crate) const TAG_JSON: u64 = 5;

/// Which fact a record of that kind is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Fact {
    RunStart = 1,
    RunEnd,
    RunSuspend,
    RunResume,
    RunAttributes,
    Event,
    Artifact,
    Edge,
    Diagnostic,
    Mutation,
    /// An artifact whose preview waits in [`LargeTexts`](crate::buffer::LargeTexts), by the artifact's id.
    LargeArtifact,
}

impl Fact {
    pub(crate) fn of(header: u64) -> Option<Fact> {
        use Fact::*;
        const ALL: [Fact; 11] = [
            RunStart,
            RunEnd,
            RunSuspend,
            RunResume,
            RunAttributes,
            Event,
            Artifact,
            Edge,
            Diagnostic,
            Mutation,
            LargeArtifact,
        ];
        ALL.get(((header >> FACT_AT) as u8 as usize).wrapping_sub(1)).copied()
    }
}

/// Fields of a record that are not attributes. Ids stand as pairs of integers, high half first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Field {
    /// A name, or a code, or a type.
    Name = 1,
    Primitive,
    Kind,
    /// Five integers follow each other under this number: trace high, trace low, span.
    Link,
    Error,
    Status,
    ParentRun,
    /// From and to of an edge: spans as [`Field::Link`], runs as [`Field::ParentRun`], artifacts as text.
    FromSpan,
    FromRun,
    ToSpan,
    ToRun,
    Message,
    Count,
    Suspension,
    Reason,
    ArtifactKind,
    ContentType,
    Encoding,
    Size,
    Hash,
    Preview,
    ErrorType,
    MutationId,
    Database,
    /// A text that is too long for one item stands in several, one after the other; so do those of the next two.
    Key,
    Before,
    After,
    /// A column that was written; there are as many items as columns.
    Column,
    Op,
    CommittedAt,
    Position,
}
