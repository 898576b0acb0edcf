//! One consistent state of the file, while it is being read.
//!
//! A snapshot holds back the checkpoints of every writer, so it is kept no longer than one question takes.

use super::damage::Damage;
use crate::codec::{Block, pack};
use crate::delivery::{Aggregate, Aggregates, BlockList, IdPairs, RunIds, key_of, run_heads_hold};
use crate::error::{Error, Result};
use crate::file::block_id;
use crate::hash::Map;
use rusqlite::{OptionalExtension, Row, Transaction};
use spanbridge::RunId;
use spanbridge::record::Record;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

/// What aggregates of several deliveries have in common: names as text.
pub(super) type Sum = Aggregate<Rc<str>>;

/// A read transaction, and where is noted what cannot be read in it.
pub(super) struct Snapshot<'c> {
    pub(super) transaction: Transaction<'c>,
    pub(super) damage: &'c Damage,
}

/// Where records of some runs lie in one delivery.
#[derive(Debug)]
struct Places {
    delivery: i64,
    runs: RunPlaces,
    blocks: BTreeSet<usize>,
}

/// What a row of a delivery says does not fit together.
pub(super) fn torn() -> Error {
    Error::corrupt("its directory does not fit together")
}

pub(super) fn a_block_is_missing() -> Error {
    Error::corrupt("a block is missing")
}

/// A block is not as a block should be.
pub(super) fn not_a_block() -> Error {
    Error::corrupt("a block does not hold what it says")
}

/// A column with bytes.
pub(super) fn blob<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r [u8]> {
    row.get_ref(column)?.as_blob().map_err(|_| torn())
}

impl<'c> Snapshot<'c> {
    /// Calls `each` with every row of a query.
    pub(super) fn scan(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        mut each: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut query = self.transaction.prepare_cached(sql)?;
        let mut rows = query.query(parameters)?;
        while let Some(row) = rows.next()? {
            each(row)?;
        }
        Ok(())
    }

    /// Calls `each` with the number of every delivery of a query, which is its first column, and the row; steps over what
    /// is damaged.
    pub(super) fn deliveries(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        mut each: impl FnMut(i64, &Row<'_>) -> Result<()>,
    ) -> Result<()> {
        self.scan(sql, parameters, |row| {
            let delivery = row.get(0)?;
            self.damage.step_over(delivery, each(delivery, row)).map(drop)
        })
    }

    /// The number of the newest delivery; 0 if there is none.
    pub(super) fn newest(&self) -> Result<i64> {
        Ok(self.transaction.query_row("SELECT coalesce(max(id), 0) FROM delivery", [], |row| row.get(0))?)
    }

    /// Where records of these runs lie, in deliveries after this one. `None` stands for the records of no run.
    fn places(&self, wanted: &[Option<RunId>], after: i64) -> Result<Vec<Places>> {
        let mut all = Vec::new();
        let sorted: BTreeSet<Option<RunId>> = wanted.iter().copied().collect();
        let sql = "SELECT id, block_list, run_heads, run_tails FROM delivery WHERE id > ?";
        self.deliveries(sql, [after], |delivery, row| {
            let heads = blob(row, 2)?;
            // Most deliveries hold none of them, and where few are wanted are known to from the heads alone.
            let few = wanted.len() < heads.len() / 8;
            if few && !wanted.iter().any(|run| run_heads_hold(heads, *run)) {
                return Ok(());
            }
            let held = RunIds::new(heads, blob(row, 3)?).ok_or_else(torn)?;
            let runs: Vec<_> = match few {
                true => wanted.iter().filter_map(|run| Some((held.find(*run)?, *run))).collect(),
                false => {
                    let all = (0..held.len()).filter_map(|place| Some((place, held.get(place)?)));
                    all.filter(|(_, run)| sorted.contains(run)).collect()
                }
            };
            if runs.is_empty() {
                return Ok(());
            }
            let list = BlockList::read(blob(row, 1)?).ok_or_else(torn)?;
            let mut blocks = BTreeSet::new();
            for (place, _) in &runs {
                let mut holding = list.holding(*place).peekable();
                if holding.peek().is_none() {
                    return Err(torn());
                }
                blocks.extend(holding);
            }
            all.push(Places { delivery, runs, blocks });
            Ok(())
        })?;
        Ok(all)
    }

    /// A block, unpacked.
    pub(super) fn block(&self, delivery: i64, block: usize) -> Result<Vec<u8>> {
        let id = block_id(delivery, block).ok_or_else(torn)?;
        let mut query = self.transaction.prepare_cached("SELECT data FROM block WHERE id = ?")?;
        let unpacked = query.query_row([id], |row| {
            let mut raw = Vec::new();
            Ok(blob(row, 0).and_then(|packed| pack::unpack(packed, &mut raw)).map(|()| raw))
        });
        unpacked.optional()?.ok_or_else(a_block_is_missing)?
    }

    /// What is stored of a run.
    pub(super) fn run(&self, run_id: RunId) -> Result<Stored<'c>> {
        self.stored(&[Some(run_id)], 0)
    }

    /// What is stored of these runs in deliveries after this one.
    pub(super) fn stored(&self, runs: &[Option<RunId>], after: i64) -> Result<Stored<'c>> {
        let (mut all, mut parts) = (self.places(runs, after)?, Vec::new());
        for places in &mut all {
            let mut blocks = Vec::with_capacity(places.blocks.len());
            for block in &places.blocks {
                blocks.extend(self.damage.step_over(places.delivery, self.block(places.delivery, *block))?);
            }
            places.runs.sort_unstable_by_key(|(place, _)| *place);
            parts.push(Part { delivery: places.delivery, runs: std::mem::take(&mut places.runs), blocks });
        }
        Ok(Stored { parts, damage: self.damage })
    }

    /// What all deliveries together say of each run, or of these runs.
    pub(super) fn sums(&self, wanted: Option<&BTreeSet<RunId>>) -> Result<Map<RunId, Sum>> {
        let mut sums: Map<RunId, Sum> = Map::default();
        let mut texts = Texts::default();
        // Of one delivery: all of it or nothing.
        let mut said = Vec::new();
        self.deliveries("SELECT id, run_heads, run_tails, aggregates, first_at FROM delivery", [], |_, row| {
            said.clear();
            let heads = blob(row, 1)?;
            if wanted.is_some_and(|wanted| !wanted.iter().any(|run| run_heads_hold(heads, Some(*run)))) {
                return Ok(());
            }
            let runs = RunIds::new(heads, blob(row, 2)?).ok_or_else(torn)?;
            let mut aggregates = Aggregates::read(blob(row, 3)?, row.get::<_, i64>(4)? as u64).ok_or_else(torn)?;
            let names = texts.of(aggregates.names());
            for at in 0..runs.len() {
                let aggregate = aggregates.next().ok_or_else(torn)?;
                let run = runs.get(at).ok_or_else(torn)?;
                if let Some(run) = run.filter(|run| wanted.is_none_or(|wanted| wanted.contains(run))) {
                    let named = aggregate.named(|place| names.get(place as usize).cloned()).ok_or_else(torn)?;
                    said.push((run, named));
                }
            }
            said.drain(..).for_each(|(run, sum)| sums.entry(run).or_default().merge(sum));
            Ok(())
        })?;
        Ok(sums)
    }

    /// When each run began, and how many spans of it there are: as [`Snapshot::sums`] of all runs, in a tenth of the memory.
    pub(super) fn begins(&self) -> Result<Map<RunId, Begin>> {
        let mut begins: Map<RunId, Begin> = Map::default();
        let mut said = Vec::new();
        self.deliveries("SELECT id, run_heads, run_tails, aggregates, first_at FROM delivery", [], |_, row| {
            said.clear();
            let runs = RunIds::new(blob(row, 1)?, blob(row, 2)?).ok_or_else(torn)?;
            let mut aggregates = Aggregates::read(blob(row, 3)?, row.get::<_, i64>(4)? as u64).ok_or_else(torn)?;
            for at in 0..runs.len() {
                let aggregate = aggregates.next().ok_or_else(torn)?;
                said.extend(runs.get(at).ok_or_else(torn)?.map(|run| (run, Begin::of(&aggregate))));
            }
            said.drain(..).for_each(|(run, begin)| begins.entry(run).or_default().merge(begin));
            Ok(())
        })?;
        Ok(begins)
    }

    /// The runs that mention one of these ids in a column of pairs, with that id.
    pub(super) fn mentions(&self, column: PairColumn, ids: &[u128]) -> Result<Vec<(u128, RunId)>> {
        let mut found = Vec::new();
        if ids.is_empty() {
            return Ok(found);
        }
        let sql = match column {
            PairColumn::Traces => "SELECT id, traces, run_heads, run_tails FROM delivery WHERE length(traces) > 0",
            PairColumn::Parents => "SELECT id, parents, run_heads, run_tails FROM delivery WHERE length(parents) > 0",
            PairColumn::Links => "SELECT id, links, run_heads, run_tails FROM delivery WHERE length(links) > 0",
        };
        self.deliveries(sql, [], |_, row| {
            let pairs = IdPairs::new(blob(row, 1)?).ok_or_else(torn)?;
            for (id, at) in ids.iter().flat_map(|id| pairs.within(*id..=*id)) {
                let runs = RunIds::new(blob(row, 2)?, blob(row, 3)?).ok_or_else(torn)?;
                found.extend(runs.get(at).ok_or_else(torn)?.map(|run| (id, run)));
            }
            Ok(())
        })?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

/// When a run began, by its owner, by its spans and by whatever else there is; 0 where that does not say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Begin {
    by: [u64; 3],
    pub(super) spans: u64,
}

impl Begin {
    fn of<N>(sum: &Aggregate<N>) -> Self {
        let by = [sum.lifecycle.started_at, sum.spans_at.map(|s| s.0), sum.others_at.map(|s| s.0)];
        Begin { by: by.map(Option::unwrap_or_default), spans: sum.started.max(sum.ended) }
    }

    fn merge(&mut self, other: Begin) {
        for (at, other) in self.by.iter_mut().zip(other.by) {
            *at = if *at == 0 || other == 0 { other.max(*at) } else { other.min(*at) };
        }
        self.spans = self.spans.saturating_add(other.spans);
    }

    /// As the sum of the run says.
    pub(super) fn started_at(&self) -> u64 {
        self.by.iter().copied().find(|at| *at > 0).unwrap_or(0)
    }
}

/// A column of the directory that pairs ids with runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum PairColumn {
    /// Traces other than the run's own.
    Traces,
    /// The runs that runs were forked from.
    Parents,
    /// Traces that spans of the run are linked to, other than the run's own.
    Links,
}

/// Each text once, whatever number of deliveries mention it.
#[derive(Default)]
struct Texts(HashSet<Rc<str>>);

impl Texts {
    fn of(&mut self, names: &[&str]) -> Vec<Rc<str>> {
        let mut shared = |name: &&str| match self.0.get(*name) {
            Some(text) => Rc::clone(text),
            None => {
                let text: Rc<str> = Rc::from(*name);
                self.0.insert(Rc::clone(&text));
                text
            }
        };
        names.iter().map(&mut shared).collect()
    }
}

/// The blocks that hold some runs, by delivery. Their records borrow from them.
#[derive(Debug)]
pub(super) struct Stored<'c> {
    parts: Vec<Part>,
    damage: &'c Damage,
}

/// What a delivery holds of them.
#[derive(Debug)]
struct Part {
    delivery: i64,
    runs: RunPlaces,
    blocks: Vec<Vec<u8>>,
}

/// Runs, each with its place among the runs of a delivery.
type RunPlaces = Vec<(usize, Option<RunId>)>;

impl Stored<'_> {
    /// The records of the runs, in the order in which they came.
    pub(super) fn records(&self) -> Result<Vec<Record<'_>>> {
        let mut records = Vec::new();
        self.parts.iter().try_for_each(|part| self.read(part, &mut records))?;
        Ok(records)
    }

    /// The records of each run. Those of no run only where they came in one delivery with records of another that is
    /// wanted.
    pub(super) fn by_run(&self) -> Result<BTreeMap<Option<RunId>, Vec<Record<'_>>>> {
        let mut by_run: BTreeMap<Option<RunId>, Vec<Record<'_>>> = BTreeMap::new();
        for part in self.parts.iter().filter(|part| part.runs.iter().any(|(_, run)| run.is_some())) {
            let mut records = Vec::new();
            self.read(part, &mut records)?;
            for record in records {
                by_run.entry(key_of(&record)).or_default().push(record);
            }
        }
        Ok(by_run)
    }

    fn read<'a>(&self, part: &'a Part, records: &mut Vec<Record<'a>>) -> Result<()> {
        for raw in &part.blocks {
            let read = read_runs(raw, &part.runs, records).ok_or_else(not_a_block);
            self.damage.step_over(part.delivery, read)?;
        }
        Ok(())
    }
}

/// Collects the records of the runs at these places from a block; steps over the others.
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
