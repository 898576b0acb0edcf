//! Moving records from a folded block back into one like that of a delivery.

use super::cursor::{Cursor, PartHead, Segment, Shape};
use super::ordinals::Ordinals;
use super::part;

use spanbridge::SegmentId;
use spanbridge_store::codec::bytes::{at_distance, distance, put_varint};
use spanbridge_store::codec::{PartHeader, PartsWriter, Step, put_sections};

/// A block in the making.
#[derive(Debug, Default)]
pub(crate) struct Unfolding {
    ordinals: Ordinals,
    /// The segments of the run: id, service, expected sequence number.
    segments: Vec<(SegmentId, u32, u64)>,
    parts: PartsWriter,
    heads: Vec<u8>,
    words: Vec<u8>,
    times: Vec<u8>,
    numbers: Vec<u8>,
    lengths: Vec<u8>,
    texts: Vec<u8>,
    /// For each shape of the folded block: its number in this one plus one.
    shape_numbers: Vec<u32>,
    /// The shapes of this block, by their numbers in the folded one.
    shapes: Vec<usize>,
}

impl Unfolding {
    /// Moves the next run, which has this place.
    pub(super) fn run(&mut self, from: &mut Cursor<'_>, place: usize) -> Option<()> {
        self.ordinals.clear();
        self.segments.clear();
        self.shape_numbers.resize(from.shapes.len(), 0);
        let shapes = std::mem::take(&mut from.shapes);
        let moved = self.parts_of_run(from, &shapes, place);
        from.shapes = shapes;
        moved
    }

    fn parts_of_run(&mut self, from: &mut Cursor<'_>, shapes: &[Shape], place: usize) -> Option<()> {
        let (mut time, parts) = from.next_run()?;
        for _ in 0..parts {
            let flags = from.parts.byte()?;
            let head = PartHead::read(from, flags)?;
            let records = from.parts.varint()?;
            let (segment, service, first_seq) = self.segment(&head, records)?;
            from.names.get(service as usize)?;
            self.parts.begin(&PartHeader {
                run: place,
                names_run: flags & part::RUN != 0,
                names_own_trace: flags & part::OWN_TRACE != 0,
                other_trace: head.other_trace,
                segment_id: segment,
                service,
                first_seq,
                base: time,
            });
            let mut written = time;
            for _ in 0..records {
                let number = usize::try_from(from.heads.varint()?).ok()?;
                self.record(from, shapes.get(number)?, &mut time, &mut written)?;
                if self.shape_numbers[number] == 0 {
                    self.shapes.push(number);
                    self.shape_numbers[number] = self.shapes.len() as u32;
                }
                put_varint(&mut self.heads, u64::from(self.shape_numbers[number]) - 1);
            }
            self.parts.end(records);
        }
        Some(())
    }

    fn segment(&mut self, head: &PartHead, records: u64) -> Option<(SegmentId, u32, u64)> {
        let place = match head.segment {
            Segment::New(id) => {
                self.segments.push((id, head.service?, 1));
                self.segments.len() - 1
            }
            Segment::Known(place) => place,
        };
        let (id, service, next) = self.segments.get_mut(place)?;
        *service = head.service.unwrap_or(*service);
        let first_seq = head.first_seq.unwrap_or(*next);
        *next = first_seq.wrapping_add(records);
        Some((*id, *service, first_seq))
    }

    #[inline]
    fn record(&mut self, from: &mut Cursor<'_>, shape: &Shape, time: &mut u64, written: &mut u64) -> Option<()> {
        let (mut last, mut streams) = (None, shape.streams.iter());
        for step in &shape.plan.steps {
            match *step {
                Step::OwnSpan => {
                    let id = from.words.word()?;
                    self.words.extend_from_slice(&id.to_le_bytes());
                    self.ordinals.append(id);
                }
                Step::Span | Step::RecentSpan => {
                    let id = match from.references.varint()? {
                        0 => {
                            last = None;
                            from.words.word()?
                        }
                        back => {
                            let (id, started_at) = self.ordinals.back(back)?;
                            last = Some(started_at);
                            id
                        }
                    };
                    self.words.extend_from_slice(&id.to_le_bytes());
                }
                Step::RunSpan => last = None,
                Step::Word => self.words.extend_from_slice(&from.words.word()?.to_le_bytes()),
                step @ (Step::Start | Step::Time) => {
                    *time = at_distance(*time, from.times.varint()?);
                    if step == Step::Start {
                        self.ordinals.started(*time);
                    }
                    self.put_time(written, *time);
                }
                Step::Commit => {
                    let at = at_distance(*time, from.durations.varint()?);
                    put_varint(&mut self.times, distance(*written, at));
                }
                Step::End => {
                    let at = at_distance(last.unwrap_or(*time), from.durations.varint()?);
                    self.put_time(written, at);
                }
                Step::Duration => put_varint(&mut self.times, from.durations.varint()?),
                Step::Number(_) => {
                    put_varint(&mut self.numbers, from.values(*streams.next()?)?.numbers.varint()?);
                }
                Step::Text(_) => {
                    let values = from.values(*streams.next()?)?;
                    let length = values.numbers.varint()?;
                    self.texts.extend_from_slice(values.texts.take(length)?);
                    put_varint(&mut self.lengths, length);
                }
            }
        }
        Some(())
    }

    fn put_time(&mut self, written: &mut u64, at: u64) {
        put_varint(&mut self.times, distance(*written, at));
        *written = at;
    }

    /// Puts the block together, and is ready for the next.
    pub(super) fn finish(&mut self, from: &Cursor<'_>, out: &mut Vec<u8>) {
        let mut shapes = Vec::with_capacity(48 * self.shapes.len());
        for shape in self.shapes.iter().map(|number| &from.shapes[*number]) {
            shape.plan.counts().iter().for_each(|count| put_varint(&mut shapes, *count));
            put_varint(&mut shapes, shape.plan.codes.len() as u64);
            shapes.extend_from_slice(&shape.plan.codes);
            let names = from.shape_names(shape);
            put_varint(&mut shapes, names.len() as u64);
            names.iter().for_each(|name| put_varint(&mut shapes, u64::from(*name)));
        }
        out.clear();
        let size = self.texts.len() + self.words.len() + self.numbers.len() + self.times.len() + self.lengths.len();
        out.reserve(size + self.heads.len() + shapes.len() + 4096);
        let counts = [self.parts.count(), self.shapes.len() as u64, from.names.len() as u64];
        let names = from.names.concat();
        let sections = [
            &names[..],
            &shapes,
            self.parts.bytes(),
            &self.heads,
            &self.words,
            &self.times,
            &self.numbers,
            &self.lengths,
            &self.texts,
        ];
        put_sections(out, counts, from.names.iter().map(|name| name.len()), &sections);
        self.clear();
    }

    /// Ready for another block, whatever became of this one.
    pub(super) fn clear(&mut self) {
        self.parts.clear();
        self.shapes.clear();
        self.shape_numbers.clear();
        for section in
            [&mut self.heads, &mut self.words, &mut self.times, &mut self.numbers, &mut self.lengths, &mut self.texts]
        {
            section.clear();
        }
    }
}
