//! Reading blocks. What is read borrows from the block.

mod fields;
mod moving;
mod parts;
mod sections;
mod streams;

use super::bytes::Reader;
use super::recent::Recent;
use super::shape::{Counts, Shapes};
use super::tag;
use fields::Fields;
use parts::Parts;
use sections::Sections;
use spanbridge::record::Record;
use spanbridge::{RunId, TraceId};

pub use moving::MovingBlock;
pub use parts::Part;
pub use streams::Streams;

/// A block that is read from the front, part by part. Each part must be read or skipped before the next one.
///
/// Everything answers `None` where the block is not as a block should be.
#[derive(Debug)]
pub struct Block<'a> {
    names: Vec<&'a str>,
    shapes: Shapes<'a>,
    parts: Parts<'a>,
    streams: Streams<'a>,
}

impl<'a> Block<'a> {
    pub fn open(raw: &'a [u8]) -> Option<Self> {
        let sections = Sections::of(raw)?;
        let names = sections.names()?;
        Some(Self {
            shapes: Shapes::read(sections.shape_count, sections.shapes, &names)?,
            names,
            parts: Parts::new(sections.part_count, sections.parts),
            streams: Streams::new(sections.streams)?,
        })
    }

    /// The next part; `Some(None)` after the last.
    pub fn next_part(&mut self) -> Option<Option<Part<'a>>> {
        self.parts.next(&self.names)
    }

    /// Steps over the records of a part.
    pub fn skip(&mut self, part: &Part<'a>) -> Option<()> {
        for _ in 0..part.records {
            let counts = self.shapes.get(self.streams.heads.varint()?)?.counts;
            step_over(&mut self.streams, counts)?;
        }
        Some(())
    }

    /// Reads the records of a part. `key` is the run under which the part is found. Records of a type that this release does not
    /// know are stepped over.
    pub fn read(&mut self, part: &Part<'a>, key: Option<RunId>, mut each: impl FnMut(Record<'a>)) -> Option<()> {
        let trace_id = match part.names_own_trace() {
            false => part.other_trace,
            true => Some(TraceId::new(key?.get())?),
        };
        let run_id = if part.names_run() { Some(key?) } else { None };
        let (mut recent, mut time) = (Recent::default(), part.base);
        for n in 0..part.records {
            let shape = self.shapes.get(self.streams.heads.varint()?)?;
            if shape.codes.first().is_some_and(|code| code & !tag::FOREIGN > tag::LAST) {
                step_over(&mut self.streams, shape.counts)?;
                continue;
            }
            let mut fields = Fields {
                codes: Reader(shape.codes),
                names: self.shapes.names(shape).iter(),
                streams: &mut self.streams,
                recent: &mut recent,
                time: &mut time,
                key,
                trace_id,
            };
            let (id, body) = fields.record()?;
            let record = Record::new(part.segment_id, part.first_seq.wrapping_add(n), part.service, body);
            each(record.of_run(run_id, trace_id).with_id(id));
        }
        Some(())
    }
}

/// Steps over a record with so much in each stream.
fn step_over(s: &mut Streams<'_>, Counts { words, times, numbers, texts }: Counts) -> Option<()> {
    s.words.take(8 * u64::from(words))?;
    s.times.skip_varints(times)?;
    s.numbers.skip_varints(numbers)?;
    (0..texts).try_for_each(|_| s.skip_text())
}
