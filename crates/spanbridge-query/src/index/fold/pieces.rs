//! Runs that go on over many folds: some of their pieces become one.

use super::super::run::{FoldedRun, Piece, pieces};
use super::super::source::bad_block;
use super::blocks::{Blocks, OpenBlock, OpenRun, Workshop};
use super::tiers::first_moved;
use crate::{ErrorKind, Result};
use rusqlite::params;

/// How many pieces a run has before some of them become one.
const MAX_PIECES: usize = 8;

/// The pieces of a run that stay as they are. The records of the others move to the run that is open.
pub(super) fn reopen(
    blocks: &mut Blocks<'_>,
    workshop: &mut Workshop,
    run: &mut OpenRun,
    before: &FoldedRun,
) -> Result<Vec<Piece>> {
    let mut all = pieces(&before.pieces)?;
    if all.len() < MAX_PIECES {
        return Ok(all);
    }
    let sizes: Vec<u64> = all.iter().map(|piece| piece.records).collect();
    let moved = all.split_off(first_moved(&sizes, u64::MAX));
    let places: Vec<(i64, usize)> = moved.iter().flat_map(Piece::blocks).collect();
    let mut raws = Vec::with_capacity(places.len());
    for place in &places {
        let Workshop { reader, packer, .. } = workshop;
        match reader.unfold_at(blocks.connection, packer, *place) {
            Ok(raw) => raws.push(raw),
            // What is damaged stays where it is.
            Err(e) if e.kind() == ErrorKind::Corrupt => {
                all.extend(moved);
                return Ok(all);
            }
            Err(e) => return Err(e),
        }
    }
    for raw in &raws {
        let mut from = OpenBlock::open(workshop, raw)?;
        while let Some(part) = from.block.next_part().ok_or_else(bad_block)? {
            blocks.add(workshop, run, &mut from, &part)?;
        }
    }
    let mut add = blocks.connection.prepare_cached("INSERT OR IGNORE INTO dead(block, place) VALUES (?, ?)")?;
    for (block, place) in places {
        add.execute(params![block, place as i64])?;
    }
    Ok(all)
}
