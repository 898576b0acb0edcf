//! Reading the records of folded runs.

use super::block::{FoldedBlock, Packer, Unfolding};
use super::run::pieces;
use crate::{Error, Result};
use rusqlite::Connection;
use spanbridge::RunId;

/// Reads blocks, and keeps the one that was read last: the runs of a fold that follow each other share a block.
#[derive(Debug, Default)]
pub(super) struct BlockReader {
    last: Option<i64>,
    block: FoldedBlock,
    unfolding: Unfolding,
}

impl BlockReader {
    /// Forgets the block that was read last: another transaction may have undone it, and its number may mean another.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// Unpacks a block.
    fn load(&mut self, connection: &Connection, packer: &mut Packer, block: i64) -> Result<()> {
        if self.last != Some(block) {
            self.last = None;
            let mut query = connection.prepare_cached("SELECT data FROM block WHERE id = ?")?;
            let mut rows = query.query([block])?;
            let row = rows.next()?.ok_or_else(|| Error::corrupt("a block is missing"))?;
            let data = row.get_ref(0)?.as_blob().map_err(|_| Error::corrupt("a block has another type"))?;
            self.block.unpack(packer, data)?;
            self.last = Some(block);
        }
        Ok(())
    }

    /// The records at this place, in a block like that of a delivery.
    pub(super) fn unfold_at(
        &mut self,
        connection: &Connection,
        packer: &mut Packer,
        (block, place): (i64, usize),
    ) -> Result<Vec<u8>> {
        let mut raw = Vec::new();
        self.unfold_places(connection, packer, block, &[place], &mut raw)?;
        Ok(raw)
    }

    /// The records at these places of a block, which must be sorted.
    pub(super) fn unfold_places(
        &mut self,
        connection: &Connection,
        packer: &mut Packer,
        block: i64,
        places: &[usize],
        raw: &mut Vec<u8>,
    ) -> Result<()> {
        self.load(connection, packer, block)?;
        self.block.unfold(&mut self.unfolding, places, raw)
    }

    /// The runs of a block, and those of them that `choose` chooses, in a block like that of a delivery.
    pub(super) fn unfold_some(
        &mut self,
        connection: &Connection,
        packer: &mut Packer,
        block: i64,
        choose: impl FnOnce(&FoldedBlock) -> Result<Vec<usize>>,
    ) -> Result<(Vec<Option<RunId>>, Vec<u8>)> {
        self.load(connection, packer, block)?;
        let (runs, places, mut raw) = (self.block.runs()?, choose(&self.block)?, Vec::new());
        self.block.unfold(&mut self.unfolding, &places, &mut raw)?;
        Ok((runs, raw))
    }

    /// The records of a run with these pieces, in blocks like those of deliveries.
    pub(super) fn unfold(
        &mut self,
        connection: &Connection,
        packer: &mut Packer,
        column: &[u8],
    ) -> Result<Vec<Vec<u8>>> {
        let all = pieces(column)?;
        all.iter().flat_map(|piece| piece.blocks()).map(|at| self.unfold_at(connection, packer, at)).collect()
    }
}
