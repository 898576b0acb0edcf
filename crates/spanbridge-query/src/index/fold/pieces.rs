//! Runs that go on over many folds: some of their pieces become one.

use super::super::run::{FoldedRun, Piece, pieces};
use super::super::source::bad_block;
use super::blocks::{Blocks, OpenBlock, OpenRun, Workshop};
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
    let moved = all.split_off(first_moved(&all));
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

/// The first of the last pieces that are about as large as all after them. So a record moves only a few times, however often
/// its run goes on.
fn first_moved(all: &[Piece]) -> usize {
    let (mut first, mut records) = (all.len(), 0);
    while let Some(piece) = first.checked_sub(1).map(|at| all[at])
        && (first == all.len() || piece.records <= records)
    {
        records += piece.records;
        first -= 1;
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However long a run goes on, it has few pieces, and each record moves few times.
    #[test]
    fn pieces_stay_few() {
        let (mut all, mut moved): (Vec<Piece>, u64) = (Vec::new(), 0);
        for n in 0..10_000 {
            let mut records = 1;
            if all.len() >= MAX_PIECES {
                let some = all.split_off(first_moved(&all));
                let sum: u64 = some.iter().map(|piece| piece.records).sum();
                (records, moved) = (records + sum, moved + sum);
            }
            all.push(Piece { block: n, place: 0, blocks: 1, records });
        }
        assert_eq!(all.iter().map(|piece| piece.records).sum::<u64>(), 10_000);
        assert!(all.len() <= 2 * MAX_PIECES, "{all:?}");
        assert!(moved < 10_000 * 20, "{moved}");
    }
}
