//! Every record of the store.

use crate::reader::Reader;
use crate::row::{bad_block, bad_directory, blob, missing_block};
use crate::{Error, Result};
use spanbridge::record::Record;
use spanbridge_store::codec::{Block, pack};
use spanbridge_store::delivery::{BlockList, RunIds};
use spanbridge_store::file::block_ids;

/// A delivery as it was read: the ids of its runs (`None` if they are damaged), and its blocks, still packed.
struct Packed {
    id: i64,
    runs: Option<(Vec<u8>, Vec<u8>)>,
    blocks: Vec<Vec<u8>>,
}

/// Calls `each` with every record, one delivery after the other. Holds no lock meanwhile, since `each` may be slow.
pub(crate) fn all(reader: &Reader, mut each: impl FnMut(Record<'_>)) -> Result<()> {
    let (mut after, mut raw) = (0, Vec::new());
    while let Some(delivery) = next(reader, after)? {
        if delivery.id <= after {
            let error = Error::corrupt("its deliveries are not in order");
            return Err(error.at("read", &reader.path));
        }
        after = delivery.id;
        let Some((heads, tails)) = &delivery.runs else { continue };
        let runs = RunIds::new(heads, tails).ok_or_else(bad_directory);
        let Some(runs) = reader.damage.skip_damaged(delivery.id, runs)? else { continue };
        for packed in &delivery.blocks {
            let read = pack::unpack(packed, &mut raw);
            let read = read.and_then(|()| records(&raw, runs, &mut each).ok_or_else(bad_block));
            reader.damage.skip_damaged(delivery.id, read).map_err(|e| e.at("read", &reader.path))?;
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
fn next(reader: &Reader, after: i64) -> Result<Option<Packed>> {
    reader.read(|snapshot| {
        let mut found = None;
        let mut blocks = 0;
        let sql = "SELECT id, run_heads, run_tails, block_list FROM delivery WHERE id > ? ORDER BY id LIMIT 1";
        snapshot.deliveries(sql, [after], |id, row| {
            let delivery = found.insert(Packed { id, runs: None, blocks: Vec::new() });
            delivery.runs = Some((blob(row, 1)?.to_vec(), blob(row, 2)?.to_vec()));
            blocks = BlockList::read(blob(row, 3)?).ok_or_else(bad_directory)?.count();
            Ok(())
        })?;
        if let Some(delivery) = &mut found {
            if let Some(range) = block_ids(delivery.id) {
                snapshot.scan("SELECT data FROM block WHERE id BETWEEN ? AND ? ORDER BY id", range, |row| {
                    delivery
                        .blocks
                        .extend(snapshot.damage.skip_damaged(delivery.id, blob(row, 0).map(<[u8]>::to_vec))?);
                    Ok(())
                })?;
            }
            let all_there = if delivery.blocks.len() < blocks { Err(missing_block()) } else { Ok(()) };
            snapshot.damage.skip_damaged(delivery.id, all_there)?;
        }
        Ok(found)
    })
}
