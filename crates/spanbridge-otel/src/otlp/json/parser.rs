//! A parser of JSON that is told what to look for, and steps over everything else.
//!
//! It takes what is not quite JSON: bare `NaN`, trailing commas, control characters in strings, bytes that are not UTF-8. What
//! it steps over it does not check, beyond brackets and strings.

use super::leaf::Leaf;
use crate::error::{Error, Result};
use crate::otlp::partial;
use std::borrow::Cow;

/// A place in JSON. A copy is a place to come back to.
#[derive(Clone, Copy)]
pub(super) struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Parser { text, at: 0 }
    }

    /// How many bytes stand before it.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether only white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    pub(super) fn is_at_object(&mut self) -> bool {
        self.peek() == Some(b'{')
    }

    pub(super) fn is_at_array(&mut self) -> bool {
        self.peek() == Some(b'[')
    }

    /// Reads an object: `member` is called with each key, and takes the value. A value that is no object has no members.
    pub(super) fn object(&mut self, mut member: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        if self.peek() != Some(b'{') {
            return self.skip();
        }
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'}') => break,
                Some(b',') => self.at += 1,
                Some(b'"') => {
                    let key = self.string()?;
                    if self.peek() != Some(b':') {
                        return Err(self.error("a key has no value"));
                    }
                    self.at += 1;
                    member(self, &key)?;
                }
                _ => return Err(self.error("an object has neither a key nor an end")),
            }
        }
        self.at += 1;
        Ok(())
    }

    /// Reads an array: `element` is called for each value, and takes it. A value that is no array has no elements.
    pub(super) fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        if self.peek() != Some(b'[') {
            return self.skip();
        }
        self.at += 1;
        loop {
            match self.peek() {
                Some(b']') => break,
                Some(b',') => self.at += 1,
                Some(_) => element(self)?,
                None => return Err(self.error("an array has no end")),
            }
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a value that is neither an object nor an array; of those only that they are there.
    pub(super) fn leaf(&mut self) -> Result<Leaf<'a>> {
        match self.peek() {
            Some(b'"') => Ok(Leaf::Str(self.string()?)),
            Some(b'{' | b'[') => {
                self.skip()?;
                Ok(Leaf::Nested)
            }
            Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => {
                let word = self.word();
                Ok(match word {
                    "null" => Leaf::Null,
                    "true" => Leaf::Bool(true),
                    "false" => Leaf::Bool(false),
                    number if number.parse::<f64>().is_ok() => Leaf::Number(number),
                    _ => return Err(self.error("a word is no value")),
                })
            }
            _ => Err(self.error("a value is missing")),
        }
    }

    /// Steps over a value, however deep it is.
    pub(super) fn skip(&mut self) -> Result<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                Some(b',' | b':') if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                Some(b'"') => drop(self.raw_string()?),
                Some(_) => drop(self.leaf()?),
                None => return Err(self.error("a value has no end")),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    /// The digits or letters that stand here.
    fn word(&mut self) -> &'a str {
        let start = self.at;
        while let Some(b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') = self.text.get(self.at) {
            self.at += 1;
        }
        std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default()
    }

    /// What is between the quotes, and whether there are escapes in it.
    fn raw_string(&mut self) -> Result<(&'a [u8], bool)> {
        let start = self.at + 1;
        let (mut at, mut escaped) = (start, false);
        loop {
            match self.text.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                Some(_) => at += 1,
                None => return Err(self.error("a string has no end")),
            }
        }
        self.at = at + 1;
        Ok((&self.text[start..at], escaped))
    }

    fn string(&mut self) -> Result<Cow<'a, str>> {
        let start = self.at;
        match self.raw_string()? {
            (raw, false) => Ok(partial::text(raw)),
            (raw, true) => unescaped(raw).ok_or_else(|| Error::json("an escape is not one of JSON", start)),
        }
    }

    fn error(&self, what: &'static str) -> Error {
        Error::json(what, self.at)
    }
}

#[cold]
fn unescaped(mut raw: &[u8]) -> Option<Cow<'static, str>> {
    let mut out = Vec::with_capacity(raw.len());
    while let Some(at) = raw.iter().position(|b| *b == b'\\') {
        out.extend_from_slice(&raw[..at]);
        let (escape, rest) = raw[at + 1..].split_first()?;
        raw = rest;
        out.push(match escape {
            b'"' | b'\\' | b'/' => *escape,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (character, rest) = unicode(raw)?;
                raw = rest;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => return None,
        });
    }
    out.extend_from_slice(raw);
    Some(Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(bad) => String::from_utf8_lossy(bad.as_bytes()).into_owned(),
    }))
}

/// The character behind `\u`, which may be written as two. Half of one is `U+FFFD`.
fn unicode(raw: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = four_digits(raw)?;
    let second = rest.strip_prefix(b"\\u").and_then(four_digits);
    if let (0xd800..=0xdbff, Some((second @ 0xdc00..=0xdfff, rest))) = (first, second) {
        let character = char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?;
        return Some((character, rest));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), rest))
}

fn four_digits(raw: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = raw.split_first_chunk::<4>()?;
    let mut value = 0;
    for digit in digits {
        value = value << 4 | char::from(*digit).to_digit(16)?;
    }
    Some((value, rest))
}
