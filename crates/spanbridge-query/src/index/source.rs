//! Frames as they are kept in memory: to fold them, or to read what is not folded yet.

use crate::{Error, Result};
use spanbridge::RunId;
use spanbridge::SegmentId;
use spanbridge::record::{Body, Record};
use spanbridge_graph::hash::join;
use spanbridge_store::codec::{Block, pack};
use spanbridge_store::delivery::{Assembler, Delivery, RunIds};
use spanbridge_store::log::{BatchId, Columns, Directory, Frame, LogName};
use std::borrow::Cow;

/// Where a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// The file.
    pub(super) log: LogName,
    /// Where the frame begins in it.
    pub(super) from: u64,
}

/// A delivery, with its directory and its blocks.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) at: Position,
    /// Where the next frame begins.
    pub(super) to: u64,
    pub(super) batch: Option<BatchId>,
    pub(super) hash: u64,
    pub(super) spans: u64,
    pub(super) first_at: u64,
    pub(super) last_at: u64,
    /// Other records came under the number of this batch.
    pub(super) is_conflict: bool,
    directory: Kept,
    /// The blocks, packed as they stand in the file.
    pub(super) blocks: Vec<Vec<u8>>,
}

/// A directory: as it stands in the file, or of records that this process put together.
#[derive(Debug)]
enum Kept {
    Stored(Vec<u8>),
    Made(Box<Delivery>),
}

impl Source {
    /// A frame of a file, copied.
    pub(super) fn of(log: LogName, frame: &Frame<'_>) -> Self {
        let blocks = frame.blocks().map(|block| block.bytes.to_vec()).collect();
        Self { blocks, ..Self::directory_of(log, frame) }
    }

    /// The same without the blocks.
    pub(super) fn directory_of(log: LogName, frame: &Frame<'_>) -> Self {
        let directory = &frame.directory;
        Self {
            at: Position { log, from: frame.from },
            to: frame.to,
            batch: directory.batch,
            hash: directory.hash,
            spans: directory.spans,
            first_at: directory.first_at,
            last_at: directory.last_at,
            is_conflict: false,
            directory: Kept::Stored(frame.directory_bytes().to_vec()),
            blocks: Vec::new(),
        }
    }

    /// What says that this batch came with other records before. `None` if its blocks have no readable record.
    pub(super) fn conflict(&self, blocks: &[Vec<u8>]) -> Result<Option<Self>> {
        let (Some(batch), Some(segment)) = (self.batch, first_segment(blocks)) else { return Ok(None) };
        let note = conflict(batch, self.hash, segment);
        let mut delivery = Assembler::default().assemble(std::iter::once(note.view()))?;
        Ok(Some(Self {
            at: self.at,
            to: self.to,
            batch: None,
            hash: delivery.hash,
            spans: 0,
            first_at: self.first_at,
            last_at: self.last_at,
            is_conflict: false,
            blocks: std::mem::take(&mut delivery.blocks),
            directory: Kept::Made(Box::new(delivery)),
        }))
    }

    /// The columns of the directory.
    pub(super) fn columns(&self) -> Result<Columns<'_>> {
        match &self.directory {
            Kept::Stored(bytes) => Ok(Directory::read(bytes).ok_or_else(bad_directory)?.columns),
            Kept::Made(made) => Ok(Columns {
                block_list: &made.block_list,
                run_heads: &made.run_heads,
                run_tails: &made.run_tails,
                traces: &made.traces,
                parents: &made.parents,
                links: &made.links,
                aggregates: &made.aggregates,
                span_heads: &made.span_heads,
                rows: &made.rows,
            }),
        }
    }

    /// The time from which times in the aggregates are measured.
    pub(super) fn base(&self) -> u64 {
        match &self.directory {
            Kept::Stored(_) => self.first_at,
            Kept::Made(made) => made.first_at,
        }
    }

    /// The block with this number, in place of what was in `raw`.
    pub(super) fn unpack(&self, block: usize, raw: &mut Vec<u8>) -> Result<()> {
        let packed = self.blocks.get(block).ok_or_else(|| Error::corrupt("a block is missing"))?;
        Ok(pack::unpack(packed, raw)?)
    }

    /// The runs of the delivery.
    pub(super) fn runs(&self) -> Result<RunIds<'_>> {
        let columns = self.columns()?;
        RunIds::new(columns.run_heads, columns.run_tails).ok_or_else(bad_directory)
    }

    /// Bytes that are held in memory.
    pub(super) fn size(&self) -> usize {
        let directory = match &self.directory {
            Kept::Stored(bytes) => bytes.len(),
            Kept::Made(_) => 1024,
        };
        directory + self.blocks.iter().map(Vec::len).sum::<usize>()
    }
}

/// The segment of the first record.
fn first_segment(blocks: &[Vec<u8>]) -> Option<SegmentId> {
    let mut raw = Vec::new();
    blocks.iter().find_map(|packed| {
        pack::unpack(packed, &mut raw).ok()?;
        Some(Block::open(&raw)?.next_part()??.segment_id)
    })
}

/// The columns of a directory do not fit together.
pub(super) fn bad_directory() -> Error {
    Error::corrupt("its directory does not fit together")
}

/// A block cannot be read as records.
pub(super) fn bad_block() -> Error {
    Error::corrupt("a block cannot be read as records")
}

/// Calls `each` with the records of a block of the runs at these places.
pub(super) fn read_runs<'a>(
    raw: &'a [u8],
    key: impl Fn(usize) -> Option<Option<RunId>>,
    mut each: impl FnMut(usize, Record<'a>),
) -> Option<()> {
    let mut block = Block::open(raw)?;
    while let Some(part) = block.next_part()? {
        match key(part.run) {
            Some(key) => block.read(&part, key, |record| each(part.run, record))?,
            None => block.skip(&part)?,
        }
    }
    Some(())
}

/// Says that a batch came with other content than before.
fn conflict(batch: BatchId, hash: u64, segment_id: SegmentId) -> Record<'static> {
    let BatchId { instance, number } = batch;
    let name = format!("store-{:016x}", join(join(instance, number), hash));
    let message = format!("batch {number} of recorder {instance:016x} came again with other content; both are kept");
    let body = Body::Diagnostic(spanbridge::record::Diagnostic::new(Cow::Borrowed("conflict"), message));
    Record::new(segment_id, number, "spanbridge-store", body).with_id(Some(name.into()))
}
