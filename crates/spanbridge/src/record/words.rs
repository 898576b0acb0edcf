//! The words of a batch, and the items of a record: the attributes and fields that follow its fixed words.
//!
//! The words were copied from the recording buffers, so the encoder wrote all of them: text is UTF-8, and addresses are
//! those of `&'static str`s of this process.

use crate::encoder::clock::Clock;
use crate::encoder::layout::*;
use crate::{Value, buffer};

/// A kind of record that only batches have: a span that was handed over open before has ended. Header, end, span id,
/// start.
pub(crate) const ENDED: u8 = 6;
pub(crate) const ENDED_WORDS: usize = 4;

/// Marks the kind of a record whose items belong to another one, see [`Join`]. Such a record is stepped over.
pub(crate) const JOINED: u8 = 0x80;

/// The words of a batch, and the clock by which their ticks are times.
pub(crate) struct Words {
    pub(crate) words: Vec<u64>,
    pub(crate) clock: Clock,
    pub(crate) joins: Vec<Join>,
    pub(crate) large: Large,
}

/// Texts that are too large to stand in the words.
#[derive(Default)]
pub(crate) struct Large {
    /// Where the record begins that a text belongs to, in order.
    texts: Vec<(u32, Box<str>)>,
    /// What they take up.
    pub(crate) bytes: usize,
}

impl Large {
    /// The text of the record at `at`, which is behind all others.
    pub(crate) fn push(&mut self, at: u32, text: Box<str>) {
        self.bytes += text.len();
        self.texts.push((at, text))
    }

    /// The text of the record at `at`.
    pub(crate) fn of(&self, at: usize) -> Option<&str> {
        let place = self.texts.binary_search_by_key(&at, |(at, _)| *at as usize).ok()?;
        Some(&self.texts[place].1)
    }
}

/// A record whose items belong to another record of the same span, which stands before it or in another place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Join {
    /// Where the record begins.
    pub(crate) at: u32,
    /// The next one: one more than its place in [`Words::joins`], or 0.
    pub(crate) next: u32,
}

/// The items of a record, then those of the records that are joined to it.
#[derive(Clone, Copy)]
pub(crate) struct Items<'a> {
    words: &'a [u64],
    all: &'a Words,
    join: u32,
}

/// What an item is: an attribute, or a field of the record by its number.
pub(crate) enum PackedKey<'a> {
    Attribute(&'a str),
    Field(u8),
}

/// # Safety
/// `address` and `len` came from a `&'static str` of this process, or the text is at least `len` bytes long and is not
/// cut inside a character there.
#[inline(always)]
unsafe fn static_text(address: u64, len: usize) -> &'static str {
    if len == 0 {
        return ""; // also where there is no text
    }
    let p = std::ptr::with_exposed_provenance::<u8>(address as usize);
    // SAFETY: the caller's promise.
    unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(p, len)) }
}

#[inline(always)]
fn copied_text(words: &[u64], len: usize) -> &str {
    assert!(len <= 8 * words.len());
    // SAFETY: the slice has at least `len` bytes, any bytes are valid u8, and a u64 is aligned enough.
    let bytes = unsafe { std::slice::from_raw_parts(words.as_ptr().cast::<u8>(), len) };
    // SAFETY: copied from a str, at character boundaries.
    unsafe { std::str::from_utf8_unchecked(bytes) }
}

/// The number of words of an item, by its meta word.
#[inline(always)]
fn item_words(meta: u64) -> usize {
    match meta >> 16 & 0xff {
        TAG_STR | TAG_JSON => 2 + text_words((meta >> 32) as usize),
        _ => 3,
    }
}

/// The number of words that a copied text of so many bytes takes.
#[inline(always)]
fn text_words(len: usize) -> usize {
    ((len + 7) >> 3).max(1)
}

/// The number of words of a record before its items.
#[inline(always)]
pub(crate) fn fixed_words(header: u64) -> usize {
    match buffer::kind(header) & !JOINED {
        buffer::SPAN => SPAN_WORDS,
        buffer::LATE_END => LATE_END_WORDS,
        buffer::MORE => MORE_WORDS,
        ENDED => ENDED_WORDS,
        _ => FACT_WORDS,
    }
}

/// Whether a record is a link that came late.
pub(crate) fn is_link(words: &[u64], at: usize) -> bool {
    let header = words[at];
    buffer::kind(header) == buffer::MORE
        && buffer::words(header) > MORE_WORDS
        && words[at + MORE_WORDS] == 0
        && words[at + MORE_WORDS + 1] as u16 == Field::Link as u16
}

impl Words {
    /// The name of a span that stands in its header and in `address`.
    #[inline(always)]
    pub(crate) fn span_name(header: u64, address: u64) -> &'static str {
        let len = (header >> NAME_AT) as u16 as usize;
        if len == 0xffff {
            return Self::long_name(address);
        }
        // SAFETY: the encoder took both from one `&'static str`.
        unsafe { static_text(address, len) }
    }

    /// The name was at least as long as can be told, and may have been cut inside a character.
    #[cold]
    fn long_name(address: u64) -> &'static str {
        let p = std::ptr::with_exposed_provenance::<u8>(address as usize);
        // SAFETY: the encoder took the address from a `&'static str` of at least that length.
        let bytes = unsafe { std::slice::from_raw_parts(p, 0xffff) };
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// The items of the record at `at`, and of those that are joined to it.
    #[inline(always)]
    pub(crate) fn items(&self, at: usize, join: u32) -> Items<'_> {
        let header = self.words[at];
        Items { words: &self.words[at + fixed_words(header)..at + buffer::words(header)], all: self, join }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = (PackedKey<'a>, Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let [key, meta, word, rest @ ..] = self.words {
                let (tag, len) = (meta >> 16 & 0xff, (meta >> 32) as usize);
                let value = if tag >= TAG_STR {
                    let (text, rest) = self.words[2..].split_at(text_words(len));
                    self.words = rest;
                    let text = copied_text(text, len);
                    if tag == TAG_JSON { Value::Json(text) } else { Value::Str(text) }
                } else {
                    self.words = rest;
                    match tag {
                        TAG_I64 => Value::I64(*word as i64),
                        TAG_F64 => Value::F64(f64::from_bits(*word)),
                        TAG_BOOL => Value::Bool(*word != 0),
                        // SAFETY: the encoder took both from one `&'static str`.
                        _ => Value::Static(unsafe { static_text(*word, len) }),
                    }
                };
                let key = match *key {
                    0 => PackedKey::Field(*meta as u8),
                    // SAFETY: the encoder took both from one `&'static str`, and cut it at a character.
                    address => PackedKey::Attribute(unsafe { static_text(address, *meta as u16 as usize) }),
                };
                return Some((key, value));
            }
            if !self.go_on() {
                return None;
            }
        }
    }
}

impl<'a> Items<'a> {
    /// The items of the joined records alone.
    #[inline(always)]
    pub(crate) fn joined(self) -> Self {
        Items { words: &[], ..self }
    }

    /// The words of the batch.
    #[inline(always)]
    pub(crate) fn all(&self) -> &'a Words {
        self.all
    }

    /// Whether there are none.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.join == 0
    }

    /// The last text of this field.
    pub(crate) fn text(self, field: Field) -> Option<&'a str> {
        self.values(field).last().and_then(|v| v.as_str())
    }

    /// Whether other records are joined to this one.
    #[inline(always)]
    pub(crate) fn has_joined(&self) -> bool {
        self.join != 0
    }

    /// To the items of the next joined record, if there is one.
    fn go_on(&mut self) -> bool {
        let Some(join) = self.all.joins.get((self.join as usize).wrapping_sub(1)) else { return false };
        *self = self.all.items(join.at as usize, join.next);
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

    /// The next field. Attributes are stepped over unread.
    #[inline]
    pub(crate) fn field(&mut self) -> Option<(u8, Value<'a>)> {
        loop {
            match *self.words {
                [0, ..] => match self.next()? {
                    (PackedKey::Field(field), value) => return Some((field, value)),
                    (PackedKey::Attribute(_), _) => {} // its key would not be 0
                },
                [_, meta, ..] => self.words = &self.words[item_words(meta)..],
                _ => {
                    if !self.go_on() {
                        return None;
                    }
                }
            }
        }
    }

    /// The next value of this field, a number; 0 where it is not one.
    pub(crate) fn field_number(&mut self, field: Field) -> Option<u64> {
        loop {
            match self.field()? {
                (f, Value::I64(n)) if f == field as u8 => return Some(n as u64),
                (f, _) if f == field as u8 => return Some(0),
                _ => {}
            }
        }
    }

    /// The values of a field, in order.
    pub(crate) fn values(mut self, field: Field) -> impl Iterator<Item = Value<'a>> {
        let fields = std::iter::from_fn(move || self.field());
        fields.filter(move |(f, _)| *f == field as u8).map(|(_, value)| value)
    }
}
