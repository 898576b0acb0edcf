//! Records as they lie in a batch: words that are decoded when someone looks.
//!
//! The words were copied from the recording buffers, so everything in them was written by `recording`: text is UTF-8,
//! addresses are those of `&'static str`s of this process.

use super::{Artifact, Body, End, Endpoint, Link, Start};
use crate::context::primitive;
use crate::encoder::clock::Clock;
use crate::encoder::layout::*;
use crate::{Kind, RunId, SpanId, Status, TraceId, Value, buffer};
use std::borrow::Cow;

/// One record of a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Where its words begin.
    pub(crate) at: u32,
    /// A span that was handed over open before: only its end is news.
    pub(crate) again: bool,
    /// More items of the same span: one more than a place among the joins, or 0.
    pub(crate) join: u32,
    /// The end word of a span or of a late end; 0 while open.
    pub(crate) end: u64,
}

/// Items of one span that were recorded after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Join {
    /// Where the words of the record begin.
    pub(crate) at: u32,
    /// The next one, as in [`Entry::join`].
    pub(crate) next: u32,
}

/// The words of a batch, and what it takes to read them.
pub(crate) struct Packed {
    pub(crate) words: Vec<u64>,
    pub(crate) joins: Vec<Join>,
    pub(crate) clock: Clock,
}

/// The items of a record, its joined ones behind its own.
#[derive(Clone, Copy)]
pub(crate) struct Items<'a> {
    packed: &'a Packed,
    at: u32,
    end: u32,
    join: u32,
}

/// What stands in fields rather than in the words of a span: a name that was copied, and what came late.
#[derive(Default)]
struct Fields<'a> {
    name: Option<&'a str>,
    primitive: Option<&'a str>,
    kind: Option<Kind>,
    links: Vec<Link<'a>>,
}

pub(crate) enum PackedKey<'a> {
    Attribute(&'a str),
    Field(u8),
}

/// # Safety
/// `address` and `len` came from a `&'static str` of this process, or `len` was cut at 0xffff.
#[inline]
unsafe fn static_text(address: u64, len: usize) -> &'static str {
    if len == 0 {
        return ""; // also where there is none
    }
    let p = std::ptr::with_exposed_provenance::<u8>(address as usize);
    // SAFETY: the caller's promise: at least `len` bytes stand there for ever.
    let bytes = unsafe { std::slice::from_raw_parts(p, len) };
    if len == 0xffff {
        return std::str::from_utf8(bytes).unwrap_or_default(); // it may have been cut inside a character
    }
    // SAFETY: the caller's promise: it was a str.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

fn copied_text(words: &[u64], len: usize) -> &str {
    let words = &words[..len.div_ceil(8)];
    // SAFETY: the slice has at least `len` bytes, any bytes are valid u8, and a u64 is aligned enough.
    let bytes = unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), len) };
    // SAFETY: copied from a str, at character boundaries.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

impl<'a> Iterator for Items<'a> {
    type Item = (PackedKey<'a>, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end && !self.go_on() {
            return None;
        }
        let words = &self.packed.words[self.at as usize..self.end as usize];
        let (key, meta, word) = (words[0], words[1], words[2]);
        let (number, tag, len) = (meta as u16 as usize, meta >> 16 & 0xff, (meta >> 32) as usize);
        let value = match tag {
            TAG_I64 => Value::I64(word as i64),
            TAG_F64 => Value::F64(f64::from_bits(word)),
            TAG_BOOL => Value::Bool(word != 0),
            // SAFETY: written by `encoder::items::put`.
            TAG_STATIC => Value::Static(unsafe { static_text(word, len) }),
            _ => {
                let text = copied_text(&words[2..], len);
                if tag == TAG_JSON { Value::Json(text) } else { Value::Str(text) }
            }
        };
        self.at += item_words(meta) as u32;
        let key = match key {
            0 => PackedKey::Field(number as u8),
            // SAFETY: written by `encoder::items::put`.
            address => PackedKey::Attribute(unsafe { static_text(address, number) }),
        };
        Some((key, value))
    }
}

impl<'a> Items<'a> {
    /// To the joined items that come next, if there are any.
    fn go_on(&mut self) -> bool {
        while self.at >= self.end {
            let Some(join) = self.packed.joins.get((self.join as usize).wrapping_sub(1)) else { return false };
            let header = self.packed.words[join.at as usize];
            self.at = join.at + fixed_words(header) as u32;
            (self.end, self.join) = (join.at + buffer::words(header) as u32, join.next);
        }
        true
    }

    /// The next attribute.
    #[inline]
    pub(crate) fn attribute(&mut self) -> Option<(&'a str, Value<'a>)> {
        loop {
            if let (PackedKey::Attribute(key), value) = self.next()? {
                return Some((key, value));
            }
        }
    }

    /// The next field; attributes are stepped over unread.
    #[inline]
    fn field(&mut self) -> Option<(u8, Value<'a>)> {
        loop {
            if self.at >= self.end && !self.go_on() {
                return None;
            }
            let at = self.at as usize;
            match self.packed.words[at] {
                0 => match self.next()? {
                    (PackedKey::Field(field), value) => return Some((field, value)),
                    (PackedKey::Attribute(_), _) => {} // its key would not be 0
                },
                _ => self.at += item_words(self.packed.words[at + 1]) as u32,
            }
        }
    }

    /// The values of a field, in order.
    fn values(mut self, field: Field) -> impl Iterator<Item = Value<'a>> {
        let fields = std::iter::from_fn(move || self.field());
        fields.filter(move |(f, _)| *f == field as u8).map(|(_, value)| value)
    }

    fn text(self, field: Field) -> Option<Cow<'a, str>> {
        self.values(field).last().and_then(|v| v.as_str()).map(Cow::Borrowed)
    }

    fn number(self, field: Field) -> Option<i64> {
        self.values(field).last().and_then(|v| match v {
            Value::I64(n) => Some(n),
            _ => None,
        })
    }

    fn numbers(self, field: Field) -> impl Iterator<Item = u64> {
        self.values(field).map(|v| if let Value::I64(n) = v { n as u64 } else { 0 })
    }

    fn run(self, field: Field) -> Option<RunId> {
        let mut n = self.numbers(field);
        RunId::new((n.next()? as u128) << 64 | n.next()? as u128)
    }

    fn spans(self, field: Field) -> impl Iterator<Item = (TraceId, SpanId)> {
        let mut n = self.numbers(field);
        std::iter::from_fn(move || {
            let trace = (n.next()? as u128) << 64 | n.next()? as u128;
            Some((TraceId::new(trace), SpanId::new(n.next()?)))
        })
        .filter_map(|(t, s)| Some((t?, s?)))
    }

    /// All of them in one walk: a span with a name that was copied has some.
    #[inline(never)]
    fn fields(mut self) -> Fields<'a> {
        let mut fields = Fields::default();
        let (mut link, mut count) = ([0; 3], 0);
        while let Some((field, value)) = self.field() {
            match (field, value) {
                (f, name) if f == Field::Name as u8 => fields.name = name.as_str(),
                (f, primitive) if f == Field::Primitive as u8 => fields.primitive = primitive.as_str(),
                (f, Value::I64(kind)) if f == Field::Kind as u8 => {
                    fields.kind = Some(kind_of((kind as u64) << KIND_AT))
                }
                (f, Value::I64(part)) if f == Field::Link as u8 => {
                    link[count % 3] = part as u64;
                    count += 1;
                    let trace = TraceId::new((link[0] as u128) << 64 | link[1] as u128);
                    if let (0, Some(trace_id), Some(span_id)) = (count % 3, trace, SpanId::new(link[2])) {
                        fields.links.push(Link { trace_id, span_id, attributes: super::Attributes::new() })
                    }
                }
                _ => {}
            }
        }
        fields
    }

    fn endpoint(self, span: Field, run: Field) -> Option<Endpoint<'a>> {
        let found = self.spans(span).next().map(|(trace_id, span_id)| Endpoint::Span { trace_id, span_id });
        found.or_else(|| self.run(run).map(Endpoint::Run)).or_else(|| self.text(run).map(Endpoint::Artifact))
    }
}

/// The type of the edge that stands for a link of a span whose start had been delivered when the link was made.
pub(crate) const LINK_EDGE: &str = "custom.link";

/// Whether a record is a link that came late.
pub(crate) fn is_link(words: &[u64], at: usize) -> bool {
    let header = words[at];
    buffer::kind(header) == buffer::MORE
        && buffer::words(header) > MORE_WORDS
        && words[at + MORE_WORDS] == 0
        && words[at + MORE_WORDS + 1] as u16 == Field::Link as u16
}

/// The words of an item, by its meta word.
#[inline(always)]
fn item_words(meta: u64) -> usize {
    match meta >> 16 & 0xff {
        TAG_I64 | TAG_F64 | TAG_BOOL | TAG_STATIC => 3,
        _ => 2 + ((meta >> 32) as usize).div_ceil(8).max(1),
    }
}

/// The words of a record before its items.
fn fixed_words(header: u64) -> usize {
    match buffer::kind(header) {
        buffer::SPAN => SPAN_WORDS,
        buffer::LATE_END => LATE_END_WORDS,
        buffer::MORE => MORE_WORDS,
        buffer::CONTEXT => CONTEXT_WORDS,
        _ => FACT_WORDS,
    }
}

impl Packed {
    #[inline(always)]
    fn items(&self, at: u32, join: u32) -> Items<'_> {
        let header = self.words[at as usize];
        let end = at + buffer::words(header) as u32;
        Items { packed: self, at: at + fixed_words(header) as u32, end, join }
    }

    /// When the record was made; of a span when it began.
    pub(crate) fn time(&self, entry: &Entry) -> u64 {
        let at = entry.at as usize;
        match buffer::kind(self.words[at]) {
            buffer::SPAN => self.clock.ns(self.words[at + 5]),
            buffer::FACT => self.clock.ns(self.words[at + 3]),
            buffer::LATE_END => self.clock.ns(entry.end >> 3),
            _ => self.clock.latest(), // it does not say; it is not older than a delivery
        }
    }

    /// An end: of a span in place its three lost bits are the start's, or one more; cores may be a few ticks apart,
    /// so it is never before the start.
    #[inline(always)]
    fn end<'a>(&self, word: u64, start: Option<u64>, error: Option<Cow<'a, str>>) -> End<'a> {
        let ticks = match start {
            Some(t) => t.wrapping_add((((word & !7).wrapping_sub(t << 3) as i64).max(0) >> 3) as u64),
            None => word >> 3,
        };
        let status = Status::from_bits(word & 7).unwrap_or(Status::Cancelled);
        End { ended_at: self.clock.ns(ticks), status, error }
    }

    /// The words of a span that was not handed over before. What it is made of is apart from everything else, so that
    /// a record is put together where it is needed and not moved.
    #[inline(always)]
    pub(crate) fn span(&self, entry: &Entry) -> Option<(&[u64; SPAN_WORDS], Items<'_>)> {
        let words = self.words[entry.at as usize..].first_chunk::<SPAN_WORDS>()?;
        (buffer::kind(words[0]) == buffer::SPAN && !entry.again).then(|| (words, self.items(entry.at, entry.join)))
    }

    /// The end of such a span, if it has one. An error's text comes with an end that is a record of its own.
    #[inline(always)]
    pub(crate) fn end_of<'a>(&'a self, entry: &Entry, words: &[u64; SPAN_WORDS], items: Items<'a>) -> End<'a> {
        let joined = Items { at: 0, end: 0, ..items };
        let error = if entry.join == 0 { None } else { joined.text(Field::Error) };
        self.end(entry.end, Some(words[5]), error)
    }

    /// The body of any other record.
    #[cold]
    #[inline(never)]
    pub(crate) fn other(&self, entry: &Entry, trace: Option<TraceId>) -> Option<Body<'_>> {
        let at = entry.at as usize;
        let w = |i: usize| self.words[at + i];
        let items = self.items(entry.at, entry.join);
        Some(match buffer::kind(w(0)) {
            buffer::SPAN => {
                let more = Items { at: 0, end: 0, ..items };
                let end = self.end(entry.end, Some(w(5)), more.text(Field::Error));
                Body::SpanEnd { span_id: SpanId::new(w(2))?, end, attributes: super::Attributes::packed(more) }
            }
            buffer::LATE_END => Body::SpanEnd {
                span_id: SpanId::new(w(2))?,
                end: self.end(entry.end, None, items.text(Field::Error)),
                attributes: super::Attributes::packed(items),
            },
            // A link that came after its span was delivered.
            buffer::MORE if is_link(&self.words, at) => {
                let (trace_id, span_id) = items.spans(Field::Link).next()?;
                Body::Edge {
                    edge_type: Cow::Borrowed(LINK_EDGE),
                    from: Endpoint::Span { trace_id: trace?, span_id: SpanId::new(w(1))? },
                    to: Endpoint::Span { trace_id, span_id },
                }
            }
            buffer::MORE => {
                Body::SpanAttributes { span_id: SpanId::new(w(1))?, attributes: super::Attributes::packed(items) }
            }
            _ => return self.fact(at, items),
        })
    }

    #[inline(always)]
    pub(crate) fn start<'a>(&'a self, words: &[u64; SPAN_WORDS], items: Items<'a>) -> Start<'a> {
        let &[header, _, id, parent, name, begun] = words;
        let late = if header >> FIELDS_AT & 1 == 1 || items.join != 0 { items.fields() } else { Fields::default() };
        // SAFETY: written by `ThreadRecorder::begin`.
        let name = unsafe { static_text(name, (header >> NAME_AT) as u16 as usize) };
        Start {
            span_id: SpanId(id),
            parent_span_id: SpanId::new(parent),
            name: Cow::Borrowed(late.name.unwrap_or(name)),
            primitive: Cow::Borrowed(
                late.primitive.unwrap_or_else(|| primitive::by_code((header >> PRIMITIVE_AT) as u8).name()),
            ),
            kind: late.kind.unwrap_or(kind_of(header)),
            started_at: self.clock.ns(begun),
            attributes: super::Attributes::packed(items),
            links: late.links,
        }
    }

    fn fact<'a>(&'a self, at: usize, items: Items<'a>) -> Option<Body<'a>> {
        let w = |i: usize| self.words[at + i];
        let (span, id, time) = (SpanId::new(w(1)), w(2), self.clock.ns(w(3)));
        let text = |f| items.text(f).unwrap_or_default();
        let attributes = || super::Attributes::packed(items);
        Some(match Fact::of(w(0))? {
            Fact::RunStart => Body::RunStart {
                name: text(Field::Name),
                started_at: time,
                root_primitive: items.text(Field::Primitive),
                parent_run_id: items.run(Field::ParentRun),
                triggered_by_span_id: span,
                attributes: attributes(),
            },
            Fact::RunEnd => Body::RunEnd {
                ended_at: time,
                status: items.number(Field::Status).and_then(|s| Status::from_bits(s as u64)).unwrap_or(Status::Ok),
                error: items.text(Field::Error),
            },
            Fact::RunSuspend => Body::RunSuspend {
                suspension_id: text(Field::Suspension),
                suspended_at: time,
                reason: items.text(Field::Reason),
            },
            Fact::RunResume => Body::RunResume { suspension_id: text(Field::Suspension), resumed_at: time },
            Fact::Event => Body::Event {
                span_id: span?,
                event_id: format!("{id:016x}").into(),
                name: text(Field::Name),
                timestamp: time,
                attributes: attributes(),
            },
            Fact::Artifact => Body::Artifact(Artifact {
                span_id: span?,
                artifact_id: format!("{id:016x}").into(),
                kind: text(Field::ArtifactKind),
                content_type: text(Field::ContentType),
                encoding: text(Field::Encoding),
                size_bytes: items.number(Field::Size).unwrap_or(0) as u64,
                hash: items.text(Field::Hash),
                preview: items.text(Field::Preview),
            }),
            Fact::Edge => Body::Edge {
                edge_type: text(Field::Name),
                from: items.endpoint(Field::FromSpan, Field::FromRun)?,
                to: items.endpoint(Field::ToSpan, Field::ToRun)?,
            },
            Fact::Diagnostic => Body::Diagnostic {
                code: text(Field::Name),
                message: text(Field::Message),
                count: items.number(Field::Count).map(|n| n as u64),
                span_id: span,
                attributes: attributes(),
            },
        })
    }
}
