//! Reading blocks. What is read borrows from the block.

use super::bytes::{Reader, at_distance, unzigzag};
use super::recent::Recent;
use super::shape::{Counts, Shapes};
use super::{endpoint, part, span, tag, value};
use spanbridge::record::{Artifact, AttributeValue, Attributes, Body, End, Endpoint, Link, Record, Start, Via};
use spanbridge::{Kind, RunId, SegmentId, SpanId, Status, TraceId};
use std::borrow::Cow;

/// A block that is read from the front, part by part. Each part must be read or skipped before the next one.
///
/// Everything answers `None` where the block is not as a block should be.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    names: Vec<&'a str>,
    shapes: Shapes<'a>,
    parts: Reader<'a>,
    streams: Streams<'a>,
    parts_left: u64,
    last: Option<Part<'a>>,
}

/// What the records of a part share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    /// The place of the run among the runs of the delivery.
    pub(crate) run: usize,
    flags: u8,
    other_trace: Option<TraceId>,
    segment_id: SegmentId,
    service: &'a str,
    first_seq: u64,
    base: u64,
    records: u64,
}

#[derive(Clone, Debug)]
struct Streams<'a> {
    heads: Reader<'a>,
    words: Reader<'a>,
    times: Reader<'a>,
    numbers: Reader<'a>,
    lengths: Reader<'a>,
    texts: &'a str,
    text_at: usize,
}

impl<'a> Block<'a> {
    pub(crate) fn open(raw: &'a [u8]) -> Option<Self> {
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
    pub(crate) fn next_part(&mut self) -> Option<Option<Part<'a>>> {
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
    pub(crate) fn skip(&mut self, part: &Part<'a>) -> Option<()> {
        let s = &mut self.streams;
        for _ in 0..part.records {
            let Counts { words, times, numbers, texts } = self.shapes.get(s.heads.varint()?)?.counts;
            s.words.take(8 * u64::from(words))?;
            s.times.skip_varints(times)?;
            s.numbers.skip_varints(numbers)?;
            for _ in 0..texts {
                s.text()?;
            }
        }
        Some(())
    }

    /// Reads the records of a part. `key` is the run under which the part is found.
    pub(crate) fn read(&mut self, part: &Part<'a>, key: Option<RunId>, mut each: impl FnMut(Record<'a>)) -> Option<()> {
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
            each(Record {
                id,
                run_id,
                trace_id,
                segment_id: part.segment_id,
                segment_seq: part.first_seq.wrapping_add(n),
                service: Cow::Borrowed(part.service),
                body,
            });
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

fn wide(words: &mut Reader<'_>) -> Option<u128> {
    let (low, high) = (words.word()?, words.word()?);
    Some(u128::from(high) << 64 | u128::from(low))
}

impl<'a> Streams<'a> {
    #[inline]
    fn text(&mut self) -> Option<&'a str> {
        let end = self.text_at.checked_add(usize::try_from(self.lengths.varint()?).ok()?)?;
        let text = self.texts.get(self.text_at..end)?;
        self.text_at = end;
        Some(text)
    }
}

/// The fields of one record, in the order in which `write` writes them.
struct Fields<'b, 'a> {
    codes: Reader<'a>,
    names: std::slice::Iter<'b, &'a str>,
    streams: &'b mut Streams<'a>,
    recent: &'b mut Recent,
    time: &'b mut u64,
    key: Option<RunId>,
    trace_id: Option<TraceId>,
}

impl<'a> Fields<'_, 'a> {
    fn record(&mut self) -> Option<(Option<Cow<'a, str>>, Body<'a>)> {
        let tag = self.codes.byte()?;
        let id = if tag & tag::FOREIGN == 0 { None } else { Some(self.text()?) };
        Some((id, self.body(tag & !tag::FOREIGN)?))
    }

    fn body(&mut self, tag: u8) -> Option<Body<'a>> {
        Some(match tag {
            tag::SEGMENT => {
                let started_at = self.time()?;
                let via = match self.codes.byte()? {
                    1 => Via::Start,
                    2 => Via::Resume,
                    3 => Via::Receive,
                    _ => return None,
                };
                let suspension_id = self.maybe_text()?;
                Body::Segment { started_at, via, suspension_id, resource: self.attributes()? }
            }
            tag::RUN_START => {
                let started_at = self.time()?;
                let name = self.name()?;
                let root_primitive = if self.flag()? { Some(self.name()?) } else { None };
                let parent_run_id = if self.flag()? { Some(RunId::new(self.wide()?)?) } else { None };
                let triggered_by_span_id = self.maybe_span()?;
                let attributes = self.attributes()?;
                Body::RunStart { name, started_at, root_primitive, parent_run_id, triggered_by_span_id, attributes }
            }
            tag::RUN_SUSPEND => {
                let suspended_at = self.time()?;
                let suspension_id = self.text()?;
                Body::RunSuspend { suspension_id, suspended_at, reason: self.maybe_text()? }
            }
            tag::RUN_RESUME => {
                let resumed_at = self.time()?;
                Body::RunResume { suspension_id: self.text()?, resumed_at }
            }
            tag::RUN_END => {
                let ended_at = self.time()?;
                let End { status, error, .. } = self.end(ended_at)?;
                Body::RunEnd { ended_at, status, error }
            }
            tag::SPAN_START => {
                let mut start = self.start()?;
                start.links = self.links()?;
                Body::SpanStart(start)
            }
            tag::SPAN_END => {
                let span_id = self.span()?;
                let ended_at = self.time()?;
                let end = self.end(ended_at)?;
                Body::SpanEnd { span_id, end, attributes: self.attributes()? }
            }
            tag::SPAN => {
                let mut start = self.start()?;
                let ended_at = at_distance(start.started_at, self.streams.times.varint()?);
                let end = self.end(ended_at)?;
                start.links = self.links()?;
                Body::Span(start, end)
            }
            tag::SPAN_ATTRIBUTES => {
                let span_id = self.span()?;
                Body::SpanAttributes { span_id, attributes: self.attributes()? }
            }
            tag::EVENT => {
                let span_id = self.span()?;
                let timestamp = self.time()?;
                let event_id = self.text()?;
                let name = self.name()?;
                Body::Event { span_id, event_id, name, timestamp, attributes: self.attributes()? }
            }
            tag::ARTIFACT => Body::Artifact(Artifact {
                span_id: self.span()?,
                artifact_id: self.text()?,
                kind: self.name()?,
                content_type: self.name()?,
                encoding: self.name()?,
                size_bytes: self.streams.numbers.varint()?,
                hash: self.maybe_text()?,
                preview: self.maybe_text()?,
            }),
            tag::EDGE => {
                let edge_type = self.name()?;
                let from = self.endpoint()?;
                Body::Edge { edge_type, from, to: self.endpoint()? }
            }
            tag::DIAGNOSTIC => {
                let code = self.name()?;
                let message = self.text()?;
                let count = if self.flag()? { Some(self.streams.numbers.varint()?) } else { None };
                let span_id = self.maybe_span()?;
                Body::Diagnostic { code, message, count, span_id, attributes: self.attributes()? }
            }
            _ => return None,
        })
    }

    /// Without its links, which come last.
    fn start(&mut self) -> Option<Start<'a>> {
        let span_id = SpanId::new(self.streams.words.word()?)?;
        let parent_span_id = self.maybe_span()?;
        self.recent.push(span_id.get());
        let name = self.name()?;
        let primitive = self.name()?;
        let kind = match self.codes.byte()? {
            0 => Kind::Internal,
            1 => Kind::Server,
            2 => Kind::Client,
            3 => Kind::Producer,
            4 => Kind::Consumer,
            _ => return None,
        };
        let started_at = self.time()?;
        let attributes = self.attributes()?;
        Some(Start { span_id, parent_span_id, name, primitive, kind, started_at, attributes, links: Vec::new() })
    }

    fn end(&mut self, ended_at: u64) -> Option<End<'a>> {
        let status = match self.codes.byte()? {
            1 => Status::Ok,
            2 => Status::Error,
            3 => Status::Panicked,
            4 => Status::Cancelled,
            _ => return None,
        };
        Some(End { ended_at, status, error: self.maybe_text()? })
    }

    fn links(&mut self) -> Option<Vec<Link<'a>>> {
        let mut links = Vec::new();
        loop {
            let trace_id = match self.codes.byte()? {
                0 => return Some(links),
                1 => self.trace_id?,
                2 => TraceId::new(self.wide()?)?,
                _ => return None,
            };
            let span_id = SpanId::new(self.streams.words.word()?)?;
            links.push(Link { trace_id, span_id, attributes: self.attributes()? });
        }
    }

    fn endpoint(&mut self) -> Option<Endpoint<'a>> {
        Some(match self.codes.byte()? {
            endpoint::SPAN => Endpoint::Span { trace_id: TraceId::new(self.wide()?)?, span_id: self.span()? },
            endpoint::RUN => Endpoint::Run(RunId::new(self.wide()?)?),
            endpoint::ARTIFACT => Endpoint::Artifact(self.text()?),
            _ => return None,
        })
    }

    fn attributes(&mut self) -> Option<Attributes<'a>> {
        let mut attributes = Vec::new();
        loop {
            let value = match self.codes.byte()? {
                value::END => return Some(attributes.into_iter().collect()),
                value::I64 => AttributeValue::I64(unzigzag(self.streams.numbers.varint()?)),
                value::F64 => AttributeValue::F64(f64::from_bits(self.streams.words.word()?)),
                value::BOOL => AttributeValue::Bool(self.streams.numbers.varint()? != 0),
                value::STR => AttributeValue::Str(self.text()?),
                value::JSON => AttributeValue::Json(self.text()?),
                _ => return None,
            };
            attributes.push((self.name()?, value));
        }
    }

    fn maybe_span(&mut self) -> Option<Option<SpanId>> {
        Some(Some(SpanId::new(match self.codes.byte()? {
            span::NONE => return Some(None),
            span::WORD => self.streams.words.word()?,
            span::RECENT => self.recent.back(self.streams.numbers.varint()?)?,
            span::RUN => self.key?.as_parent().get(),
            _ => return None,
        })?))
    }

    fn span(&mut self) -> Option<SpanId> {
        self.maybe_span()?
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.codes.byte()? != 0)
    }

    fn name(&mut self) -> Option<Cow<'a, str>> {
        Some(Cow::Borrowed(self.names.next()?))
    }

    fn text(&mut self) -> Option<Cow<'a, str>> {
        Some(Cow::Borrowed(self.streams.text()?))
    }

    fn maybe_text(&mut self) -> Option<Option<Cow<'a, str>>> {
        Some(if self.flag()? { Some(self.text()?) } else { None })
    }

    fn wide(&mut self) -> Option<u128> {
        wide(&mut self.streams.words)
    }

    fn time(&mut self) -> Option<u64> {
        *self.time = at_distance(*self.time, self.streams.times.varint()?);
        Some(*self.time)
    }
}
