//! The recording buffers: one writer per thread, one reader for all of them, chunks that only the writer retires.
//!
//! A thread writes words into its current [`Chunk`]. A word is published by the release store of `Chunk::len`; after
//! that nobody changes it, except that the writer may patch an *end word* (one atomic store) for as long as the chunk
//! is its current one. `Chunk::next` is stored when the writer leaves the chunk, so a reader that sees it (acquire)
//! sees every word and every patch, and owns the chunk from then on. Nothing here waits, and nothing here knows what a
//! span is. docs/adr/0001 tells how it came about.
//!
//! All of it is model-checked (`model.rs`, with chunks of eight words):
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --release --target-dir target/loom -p spanbridge --features record --lib buffer::model
//! ```
//!
//! What does not belong here: the meaning of words (`recording`), threads and sinks (`recorder`).

mod large;
#[cfg(all(loom, test))]
mod model;
mod pool;
mod reader;
mod writer;

pub(crate) use large::LargeTexts;
pub(crate) use pool::{Chunk, Pool};
pub(crate) use reader::{Found, LaneReader, State, recycle};
pub(crate) use writer::{Lane, Writer};

#[cfg(not(all(loom, test)))]
pub(crate) use std::sync::atomic;

#[cfg(all(loom, test))]
pub(crate) use loom::sync::atomic;

/// Words of a chunk: 32 KiB, so that an idle thread pins little; under loom eight, two records and a bit.
pub(crate) const WORDS: usize = if cfg!(all(loom, test)) { 8 } else { 4096 };

/// Where the end word of a span stands inside its record.
pub(crate) const END: usize = 1;

/// Header word: kind in bits 0..8, words of the record in bits 8..24; the rest belongs to the kind.
pub(crate) const fn header(kind: u8, words: usize) -> u64 {
    kind as u64 | (words as u64) << 8
}

/// The kind of a record, from its header.
pub(crate) const fn kind(header: u64) -> u8 {
    header as u8
}

/// How many words a record has, from its header.
pub(crate) const fn words(header: u64) -> usize {
    (header >> 8) as u16 as usize
}

/// A span; its end word is patched in place while that is possible.
pub(crate) const SPAN: u8 = 1;
/// Run and trace of what follows.
pub(crate) const CONTEXT: u8 = 2;
/// The end of a span whose chunk was left, or that ended on another thread.
pub(crate) const LATE_END: u8 = 3;
/// Attributes and other items that came after the span's record was published.
pub(crate) const MORE: u8 = 4;
/// Everything else: run lifecycle, events, edges, artifacts, diagnostics.
pub(crate) const FACT: u8 = 5;
