//! `tracestate`: what tracing systems have added to the trace, among it our run id.

use super::header::{Malformed, TRACESTATE, trim, trim_str};
use super::hex;
use crate::RunId;
use std::fmt;

/// Our key, and what precedes a run id in its value: `sb=r:<32 digits>`.
const KEY: &str = "sb";
const RUN: &str = "r:";
const OURS: &[u8; 5] = b"sb=r:";
/// The length of our member.
const OURS_LEN: usize = OURS.len() + 32;
/// [Section 3.3.1.2](https://www.w3.org/TR/trace-context-2/#tracestate-header-field-values): "a maximum of 32".
const MAX_MEMBERS: usize = 32;
/// [Section 3.3.1.3.1 and 3.3.1.3.2](https://www.w3.org/TR/trace-context-2/#key): of a key, and of a value.
const MAX_LEN: usize = 256;
/// [Section 3.3.1.5](https://www.w3.org/TR/trace-context-2/#tracestate-limits): longer entries are the first to go.
const LONG_MEMBER: usize = 128;

/// The members of a `tracestate` that are not ours, in their order, as one text
/// ([Trace Context, section 3.3](https://www.w3.org/TR/trace-context-2/#tracestate-header)).
///
/// At most 32 well-formed members with different keys, joined by commas without white space. A member has at most 513
/// characters. There is no other limit here: you say how much room a transport has when you write it. An empty `TraceState`
/// does not allocate.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TraceState(Option<Box<str>>);

impl TraceState {
    /// No members.
    pub fn new() -> Self {
        Self::default()
    }

    /// A `'static` one without members.
    pub(crate) fn none() -> &'static Self {
        static NONE: TraceState = TraceState(None);
        &NONE
    }

    /// Reads a header, or several joined by commas. Returns the run id of our own member, the other members, and what was
    /// wrong.
    ///
    /// - Empty members are allowed, and dropped. If a key repeats, the first member is kept.
    /// - A list that is malformed or has more than 32 members is discarded as a whole. The `traceparent` is still
    ///   valid ([section 4.3](https://www.w3.org/TR/trace-context-2/#a-traceparent-is-received)).
    /// - Our member is taken out. If its value is unknown, it is dropped and the others are kept.
    ///
    /// Allocates at most once, and not at all if there is only our member.
    pub fn parse(header: &[u8]) -> (Option<RunId>, TraceState, Option<Malformed>) {
        let header = trim(header);
        if header.is_empty() {
            return (None, Self::default(), None);
        }
        if let Some(run) = only_ours(header) {
            return (Some(run), Self::default(), None);
        }
        if is_kept_whole(header) {
            if let Ok(text) = std::str::from_utf8(header) {
                return (None, TraceState(Some(text.into())), None);
            }
        }
        match parse_list(header) {
            Ok(parsed) => parsed,
            Err(reason) => (None, Self::default(), Some(Malformed::new(TRACESTATE, reason))),
        }
    }

    /// The other members, as they are written.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there are no other members.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Key and value of each member.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members().filter_map(|m| m.split_once('='))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    fn members(&self) -> impl Iterator<Item = &str> {
        self.as_str().split(',').filter(|m| !m.is_empty())
    }

    /// Appends the header's value: our member first, then the others. If that would be more than 32, the last one is left out
    /// ([section 3.5](https://www.w3.org/TR/trace-context-2/#mutating-the-tracestate-field)). Appends nothing if there
    /// are no members; such a header should not be sent.
    pub fn write(&self, run: Option<RunId>, out: &mut String) {
        let mut others = self.as_str();
        if let Some(run) = run {
            out.reserve(OURS_LEN + 1 + others.len());
            put_ours(run, out);
            if others.is_empty() {
                return;
            }
            out.push(',');
            // 32 members are at least this long, and most lists are shorter than that.
            if others.len() >= MAX_MEMBERS * 4 - 1 && others.bytes().filter(|b| *b == b',').count() + 1 == MAX_MEMBERS {
                others = others.rsplit_once(',').map_or("", |(front, _)| front);
            }
        }
        out.push_str(others);
    }

    /// The text that [`TraceState::write_within`] writes, and how many members had no room. It is copied only if that changes it.
    pub(crate) fn text_within<'a>(
        &'a self,
        run: Option<RunId>,
        max: usize,
        text: &'a mut StateText,
    ) -> (&'a str, usize) {
        match run {
            None if self.as_str().len() <= max => (self.as_str(), 0),
            Some(run) if self.is_empty() && OURS_LEN <= max => {
                text.ours = ours(run);
                (std::str::from_utf8(&text.ours).unwrap_or_default(), 0)
            }
            _ => {
                let missing = self.write_within(run, max, &mut text.all);
                (&text.all, missing)
            }
        }
    }

    /// Like [`TraceState::write`], in at most `max` bytes. Returns how many members had no room, including ours.
    ///
    /// Other members over 128 characters are dropped first, then members from the end, and ours last
    /// ([section 3.3.1.5](https://www.w3.org/TR/trace-context-2/#tracestate-limits)). No member is cut.
    pub fn write_within(&self, run: Option<RunId>, max: usize, out: &mut String) -> usize {
        let ours = if run.is_some() { OURS_LEN } else { 0 };
        let between = usize::from(run.is_some() && !self.is_empty());
        if ours + between + self.as_str().len() <= max {
            self.write(run, out);
            return 0;
        }
        let count = self.members().count();
        if ours > max {
            return count + 1;
        }
        if let Some(run) = run {
            put_ours(run, out);
        }
        let mut room = max - ours;
        let mut left = MAX_MEMBERS - usize::from(run.is_some());
        let mut written = 0;
        for member in self.members().filter(|m| m.len() <= LONG_MEMBER) {
            let comma = usize::from(run.is_some() || written > 0);
            // What follows the first that has no room goes too: members are dropped from the end.
            if left == 0 || room < comma + member.len() {
                break;
            }
            if comma == 1 {
                out.push(',');
            }
            out.push_str(member);
            room -= comma + member.len();
            left -= 1;
            written += 1;
        }
        count - written
    }
}

impl fmt::Debug for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Where [`TraceState::text_within`] puts a text that has to be made. Our member alone needs no allocation.
pub(crate) struct StateText {
    ours: [u8; OURS_LEN],
    all: String,
}

impl Default for StateText {
    fn default() -> Self {
        StateText { ours: [0; OURS_LEN], all: String::new() }
    }
}

/// Our member.
fn ours(run: RunId) -> [u8; OURS_LEN] {
    let mut text = *b"sb=r:00000000000000000000000000000000";
    text[OURS.len()..].copy_from_slice(&hex::write_u128(run.get()));
    text
}

fn put_ours(run: RunId, out: &mut String) {
    out.push_str(std::str::from_utf8(&ours(run)).unwrap_or_default());
}

/// The run of a header that holds our member and nothing else, which is what our own services send to each other.
fn only_ours(header: &[u8]) -> Option<RunId> {
    let digits: &[u8; 32] = header.strip_prefix(OURS)?.try_into().ok()?;
    run_of_digits(digits)
}

fn run_of_digits(digits: &[u8; 32]) -> Option<RunId> {
    let (id, wrong) = hex::read_u128(digits);
    if wrong == 0 { RunId::new(id) } else { None }
}

/// Members of [`is_kept_whole`].
const FEW: usize = 4;

/// Whether a list is kept as it stands: a few well-formed members with different keys, none of them ours, and no white space. That is
/// what nearly every list of others is, and one pass tells.
fn is_kept_whole(header: &[u8]) -> bool {
    let mut keys: [&[u8]; FEW] = [b""; FEW];
    let mut rest = header;
    for count in 0..FEW {
        let (key, value) = rest.split_at(length_of(rest, KEY_BYTE));
        let Some((b'=', value)) = value.split_first() else { return false };
        if !begins_key(key) || key.len() > MAX_LEN || key == KEY.as_bytes() || keys[..count].contains(&key) {
            return false;
        }
        keys[count] = key;
        let end = length_of(value, VALUE_BYTE);
        if end == 0 || end > MAX_LEN {
            return false;
        }
        match value[end..].split_first() {
            None => return true,
            Some((b',', next)) => rest = next,
            Some(_) => return false,
        }
    }
    false
}

/// Classes of bytes: of a key, and of a value without spaces.
const KEY_BYTE: u8 = 1;
const VALUE_BYTE: u8 = 2;
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut b = 0x21;
    while b < 0x7f {
        let key = matches!(b as u8, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
        let value = !matches!(b as u8, b'=' | b',');
        classes[b] = if key { KEY_BYTE } else { 0 } | if value { VALUE_BYTE } else { 0 };
        b += 1;
    }
    classes
};

const fn is(b: u8, class: u8) -> bool {
    CLASSES[b as usize] & class != 0
}

/// How many bytes of a class a text begins with.
#[inline]
fn length_of(text: &[u8], class: u8) -> usize {
    let mut length = 0;
    while length < text.len() && is(text[length], class) {
        length += 1;
    }
    length
}

fn begins_key(key: &[u8]) -> bool {
    matches!(key.first(), Some(b'a'..=b'z' | b'0'..=b'9'))
}

fn parse_list(header: &[u8]) -> Result<(Option<RunId>, TraceState, Option<Malformed>), &'static str> {
    let header = std::str::from_utf8(header).map_err(|_| "not ASCII")?;
    let mut others = [""; MAX_MEMBERS];
    let mut kept = 0;
    let mut length = 0;
    let mut run = None;
    let mut ours = None;
    for (count, member) in header.split(',').map(trim_str).filter(|m| !m.is_empty()).enumerate() {
        let (key, value) = split_member(member)?;
        if count == MAX_MEMBERS {
            return Err("more than 32 members");
        }
        if key == KEY {
            if ours.is_none() {
                ours = Some(value);
                // Fields behind a semicolon are left to later releases.
                run = value.split(';').find_map(|f| f.strip_prefix(RUN)).and_then(|d| d.as_bytes().try_into().ok());
            }
        } else if !others[..kept].iter().any(|m| m.as_bytes().get(key.len()) == Some(&b'=') && m.starts_with(key)) {
            others[kept] = member;
            kept += 1;
            length += member.len() + 1;
        }
    }
    let run = run.and_then(run_of_digits);
    let problem = (ours.is_some() && run.is_none())
        .then(|| Malformed::new(TRACESTATE, "the value of sb is not r: and 32 lower-case digits"));
    if kept == 0 {
        return Ok((run, TraceState::default(), problem));
    }
    let mut text = String::with_capacity(length - 1);
    for (i, member) in others[..kept].iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        text.push_str(member);
    }
    Ok((run, TraceState(Some(text.into_boxed_str())), problem))
}

/// Key and value of a member without white space around it, by the grammar of
/// [section 3.3.1.3](https://www.w3.org/TR/trace-context-2/#list-members). White space in front of a value belongs to it.
fn split_member(member: &str) -> Result<(&str, &str), &'static str> {
    let (key, value) = member.split_once('=').ok_or("a member without an equals sign")?;
    if !begins_key(key.as_bytes()) || key.len() > MAX_LEN || !key.bytes().all(|b| is(b, KEY_BYTE)) {
        return Err("a key that is not one");
    }
    if value.is_empty() || value.len() > MAX_LEN || !value.bytes().all(|b| b == b' ' || is(b, VALUE_BYTE)) {
        return Err("a value that is not one");
    }
    Ok((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn common_lists_are_kept_whole() {
        for list in ["a=1", "vendor=abc,other=def", "0a_-*/@=!~", "a=1,b=2,c=3,d=4"] {
            assert!(is_kept_whole(list.as_bytes()), "{list}");
        }
        for list in [
            "", "a", "a=", "=1", "A=1", "a=1,", "a=1,,b=2", "a= 1", "a=1 ,b=2", "a=1,a=2", "sb=r:1", "a=1=2",
            "a=\u{e9}",
        ] {
            assert!(!is_kept_whole(list.as_bytes()), "{list}");
        }
    }

    proptest! {
        /// The short way gives what the long way gives.
        #[test]
        fn both_ways_give_the_same(list in "([ab@]{0,2}[= ]{0,2}[a-c~,]{0,3}[,]?){0,6}|(sb|a|b)=[!-~]{1,9}(,[a-c]=[!-~]{1,3}){0,4}") {
            let header = list.as_bytes();
            if is_kept_whole(header) {
                let parsed = parse_list(header).map(|(run, state, problem)| (run, state.as_str().to_owned(), problem));
                prop_assert_eq!(parsed, Ok((None, list.clone(), None)));
            }
        }
    }
}
