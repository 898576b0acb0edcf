//! Reading blocks. What is read borrows from the block.

mod fields;
mod streams;

use super::bytes::{Reader, at_distance};
use super::part;
use super::recent::Recent;
use super::shape::{Counts, Shapes};
use fields::Fields;
use spanbridge::record::Record;
use spanbridge::{RunId, SegmentId, TraceId};
use streams::{Streams, wide};

/// A block that is read from the front, part by part. Each part must be read or skipped before the next one.
///
/// Everything answers `None` where the block is not as a block should be.
#[derive(Debug)]
pub struct Block<'a> {
    names: Vec<&'a str>,
    shapes: Shapes<'a>,
    parts: Reader<'a>,
    streams: Streams<'a>,
    parts_left: u64,
    last: Option<Part<'a>>,
}

/// What the records of a part share.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The place of the run among the runs of the delivery.
    pub run: usize,
    flags: u8,
    other_trace: Option<TraceId>,
    segment_id: SegmentId,
    service: &'a str,
    first_seq: u64,
    base: u64,
    records: u64,
}

impl<'a> Block<'a> {
    pub fn open(raw: &'a [u8]) -> Option<Self> {
        let mut r = Reader(raw);
        let parts_left = r.varint()?;
        let shape_count = r.count_within(raw.len())?;
        let name_count = r.count_within(raw.len())?;
        let mut lengths = [0; 10];
        for length in &mut lengths {
            *length = r.varint()?;
        }
        let mut sections = [[].as_slice(); 10];
        for (section, length) in sections.iter_mut().zip(lengths) {
            *section = r.take(length)?;
        }
        let [name_lengths, names, shapes, parts, heads, words, times, numbers, lengths, texts] = sections;
        let names = split(std::str::from_utf8(names).ok()?, name_count, Reader(name_lengths))?;
        Some(Self {
            shapes: Shapes::read(shape_count, shapes, &names)?,
            names,
            parts: Reader(parts),
            streams: Streams {
                heads: Reader(heads),
                words: Reader(words),
                times: Reader(times),
                numbers: Reader(numbers),
                lengths: Reader(lengths),
                texts: std::str::from_utf8(texts).ok()?,
                text_at: 0,
            },
            parts_left,
            last: None,
        })
    }

    /// The next part; `Some(None)` after the last.
    pub fn next_part(&mut self) -> Option<Option<Part<'a>>> {
        if self.parts_left == 0 {
            return Some(None);
        }
        self.parts_left -= 1;
        let r = &mut self.parts;
        let flags = r.byte()?;
        let step = usize::try_from(r.varint()?).ok()?;
        let run = self.last.map_or(0, |l| l.run).checked_add(step)?;
        let other_trace = match flags & part::OTHER_TRACE {
            0 => None,
            _ => Some(TraceId::new(wide(r)?)?),
        };
        let segment_id = match flags & part::SAME_SEGMENT {
            0 => SegmentId::new(r.word()?)?,
            _ => self.last?.segment_id,
        };
        let service = match flags & part::SAME_SERVICE {
            0 => self.names.get(usize::try_from(r.varint()?).ok()?)?,
            _ => self.last?.service,
        };
        let first_seq = r.varint()?;
        let base = at_distance(self.last.map_or(0, |l| l.base), r.varint()?);
        let records = r.varint()?;
        let part = Part { run, flags, other_trace, segment_id, service, first_seq, base, records };
        self.last = Some(part);
        Some(Some(part))
    }

    /// Steps over the records of a part.
    pub fn skip(&mut self, part: &Part<'a>) -> Option<()> {
        let s = &mut self.streams;
        for _ in 0..part.records {
            let Counts { words, times, numbers, texts } = self.shapes.get(s.heads.varint()?)?.counts;
            s.words.take(8 * u64::from(words))?;
            s.times.skip_varints(times)?;
            s.numbers.skip_varints(numbers)?;
            for _ in 0..texts {
                s.skip_text()?;
            }
        }
        Some(())
    }

    /// Reads the records of a part. `key` is the run under which the part is found.
    pub fn read(&mut self, part: &Part<'a>, key: Option<RunId>, mut each: impl FnMut(Record<'a>)) -> Option<()> {
        let trace_id = match part.flags & part::OWN_TRACE {
            0 => part.other_trace,
            _ => Some(TraceId::new(key?.get())?),
        };
        let run_id = if part.flags & part::RUN == 0 { None } else { Some(key?) };
        let (mut recent, mut time) = (Recent::default(), part.base);
        for n in 0..part.records {
            let shape = self.shapes.get(self.streams.heads.varint()?)?;
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

/// Cuts text into pieces of these lengths.
fn split<'a>(text: &'a str, count: usize, mut lengths: Reader<'_>) -> Option<Vec<&'a str>> {
    let (mut pieces, mut rest) = (Vec::with_capacity(count), text);
    for _ in 0..count {
        let (piece, after) = rest.split_at_checked(usize::try_from(lengths.varint()?).ok()?)?;
        pieces.push(piece);
        rest = after;
    }
    Some(pieces)
}
