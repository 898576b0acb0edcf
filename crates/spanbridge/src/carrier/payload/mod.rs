//! The hidden field of JSON payloads, which carries a context where a transport has no headers:
//! `{"__spanbridge":{"traceparent":"…","tracestate":"…","baggage":"…"}, …}`.
//!
//! [`splice`] inserts it as the first field of an object, and [`take`] removes it, without parsing the payload: what the
//! application wrote stays the same, byte for byte. Only the top level of an object counts.
//!
//! # What is an object
//! Text between braces that is empty or begins with a name and a colon. GraphQL (`{ hero { name } }`), templates
//! (`{{greeting}}`) and arrays of PostgreSQL (`{"a","b"}`) also begin with a brace; they are not changed. Whether the rest is JSON
//! is not checked and does not matter: [`take`] returns exactly the bytes that were given to [`splice`].
//!
//! # Cost
//! Both search the payload once, with vector instructions, for two characters that the field must contain. Only if these occur
//! outside of a field in first place, the payload is scanned byte by byte, without recursion. Only if the field is then found in
//! another place, the payload is checked to be JSON. Every step is linear in the payload's length.

pub mod scan;

use crate::carrier::json_text::pieces;
use crate::w3c::{BAGGAGE, HEADERS, TRACEPARENT, TRACESTATE, header_named};
use scan::{JsonMember, Members, is_key, skip_string, text, trim_end, trim_start};
use std::borrow::Cow;
use std::ops::Range;

/// The name of the hidden field.
pub const FIELD: &str = "__spanbridge";

/// The beginning of the field as [`splice`] writes it, which [`take`] recognizes at once.
const OPENING: &[u8] = b"\"__spanbridge\":";

/// What the hidden field holds: the values of the three standard headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HiddenFields<'a> {
    /// The value of [`TRACEPARENT`]. Empty if there is none.
    pub traceparent: Cow<'a, str>,
    /// The value of [`TRACESTATE`], if there is one.
    pub tracestate: Option<Cow<'a, str>>,
    /// The value of [`BAGGAGE`], if there is one.
    pub baggage: Option<Cow<'a, str>>,
}

impl HiddenFields<'_> {
    /// Whether there is neither a trace nor baggage.
    pub fn is_empty(&self) -> bool {
        self.traceparent.is_empty() && self.baggage.is_none()
    }

    /// The names and values that are written.
    fn members(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let traceparent = (!self.traceparent.is_empty()).then_some((TRACEPARENT, &*self.traceparent));
        let tracestate = self.tracestate.as_deref().map(|value| (TRACESTATE, value));
        let baggage = self.baggage.as_deref().map(|value| (BAGGAGE, value));
        [traceparent, tracestate, baggage].into_iter().flatten()
    }

    fn put(&self, out: &mut Vec<u8>) {
        let mut before: &[u8] = b"{\"";
        for (name, value) in self.members() {
            out.extend_from_slice(before);
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":\"");
            pieces(value).for_each(|p| out.extend_from_slice(p.as_bytes()));
            out.push(b'"');
            before = b",\"";
        }
        out.push(b'}');
    }

    /// The length of what [`put`](Self::put) writes if nothing needs an escape.
    fn len(&self) -> usize {
        1 + self.members().map(|(name, value)| name.len() + value.len() + 6).sum::<usize>()
    }
}

/// The payload with the field in first place. A field that is there already is replaced. `None` if the payload is not an
/// [object](self#what-is-an-object), or if the fields are empty. White space around the object and a byte order mark are kept.
///
/// ```
/// # use spanbridge::payload::{HiddenFields, splice, take};
/// let fields = HiddenFields { traceparent: "00-…".into(), ..Default::default() };
/// let sent = splice(br#"{"order": 42}"#, &fields).unwrap();
/// assert_eq!(sent, r#"{"__spanbridge":{"traceparent":"00-…"},"order": 42}"#.as_bytes());
///
/// let received = take(&sent);
/// assert_eq!(received.fields, Some(fields));
/// assert_eq!(*received.payload(), *br#"{"order": 42}"#);
/// ```
pub fn splice(payload: &[u8], fields: &HiddenFields<'_>) -> Option<Vec<u8>> {
    let object = object(payload).filter(|_| !fields.is_empty())?;
    if payload.get(object.clone()).is_some_and(may_hold_field) {
        let taken = take(payload);
        if taken.cut.is_some() {
            return Some(put_in_front(&taken.payload(), object.start, fields));
        }
    }
    Some(put_in_front(payload, object.start, fields))
}

/// `open` is where the object begins.
fn put_in_front(payload: &[u8], open: usize, fields: &HiddenFields<'_>) -> Vec<u8> {
    let (before, rest) = payload.split_at((open + 1).min(payload.len()));
    let mut out = Vec::with_capacity(payload.len() + OPENING.len() + fields.len() + 1);
    out.extend_from_slice(before);
    out.extend_from_slice(OPENING);
    fields.put(&mut out);
    if trim_start(rest).first() != Some(&b'}') {
        out.push(b',');
    }
    out.extend_from_slice(rest);
    out
}

/// What [`take`] found.
#[derive(Clone, Debug, Default)]
pub struct Taken<'a> {
    /// The content of the field. Borrowed from the payload if it has no escapes.
    pub fields: Option<HiddenFields<'a>>,
    /// What was wrong with the field, in a few words. It is removed all the same. Values that are not text are left out. Without a
    /// `traceparent` and baggage there are no fields.
    pub problem: Option<&'static str>,
    original: &'a [u8],
    // The one that there is as a rule stands apart, so that it needs no allocation.
    cut: Option<Range<usize>>,
    more_cuts: Vec<Range<usize>>,
}

impl<'a> Taken<'a> {
    /// The payload without the field and its comma, and otherwise unchanged. Borrowed if there was no field.
    pub fn payload(&self) -> Cow<'a, [u8]> {
        if self.cut.is_none() {
            return Cow::Borrowed(self.original);
        }
        let mut rest = Vec::with_capacity(self.original.len());
        let mut from = 0;
        for cut in self.cuts() {
            rest.extend_from_slice(self.original.get(from..cut.start).unwrap_or_default());
            from = cut.end;
        }
        rest.extend_from_slice(self.original.get(from..).unwrap_or_default());
        Cow::Owned(rest)
    }

    /// The ranges that are not part of [`Taken::payload`], in order, so that you can remove them from your own buffer. There may be
    /// none, one, or, if a sender wrote the field more than once, several.
    pub fn cuts(&self) -> impl DoubleEndedIterator<Item = Range<usize>> {
        self.cut.iter().chain(&self.more_cuts).cloned()
    }
}

/// Removes the field from a payload. If there are several, all are removed and the last one counts, as for most JSON parsers.
///
/// A payload that is not an object, or not JSON, has no field and is not changed. (After a field in first place, only the end of
/// the object is checked. Whether the rest is JSON is up to its reader.)
pub fn take(payload: &[u8]) -> Taken<'_> {
    let nothing = Taken { original: payload, ..Taken::default() };
    let Some(object) = object(payload) else { return nothing };
    let (first, rest) = match take_first(payload, &object) {
        Some((taken, end)) => (taken, end..object.end),
        None => (nothing, object.clone()),
    };
    if payload.get(rest).is_some_and(may_hold_field) {
        return take_anywhere(payload, object).unwrap_or(first);
    }
    first
}

/// The field in the place where [`splice`] writes it, and its end.
fn take_first<'a>(payload: &'a [u8], object: &Range<usize>) -> Option<(Taken<'a>, usize)> {
    let key = object.start + 1;
    let value = key + OPENING.len();
    if !payload.get(key..)?.starts_with(OPENING) || payload.get(value) != Some(&b'{') {
        return None;
    }
    let mut members = Members::new(payload, value)?;
    let Found { fields, problem, plain: true } = fields(payload, &mut members)? else { return None };
    let end = members.end()?;
    let cut = match payload.get(end)? {
        b',' if begins_member(payload.get(end + 1..object.end)?) => key..end + 1,
        b'}' if end + 1 == object.end => key..end,
        _ => return None,
    };
    Some((Taken { fields, problem, original: payload, cut: Some(cut), more_cuts: Vec::new() }, end))
}

/// The field at any place of the top level. `None` if there is none, or if this is not JSON.
fn take_anywhere(payload: &[u8], object: Range<usize>) -> Option<Taken<'_>> {
    let mut members = Members::new(payload, object.start)?;
    let mut taken = Taken { original: payload, ..Taken::default() };
    let mut kept_one = false;
    while let Some(JsonMember { key, value, comma_before, comma_after }) = members.next_member()? {
        if !is_key(payload.get(key.clone())?, FIELD) {
            kept_one = true;
            continue;
        }
        // One comma goes with the member, such that between those that are kept one comma is left.
        let cut = match (comma_before, comma_after) {
            (Some(comma), _) if kept_one => comma..value.end,
            (_, Some(comma)) => key.start..comma + 1,
            _ => key.start..value.end,
        };
        match &taken.cut {
            None => taken.cut = Some(cut),
            Some(_) => taken.more_cuts.push(cut),
        }
        (taken.fields, taken.problem) = match Members::new(payload, value.start) {
            Some(mut inner) => fields(payload, &mut inner).map(|found| (found.fields, found.problem))?,
            None => (None, Some("not an object")),
        };
    }
    let found = taken.cut.is_some() && members.end()? == object.end;
    let is_json = || serde_json::from_slice::<serde::de::IgnoredAny>(payload.get(object)?).ok();
    (found && is_json().is_some()).then_some(taken)
}

struct Found<'a> {
    fields: Option<HiddenFields<'a>>,
    problem: Option<&'static str>,
    /// It contains only texts that we know, so it is certainly JSON.
    plain: bool,
}

/// Reads the field's object to its end. `None` if it is not JSON.
fn fields<'a>(payload: &'a [u8], members: &mut Members<'a>) -> Option<Found<'a>> {
    // As they are written, and in other case.
    let (mut values, mut others) = ([const { None }; 3], [const { None }; 3]);
    let mut problem = None;
    let mut plain = true;
    while let Some(JsonMember { key, value, .. }) = members.next_member()? {
        let key = payload.get(key)?;
        let exact = HEADERS.iter().position(|name| is_key(key, name));
        let known = exact.or_else(|| {
            let name = text(key)?;
            HEADERS.iter().position(|header| header_named(&*name) == Some(header))
        });
        let Some(header) = known else {
            plain = false;
            continue;
        };
        let found = text(payload.get(value)?);
        if found.is_none() {
            const NO_TEXT: [&str; 3] =
                ["its traceparent is not a text", "its tracestate is not a text", "its baggage is not a text"];
            problem = Some(NO_TEXT[header]);
        }
        plain &= found.is_some() && exact.is_some();
        if exact.is_some() { values[header] = found } else { others[header] = found }
    }
    for (value, other) in values.iter_mut().zip(others) {
        if let (None, Some(other)) = (&value, other) {
            *value = Some(other);
            problem = Some("a name in it is not in lower case")
        }
    }
    let [traceparent, tracestate, baggage] = values;
    let has_any = traceparent.is_some() || baggage.is_some();
    let fields = has_any.then(|| HiddenFields { traceparent: traceparent.unwrap_or_default(), tracestate, baggage });
    let problem = problem.or((!has_any).then_some("it has neither a traceparent nor baggage"));
    Some(Found { fields, problem, plain })
}

/// The range of the object, without white space around it and a byte order mark.
fn object(payload: &[u8]) -> Option<Range<usize>> {
    let text = payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(payload);
    let start = payload.len() - trim_start(text).len();
    let end = trim_end(payload).len();
    let [b'{', inside @ .., b'}'] = payload.get(start..end)? else { return None };
    (trim_start(inside).is_empty() || begins_member(inside)).then_some(start..end)
}

/// Whether this begins with a name and a colon. The cost is linear in the length of the name.
fn begins_member(json: &[u8]) -> bool {
    let json = trim_start(json);
    let behind = skip_string(json, 0).and_then(|end| json.get(end..));
    behind.is_some_and(|behind| trim_start(behind).first() == Some(&b':'))
}

/// Whether a key might be the field's name: it has two underscores, or an escape.
fn may_hold_field(json: &[u8]) -> bool {
    // No early end inside a block, so that the compiler can make vector instructions of it.
    const BLOCK: usize = 256;
    let block = |block: &[u8], next: &[u8]| {
        block
            .iter()
            .zip(next)
            .fold(false, |found, (a, b)| found | ((*a == b'_') & (*b == b'_')) | ((*a == b'\\') & (*b == b'u')))
    };
    json.chunks(BLOCK).zip(json.get(1..).unwrap_or_default().chunks(BLOCK)).any(|(a, b)| block(a, b))
}
