//! Items: attributes and fields as words.

use super::layout::*;
use crate::Value;
use crate::buffer::atomic::{AtomicU64, Ordering::Relaxed};
use crate::cut::{self, MAX_TEXT};

/// What an item is: an attribute of the user's, or a field of the record.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    Attribute(&'static str),
    Field(Field),
}

impl Key {
    /// A span has a place for it in its header.
    pub(super) fn is_in_header(&self) -> bool {
        matches!(self, Key::Field(Field::Primitive | Field::Kind))
    }
}

pub(crate) type Item<'a> = (Key, Value<'a>);

/// The words that an item takes.
#[inline(always)]
pub(super) fn words(value: &Value<'_>) -> usize {
    2 + match value {
        Value::Str(s) | Value::Json(s) => s.len().div_ceil(8).max(1),
        Value::Static(s) if s.len() > MAX_STATIC => s.len().div_ceil(8),
        _ => 1,
    }
}

/// Whether a text is longer than what is kept of it.
#[inline(always)]
pub(super) fn is_too_long(value: &Value<'_>) -> bool {
    matches!(value, Value::Str(s) | Value::Json(s) | Value::Static(s) if s.len() > MAX_TEXT)
}

/// At most [`MAX_TEXT`] bytes of copied text. JSON that was cut is text.
pub(super) fn cut(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Str(s) | Value::Json(s) | Value::Static(s) if s.len() > MAX_TEXT => Value::Str(cut::cut(s, MAX_TEXT)),
        v => v,
    }
}

/// How much of a key is recorded.
#[inline(always)]
fn key_length(key: &str) -> usize {
    if key.len() > MAX_KEY { cut::cut(key, MAX_KEY).len() } else { key.len() }
}

/// # Safety
/// There is room for `words(&value)` words at `p`.
#[inline(always)]
pub(super) unsafe fn put(p: *const AtomicU64, key: Key, value: Value<'_>) {
    // SAFETY: the caller's promise, for each of the writes below.
    unsafe {
        let word = |i: usize, v| (*p.add(i)).store(v, Relaxed);
        let (tag, len) = match value {
            Value::I64(v) => {
                word(2, v as u64);
                (TAG_I64, 8)
            }
            Value::F64(v) => {
                word(2, v.to_bits());
                (TAG_F64, 8)
            }
            Value::Bool(v) => {
                word(2, v as u64);
                (TAG_BOOL, 8)
            }
            Value::Static(v) if v.len() > MAX_STATIC => {
                put_text(p.add(2), v.as_bytes());
                (TAG_STR, v.len())
            }
            Value::Static(v) => {
                word(2, v.as_ptr().expose_provenance() as u64);
                (TAG_STATIC, v.len())
            }
            Value::Str(v) => {
                put_text(p.add(2), v.as_bytes());
                (TAG_STR, v.len())
            }
            Value::Json(v) => {
                put_text(p.add(2), v.as_bytes());
                (TAG_JSON, v.len())
            }
        };
        let (address, number) = match key {
            Key::Attribute(k) => (k.as_ptr().expose_provenance() as u64, key_length(k)),
            Key::Field(f) => (0, f as usize),
        };
        word(0, address);
        word(1, number as u64 | tag << 16 | (len as u64) << 32);
    }
}

/// # Safety
/// There is room for `text.len().div_ceil(8)` words at `p`.
#[inline(always)]
unsafe fn put_text(p: *const AtomicU64, text: &[u8]) {
    let mut chunks = text.chunks_exact(8);
    let mut i = 0;
    for c in &mut chunks {
        let mut b = [0; 8];
        b.copy_from_slice(c);
        // SAFETY: the caller's promise.
        unsafe { (*p.add(i)).store(u64::from_ne_bytes(b), Relaxed) }
        i += 1;
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let word = match text.last_chunk::<8>() {
            // the last eight bytes, shifted: no loop over bytes
            Some(b) => u64::from_le_bytes(*b) >> (8 * (8 - rest.len())),
            None => rest.iter().rev().fold(0, |v, b| v << 8 | u64::from(*b)),
        };
        // SAFETY: the caller's promise.
        unsafe { (*p.add(i)).store(word.to_le(), Relaxed) }
    }
}
