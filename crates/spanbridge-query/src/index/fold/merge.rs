//! Merging frames by run: the parts of each run move into blocks, and what the directories say of it becomes its row.

use super::super::changed;
use super::super::order::ordered;
use super::super::run::{Piece, Totals};
use super::super::source::{Position, Source, bad_block, bad_directory};
use super::blocks::{Blocks, OpenBlock, OpenRun, Workshop};
use super::pieces::reopen;
use super::rows;
use crate::{Error, Result};
use rusqlite::{Connection, params};
use spanbridge::RunId;
use spanbridge_graph::hash::Map;
use spanbridge_store::codec::Part;
use spanbridge_store::delivery::{Aggregates, IdPairs, RunIds};
use spanbridge_store::log::Columns;

/// What started the runs of a delivery, by their places in it.
pub(in crate::index) fn parents(columns: &Columns<'_>) -> Result<Map<usize, RunId>> {
    let pairs = IdPairs::new(columns.parents).ok_or_else(bad_directory)?;
    Ok(pairs.iter().filter_map(|(parent, place)| Some((place, RunId::new(parent)?))).collect())
}

/// The blocks that a fold wrote.
pub(in crate::index) struct Written {
    /// Their numbers, from first to last. `None`: none was written.
    pub(in crate::index) blocks: Option<(i64, i64)>,
    /// Their bytes.
    pub(in crate::index) bytes: u64,
}

/// A frame whose parts are moved, run by run.
struct Moving<'s> {
    source: &'s Source,
    columns: Columns<'s>,
    runs: RunIds<'s>,
    aggregates: Aggregates<'s>,
    /// The numbers in the index of the texts in the aggregates.
    texts: Vec<u32>,
    /// What started the runs, by their places.
    parents: Map<usize, RunId>,
    blocks: Vec<OpenBlock<'s>>,
    /// The block that is read, and the part that is next in it.
    block: usize,
    part: Option<Part<'s>>,
    /// The rows of the index that say where its records of no run are.
    loose: Vec<i64>,
}

/// The blocks of a source, unpacked.
fn unpack(source: &Source) -> Result<Vec<Vec<u8>>> {
    let unpack = |block| {
        let mut raw = Vec::new();
        source.unpack(block, &mut raw)?;
        Ok(raw)
    };
    (0..source.blocks.len()).map(unpack).collect()
}

/// Moves all records of these sources into blocks and rows. If it fails because of what is in one of them, that is the `culprit`.
pub(in crate::index) fn merge(
    connection: &Connection,
    workshop: &mut Workshop,
    sources: &[Source],
    culprit: &mut Option<Position>,
) -> Result<Written> {
    let mut raws = Vec::with_capacity(sources.len());
    for source in sources {
        *culprit = Some(source.at);
        raws.push(unpack(source)?);
    }
    let mut moving = Vec::with_capacity(sources.len());
    let mut entries: Vec<(u128, u32)> = Vec::new();
    for (source, raws) in sources.iter().zip(&raws) {
        *culprit = Some(source.at);
        let frame = Moving::open(connection, workshop, source, raws)?;
        for place in 0..frame.runs.count() {
            let run = frame.runs.get(place).ok_or_else(bad_directory)?;
            entries.push((run.map_or(0, RunId::get), moving.len() as u32));
        }
        moving.push(frame);
    }
    // Each frame is in order already, so this merges.
    entries.sort();
    let next = connection.query_row(
        "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'block'",
        [],
        |r| r.get::<_, i64>(0),
    )?;
    let mut blocks = Blocks { connection, first: next, next, bytes: 0 };
    for of_run in entries.chunk_by(|a, b| a.0 == b.0 && a.0 != 0) {
        let run_id = RunId::new(of_run[0].0);
        let (mut run, mut totals, mut parent) = (OpenRun::new(run_id), Totals::default(), None);
        *culprit = None;
        let before = run_id.map(|run| rows::find(connection, run)).transpose()?.flatten();
        let mut pieces = match &before {
            Some(before) => reopen(&mut blocks, workshop, &mut run, before)?,
            None => Vec::new(),
        };
        for (_, frame) in of_run {
            let frame = &mut moving[*frame as usize];
            *culprit = Some(frame.source.at);
            let mut aggregate = frame.aggregates.read_next().ok_or_else(bad_directory)?;
            aggregate.suspect |= frame.source.is_conflict;
            let texts = &frame.texts;
            let aggregate = aggregate.named(|at| texts.get(at as usize).copied()).ok_or_else(bad_directory)?;
            totals.merge(aggregate);
            let Some(part) = frame.part.filter(|part| frame.runs.get(part.run) == Some(run_id)) else {
                return Err(bad_directory());
            };
            parent = parent.or(frame.parents.get(&part.run).copied());
            frame.move_run(workshop, &mut blocks, &mut run)?;
        }
        *culprit = None;
        pieces.extend(run.piece);
        match run_id {
            Some(run_id) => {
                let gathered = rows::Gathered { run_id, totals, parent, pieces: &pieces };
                workshop.rows.add(connection, &mut workshop.texts, before.as_ref(), gathered)?;
            }
            None => {
                let frame = &mut moving[of_run[0].1 as usize];
                frame.loose = add_loose(connection, frame.source, &pieces)?;
            }
        }
    }
    if !workshop.writer.is_empty() {
        blocks.close(workshop)?;
    }
    for frame in &moving {
        *culprit = Some(frame.source.at);
        frame.add_mentions(connection)?;
        changed::add(connection, frame.columns.rows, frame.runs, &frame.loose)?;
    }
    *culprit = None;
    let written = (blocks.next > blocks.first).then(|| (blocks.first, blocks.next - 1));
    Ok(Written { blocks: written, bytes: blocks.bytes })
}

/// Notes where records of no run are, and of which time they are. Returns the numbers of these notes.
fn add_loose(connection: &Connection, source: &Source, pieces: &[Piece]) -> Result<Vec<i64>> {
    let mut add =
        connection.prepare_cached("INSERT INTO loose(first_at, last_at, block, place) VALUES (?, ?, ?, ?)")?;
    let places = pieces.iter().flat_map(Piece::blocks);
    let mut add = |(block, place): (i64, usize)| {
        add.insert(params![ordered(source.first_at), ordered(source.last_at), block, place as i64])
    };
    Ok(places.map(&mut add).collect::<rusqlite::Result<_>>()?)
}

impl<'s> Moving<'s> {
    fn open(connection: &Connection, workshop: &mut Workshop, source: &'s Source, raws: &'s [Vec<u8>]) -> Result<Self> {
        let columns = source.columns()?;
        let runs = RunIds::new(columns.run_heads, columns.run_tails).ok_or_else(bad_directory)?;
        let aggregates = Aggregates::read(columns.aggregates, source.base()).ok_or_else(bad_directory)?;
        let mut texts = Vec::with_capacity(aggregates.names().len());
        for name in aggregates.names() {
            texts.push(workshop.texts.number(connection, name)?);
        }
        let parents = parents(&columns)?;
        let mut blocks = Vec::with_capacity(raws.len());
        for raw in raws {
            blocks.push(OpenBlock::open(workshop, raw)?);
        }
        let (block, part, loose) = (0, None, Vec::new());
        let mut frame = Self { source, columns, runs, aggregates, texts, parents, blocks, block, part, loose };
        frame.next_part()?;
        Ok(frame)
    }

    /// Goes on to the next part, in the next block if there is none in this one.
    fn next_part(&mut self) -> Result<()> {
        self.part = None;
        while let Some(open) = self.blocks.get_mut(self.block) {
            self.part = open.block.next_part().ok_or_else(bad_block)?;
            if self.part.is_some() {
                break;
            }
            self.block += 1;
        }
        Ok(())
    }

    /// Moves the parts of the next run, which is this one.
    fn move_run(&mut self, workshop: &mut Workshop, blocks: &mut Blocks<'_>, run: &mut OpenRun) -> Result<()> {
        let Some(first) = self.part else { return Err(Error::corrupt("a run has no records")) };
        while let Some(part) = self.part.filter(|part| part.run == first.run) {
            blocks.add(workshop, run, &mut self.blocks[self.block], &part)?;
            self.next_part()?;
        }
        Ok(())
    }

    /// Adds which traces, parents and linked traces the runs mention.
    fn add_mentions(&self, connection: &Connection) -> Result<()> {
        let columns = [self.columns.traces, self.columns.parents, self.columns.links];
        for (kind, column) in columns.into_iter().enumerate() {
            for (id, place) in IdPairs::new(column).ok_or_else(bad_directory)?.iter() {
                let Some(run) = self.runs.get(place).ok_or_else(bad_directory)? else { continue };
                let mut add =
                    connection.prepare_cached("INSERT OR IGNORE INTO mention(kind, id, run) VALUES (?, ?, ?)")?;
                add.execute(params![kind as i64, id.to_be_bytes(), run.get().to_be_bytes()])?;
            }
        }
        Ok(())
    }
}
