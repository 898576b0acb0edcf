//! Reading a folded block from the front: values one after the other, from the streams in which they stand.

use super::part;
use super::write::Sections;
use spanbridge::{RunId, SegmentId, TraceId};
use spanbridge_store::codec::bytes::{Reader, at_distance};
use spanbridge_store::codec::{Plan, Step};
use std::ops::Range;

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
    /// For each value that has one, the stream in which it stands. In the order of the steps.
    pub(super) streams: Vec<u32>,
}

impl<'a> Cursor<'a> {
    pub(super) fn open(block: &'a Sections) -> Option<Self> {
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
    pub(super) fn skip_run(&mut self, place: usize, mut span: impl FnMut(u64)) -> Option<()> {
        let run = self.run_ids.get(place).and_then(|id| RunId::new(u128::from_le_bytes(*id)));
        for _ in 0..self.next_run()?.1 {
            let flags = self.parts.byte()?;
            PartHead::read(self, flags)?;
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
                        Step::Commit => self.durations.skip_varints(1)?,
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

    /// The stream of a value.
    #[inline]
    pub(super) fn values(&mut self, stream: u32) -> Option<&mut Values<'a>> {
        self.streams.get_mut(stream as usize)
    }
}

/// The header of a part of a folded block.
#[derive(Debug)]
pub(super) struct PartHead {
    pub(super) other_trace: Option<TraceId>,
    pub(super) segment: Segment,
    pub(super) service: Option<u32>,
    pub(super) first_seq: Option<u64>,
}

/// The segment of a part: new in the run, or the one with this number.
#[derive(Debug)]
pub(super) enum Segment {
    New(SegmentId),
    Known(usize),
}

impl PartHead {
    /// Reads what follows these flags, up to the number of records.
    pub(super) fn read(from: &mut Cursor<'_>, flags: u8) -> Option<Self> {
        let other_trace = match flags & part::OTHER_TRACE {
            0 => None,
            _ => {
                let (low, high) = (from.words.word()?, from.words.word()?);
                Some(TraceId::new(u128::from(high) << 64 | u128::from(low))?)
            }
        };
        let segment = match flags & part::NEW_SEGMENT {
            0 => Segment::Known(usize::try_from(from.parts.varint()?).ok()?),
            _ => Segment::New(SegmentId::new(from.words.word()?)?),
        };
        let service = match flags & (part::NEW_SEGMENT | part::SERVICE) {
            0 => None,
            _ => Some(u32::try_from(from.parts.varint()?).ok()?),
        };
        let first_seq = match flags & part::SEQUENCE {
            0 => None,
            _ => Some(from.parts.varint()?),
        };
        Some(Self { other_trace, segment, service, first_seq })
    }
}
