//! Writing folded blocks: parts of other blocks, moved value by value.

use super::ordinals::Ordinals;
use super::vocabulary::{ShapeMap, Vocabulary};
use super::{TARGET, part};
use spanbridge::{RunId, SegmentId};
use spanbridge_store::codec::bytes::{at_distance, distance, put_varint};
use spanbridge_store::codec::{MovingBlock, NO_NAME, Part, Step};

/// A folded block in the making. Used again for the next one, so that its buffers are allocated once.
#[derive(Debug, Default)]
pub(crate) struct FoldedWriter {
    /// For each name and shape of the vocabulary: its number in this block plus one, or 0.
    local_names: Vec<u32>,
    local_shapes: Vec<u32>,
    /// The names and shapes of this block, by their numbers in the vocabulary.
    names: Vec<u32>,
    written: Vec<u32>,
    shapes: Vec<u8>,
    run_ids: Vec<u8>,
    runs: Vec<u8>,
    run_count: usize,
    parts: Vec<u8>,
    heads: Vec<u8>,
    words: Vec<u8>,
    times: Vec<u8>,
    durations: Vec<u8>,
    references: Vec<u8>,
    /// The values without a name, then those of each name.
    streams: Vec<Values>,
    stream_bytes: usize,
    span_heads: Vec<u32>,
    open: OpenRun,
    last_base: u64,
}

/// The numbers and texts of a name. The length of a text is a number.
#[derive(Debug, Default)]
struct Values {
    numbers: Vec<u8>,
    texts: Vec<u8>,
}

/// The run that parts are being added to.
#[derive(Debug, Default)]
struct OpenRun {
    run: Option<RunId>,
    ordinals: Ordinals,
    time: u64,
    parts: u64,
    segments: Vec<KnownSegment>,
    /// The segment of the part that is open, its flags, and its records.
    part: Option<(usize, PartKind)>,
    records: u64,
}

/// A segment that has records in the run.
#[derive(Clone, Copy, Debug)]
struct KnownSegment {
    id: SegmentId,
    service: u32,
    next_seq: u64,
}

/// What parts must have in common to be one.
type PartKind = (u8, Option<spanbridge::TraceId>);

/// The sections of a finished block.
#[derive(Debug, Default)]
pub(crate) struct Sections {
    pub(super) words: Vec<u8>,
    pub(super) numeric: Vec<u8>,
    pub(super) textual: Vec<u8>,
    /// The first halves of the ids of the spans in the block.
    pub(crate) span_heads: Vec<u32>,
}

impl FoldedWriter {
    /// Whether the block has as many bytes as a block should.
    pub(crate) fn is_full(&self) -> bool {
        self.stream_bytes
            + self.words.len()
            + self.times.len()
            + self.durations.len()
            + self.heads.len()
            + 16 * self.run_count
            >= TARGET
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.run_count == 0
    }

    /// The place of the run that was begun last.
    pub(crate) fn place(&self) -> usize {
        self.run_count.saturating_sub(1)
    }

    /// Begins a run at about this time. `None` stands for records without a run.
    pub(crate) fn begin_run(&mut self, run: Option<RunId>, base: u64) {
        self.close_run();
        self.run_ids.extend_from_slice(&run.map_or(0, RunId::get).to_le_bytes());
        put_varint(&mut self.runs, distance(self.last_base, base));
        (self.last_base, self.open.time, self.open.run) = (base, base, run);
        self.run_count += 1;
    }

    fn close_run(&mut self) {
        if self.run_count > 0 {
            self.close_part();
            put_varint(&mut self.runs, self.open.parts);
        }
        self.open.ordinals.clear();
        self.open.segments.clear();
        self.open.parts = 0;
    }

    fn close_part(&mut self) {
        if self.open.part.take().is_some() {
            put_varint(&mut self.parts, std::mem::take(&mut self.open.records));
        }
    }

    /// Moves a part of a block to the run that was begun. The streams of the block must stand at the part. `None` if the block
    /// is not as a block should be; then this one must not be used either.
    pub(crate) fn add(
        &mut self,
        vocabulary: &mut Vocabulary,
        shapes: &ShapeMap,
        block: &mut MovingBlock<'_>,
        part: &Part<'_>,
    ) -> Option<()> {
        let service = self.local_name(vocabulary, |v| v.name(part.service));
        self.begin_part(part, service);
        self.open.records += part.records;
        let mut mover = Mover { writer: self, recent: [0; RECENT], begun: 0, time: part.base, last: Referred::None };
        for _ in 0..part.records {
            let number = usize::try_from(block.streams.heads.varint()?).ok()?;
            mover.record(vocabulary, *shapes.0.get(number)?, block)?;
        }
        Some(())
    }

    fn begin_part(&mut self, part: &Part<'_>, service: u32) {
        let flags = [
            (part::RUN, part.names_run()),
            (part::OWN_TRACE, part.names_own_trace()),
            (part::OTHER_TRACE, part.other_trace.is_some()),
        ];
        let flags = flags.iter().filter(|(_, holds)| *holds).fold(0, |bits, (bit, _)| bits | bit);
        let kind = (flags, part.other_trace);
        let known = self.open.segments.iter().position(|s| s.id == part.segment_id);
        let place = known.unwrap_or(self.open.segments.len());
        let before = known.map(|place| self.open.segments[place]);
        let expected = before.map_or(1, |s| s.next_seq);
        let same_service = before.is_none_or(|s| s.service == service);
        let segment =
            KnownSegment { id: part.segment_id, service, next_seq: part.first_seq.wrapping_add(part.records) };
        match self.open.segments.get_mut(place) {
            Some(known) => *known = segment,
            None => self.open.segments.push(segment),
        }
        if self.open.part == Some((place, kind)) && part.first_seq == expected && same_service {
            return;
        }
        self.close_part();
        self.open.part = Some((place, kind));
        self.open.parts += 1;
        let more = [
            (part::NEW_SEGMENT, known.is_none()),
            (part::SEQUENCE, part.first_seq != expected),
            (part::SERVICE, !same_service),
        ];
        self.parts.push(more.iter().filter(|(_, holds)| *holds).fold(flags, |bits, (bit, _)| bits | bit));
        if let Some(trace) = part.other_trace {
            self.words.extend_from_slice(&trace.get().to_le_bytes());
        }
        match known {
            Some(place) => put_varint(&mut self.parts, place as u64),
            None => self.words.extend_from_slice(&part.segment_id.get().to_le_bytes()),
        }
        if known.is_none() || !same_service {
            put_varint(&mut self.parts, u64::from(service));
        }
        if part.first_seq != expected {
            put_varint(&mut self.parts, part.first_seq);
        }
    }

    /// The number in this block of a name.
    fn local_name(&mut self, vocabulary: &mut Vocabulary, name: impl FnOnce(&mut Vocabulary) -> u32) -> u32 {
        let name = name(vocabulary);
        if self.local_names.len() < vocabulary.name_count() {
            self.local_names.resize(vocabulary.name_count() + 64, 0);
        }
        self.local(name)
    }

    fn local(&mut self, name: u32) -> u32 {
        if self.local_names[name as usize] == 0 {
            self.names.push(name);
            self.local_names[name as usize] = self.names.len() as u32;
        }
        self.local_names[name as usize] - 1
    }

    /// The number in this block of a shape that is written.
    #[inline]
    fn local_shape(&mut self, vocabulary: &Vocabulary, shape: u32) -> u32 {
        match self.local_shapes.get(shape as usize) {
            Some(local) if *local > 0 => *local - 1,
            _ => self.add_shape(vocabulary, shape),
        }
    }

    #[cold]
    fn add_shape(&mut self, vocabulary: &Vocabulary, shape: u32) -> u32 {
        self.local_shapes.resize(vocabulary.written_count(), 0);
        self.local_names.resize(vocabulary.name_count(), 0);
        let written = vocabulary.written(shape);
        put_varint(&mut self.shapes, written.codes.len() as u64);
        self.shapes.extend_from_slice(&written.codes);
        put_varint(&mut self.shapes, written.names.len() as u64);
        for name in &written.names {
            let local = self.local(*name);
            put_varint(&mut self.shapes, u64::from(local));
        }
        if self.streams.len() < 1 + self.names.len() {
            self.streams.resize_with(1 + self.names.len(), Values::default);
        }
        self.written.push(shape);
        self.local_shapes[shape as usize] = self.written.len() as u32;
        self.written.len() as u32 - 1
    }

    /// The stream of a name of a shape that is in this block.
    #[inline]
    fn stream(&mut self, name: u32) -> &mut Values {
        let place = if name == NO_NAME { 0 } else { self.local_names[name as usize] };
        &mut self.streams[place as usize]
    }

    /// Ends the block, and is ready for the next.
    pub(crate) fn finish(&mut self, vocabulary: &Vocabulary, out: &mut Sections) {
        self.close_run();
        out.words.clear();
        out.words.extend_from_slice(&self.run_ids);
        out.words.extend_from_slice(&self.words);
        out.span_heads.clear();
        std::mem::swap(&mut out.span_heads, &mut self.span_heads);
        let (numeric, textual) = (&mut out.numeric, &mut out.textual);
        numeric.clear();
        textual.clear();
        for count in [self.run_count, self.written.len(), self.names.len()] {
            put_varint(numeric, count as u64);
        }
        let mut lengths = Vec::with_capacity(8 * self.names.len());
        self.names.iter().for_each(|name| put_varint(&mut lengths, vocabulary.name_bytes(*name).len() as u64));
        let streams = &self.streams[..self.streams.len().min(1 + self.names.len())];
        for values in streams {
            put_varint(&mut lengths, values.numbers.len() as u64);
            put_varint(&mut lengths, values.texts.len() as u64);
        }
        put_varint(numeric, streams.len() as u64);
        let sections = [
            &self.shapes,
            &self.runs,
            &self.parts,
            &self.heads,
            &self.times,
            &self.durations,
            &self.references,
            &lengths,
        ];
        sections.iter().for_each(|section| put_varint(numeric, section.len() as u64));
        sections.iter().for_each(|section| numeric.extend_from_slice(section));
        streams.iter().for_each(|values| numeric.extend_from_slice(&values.numbers));
        self.names.iter().for_each(|name| textual.extend_from_slice(vocabulary.name_bytes(*name)));
        streams.iter().for_each(|values| textual.extend_from_slice(&values.texts));
        self.clear();
    }

    fn clear(&mut self) {
        self.names.drain(..).for_each(|name| self.local_names[name as usize] = 0);
        self.written.drain(..).for_each(|shape| self.local_shapes[shape as usize] = 0);
        for section in [
            &mut self.shapes,
            &mut self.run_ids,
            &mut self.runs,
            &mut self.parts,
            &mut self.heads,
            &mut self.words,
            &mut self.times,
            &mut self.durations,
            &mut self.references,
        ] {
            section.clear();
        }
        self.span_heads.clear();
        for values in &mut self.streams {
            values.numbers.clear();
            values.texts.clear();
        }
        (self.run_count, self.stream_bytes, self.last_base) = (0, 0, 0);
    }
}

/// How many spans a part remembers: more than the blocks of deliveries refer to.
const RECENT: usize = 64;

/// The span that a record refers to.
#[derive(Clone, Copy)]
enum Referred {
    None,
    /// It is in the block, and began at this time.
    Known(u64),
    /// It is not in the block, and has this id.
    Elsewhere(u64),
}

/// The part that is being moved.
struct Mover<'w> {
    writer: &'w mut FoldedWriter,
    /// The spans that began last in the part.
    recent: [u64; RECENT],
    begun: usize,
    /// The time from which the next one is measured, in the block that is read.
    time: u64,
    /// The span that the record referred to last.
    last: Referred,
}

impl Mover<'_> {
    #[inline]
    fn record(&mut self, vocabulary: &Vocabulary, shape: u32, block: &mut MovingBlock<'_>) -> Option<()> {
        let known = vocabulary.shape(shape);
        let local = self.writer.local_shape(vocabulary, known.written);
        put_varint(&mut self.writer.heads, u64::from(local));
        let from = &mut block.streams;
        self.last = Referred::None;
        for step in &known.steps {
            match *step {
                Step::OwnSpan => {
                    let id = from.words.word()?;
                    self.writer.words.extend_from_slice(&id.to_le_bytes());
                    self.writer.open.ordinals.push(id);
                    self.writer.span_heads.push((id >> 32) as u32);
                    self.recent[self.begun % RECENT] = id;
                    self.begun += 1;
                }
                Step::Span => {
                    let id = from.words.word()?;
                    self.reference(id);
                }
                Step::RecentSpan => {
                    let id = self.recent(from.numbers.varint()?, &known.steps)?;
                    self.reference(id);
                }
                Step::RunSpan => {
                    let run = self.writer.open.run;
                    self.last = run.map_or(Referred::None, |run| Referred::Elsewhere(run.as_parent().get()));
                }
                Step::Word => self.writer.words.extend_from_slice(&from.words.word()?.to_le_bytes()),
                Step::Start => {
                    let at = self.next_time(from.times.varint()?);
                    self.writer.open.ordinals.started(at);
                    self.put_time(at);
                }
                Step::Time => {
                    let at = self.next_time(from.times.varint()?);
                    self.put_time(at);
                }
                Step::Commit => {
                    let at = at_distance(self.time, from.times.varint()?);
                    put_varint(&mut self.writer.durations, distance(self.writer.open.time, at));
                }
                Step::End => {
                    let at = self.next_time(from.times.varint()?);
                    let since = match self.last {
                        Referred::Known(started_at) => started_at,
                        _ => self.writer.open.time,
                    };
                    put_varint(&mut self.writer.durations, distance(since, at));
                    if let Referred::Elsewhere(id) = self.last {
                        // Its start is in another block, or nowhere. So it is found by its end.
                        self.writer.span_heads.push((id >> 32) as u32);
                    }
                }
                Step::Duration => put_varint(&mut self.writer.durations, from.times.varint()?),
                Step::Number(name) => {
                    let n = from.numbers.varint()?;
                    put_varint(&mut self.writer.stream(name).numbers, n);
                    self.writer.stream_bytes += 2;
                }
                Step::Text(name) => {
                    let text = from.text()?;
                    let values = self.writer.stream(name);
                    put_varint(&mut values.numbers, text.len() as u64);
                    values.texts.extend_from_slice(text.as_bytes());
                    self.writer.stream_bytes += 1 + text.len();
                }
            }
        }
        Some(())
    }

    /// The span that began this many spans before in the part. The span of the record itself does not count yet.
    #[inline]
    fn recent(&self, back: u64, steps: &[Step]) -> Option<u64> {
        let begun = self.begun - usize::from(steps.contains(&Step::OwnSpan));
        let back = usize::try_from(back).ok().filter(|back| (1..=begun.min(RECENT / 2)).contains(back))?;
        Some(self.recent[(begun - back) % RECENT])
    }

    #[inline]
    fn reference(&mut self, id: u64) {
        let found = self.writer.open.ordinals.find(id);
        put_varint(&mut self.writer.references, found.map_or(0, |(back, _)| back));
        if found.is_none() {
            self.writer.words.extend_from_slice(&id.to_le_bytes());
        }
        self.last = found.map_or(Referred::Elsewhere(id), |(_, started_at)| Referred::Known(started_at));
    }

    #[inline]
    fn next_time(&mut self, distance: u64) -> u64 {
        self.time = at_distance(self.time, distance);
        self.time
    }

    #[inline]
    fn put_time(&mut self, at: u64) {
        let run = &mut self.writer.open;
        put_varint(&mut self.writer.times, distance(run.time, at));
        run.time = at;
    }
}
