//! Where the records of runs are, and reading them from there.

use super::deliveries::Deliveries;
use super::row::{bad_block, bad_directory, blob};
use crate::Result;
use crate::engine::EachRun;
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::hash::{Map, Set};
use spanbridge_store::codec::Block;
use spanbridge_store::delivery::{BlockList, RunIds, run_heads_hold};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// How many blocks are read at once, unless a single run has more. Enough that a block shared by many runs is rarely unpacked
/// twice.
const MAX_BLOCKS_AT_ONCE: usize = 512;

/// Where a run is: the delivery, its place in the directory of that, and the blocks with records of it.
struct RunPlace {
    delivery: i64,
    place: usize,
    blocks: Range<usize>,
}

/// The places of these runs, in the order of the deliveries.
fn places(deliveries: &Deliveries<'_>, wanted: &Set<RunId>) -> Result<Map<RunId, Vec<RunPlace>>> {
    let mut all: Map<RunId, Vec<RunPlace>> = Map::default();
    let mut found = Vec::new();
    deliveries.each("SELECT id, block_list, run_heads, run_tails FROM delivery ORDER BY id", [], |delivery, row| {
        let heads = blob(row, 2)?;
        // Most deliveries have none of them. If few are wanted, the heads alone tell.
        let few = wanted.len() < heads.len() / 8;
        if few && !wanted.iter().any(|run| run_heads_hold(heads, Some(*run))) {
            return Ok(());
        }
        let held = RunIds::new(heads, blob(row, 3)?).ok_or_else(bad_directory)?;
        found.clear();
        match few {
            true => found.extend(wanted.iter().filter_map(|run| Some((held.find(Some(*run))?, *run)))),
            false => {
                let all = (0..held.count()).filter_map(|place| Some((place, held.get(place)??)));
                found.extend(all.filter(|(_, run)| wanted.contains(run)));
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        // A delivery counts whole or not at all.
        let list = BlockList::read(blob(row, 1)?).ok_or_else(bad_directory)?;
        let place = |(place, run): &(usize, RunId)| {
            let blocks = blocks_of(&list, *place).ok_or_else(bad_directory)?;
            Ok((*run, RunPlace { delivery, place: *place, blocks }))
        };
        let found = found.iter().map(place).collect::<Result<Vec<_>>>()?;
        found.into_iter().for_each(|(run, place)| all.entry(run).or_default().push(place));
        Ok(())
    })?;
    Ok(all)
}

/// The blocks of a delivery that hold records of the run at this place. `None` if there are none, which cannot be.
pub(super) fn blocks_of(list: &BlockList, place: usize) -> Option<Range<usize>> {
    let mut holding = list.holding(place);
    let first = holding.next()?;
    Some(first..holding.last().unwrap_or(first) + 1)
}

/// Calls `each` with the records of each of these runs that has some.
pub(super) fn records(deliveries: &Deliveries<'_>, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
    let mut places = places(deliveries, &run_ids.iter().copied().collect())?;
    let mut group = Group::default();
    for run in run_ids {
        // Removed, so that a run that is named twice comes once.
        let Some(places) = places.remove(run) else { continue };
        group.add(*run, places);
        if group.blocks >= MAX_BLOCKS_AT_ONCE {
            std::mem::take(&mut group).read(deliveries, each)?;
        }
    }
    group.read(deliveries, each)
}

/// The same, and a run with many blocks a block at a time.
pub(super) fn pieces(deliveries: &Deliveries<'_>, run_ids: &[RunId], each: &mut EachRun<'_>) -> Result<()> {
    let mut places = places(deliveries, &run_ids.iter().copied().collect())?;
    let mut group = Group::default();
    for run in run_ids {
        let Some(places) = places.remove(run) else { continue };
        if places.iter().map(|place| place.blocks.len()).sum::<usize>() <= MAX_BLOCKS_AT_ONCE / 8 {
            group.add(*run, places);
        } else {
            for place in places {
                read_place(deliveries, *run, &place, each)?;
            }
        }
        if group.blocks >= MAX_BLOCKS_AT_ONCE {
            std::mem::take(&mut group).read(deliveries, each)?;
        }
    }
    group.read(deliveries, each)
}

/// Calls `each` with the records of a run in each block of a delivery.
fn read_place(deliveries: &Deliveries<'_>, run: RunId, at: &RunPlace, each: &mut EachRun<'_>) -> Result<()> {
    for block in at.blocks.clone() {
        let raw = deliveries.skip_damaged(at.delivery, deliveries.block(at.delivery, block))?;
        let Some(raw) = raw else { continue };
        let mut records = Vec::new();
        let wanted = |place| (place == at.place).then_some(Some(run));
        let read = read_runs(&raw, at.place, wanted, |_, record| records.push(record));
        deliveries.skip_damaged(at.delivery, read.ok_or_else(bad_block))?;
        if !records.is_empty() {
            each(run, records)?;
        }
    }
    Ok(())
}

/// Runs that are read together, by delivery.
#[derive(Default)]
struct Group {
    parts: BTreeMap<i64, Part>,
    /// The number of their blocks, each counted once.
    blocks: usize,
}

/// What is wanted of a delivery: runs by their places, and the blocks that hold them.
#[derive(Default)]
struct Part {
    runs: BTreeMap<usize, RunId>,
    blocks: BTreeSet<usize>,
}

impl Group {
    fn add(&mut self, run: RunId, places: Vec<RunPlace>) {
        for RunPlace { delivery, place, blocks } in places {
            let part = self.parts.entry(delivery).or_default();
            part.runs.insert(place, run);
            self.blocks += blocks.filter(|block| part.blocks.insert(*block)).count();
        }
    }

    fn read(self, deliveries: &Deliveries<'_>, each: &mut EachRun<'_>) -> Result<()> {
        // Records borrow from the blocks, so all of them are unpacked first.
        let mut unpacked = Vec::with_capacity(self.blocks);
        for (delivery, part) in &self.parts {
            for block in &part.blocks {
                let raw = deliveries.skip_damaged(*delivery, deliveries.block(*delivery, *block))?;
                unpacked.extend(raw.map(|raw| (*delivery, &part.runs, raw)));
            }
        }
        let mut by_run: BTreeMap<RunId, Vec<Record<'_>>> = BTreeMap::new();
        for (delivery, runs, raw) in &unpacked {
            let last = runs.last_key_value().map_or(0, |(place, _)| *place);
            let wanted = |place| runs.get(&place).map(|run| Some(*run));
            let read = read_runs(raw, last, wanted, |run, record| {
                if let Some(run) = run {
                    by_run.entry(run).or_default().push(record);
                }
            });
            deliveries.skip_damaged(*delivery, read.ok_or_else(bad_block))?;
        }
        by_run.into_iter().try_for_each(|(run, records)| each(run, records))
    }
}

/// Reads the runs of a block that are `wanted`, by their places up to `last`. Skips the others. `wanted` answers the run under
/// which the records are found, where the inner `None` is for records of no run.
pub(super) fn read_runs<'a>(
    raw: &'a [u8],
    last: usize,
    wanted: impl Fn(usize) -> Option<Option<RunId>>,
    mut each: impl FnMut(Option<RunId>, Record<'a>),
) -> Option<()> {
    let mut block = Block::open(raw)?;
    while let Some(part) = block.next_part()?.filter(|part| part.run <= last) {
        match wanted(part.run) {
            Some(run) => block.read(&part, run, |record| each(run, record))?,
            None => block.skip(&part)?,
        }
    }
    Some(())
}
