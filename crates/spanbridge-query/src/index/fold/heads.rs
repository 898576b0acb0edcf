//! The first halves of span ids, with the blocks in which they are: generations of sorted tables.
//!
//! A fold writes a generation of its own, and some generations of about the same size become one. So a look-up has few to search,
//! and a span is written again only a few times.
//!
//! A generation is cut into buckets by the first bits of an id, at least 8. A bucket has the 24 bits up to the half of the id of
//! each span, sorted, and then the block of each, counted from the first block of the generation.

use super::tiers::first_moved;
use crate::{Error, Result};
use rusqlite::{Connection, params};
use std::ops::RangeInclusive;

/// How many generations there are before some become one, besides those that are large already.
const MAX_GENERATIONS: usize = 12;

/// How many spans a generation has at most. More would take too long, and too much memory, at once.
const MAX_SPANS: u64 = 4 << 20;

/// How many spans a bucket has at most, about.
const BUCKET: u64 = 4096;

/// Generations with more blocks are not merged: blocks are numbered with 16 bits.
const MAX_BLOCKS: i64 = 1 << 16;

/// How many bits of an id choose the bucket, at most. So many bits of a row's id are its bucket.
const MAX_BITS: u32 = 16;

/// A span: the first half of its id, and its block.
pub(in crate::index) type Head = (u32, i64);

/// Adds the spans of the blocks of a fold.
pub(in crate::index) fn add(connection: &Connection, heads: &mut Vec<Head>, blocks: RangeInclusive<i64>) -> Result<()> {
    write(connection, heads, blocks)?;
    let mut query = connection.prepare_cached(
        "SELECT id, bits, first_block, last_block, spans FROM generation WHERE spans < ? ORDER BY id",
    )?;
    let rows = query.query_map([MAX_SPANS as i64 / 2], |row| {
        let (id, bits, spans) = (row.get(0)?, row.get(1)?, row.get::<_, i64>(4)? as u64);
        Ok(Generation { id, bits, blocks: row.get(2)?..=row.get(3)?, spans })
    })?;
    let mut all = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    if all.len() < MAX_GENERATIONS {
        return Ok(());
    }
    let sizes: Vec<u64> = all.iter().map(|generation| generation.spans).collect();
    merge(connection, &all.split_off(first_moved(&sizes, MAX_SPANS)))
}

/// A generation.
struct Generation {
    id: i64,
    bits: u32,
    blocks: RangeInclusive<i64>,
    spans: u64,
}

fn write(connection: &Connection, heads: &mut Vec<Head>, blocks: RangeInclusive<i64>) -> Result<()> {
    heads.sort_unstable();
    heads.dedup();
    let bits = (heads.len() as u64 / BUCKET + 1).next_power_of_two().ilog2().clamp(8, MAX_BITS);
    let mut add = connection
        .prepare_cached("INSERT INTO generation(bits, first_block, last_block, spans) VALUES (?, ?, ?, ?)")?;
    let id = add.insert(params![bits, blocks.start(), blocks.end(), heads.len() as i64])?;
    let mut add = connection.prepare_cached("INSERT INTO span_head VALUES (?, ?)")?;
    let mut data = Vec::new();
    for of_bucket in heads.chunk_by(|a, b| bucket_row(id, a.0, bits) == bucket_row(id, b.0, bits)) {
        data.clear();
        for (head, _) in of_bucket {
            data.extend_from_slice(&head.to_be_bytes()[1..]);
        }
        for (_, block) in of_bucket {
            data.extend_from_slice(&((block - blocks.start()) as u16).to_be_bytes());
        }
        add.execute(params![bucket_row(id, of_bucket[0].0, bits), data])?;
    }
    Ok(())
}

/// The row of the bucket with these spans.
fn bucket_row(generation: i64, head: u32, bits: u32) -> i64 {
    generation << MAX_BITS | i64::from(head >> (32 - bits))
}

/// The rows of a generation.
fn bucket_rows(generation: i64) -> [i64; 2] {
    [generation << MAX_BITS, generation << MAX_BITS | ((1 << MAX_BITS) - 1)]
}

/// Makes one generation of these.
fn merge(connection: &Connection, all: &[Generation]) -> Result<()> {
    let first = all.iter().map(|generation| *generation.blocks.start()).min();
    let last = all.iter().map(|generation| *generation.blocks.end()).max();
    let (Some(first), Some(last)) = (first, last) else { return Ok(()) };
    if all.len() < 2 || last - first >= MAX_BLOCKS {
        return Ok(());
    }
    let mut heads = Vec::with_capacity(all.iter().map(|generation| generation.spans as usize).sum());
    for generation in all {
        read(connection, generation, &mut heads)?;
        let rows = bucket_rows(generation.id);
        connection.prepare_cached("DELETE FROM span_head WHERE id BETWEEN ? AND ?")?.execute(rows)?;
        connection.prepare_cached("DELETE FROM generation WHERE id = ?")?.execute([generation.id])?;
    }
    write(connection, &mut heads, first..=last)
}

/// Forgets the spans of blocks that are gone.
pub(in crate::index) fn forget_missing_blocks(connection: &Connection) -> Result<()> {
    let mut query = connection.prepare_cached("SELECT id, first_block, last_block FROM generation")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let all = rows.collect::<rusqlite::Result<Vec<(i64, i64, i64)>>>()?;
    let mut blocks = connection.prepare_cached("SELECT id FROM block WHERE id BETWEEN ? AND ?")?;
    for (id, first, last) in all {
        let there = blocks.query_map([first, last], |row| row.get::<_, i64>(0))?;
        let there = there.collect::<rusqlite::Result<std::collections::HashSet<_>>>()?;
        if there.len() as i64 > last - first {
            continue;
        }
        let spans = keep_blocks(connection, id, |block| there.contains(&(first + i64::from(block))))?;
        match spans {
            0 => connection.prepare_cached("DELETE FROM generation WHERE id = ?")?.execute([id])?,
            spans => connection.prepare_cached("UPDATE generation SET spans = ? WHERE id = ?")?.execute([spans, id])?,
        };
    }
    Ok(())
}

/// Keeps the spans of some blocks of a generation. Returns how many are left.
fn keep_blocks(connection: &Connection, id: i64, keep: impl Fn(u16) -> bool) -> Result<i64> {
    let mut query = connection.prepare_cached("SELECT id FROM span_head WHERE id BETWEEN ? AND ?")?;
    let rows = query.query_map(bucket_rows(id), |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut query = connection.prepare_cached("SELECT data FROM span_head WHERE id = ?")?;
    let mut change = connection.prepare_cached("UPDATE span_head SET data = ? WHERE id = ?")?;
    let mut delete = connection.prepare_cached("DELETE FROM span_head WHERE id = ?")?;
    let mut left = 0;
    for row in rows {
        let data: Vec<u8> = query.query_row([row], |row| row.get(0))?;
        let (rests, blocks) = halves(&data)?;
        let kept = || rests.iter().zip(blocks).filter(|(_, block)| keep(u16::from_be_bytes(**block)));
        let mut new: Vec<u8> = kept().flat_map(|(rest, _)| *rest).collect();
        new.extend(kept().flat_map(|(_, block)| *block));
        left += (new.len() / 5) as i64;
        if new.is_empty() {
            delete.execute([row])?;
        } else if new.len() < data.len() {
            change.execute(params![new, row])?;
        }
    }
    Ok(left)
}

/// The spans of a generation.
fn read(connection: &Connection, from: &Generation, heads: &mut Vec<Head>) -> Result<()> {
    let (bits, first_block) = (from.bits, from.blocks.start());
    let mut query = connection.prepare_cached("SELECT id, data FROM span_head WHERE id BETWEEN ? AND ?")?;
    let mut found = query.query(bucket_rows(from.id))?;
    while let Some(row) = found.next()? {
        let bucket = row.get::<_, i64>(0)? as u32 & ((1 << MAX_BITS) - 1);
        let (rests, blocks) = halves(row.get_ref(1)?.as_blob().map_err(|_| bad())?)?;
        let first = bucket << (32 - bits) & 0xff00_0000;
        for (rest, block) in rests.iter().zip(blocks) {
            heads.push((first | number(rest), first_block + i64::from(u16::from_be_bytes(*block))));
        }
    }
    Ok(())
}

/// The blocks that may have a span whose id has its first half in this range.
pub(in crate::index) fn blocks(connection: &Connection, range: &RangeInclusive<u32>) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    let mut query = connection.prepare_cached("SELECT id, bits, first_block FROM generation")?;
    let mut generations = query.query([])?;
    while let Some(row) = generations.next()? {
        let (id, bits, first_block): (i64, u32, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let mut query = connection.prepare_cached("SELECT id, data FROM span_head WHERE id BETWEEN ? AND ?")?;
        let mut rows = query.query([bucket_row(id, *range.start(), bits), bucket_row(id, *range.end(), bits)])?;
        while let Some(found_row) = rows.next()? {
            let bucket = found_row.get::<_, i64>(0)? as u32 & ((1 << MAX_BITS) - 1);
            let first = bucket << (32 - bits) & 0xff00_0000;
            let (rests, blocks) = halves(found_row.get_ref(1)?.as_blob().map_err(|_| bad())?)?;
            let from = rests.partition_point(|rest| first | number(rest) < *range.start());
            let within = rests.iter().zip(blocks).skip(from).take_while(|(r, _)| first | number(r) <= *range.end());
            found.extend(within.map(|(_, block)| first_block + i64::from(u16::from_be_bytes(*block))));
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The low 24 bits of a head.
fn number(rest: &[u8; 3]) -> u32 {
    u32::from_be_bytes([0, rest[0], rest[1], rest[2]])
}

type Halves<'d> = (&'d [[u8; 3]], &'d [[u8; 2]]);

fn halves(data: &[u8]) -> Result<Halves<'_>> {
    let count = data.len() / 5;
    let (rests, blocks) = data.split_at_checked(3 * count).ok_or_else(bad)?;
    match (rests.as_chunks(), blocks.as_chunks()) {
        ((rests, []), (blocks, [])) if rests.len() == blocks.len() => Ok((rests, blocks)),
        _ => Err(bad()),
    }
}

fn bad() -> Error {
    Error::corrupt("the table of span ids does not fit together")
}
