//! Reading folded blocks.

use super::pack::Packer;
use super::write::Sections;
use crate::{Error, Result};
use spanbridge::RunId;
use spanbridge_store::codec::bytes::{Reader, at_distance};
use spanbridge_store::codec::{Plan, Step};
use std::ops::{Range, RangeInclusive};

/// A block, unpacked.
#[derive(Debug, Default)]
pub(crate) struct FoldedBlock(Sections);

impl FoldedBlock {
    /// Unpacks a block, in place of the one before.
    pub(crate) fn unpack(&mut self, packer: &mut Packer, packed: &[u8]) -> Result<()> {
        packer.unpack(packed, &mut self.0)
    }

    /// A block that was just put together.
    #[cfg(test)]
    pub(crate) fn of(sections: Sections) -> Self {
        Self(sections)
    }

    #[cfg(test)]
    pub(crate) fn sections(&mut self) -> [&mut Vec<u8>; 3] {
        [&mut self.0.words, &mut self.0.numeric, &mut self.0.textual]
    }

    fn cursor(&self) -> Result<Cursor<'_>> {
        Cursor::open(&self.0).ok_or_else(bad_block)
    }

    /// The runs in the block, by their places. `None` stands for records without a run.
    pub(crate) fn runs(&self) -> Result<Vec<Option<RunId>>> {
        let cursor = self.cursor()?;
        Ok(cursor.run_ids.iter().map(|id| RunId::new(u128::from_le_bytes(*id))).collect())
    }

    /// Moves the records of the runs at these places, which must be sorted, into a block like that of a delivery; there, the
    /// runs have the same places.
    pub(crate) fn unfold(&self, wanted: &[usize], out: &mut Vec<u8>) -> Result<()> {
        let last = wanted.last().copied().unwrap_or(0);
        let mut cursor = self.cursor()?;
        let mut unfolding = super::unfold::Unfolding::default();
        let mut wanted = wanted.iter().copied().peekable();
        for place in 0..cursor.run_ids.len().min(last + 1) {
            if wanted.next_if_eq(&place).is_some() {
                unfolding.run(&mut cursor, place).ok_or_else(bad_block)?;
            } else {
                cursor.skip_run(place, |_| {}).ok_or_else(bad_block)?;
            }
        }
        unfolding.finish(&cursor, out);
        Ok(())
    }

    /// The places of the runs that have a span with an id in this range, or its end.
    pub(crate) fn holding_spans(&self, range: &RangeInclusive<u64>) -> Result<Vec<usize>> {
        let (mut cursor, mut places) = (self.cursor()?, Vec::new());
        for place in 0..cursor.run_ids.len() {
            let mut holds = false;
            cursor.skip_run(place, |id| holds |= range.contains(&id)).ok_or_else(bad_block)?;
            if holds {
                places.push(place);
            }
        }
        Ok(places)
    }
}

fn bad_block() -> Error {
    Error::corrupt("a block cannot be read as records")
}

/// Where in a block the reading stands.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    pub(super) run_ids: &'a [[u8; 16]],
    pub(super) names: Vec<&'a [u8]>,
    pub(super) shapes: Vec<Shape>,
    shape_names: Vec<u32>,
    runs: Reader<'a>,
    base: u64,
    pub(super) parts: Reader<'a>,
    pub(super) heads: Reader<'a>,
    pub(super) words: Reader<'a>,
    pub(super) times: Reader<'a>,
    pub(super) durations: Reader<'a>,
    pub(super) references: Reader<'a>,
    streams: Vec<Values<'a>>,
}

/// The numbers and texts of a name.
#[derive(Debug)]
pub(super) struct Values<'a> {
    pub(super) numbers: Reader<'a>,
    pub(super) texts: Reader<'a>,
}

/// A shape: its values, and its names by their numbers in the block.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) plan: Plan,
    names: Range<usize>,
    /// Where the stream of each value is that has one. In the order of the steps.
    streams: Vec<u32>,
}

impl<'a> Cursor<'a> {
    fn open(block: &'a Sections) -> Option<Self> {
        let mut r = Reader(&block.numeric);
        let size = block.numeric.len() + block.words.len() + block.textual.len();
        let [run_count, shape_count, name_count] =
            [r.count_within(size)?, r.count_within(size)?, r.count_within(size)?];
        let stream_count = r.count_within(size)?;
        let mut lengths = [0; 8];
        for length in &mut lengths {
            *length = r.varint()?;
        }
        let mut sections = [[].as_slice(); 8];
        for (section, length) in sections.iter_mut().zip(lengths) {
            *section = r.take(length)?;
        }
        let [shapes, runs, parts, heads, times, durations, references, lengths] = sections.map(Reader);
        let (mut lengths, mut textual) = (lengths, Reader(&block.textual));
        let mut name_lengths = Vec::with_capacity(name_count.min(lengths.0.len()));
        for _ in 0..name_count {
            name_lengths.push(lengths.varint()?);
        }
        let names = name_lengths.into_iter().map(|n| textual.take(n)).collect::<Option<Vec<_>>>()?;
        let mut streams = Vec::with_capacity(stream_count.min(lengths.0.len()));
        for _ in 0..stream_count {
            let (numbers, texts) = (r.take(lengths.varint()?)?, lengths.varint()?);
            streams.push(Values { numbers: Reader(numbers), texts: Reader(textual.take(texts)?) });
        }
        let (run_ids, words) = block.words.split_at_checked(run_count.checked_mul(16)?)?;
        let mut cursor = Self {
            run_ids: run_ids.as_chunks().0,
            names,
            shapes: Vec::with_capacity(shape_count.min(shapes.0.len())),
            shape_names: Vec::new(),
            runs,
            base: 0,
            parts,
            heads,
            words: Reader(words),
            times,
            durations,
            references,
            streams,
        };
        cursor.read_shapes(shape_count, shapes)?;
        Some(cursor)
    }

    fn read_shapes(&mut self, count: usize, mut r: Reader<'a>) -> Option<()> {
        for _ in 0..count {
            let length = r.varint()?;
            let plan = Plan::of(r.take(length)?)?;
            let first = self.shape_names.len();
            for _ in 0..r.count_within(r.0.len())? {
                let name = u32::try_from(r.varint()?).ok()?;
                self.names.get(name as usize)?;
                self.shape_names.push(name);
            }
            let names = self.shape_names.get(first..)?;
            if plan.names as usize != names.len() {
                return None;
            }
            let mut streams = Vec::new();
            for step in &plan.steps {
                if let Step::Number(name) | Step::Text(name) = step {
                    // Values without a name come first.
                    let stream = names.get(*name as usize).map_or(0, |name| name + 1);
                    self.streams.get(stream as usize)?;
                    streams.push(stream);
                }
            }
            self.shapes.push(Shape { plan, names: first..self.shape_names.len(), streams });
        }
        Some(())
    }

    pub(super) fn shape_names(&self, shape: &Shape) -> &[u32] {
        &self.shape_names[shape.names.clone()]
    }

    /// The time from which the first time of the next run is measured, and the number of its parts.
    pub(super) fn next_run(&mut self) -> Option<(u64, u64)> {
        self.base = at_distance(self.base, self.runs.varint()?);
        Some((self.base, self.runs.varint()?))
    }

    /// Steps over a run; names the spans that begin in it, and those that end in it without a beginning.
    fn skip_run(&mut self, place: usize, mut span: impl FnMut(u64)) -> Option<()> {
        let run = self.run_ids.get(place).and_then(|id| RunId::new(u128::from_le_bytes(*id)));
        for _ in 0..self.next_run()?.1 {
            let flags = self.parts.byte()?;
            super::unfold::PartHead::read(self, flags)?;
            for _ in 0..self.parts.varint()? {
                let shape = self.shapes.get(usize::try_from(self.heads.varint()?).ok()?)?;
                let (mut streams, mut unknown) = (shape.streams.iter(), None);
                for step in &shape.plan.steps {
                    match step {
                        Step::OwnSpan => span(self.words.word()?),
                        Step::Span | Step::RecentSpan => {
                            unknown = if self.references.varint()? == 0 { Some(self.words.word()?) } else { None };
                        }
                        Step::RunSpan => unknown = run.map(|run| run.as_parent().get()),
                        Step::Word => drop(self.words.word()?),
                        Step::Start | Step::Time => self.times.skip_varints(1)?,
                        Step::End => {
                            self.durations.skip_varints(1)?;
                            unknown.into_iter().for_each(&mut span);
                        }
                        Step::Duration => self.durations.skip_varints(1)?,
                        Step::Number(_) => self.streams.get_mut(*streams.next()? as usize)?.numbers.skip_varints(1)?,
                        Step::Text(_) => {
                            let values = self.streams.get_mut(*streams.next()? as usize)?;
                            let length = values.numbers.varint()?;
                            values.texts.take(length)?;
                        }
                    }
                }
            }
        }
        Some(())
    }

    /// The stream of a value: the next of those of its shape.
    pub(super) fn values(&mut self, shape: usize, nth: usize) -> Option<&mut Values<'a>> {
        let stream = *self.shapes.get(shape)?.streams.get(nth)?;
        self.streams.get_mut(stream as usize)
    }
}
