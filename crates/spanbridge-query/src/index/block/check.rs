//! Reading everything in a block, to check it.

use super::pack::Packer;
use super::read::FoldedBlock;
use super::unfold::Unfolding;
use crate::{Error, Result};
use spanbridge::record::Record;
use spanbridge_store::codec::Block;

/// Reads all records of a packed block, and answers how many there are.
///
/// # Errors
/// If the block is damaged.
pub fn check_packed(packed: &[u8], each: impl FnMut(Record<'_>)) -> Result<u64> {
    let mut block = FoldedBlock::default();
    block.unpack(&mut Packer::new()?, packed)?;
    check(&block, each)
}

/// The same for the sections of a block: words, numeric, textual.
///
/// # Errors
/// If they do not fit together.
pub fn check_sections([words, numeric, textual]: [&[u8]; 3], each: impl FnMut(Record<'_>)) -> Result<u64> {
    let mut block = FoldedBlock::default();
    block.sections().into_iter().zip([words, numeric, textual]).for_each(|(to, from)| to.extend_from_slice(from));
    check(&block, each)
}

fn check(block: &FoldedBlock, mut each: impl FnMut(Record<'_>)) -> Result<u64> {
    let runs = block.runs()?;
    let places: Vec<usize> = (0..runs.len()).collect();
    let mut raw = Vec::new();
    block.unfold(&mut Unfolding::default(), &places, &mut raw)?;
    let mut records = 0;
    let mut read = || {
        let mut block = Block::open(&raw)?;
        while let Some(part) = block.next_part()? {
            block.read(&part, *runs.get(part.run)?, |record| {
                records += 1;
                each(record);
            })?;
        }
        Some(())
    };
    read().ok_or_else(|| Error::corrupt("a block cannot be read as records"))?;
    Ok(records)
}
