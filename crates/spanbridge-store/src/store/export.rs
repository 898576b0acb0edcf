//! Every record of the store.

use super::Store;
use super::snapshot::{a_block_is_missing, blob, not_a_block, torn};
use crate::codec::{Block, pack};
use crate::delivery::{BlockList, RunIds};
use crate::error::{Error, Result};
use crate::file::block_ids;
use spanbridge::record::Record;

/// A delivery as it was read: the ids of its runs (`None`: damaged), and its blocks, still packed.
struct Packed {
    id: i64,
    runs: Option<(Vec<u8>, Vec<u8>)>,
    blocks: Vec<Vec<u8>>,
}

/// Calls `each` with every record, one delivery after the other. No lock is held while it runs: it may be slow.
pub(super) fn all(store: &Store, mut each: impl FnMut(Record<'_>)) -> Result<()> {
    let (mut after, mut raw) = (0, Vec::new());
    while let Some(delivery) = next(store, after)? {
        if delivery.id <= after {
            let error = Error::corrupt("its deliveries are not in order");
            return Err(error.at("read", &store.path));
        }
        after = delivery.id;
        let Some((heads, tails)) = &delivery.runs else { continue };
        let runs = RunIds::new(heads, tails).ok_or_else(torn);
        let Some(runs) = store.damage.step_over(delivery.id, runs)? else { continue };
        for packed in &delivery.blocks {
            let read = pack::unpack(packed, &mut raw);
            let read = read.and_then(|()| records(&raw, runs, &mut each).ok_or_else(not_a_block));
            store.damage.step_over(delivery.id, read).map_err(|e| e.at("read", &store.path))?;
        }
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
        let mut blocks = 0;
        let sql = "SELECT id, run_heads, run_tails, block_list FROM delivery WHERE id > ? ORDER BY id LIMIT 1";
        snapshot.deliveries(sql, [after], |id, row| {
            let delivery = found.insert(Packed { id, runs: None, blocks: Vec::new() });
            delivery.runs = Some((blob(row, 1)?.to_vec(), blob(row, 2)?.to_vec()));
            blocks = BlockList::read(blob(row, 3)?).ok_or_else(torn)?.len();
            Ok(())
        })?;
        if let Some(delivery) = &mut found {
            if let Some(range) = block_ids(delivery.id) {
                snapshot.scan("SELECT data FROM block WHERE id BETWEEN ? AND ? ORDER BY id", range, |row| {
                    delivery.blocks.extend(snapshot.damage.step_over(delivery.id, blob(row, 0).map(<[u8]>::to_vec))?);
                    Ok(())
                })?;
            }
            let all_there = if delivery.blocks.len() < blocks { Err(a_block_is_missing()) } else { Ok(()) };
            snapshot.damage.step_over(delivery.id, all_there)?;
        }
        Ok(found)
    })
}
