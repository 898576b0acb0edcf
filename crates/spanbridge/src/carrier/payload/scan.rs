//! For adapters that look into JSON without parsing it whole: finds the ranges of the members of an object, or of the
//! elements of an array.
//!
//! It only recognizes strings and counts brackets. So it does not check that a text is JSON, but if the text is JSON, it finds
//! every member.

use std::borrow::Cow;
use std::ops::Range;

/// One member of an object: where its parts are in the text, in bytes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JsonMember {
    /// The key, with its quotes.
    pub key: Range<usize>,
    /// The value.
    pub value: Range<usize>,
    /// The comma between it and the member before.
    pub comma_before: Option<usize>,
    /// The comma between it and the next.
    pub comma_after: Option<usize>,
}

/// Walks over the members of an object.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    json: &'a [u8],
    at: usize,
    comma: Option<usize>,
    ended: bool,
}

impl<'a> Members<'a> {
    /// The members of the object that begins at `open`. `None` if there is no object.
    pub fn new(json: &'a [u8], open: usize) -> Option<Self> {
        (json.get(open) == Some(&b'{')).then_some(Self { json, at: open + 1, comma: None, ended: false })
    }

    /// The next member. The outer `None` means that this is not JSON, the inner one that there are no more.
    pub fn next_member(&mut self) -> Option<Option<JsonMember>> {
        if self.ended {
            return Some(None);
        }
        let start = skip_white(self.json, self.at);
        if self.comma.is_none() && self.json.get(start) == Some(&b'}') {
            (self.at, self.ended) = (start + 1, true);
            return Some(None);
        }
        let key = start..skip_string(self.json, start)?;
        let colon = skip_white(self.json, key.end);
        if self.json.get(colon) != Some(&b':') {
            return None;
        }
        let start = skip_white(self.json, colon + 1);
        let value = start..skip_value(self.json, start)?;
        let end = skip_white(self.json, value.end);
        let comma_after = match self.json.get(end)? {
            b',' => Some(end),
            b'}' => {
                self.ended = true;
                None
            }
            _ => return None,
        };
        self.at = end + 1;
        let comma_before = std::mem::replace(&mut self.comma, comma_after);
        Some(Some(JsonMember { key, value, comma_before, comma_after }))
    }

    /// The end of the object, after the last member.
    pub fn end(&self) -> Option<usize> {
        self.ended.then_some(self.at)
    }
}

/// Walks over the elements of an array: where they are in the text, in bytes.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    json: &'a [u8],
    at: usize,
    ended: bool,
}

impl<'a> Elements<'a> {
    /// The elements of the array that begins at `open`. `None` if there is no array.
    pub fn new(json: &'a [u8], open: usize) -> Option<Self> {
        let ended = json.get(skip_white(json, open + 1)) == Some(&b']');
        (json.get(open) == Some(&b'[')).then_some(Self { json, at: open + 1, ended })
    }
}

impl Iterator for Elements<'_> {
    type Item = Range<usize>;

    /// The next element. `None` at the end, or if this is not JSON.
    fn next(&mut self) -> Option<Range<usize>> {
        if self.ended {
            return None;
        }
        let start = skip_white(self.json, self.at);
        let value = start..skip_value(self.json, start)?;
        let end = skip_white(self.json, value.end);
        self.at = end + 1;
        self.ended = self.json.get(end) != Some(&b',');
        Some(value)
    }
}

/// Whether a key, with its quotes, is `name`, with or without escapes.
pub fn is_key(key: &[u8], name: &str) -> bool {
    let [b'"', spelling @ .., b'"'] = key else { return false };
    if !spelling.contains(&b'\\') {
        return spelling == name.as_bytes();
    }
    // No character takes more than the six of `\u0000`; what is longer need not be read.
    spelling.len() <= 6 * name.len() && serde_json::from_slice::<String>(key).is_ok_and(|k| k == name)
}

/// The text of a value. `None` if the value is not a string.
pub fn text(value: &[u8]) -> Option<Cow<'_, str>> {
    let [b'"', spelling @ .., b'"'] = value else { return None };
    if spelling.iter().any(|b| *b < 0x20 || *b == b'\\') {
        return serde_json::from_slice(value).ok().map(Cow::Owned);
    }
    std::str::from_utf8(spelling).ok().map(Cow::Borrowed)
}

/// White space of JSON ([RFC 8259, section 2](https://www.rfc-editor.org/rfc/rfc8259#section-2)).
fn is_white(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r')
}

pub(super) fn trim_start(mut json: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = json {
        if !is_white(*first) {
            break;
        }
        json = rest;
    }
    json
}

pub(super) fn trim_end(mut json: &[u8]) -> &[u8] {
    while let [rest @ .., last] = json {
        if !is_white(*last) {
            break;
        }
        json = rest;
    }
    json
}

fn skip_white(json: &[u8], mut at: usize) -> usize {
    while json.get(at).is_some_and(|b| is_white(*b)) {
        at += 1;
    }
    at
}

/// The index after the string that begins at `at`.
pub(super) fn skip_string(json: &[u8], at: usize) -> Option<usize> {
    if json.get(at) != Some(&b'"') {
        return None;
    }
    let mut at = at + 1;
    loop {
        // Eight bytes at a time where none of them needs a look.
        while let Some(eight) = json.get(at..).and_then(|rest| rest.first_chunk()) {
            match first_of_interest(*eight) {
                8 => at += 8,
                offset => {
                    at += offset;
                    break;
                }
            }
        }
        match json.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The index of the first quote or backslash, or 8 if there is none.
///
/// Subtracting one from a byte borrows from an unset high bit exactly if the byte is zero. A borrow can mark a later byte wrongly,
/// but never an earlier one.
fn first_of_interest(eight: [u8; 8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & (0x80 * ONES)
    }
    let word = u64::from_le_bytes(eight);
    let found = zeros(word ^ (b'"' as u64 * ONES)) | zeros(word ^ (b'\\' as u64 * ONES));
    (found.trailing_zeros() / 8) as usize
}

/// The index after the value that begins at `at`.
fn skip_value(json: &[u8], at: usize) -> Option<usize> {
    match json.get(at)? {
        b'"' => skip_string(json, at),
        b'{' | b'[' => skip_nested(json, at),
        _ => {
            let length = json.get(at..)?.iter().position(|b| matches!(b, b',' | b'}' | b']') || is_white(*b))?;
            (length > 0).then_some(at + length)
        }
    }
}

/// The index after the object or array that begins at `at`. It counts both kinds of brackets together, because in JSON they
/// match.
fn skip_nested(json: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match json.get(at)? {
            b'"' => {
                at = skip_string(json, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return Some(at + 1),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}
