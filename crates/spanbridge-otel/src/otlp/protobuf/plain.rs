//! Writes spans that are as most are: short texts and numbers, no events, links or errors.
//!
//! Appending to a vector looks for room, and writes the length, for each of some thirty small fields. Here there is room for
//! all of them from the start, and the vector gets its length once. That takes 0.6 of the time.

use super::tags::{FIXED32, fixed64_tag, length_tag, varint_tag};
use super::tags::{any_value, key_value, scope_spans, span as of_span};
use crate::otlp::model::{AnyValue, KeyValue, Span, StatusCode};
use std::mem::MaybeUninit;

/// The longest text that is short, in bytes.
const TEXT: usize = 64;
/// Room for the tag and the length of a span.
const PREFIX: usize = 3;
/// Room for ids, name, kind and times.
const HEAD: usize = 60 + TEXT;
/// Room for an attribute.
const ATTRIBUTE: usize = 8 + 2 * TEXT;
/// Room for the flags.
const FLAGS: usize = 6;
/// The largest span that is written here. Its length has at most two bytes.
const MOST: usize = 4096;

type Byte = MaybeUninit<u8>;

/// Appends the span, if it is plain.
#[inline(always)]
pub(super) fn put(out: &mut Vec<u8>, span: &Span<'_>) -> bool {
    let start = out.len();
    let most = (PREFIX + HEAD + FLAGS).saturating_add(span.attributes.len().saturating_mul(ATTRIBUTE)).min(MOST);
    out.reserve(most);
    let Some(room) = out.spare_capacity_mut().get_mut(..most) else { return false };
    let Some(len) = put_span(room, span) else { return false };
    // SAFETY: there is room for `most` bytes behind `start`, and `put_span` has written the first `len` of them, without a gap.
    unsafe { out.set_len(start + len) }
    true
}

/// Writes the span at the beginning of the room, and says how many bytes that are. `None`: it is not plain.
#[inline(always)]
fn put_span(room: &mut [Byte], span: &Span<'_>) -> Option<usize> {
    let len = put_fields(room.get_mut(PREFIX..)?, span)?;
    let tag = length_tag(scope_spans::SPANS);
    if len >= 0x80 {
        set(room, 0, [tag, len as u8 | 0x80, (len >> 7) as u8]);
        return Some(PREFIX + len);
    }
    set(room, 0, [tag, len as u8]);
    room.copy_within(PREFIX..PREFIX + len, PREFIX - 1);
    Some(PREFIX - 1 + len)
}

/// Writes the fields of the span, and says how many bytes that are.
#[inline(always)]
fn put_fields(room: &mut [Byte], span: &Span<'_>) -> Option<usize> {
    let is_plain = matches!(span.name.len(), 1..=TEXT)
        && span.trace_state.is_empty()
        && span.kind.is_some()
        && span.start_time != 0
        && span.end_time != 0
        && span.events.is_empty()
        && span.links.is_empty()
        && span.dropped_attributes | span.dropped_events | span.dropped_links == 0
        && span.status.code == StatusCode::Unset
        && span.status.message.is_empty();
    if !is_plain {
        return None;
    }
    let mut at = put_head(room.first_chunk_mut()?, span)?;
    for attribute in &span.attributes {
        at += put_attribute(room.get_mut(at..)?.first_chunk_mut()?, attribute)?;
    }
    if span.flags != 0 {
        // The one field whose tag has two bytes.
        let room = room.get_mut(at..)?.first_chunk_mut::<FLAGS>()?;
        set(room, 0, [(of_span::FLAGS << 3 | FIXED32) as u8 | 0x80, (of_span::FLAGS >> 4) as u8]);
        set(room, 2, span.flags.to_le_bytes());
        at += FLAGS;
    }
    Some(at)
}

/// Writes ids, name, kind and times, and says how many bytes that are.
#[inline(always)]
fn put_head(room: &mut [Byte; HEAD], span: &Span<'_>) -> Option<usize> {
    set(room, 0, [length_tag(of_span::TRACE_ID), 16]);
    set(room, 2, span.trace_id.get().to_be_bytes());
    set(room, 18, [length_tag(of_span::SPAN_ID), 8]);
    set(room, 20, span.span_id.get().to_be_bytes());
    let mut at = 28;
    if let Some(parent) = span.parent_span_id {
        set(room, at, [length_tag(of_span::PARENT_SPAN_ID), 8]);
        set(room, at + 2, parent.get().to_be_bytes());
        at += 10;
    }
    let name = span.name.as_bytes();
    set(room, at, [length_tag(of_span::NAME), name.len() as u8]);
    copy(room, at + 2, name);
    at += 2 + name.len();
    let room = room.get_mut(at..)?;
    set(room, 0, [varint_tag(of_span::KIND), span.kind? as u8 + 1, fixed64_tag(of_span::START)]);
    set(room, 3, span.start_time.to_le_bytes());
    set(room, 11, [fixed64_tag(of_span::END)]);
    set(room, 12, span.end_time.to_le_bytes());
    Some(at + 20)
}

/// Writes an attribute, and says how many bytes that are.
#[inline(always)]
fn put_attribute(room: &mut [Byte; ATTRIBUTE], KeyValue { key, value }: &KeyValue<'_>) -> Option<usize> {
    const VALUE: u8 = length_tag(key_value::VALUE);
    let key = key.as_bytes();
    let k = key.len();
    if !matches!(k, 1..=TEXT) {
        return None;
    }
    copy(room, 4, key);
    let len = if let AnyValue::Str(text) = value {
        let len = text.len();
        if len > TEXT || 6 + k + len >= 0x80 {
            return None;
        }
        set(room, 4 + k, [VALUE, 2 + len as u8, length_tag(any_value::STRING), len as u8]);
        copy(room, 8 + k, text.as_bytes());
        2 + len
    } else {
        let len = match value {
            AnyValue::I64(number) => {
                let (mut number, mut len) = (*number as u64, 1);
                while number >= 0x80 {
                    set(room, 6 + k + len, [number as u8 | 0x80]);
                    number >>= 7;
                    len += 1;
                }
                set(room, 6 + k + len, [number as u8]);
                set(room, 6 + k, [varint_tag(any_value::INT)]);
                len + 1
            }
            AnyValue::Bool(yes) => {
                set(room, 6 + k, [varint_tag(any_value::BOOL), u8::from(*yes)]);
                2
            }
            AnyValue::F64(number) => {
                set(room, 6 + k, [fixed64_tag(any_value::DOUBLE)]);
                set(room, 7 + k, number.to_le_bytes());
                9
            }
            _ => return None,
        };
        set(room, 4 + k, [VALUE, len as u8]);
        len
    };
    set(room, 0, [length_tag(of_span::ATTRIBUTES), (4 + k + len) as u8, length_tag(key_value::KEY), k as u8]);
    Some(6 + k + len)
}

/// Writes bytes at a place.
#[inline(always)]
fn set<const N: usize>(room: &mut [Byte], at: usize, bytes: [u8; N]) {
    room[at..at + N].copy_from_slice(&bytes.map(MaybeUninit::new));
}

/// Writes a short text at a place, as words that overlap: that is quicker than a call.
#[inline(always)]
fn copy(room: &mut [Byte], at: usize, bytes: &[u8]) {
    let to = &mut room[at..at + bytes.len()];
    match bytes.len() {
        33.. => overlap::<32>(to, bytes),
        16.. => overlap::<16>(to, bytes),
        8.. => overlap::<8>(to, bytes),
        4.. => overlap::<4>(to, bytes),
        _ => to.iter_mut().zip(bytes).for_each(|(to, byte)| *to = MaybeUninit::new(*byte)),
    }
}

#[inline(always)]
fn overlap<const N: usize>(to: &mut [Byte], from: &[u8]) {
    if let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) {
        if let Some(to) = to.first_chunk_mut() {
            *to = first.map(MaybeUninit::new)
        }
        if let Some(to) = to.last_chunk_mut() {
            *to = last.map(MaybeUninit::new)
        }
    }
}
