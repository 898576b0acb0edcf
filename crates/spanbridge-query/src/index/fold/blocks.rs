//! The blocks that a fold writes.

use super::super::block::{FoldedWriter, Packer, Sections, ShapeMap, Vocabulary};
use super::super::records::BlockReader;
use super::super::run::Piece;
use super::super::source::bad_block;
use super::super::texts::Texts;
use super::heads::Head;
use super::rows::Rows;
use crate::Result;
use rusqlite::{Connection, params};
use spanbridge::RunId;
use spanbridge_store::codec::{MovingBlock, Part};

/// What is used again for each fold.
pub(in crate::index) struct Workshop {
    pub(super) vocabulary: Vocabulary,
    pub(super) writer: FoldedWriter,
    sections: Sections,
    pub(in crate::index) packer: Packer,
    /// Reads what was folded before.
    pub(in crate::index) reader: BlockReader,
    packed: Vec<u8>,
    pub(in crate::index) texts: Texts,
    pub(in crate::index) rows: Rows,
    pub(in crate::index) heads: Vec<Head>,
}

impl Workshop {
    pub(in crate::index) fn new() -> Result<Self> {
        Ok(Self {
            vocabulary: Vocabulary::default(),
            writer: FoldedWriter::default(),
            sections: Sections::default(),
            packer: Packer::new()?,
            reader: BlockReader::default(),
            packed: Vec::new(),
            texts: Texts::default(),
            rows: Rows::default(),
            heads: Vec::new(),
        })
    }

    /// Ready for another fold, whatever became of the one before.
    pub(in crate::index) fn begin(&mut self, was_undone: bool) {
        if was_undone {
            (self.vocabulary, self.writer, self.rows) = Default::default();
            self.texts.forget();
        }
        self.texts.forget_when_too_many();
        if self.vocabulary.forget_when_too_many() {
            self.writer = FoldedWriter::default();
        }
        self.heads.clear();
        self.reader.forget();
    }
}

/// A block whose parts are moved.
pub(super) struct OpenBlock<'s> {
    pub(super) block: MovingBlock<'s>,
    shapes: ShapeMap,
}

impl<'s> OpenBlock<'s> {
    pub(super) fn open(workshop: &mut Workshop, raw: &'s [u8]) -> Result<Self> {
        let block = MovingBlock::open(raw).ok_or_else(bad_block)?;
        let shapes = workshop.vocabulary.learn(&block).ok_or_else(bad_block)?;
        Ok(Self { block, shapes })
    }
}

/// The run whose parts are moved, and the piece that they become.
pub(super) struct OpenRun {
    run: Option<RunId>,
    pub(super) piece: Option<Piece>,
}

impl OpenRun {
    pub(super) fn new(run: Option<RunId>) -> Self {
        Self { run, piece: None }
    }
}

/// The blocks that are being written.
pub(super) struct Blocks<'c> {
    pub(super) connection: &'c Connection,
    pub(super) first: i64,
    pub(super) next: i64,
    pub(super) bytes: u64,
}

impl Blocks<'_> {
    /// Writes the block in the making.
    pub(super) fn close(&mut self, workshop: &mut Workshop) -> Result<()> {
        workshop.writer.finish(&workshop.vocabulary, &mut workshop.sections);
        workshop.packer.pack(&workshop.sections, &mut workshop.packed)?;
        let mut add = self.connection.prepare_cached("INSERT INTO block(id, data) VALUES (?, ?)")?;
        add.execute(params![self.next, workshop.packed])?;
        self.bytes += workshop.packed.len() as u64;
        let block = self.next;
        workshop.heads.extend(workshop.sections.span_heads.iter().map(|head| (*head, block)));
        self.next += 1;
        Ok(())
    }

    /// Moves a part of a run.
    pub(super) fn add(
        &mut self,
        workshop: &mut Workshop,
        run: &mut OpenRun,
        from: &mut OpenBlock<'_>,
        part: &Part<'_>,
    ) -> Result<()> {
        if workshop.writer.is_full() {
            self.close(workshop)?;
        }
        if run.piece.is_none_or(|piece| piece.block + piece.blocks as i64 <= self.next) {
            workshop.writer.begin_run(run.run, part.base);
            let place = workshop.writer.place();
            let new = Piece { block: self.next, place, blocks: 0, records: 0 };
            run.piece.get_or_insert(new).blocks += 1;
        }
        run.piece.iter_mut().for_each(|piece| piece.records += part.records);
        let Workshop { writer, vocabulary, .. } = workshop;
        writer.add(vocabulary, &from.shapes, &mut from.block, part).ok_or_else(bad_block)
    }
}
