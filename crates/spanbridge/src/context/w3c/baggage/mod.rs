//! `baggage`: values that the application sends along. They are kept as they came, and decoded on demand.

mod grammar;

use super::header::{BAGGAGE, Malformed, trim, trim_str};
use grammar::{all_well_formed, decode, encode, is_token, scan_member};
use std::borrow::Cow;
use std::fmt;

/// [Section 3.3.2](https://www.w3.org/TR/baggage/#limits): what every platform passes on. We keep no more.
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8192;

/// A `baggage` header ([W3C Baggage, section 3](https://www.w3.org/TR/baggage/#baggage-http-header-format)).
///
/// The text is kept as it came, with properties and encoding, so baggage that passes through is not changed. Every member is
/// well-formed. There are at most 64 members, in at most 8192 bytes. An empty `Baggage` does not allocate.
///
/// Values are percent-encoded. A plus sign means a plus sign, as in the specification. OpenTelemetry for Python writes a space
/// as `+`, which cannot be distinguished from a plus: it is passed on unchanged, and read as a plus. We write a plus as `%2B`,
/// which everyone reads alike.
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
pub struct Baggage(Option<Box<str>>);

/// How many members of a `baggage` header were not kept. The text continues "failed to …".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DroppedMembers {
    /// Members that do not conform to the specification.
    pub malformed: usize,
    /// Members beyond 64, or beyond 8192 bytes.
    pub over_limit: usize,
}

impl fmt::Display for DroppedMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keep all of {BAGGAGE}: {}", self.reason())
    }
}

impl DroppedMembers {
    /// What was not kept and why, in a few words.
    pub(crate) fn reason(&self) -> String {
        format!("{} malformed members, {} over the limits", self.malformed, self.over_limit)
    }
}

impl std::error::Error for DroppedMembers {}

impl Baggage {
    /// No members.
    pub fn new() -> Self {
        Self::default()
    }

    /// A `'static` one without members.
    pub(crate) fn none() -> &'static Self {
        static NONE: Baggage = Baggage(None);
        &NONE
    }

    /// From well-formed members.
    fn of(text: Box<str>) -> Self {
        Self((!text.is_empty()).then_some(text))
    }

    /// Reads a header, or several joined by commas. Members that are malformed or beyond the limits are left out as a whole, and
    /// counted. The others are kept. Empty members are dropped silently.
    ///
    /// If nothing is left out, this takes one pass and at most one allocation.
    pub fn parse(header: &[u8]) -> (Baggage, Option<DroppedMembers>) {
        let header = trim(header);
        if header.len() <= MAX_BYTES && all_well_formed(header, MAX_MEMBERS) {
            if let Ok(text) = std::str::from_utf8(header) {
                return (Self::of(text.into()), None);
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
        (Self::of(kept.into_boxed_str()), (dropped != DroppedMembers::default()).then_some(dropped))
    }

    /// The header's value, as received and as sent on.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there are no members. Such a header should not be sent.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Every member, in order. A key may repeat
    /// ([section 3.2.1.1](https://www.w3.org/TR/baggage/#baggage-string)).
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Member<'_>> {
        self.as_str().split(',').filter_map(Member::new)
    }

    /// The decoded value of a key. If the key repeats, the last one counts, as in OpenTelemetry. Keys are compared exactly.
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.iter().rev().find(|m| m.key == key).map(|m| m.value())
    }

    /// Sets a key to a value. This replaces every member with this key, with its properties, and puts the new one at the end. The
    /// value may be any text; it is percent-encoded ([section 3.2.1.3](https://www.w3.org/TR/baggage/#value)).
    ///
    /// # Errors
    /// The key is not a token ([RFC 9110, section 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2)), or the
    /// result would have more than 64 members or 8192 bytes.
    pub fn with(&self, key: &str, value: &str) -> Result<Baggage, Malformed> {
        if !is_token(key) {
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
        let baggage = Self::of(text.into_boxed_str());
        if baggage.iter().count() > MAX_MEMBERS {
            return Err(Malformed::new(BAGGAGE, "more than 64 members"));
        }
        Ok(baggage)
    }

    /// The baggage without the members of this key.
    #[must_use]
    pub fn without(&self, key: &str) -> Baggage {
        Self::of(self.text_without(key).into_boxed_str())
    }

    /// The members with wanted keys, and how many others there were.
    pub fn filtered(&self, wanted: impl Fn(&str) -> bool) -> (Baggage, usize) {
        let (mut text, mut left_out) = (String::new(), 0);
        for member in self.iter() {
            if wanted(member.key) { push_member(&mut text, member.text) } else { left_out += 1 }
        }
        (Self::of(text.into_boxed_str()), left_out)
    }

    fn text_without(&self, key: &str) -> String {
        let mut text = String::with_capacity(self.as_str().len());
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
        fmt::Debug::fmt(self.as_str(), f)
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

    /// The key. It is a token and has no encoding.
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// The decoded value. Bytes that are not UTF-8 become U+FFFD
    /// ([section 3.2.1.3](https://www.w3.org/TR/baggage/#value)); a percent sign without two digits is kept.
    pub fn value(&self) -> Cow<'a, str> {
        decode(self.value)
    }

    /// The value as in the header.
    pub fn raw_value(&self) -> &'a str {
        self.value
    }

    /// What follows the first semicolon, as in the header. Empty if there is none.
    pub fn raw_properties(&self) -> &'a str {
        self.properties
    }

    /// The properties: a key, and a decoded value if there is one
    /// ([section 3.2.1.4](https://www.w3.org/TR/baggage/#property)).
    pub fn properties(&self) -> impl Iterator<Item = (&'a str, Option<Cow<'a, str>>)> + use<'a> {
        self.properties.split(';').map(trim_str).filter(|p| !p.is_empty()).map(|p| match p.split_once('=') {
            Some((key, value)) => (trim_str(key), Some(decode(trim_str(value)))),
            None => (p, None),
        })
    }
}
