//! Records as they were read from the file: blocks, and which runs to take from them.

use crate::Result;
use crate::damage::Damage;
use crate::row::bad_block;
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::run_of;
use spanbridge_store::codec::Block;
use std::collections::BTreeMap;

/// The blocks that hold some runs, by delivery. Records borrow from them.
#[derive(Debug)]
pub(crate) struct StoredRecords<'c> {
    pub(crate) parts: Vec<DeliveryBlocks>,
    pub(crate) damage: &'c Damage,
}

/// The blocks of one delivery that hold some runs.
#[derive(Debug)]
pub(crate) struct DeliveryBlocks {
    pub(crate) delivery: i64,
    pub(crate) runs: RunPlaces,
    pub(crate) blocks: Vec<Vec<u8>>,
}

/// Runs, each with its place in the directory of a delivery.
pub(crate) type RunPlaces = Vec<(usize, Option<RunId>)>;

impl StoredRecords<'_> {
    /// The records of the runs, in the order in which they were stored.
    pub(crate) fn records(&self) -> Result<Vec<Record<'_>>> {
        let mut records = Vec::new();
        self.parts.iter().try_for_each(|part| self.read(part, &mut records))?;
        Ok(records)
    }

    /// The records of each run. Records without a run are included only if their delivery has records of a wanted run.
    pub(crate) fn by_run(&self) -> Result<BTreeMap<Option<RunId>, Vec<Record<'_>>>> {
        let mut by_run: BTreeMap<Option<RunId>, Vec<Record<'_>>> = BTreeMap::new();
        for part in self.parts.iter().filter(|part| part.runs.iter().any(|(_, run)| run.is_some())) {
            let mut records = Vec::new();
            self.read(part, &mut records)?;
            for record in records {
                by_run.entry(run_of(&record)).or_default().push(record);
            }
        }
        Ok(by_run)
    }

    fn read<'a>(&self, part: &'a DeliveryBlocks, records: &mut Vec<Record<'a>>) -> Result<()> {
        for raw in &part.blocks {
            let read = read_runs(raw, &part.runs, records).ok_or_else(bad_block);
            self.damage.skip_damaged(part.delivery, read)?;
        }
        Ok(())
    }
}

/// Collects the records of the runs at these places from a block. Skips the others.
fn read_runs<'a>(raw: &'a [u8], runs: &[(usize, Option<RunId>)], records: &mut Vec<Record<'a>>) -> Option<()> {
    let last = runs.last().map_or(0, |(place, _)| *place);
    let mut block = Block::open(raw)?;
    while let Some(part) = block.next_part()?.filter(|part| part.run <= last) {
        match runs.binary_search_by_key(&part.run, |(place, _)| *place) {
            Ok(at) => block.read(&part, runs[at].1, |record| records.push(record))?,
            Err(_) => block.skip(&part)?,
        }
    }
    Some(())
}
