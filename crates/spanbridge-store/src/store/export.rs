//! Every record of the store.

use super::Store;
use super::snapshot::{blob, torn};
use crate::codec::{Block, pack};
use crate::delivery::RunIds;
use crate::error::{Error, Result};
use crate::file::block_id;
use spanbridge::record::Record;

/// A delivery as it was read: the ids of its runs, and its blocks, still packed.
struct Packed {
    id: i64,
    run_heads: Vec<u8>,
    run_tails: Vec<u8>,
    blocks: Vec<Vec<u8>>,
}

/// Calls `each` with every record, one delivery after the other. No lock is held while it runs: it may be slow.
pub(super) fn all(store: &Store, mut each: impl FnMut(Record<'_>)) -> Result<()> {
    let (mut after, mut raw) = (0, Vec::new());
    while let Some(delivery) = next(store, after)? {
        after = delivery.id;
        let runs = RunIds::new(&delivery.run_heads, &delivery.run_tails).ok_or_else(torn);
        let read = runs.and_then(|runs| {
            delivery.blocks.iter().try_for_each(|packed| {
                pack::unpack(packed, &mut raw)?;
                records(&raw, runs, &mut each).ok_or_else(|| Error::corrupt("a block does not hold what it says"))
            })
        });
        read.map_err(|e| e.at("read", &store.path))?;
    }
    Ok(())
}

fn records(raw: &[u8], runs: RunIds<'_>, mut each: impl FnMut(Record<'_>)) -> Option<()> {
    let mut block = Block::open(raw)?;
    while let Some(part) = block.next_part()? {
        block.read(&part, runs.get(part.run)?, &mut each)?;
    }
    Some(())
}

/// The next delivery after this one.
fn next(store: &Store, after: i64) -> Result<Option<Packed>> {
    store.read(|snapshot| {
        let mut found = None;
        let sql = "SELECT id, run_heads, run_tails FROM delivery WHERE id > ? ORDER BY id LIMIT 1";
        snapshot.scan(sql, [after], |row| {
            let (run_heads, run_tails) = (blob(row, 1)?.to_vec(), blob(row, 2)?.to_vec());
            found = Some(Packed { id: row.get(0)?, run_heads, run_tails, blocks: Vec::new() });
            Ok(())
        })?;
        if let Some(delivery) = &mut found {
            let first = |id| block_id(id, 0).ok_or_else(torn);
            let range = [first(delivery.id)?, first(delivery.id + 1)?];
            snapshot.scan("SELECT data FROM block WHERE id >= ? AND id < ? ORDER BY id", range, |row| {
                delivery.blocks.push(blob(row, 0)?.to_vec());
                Ok(())
            })?;
        }
        Ok(found)
    })
}
