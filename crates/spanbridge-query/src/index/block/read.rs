//! Reading folded blocks.

use super::cursor::Cursor;
use super::pack::Packer;
use super::unfold::Unfolding;
use super::write::Sections;
use crate::{Error, Result};
use spanbridge::RunId;
use std::ops::RangeInclusive;

/// A block, unpacked.
#[derive(Debug, Default)]
pub(crate) struct FoldedBlock(Sections);

impl FoldedBlock {
    /// Unpacks a block, in place of the one before.
    pub(crate) fn unpack(&mut self, packer: &mut Packer, packed: &[u8]) -> Result<()> {
        packer.unpack(packed, &mut self.0)
    }

    /// Its sections, unpacked: words, numeric, textual.
    pub(super) fn sections(&mut self) -> [&mut Vec<u8>; 3] {
        [&mut self.0.words, &mut self.0.numeric, &mut self.0.textual]
    }

    fn cursor(&self) -> Result<Cursor<'_>> {
        Cursor::open(&self.0).ok_or_else(bad_block)
    }

    /// The runs in the block, by their places. `None` stands for records without a run.
    pub(crate) fn runs(&self) -> Result<Vec<Option<RunId>>> {
        let cursor = self.cursor()?;
        Ok(cursor.run_ids.iter().map(|id| RunId::new(u128::from_le_bytes(*id))).collect())
    }

    /// Moves the records of the runs at these places, which must be sorted, into a block like that of a delivery; there, the
    /// runs have the same places.
    pub(crate) fn unfold(&self, unfolding: &mut Unfolding, wanted: &[usize], out: &mut Vec<u8>) -> Result<()> {
        unfolding.clear();
        let last = wanted.last().copied().unwrap_or(0);
        let mut cursor = self.cursor()?;
        let mut wanted = wanted.iter().copied().peekable();
        for place in 0..cursor.run_ids.len().min(last + 1) {
            if wanted.next_if_eq(&place).is_some() {
                unfolding.run(&mut cursor, place).ok_or_else(bad_block)?;
            } else {
                cursor.skip_run(place, |_| {}).ok_or_else(bad_block)?;
            }
        }
        unfolding.finish(&cursor, out);
        Ok(())
    }

    /// The places of the runs that have a span with an id in this range, or its end.
    pub(crate) fn holding_spans(&self, range: &RangeInclusive<u64>) -> Result<Vec<usize>> {
        let (mut cursor, mut places) = (self.cursor()?, Vec::new());
        for place in 0..cursor.run_ids.len() {
            let mut holds = false;
            cursor.skip_run(place, |id| holds |= range.contains(&id)).ok_or_else(bad_block)?;
            if holds {
                places.push(place);
            }
        }
        Ok(places)
    }
}

fn bad_block() -> Error {
    Error::corrupt("a block cannot be read as records")
}
