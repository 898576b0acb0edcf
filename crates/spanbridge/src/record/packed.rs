//! Records as they lie in a batch: words that are decoded when someone looks.
//!
//! The words were copied from the recording buffers, so everything in them was written by `recording`: text is UTF-8,
//! addresses are those of `&'static str`s of this process.

use super::{Artifact, Body, End, Endpoint, Link, Start};
use crate::clock::Clock;
use crate::primitive;
use crate::recording::layout::*;
use crate::{RunId, SpanId, Status, TraceId, Value, buffer};
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
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    pub(crate) words: &'a [u64],
    pub(crate) joins: &'a [Join],
    pub(crate) clock: &'a Clock,
}

/// The items of a record, its joined ones behind its own.
#[derive(Clone, Copy)]
pub(crate) struct Items<'a> {
    words: &'a [u64],
    joins: &'a [Join],
    at: usize,
    end: usize,
    join: u32,
}

pub(crate) enum PackedKey<'a> {
    Attribute(&'a str),
    Field(u8),
}

/// # Safety
/// `address` and `len` came from a `&'static str` of this process, or `len` was cut at 0xffff.
unsafe fn static_text(address: u64, len: usize) -> &'static str {
    let p = std::ptr::with_exposed_provenance::<u8>(address as usize);
    // SAFETY: the caller's promise: at least `len` bytes stand there for ever.
    let bytes = unsafe { std::slice::from_raw_parts(p, len) };
    if len == 0xffff {
        return std::str::from_utf8(bytes).unwrap_or_default(); // it may have been cut inside a character
    }
    // SAFETY: the caller's promise: it was a str.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

fn copied_text(words: &[u64], at: usize, len: usize) -> &str {
    let words = &words[at..at + len.div_ceil(8)];
    // SAFETY: the slice has at least `len` bytes, any bytes are valid u8, and a u64 is aligned enough.
    let bytes = unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), len) };
    // SAFETY: copied from a str, at character boundaries.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

impl<'a> Iterator for Items<'a> {
    type Item = (PackedKey<'a>, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while self.at >= self.end {
            let join = self.joins.get((self.join as usize).wrapping_sub(1))?;
            let (at, fixed) = (join.at as usize, fixed_words(self.words[join.at as usize]));
            (self.at, self.end, self.join) = (at + fixed, at + buffer::words(self.words[at]), join.next);
        }
        let (key, meta, word) = (self.words[self.at], self.words[self.at + 1], self.words[self.at + 2]);
        let (number, tag, len) = (meta as u16 as usize, meta >> 16 & 0xff, (meta >> 32) as usize);
        let mut size = 3;
        let value = match tag {
            TAG_I64 => Value::I64(word as i64),
            TAG_F64 => Value::F64(f64::from_bits(word)),
            TAG_BOOL => Value::Bool(word != 0),
            // SAFETY: written by `recording::items::put`.
            TAG_STATIC => Value::Static(unsafe { static_text(word, len) }),
            _ => {
                size = 2 + len.div_ceil(8).max(1);
                let text = copied_text(self.words, self.at + 2, len);
                if tag == TAG_JSON { Value::Json(text) } else { Value::Str(text) }
            }
        };
        self.at += size;
        let key = match key {
            0 => PackedKey::Field(number as u8),
            // SAFETY: written by `recording::items::put`.
            address => PackedKey::Attribute(unsafe { static_text(address, number) }),
        };
        Some((key, value))
    }
}

impl<'a> Items<'a> {
    /// Only the attributes.
    #[inline]
    pub(crate) fn attributes(self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        self.filter_map(|(k, v)| match k {
            PackedKey::Attribute(k) => Some((k, v)),
            PackedKey::Field(_) => None,
        })
    }

    /// The values of a field, in order.
    fn values(self, field: Field) -> impl Iterator<Item = Value<'a>> {
        self.filter_map(move |(k, v)| match k {
            PackedKey::Field(f) if f == field as u8 => Some(v),
            _ => None,
        })
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

    fn endpoint(self, span: Field, run: Field) -> Option<Endpoint<'a>> {
        let found = self.spans(span).next().map(|(trace_id, span_id)| Endpoint::Span { trace_id, span_id });
        found.or_else(|| self.run(run).map(Endpoint::Run)).or_else(|| self.text(run).map(Endpoint::Artifact))
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

impl<'a> Words<'a> {
    fn items(&self, at: usize, join: u32) -> Items<'a> {
        let header = self.words[at];
        let end = at + buffer::words(header);
        Items { words: self.words, joins: self.joins, at: at + fixed_words(header), end, join }
    }

    /// When the record was made; of a span when it began.
    pub(crate) fn time(&self, entry: &Entry) -> u64 {
        let at = entry.at as usize;
        match buffer::kind(self.words[at]) {
            buffer::SPAN => self.clock.ns(self.words[at + 5]),
            buffer::FACT => self.clock.ns(self.words[at + 3]),
            buffer::LATE_END => self.clock.ns(entry.end >> 3),
            _ => 0,
        }
    }

    /// An end: of a span in place its three lost bits are the start's, or one more; cores may be a few ticks apart,
    /// so it is never before the start.
    fn end(&self, word: u64, start: Option<u64>, items: Items<'a>) -> End<'a> {
        let ticks = match start {
            Some(t) => t.wrapping_add((((word & !7).wrapping_sub(t << 3) as i64).max(0) >> 3) as u64),
            None => word >> 3,
        };
        let status = Status::from_bits(word & 7).unwrap_or(Status::Cancelled);
        End { ended_at: self.clock.ns(ticks), status, error: items.text(Field::Error) }
    }

    /// The record.
    pub(crate) fn body(&self, entry: &Entry) -> Option<Body<'a>> {
        let at = entry.at as usize;
        let w = |i: usize| self.words[at + i];
        let items = self.items(at, entry.join);
        Some(match buffer::kind(w(0)) {
            buffer::SPAN => {
                let (span_id, start) = (SpanId::new(w(2))?, w(5));
                if entry.again {
                    let more = Items { at: 0, end: 0, ..items };
                    let end = self.end(entry.end, Some(start), more);
                    return Some(Body::SpanEnd { span_id, end, attributes: super::Attributes::packed(more) });
                }
                let begun = self.start(at, span_id, items);
                if entry.end == 0 {
                    Body::SpanStart(begun)
                } else {
                    Body::Span(begun, self.end(entry.end, Some(start), items))
                }
            }
            buffer::LATE_END => Body::SpanEnd {
                span_id: SpanId::new(w(2))?,
                end: self.end(entry.end, None, items),
                attributes: super::Attributes::packed(items),
            },
            buffer::MORE => {
                Body::SpanAttributes { span_id: SpanId::new(w(1))?, attributes: super::Attributes::packed(items) }
            }
            _ => return self.fact(at, items),
        })
    }

    fn start(&self, at: usize, span_id: SpanId, items: Items<'a>) -> Start<'a> {
        let w = |i: usize| self.words[at + i];
        let header = w(0);
        let name = match w(4) {
            0 => items.text(Field::Name).unwrap_or_default(),
            // SAFETY: written by `Hot::begin`.
            address => Cow::Borrowed(unsafe { static_text(address, (header >> NAME_AT) as u16 as usize) }),
        };
        let code = (header >> PRIMITIVE_AT) as u8;
        let own_items = buffer::words(header) > SPAN_WORDS || items.join != 0;
        let (late_primitive, late_kind) =
            if own_items { (items.text(Field::Primitive), items.number(Field::Kind)) } else { (None, None) };
        let links = items.spans(Field::Link).map(|(trace_id, span_id)| Link {
            trace_id,
            span_id,
            attributes: super::Attributes::new(),
        });
        Start {
            span_id,
            parent_span_id: SpanId::new(w(3)),
            name,
            primitive: late_primitive.unwrap_or(Cow::Borrowed(primitive::by_code(code).name())),
            kind: late_kind.map_or(kind_of(header), |k| kind_of((k as u64) << KIND_AT)),
            started_at: self.clock.ns(w(5)),
            attributes: super::Attributes::packed(items),
            links: if own_items { links.collect() } else { vec![] },
        }
    }

    fn fact(&self, at: usize, items: Items<'a>) -> Option<Body<'a>> {
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
