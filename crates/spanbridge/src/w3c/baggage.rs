//! `baggage`: what the application sends along, kept as it came and decoded when someone asks.

use super::{BAGGAGE, Malformed, is_ows, trim, trim_str};
use std::borrow::Cow;
use std::fmt;

/// [Section 3.3.2](https://www.w3.org/TR/baggage/#limits): what every platform passes on, and all that we do.
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8192;

/// A `baggage` header ([W3C Baggage, section 3](https://www.w3.org/TR/baggage/#baggage-http-header-format)).
///
/// The text is kept as it came, properties and encoding included, so that what passes through is not changed. Every
/// member in it is well-formed; there are at most 64, in at most 8192 bytes. An empty one does not allocate.
///
/// Values are percent-encoded. A plus sign is a plus sign: the specification has no other meaning for it. OpenTelemetry
/// for Python writes a space as `+`, which nobody can tell apart from a plus; what it sent is passed on unchanged,
/// and read as a plus. For its sake a plus is written as `%2B`, which everyone reads alike.
///
/// ```
/// # use spanbridge::w3c::Baggage;
/// let (baggage, dropped) = Baggage::parse(b"user.id=Am%C3%A9lie;secret, tier=gold");
/// assert!(dropped.is_none());
/// assert_eq!(baggage.get("user.id").as_deref(), Some("Am\u{e9}lie"));
/// assert_eq!(baggage.with("tier", "1 + 1")?.as_str(), "user.id=Am%C3%A9lie;secret,tier=1%20%2B%201");
/// # Ok::<(), spanbridge::w3c::Malformed>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Baggage(Box<str>);

/// How many members of a `baggage` header were not kept. Reads on after "failed to …".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DroppedMembers {
    /// Those that are not what the specification calls a member.
    pub malformed: usize,
    /// Those beyond 64 members or 8192 bytes.
    pub over_limit: usize,
}

impl fmt::Display for DroppedMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keep all of {BAGGAGE}: {} malformed members, {} over the limits", self.malformed, self.over_limit)
    }
}

impl std::error::Error for DroppedMembers {}

impl Baggage {
    /// No members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a header, or several joined by commas. What is malformed or beyond the limits is left out, by whole
    /// members, and counted; the rest is kept. Empty members are dropped without a word.
    ///
    /// Takes one pass and at most one allocation where nothing needs to be left out.
    pub fn parse(header: &[u8]) -> (Baggage, Option<DroppedMembers>) {
        let header = trim(header);
        if header.len() <= MAX_BYTES && all_well_formed(header) {
            if let Ok(text) = std::str::from_utf8(header) {
                return (Self(text.into()), None);
            }
        }
        let mut kept = String::new();
        let mut count = 0;
        let mut dropped = DroppedMembers::default();
        for member in header.split(|b| *b == b',').map(trim).filter(|m| !m.is_empty()) {
            match std::str::from_utf8(member) {
                Ok(text) if scan_member(member, 0) == Some(member.len()) => {
                    let comma = usize::from(count > 0);
                    if count == MAX_MEMBERS || kept.len() + comma + text.len() > MAX_BYTES {
                        dropped.over_limit += 1;
                        continue;
                    }
                    push_member(&mut kept, text);
                    count += 1;
                }
                _ => dropped.malformed += 1,
            }
        }
        (Self(kept.into_boxed_str()), (dropped != DroppedMembers::default()).then_some(dropped))
    }

    /// The header's value, as it came and as it will be sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there are no members; such a header should not be sent.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every member, in order. A key may repeat: [section 3.2.1.1](https://www.w3.org/TR/baggage/#baggage-string)
    /// keeps such members in their order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Member<'_>> {
        self.0.split(',').filter_map(Member::new)
    }

    /// The decoded value of a key; the last where it repeats, as OpenTelemetry reads it. Keys are compared exactly.
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.iter().rev().find(|m| m.key == key).map(|m| m.value())
    }

    /// With this value for this key: in place of every member it had, properties included, at the end. The value may
    /// be any text, and is percent-encoded ([section 3.2.1.3](https://www.w3.org/TR/baggage/#value)).
    ///
    /// # Errors
    /// The key is not a token ([RFC 9110, section 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2)), or the
    /// limits of 64 members and 8192 bytes would be passed.
    pub fn with(&self, key: &str, value: &str) -> Result<Baggage, Malformed> {
        if key.is_empty() || !key.bytes().all(|b| is(b, TOKEN)) {
            return Err(Malformed::new(BAGGAGE, "a key that is not a token"));
        }
        let mut text = self.text_without(key);
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(key);
        text.push('=');
        encode(value, &mut text);
        if text.len() > MAX_BYTES {
            return Err(Malformed::new(BAGGAGE, "more than 8192 bytes"));
        }
        let baggage = Self(text.into_boxed_str());
        if baggage.iter().count() > MAX_MEMBERS {
            return Err(Malformed::new(BAGGAGE, "more than 64 members"));
        }
        Ok(baggage)
    }

    /// Without any member of this key.
    #[must_use]
    pub fn without(&self, key: &str) -> Baggage {
        Self(self.text_without(key).into_boxed_str())
    }

    fn text_without(&self, key: &str) -> String {
        let mut text = String::with_capacity(self.0.len());
        for member in self.iter().filter(|m| m.key != key) {
            push_member(&mut text, member.text);
        }
        text
    }
}

fn push_member(list: &mut String, member: &str) {
    if !list.is_empty() {
        list.push(',');
    }
    list.push_str(member);
}

impl fmt::Debug for Baggage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// One member of a [`Baggage`], not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    text: &'a str,
    key: &'a str,
    value: &'a str,
    properties: &'a str,
}

impl<'a> Member<'a> {
    /// From the text of a well-formed member.
    fn new(text: &'a str) -> Option<Self> {
        let text = trim_str(text);
        let (pair, properties) = text.split_once(';').unwrap_or((text, ""));
        let (key, value) = pair.split_once('=')?;
        Some(Self { text, key: trim_str(key), value: trim_str(value), properties: trim_str(properties) })
    }

    /// The key; a token, which has no encoding.
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// The value, decoded. What does not decode to UTF-8 is U+FFFD
    /// ([section 3.2.1.3](https://www.w3.org/TR/baggage/#value)); a percent sign without two digits stands for itself.
    pub fn value(&self) -> Cow<'a, str> {
        decode(self.value)
    }

    /// The value as it stands in the header.
    pub fn raw_value(&self) -> &'a str {
        self.value
    }

    /// What stands behind the first semicolon, as it stands in the header; empty where there is none.
    pub fn raw_properties(&self) -> &'a str {
        self.properties
    }

    /// The properties: a key, and where there is one a value, decoded
    /// ([section 3.2.1.4](https://www.w3.org/TR/baggage/#property)).
    pub fn properties(&self) -> impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)> + use<'a> {
        self.properties.split(';').map(trim_str).filter(|p| !p.is_empty()).map(|p| match p.split_once('=') {
            Some((key, value)) => (trim_str(key), Some(decode(trim_str(value)))),
            None => (p, None),
        })
    }
}

/// Classes of bytes: of a token (RFC 9110, section 5.6.2), and of a value (`baggage-octet`).
const TOKEN: u8 = 1;
const OCTET: u8 = 2;
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut b = 0x21;
    while b < 0x7f {
        let octet = !matches!(b as u8, b'"' | b',' | b';' | b'\\');
        let token = (b as u8).is_ascii_alphanumeric()
            || matches!(
                b as u8,
                b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            );
        classes[b] = if octet { OCTET } else { 0 } | if token { TOKEN } else { 0 };
        b += 1;
    }
    classes
};

#[inline]
const fn is(b: u8, class: u8) -> bool {
    CLASSES[b as usize] & class != 0
}

/// Whether the list is well-formed and within the number of members, with no empty ones.
fn all_well_formed(list: &[u8]) -> bool {
    let mut at = 0;
    for _ in 0..MAX_MEMBERS {
        match scan_member(list, at) {
            Some(end) if end == list.len() => return true,
            Some(comma) => at = comma + 1,
            None => return false,
        }
    }
    false
}

/// Where the member that begins at `at` ends, at a comma or at the end; `None` when it is not one.
#[inline]
fn scan_member(list: &[u8], at: usize) -> Option<usize> {
    let skip = |mut at: usize, class: u8| {
        while at < list.len() && is(list[at], class) {
            at += 1;
        }
        at
    };
    let skip_ows = |mut at: usize| {
        while at < list.len() && is_ows(list[at]) {
            at += 1;
        }
        at
    };
    let key = skip_ows(at);
    let key_end = skip(key, TOKEN);
    let equals = skip_ows(key_end);
    if key_end == key || list.get(equals) != Some(&b'=') {
        return None;
    }
    let mut at = skip_ows(skip(skip_ows(equals + 1), OCTET));
    while list.get(at) == Some(&b';') {
        let key = skip_ows(at + 1);
        let key_end = skip(key, TOKEN);
        if key_end == key {
            return None;
        }
        at = skip_ows(key_end);
        if list.get(at) == Some(&b'=') {
            at = skip_ows(skip(skip_ows(at + 1), OCTET));
        }
    }
    matches!(list.get(at), None | Some(b',')).then_some(at)
}

fn decode(raw: &str) -> Cow<'_, str> {
    if !raw.contains('%') {
        return Cow::Borrowed(raw);
    }
    let digit = |b: &u8| (*b as char).to_digit(16);
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let mut byte = *first;
        if let (b'%', [high, low, after @ ..]) = (byte, tail) {
            if let (Some(high), Some(low)) = (digit(high), digit(low)) {
                byte = (high << 4 | low) as u8;
                rest = after;
            }
        }
        bytes.push(byte);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Cow::Owned(text),
        Err(e) => Cow::Owned(String::from_utf8_lossy(e.as_bytes()).into_owned()),
    }
}

fn encode(value: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for b in value.bytes() {
        if is(b, OCTET) && !matches!(b, b'%' | b'+') {
            out.push(b as char);
        } else {
            out.push('%');
            out.push(DIGITS[(b >> 4) as usize] as char);
            out.push(DIGITS[(b & 15) as usize] as char);
        }
    }
}
