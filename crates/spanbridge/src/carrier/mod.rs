//! Carriers: the headers, or the payload, in which a transport carries a context. Every transport implements two traits,
//! [`Extract`] and [`Inject`].
//!
//! ```
//! use spanbridge::{carrier, w3c};
//! use std::collections::HashMap;
//!
//! let message = HashMap::from([(
//!     "traceparent".to_string(),
//!     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_string(),
//! )]);
//! let received = carrier::extract(&message).context;
//! assert_eq!(received.trace_id().unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
//!
//! let mut next = HashMap::<String, String>::new();
//! carrier::inject(&received, &mut next);
//! assert_eq!(next[w3c::TRACEPARENT], message["traceparent"]);
//! ```

mod map;

#[cfg(feature = "http")]
mod http;
#[cfg(feature = "json")]
pub(crate) mod in_payload;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "json")]
pub(crate) mod json_text;
#[cfg(feature = "json")]
pub mod payload;
mod serde;

#[cfg(feature = "json")]
pub use in_payload::{extract_payload, inject_payload};

use crate::w3c::{self, Baggage, TraceParent, TraceState};
use crate::{Context, RunId};
use std::borrow::Cow;
use std::fmt;

/// What a carrier has under a name.
#[derive(Clone, Debug, PartialEq)]
pub enum Header<'a> {
    /// Nothing.
    Absent,
    /// A value; not necessarily UTF-8.
    Value(Cow<'a, [u8]>),
    /// Something that cannot be one of our headers, and what it is.
    Unusable(&'static str),
}

impl<'a> From<Option<&'a str>> for Header<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Header::Absent, |v| Header::Value(Cow::Borrowed(v.as_bytes())))
    }
}

/// A carrier that can be read: received headers.
pub trait Extract {
    /// The value of the header with exactly this name. If the transport's names are case-insensitive, with this name in any case.
    /// Of several values, the last counts, unless the transport has other rules.
    fn get(&self, name: &str) -> Header<'_>;

    /// Calls `f` with the name of every header. This is called if [`get`](Extract::get) does not find all three headers, to find
    /// names that a sender has written in another case. If names are case-insensitive, it need not do anything.
    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        let _ = f;
    }

    /// Gives every header to `f`, name and value, in their order, and returns true. Implement it if one pass over all headers
    /// is cheaper than looking up three of them; nothing else is asked then. Default: gives nothing and returns false.
    fn each<'c>(&'c self, f: &mut dyn FnMut(&'c [u8], Header<'c>)) -> bool {
        let _ = f;
        false
    }
}

impl<E: Extract + ?Sized> Extract for &E {
    fn get(&self, name: &str) -> Header<'_> {
        (**self).get(name)
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        (**self).each_name(f)
    }
}

/// A carrier that can be written: outgoing headers.
pub trait Inject {
    /// Sets a header, and replaces every header with exactly this name.
    fn set(&mut self, name: &'static str, value: &str);

    /// Removes the headers with exactly this name.
    fn remove(&mut self, name: &'static str);

    /// Removes every header whose name is one of the three in another case ([`w3c::is_other_case`]), because a receiver might read
    /// it. If names are case-insensitive, it need not do anything.
    fn remove_other_case(&mut self) {}
}

/// Something that was wrong with a received header. The message is still handled.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The header.
    pub header: &'static str,
    /// What was wrong with it.
    pub reason: Cow<'static, str>,
}

impl Problem {
    /// A problem with a header.
    pub fn new(header: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Problem { header, reason: reason.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.header, self.reason)
    }
}

/// What was found in a carrier.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Extraction {
    /// The context. It has no trace if there was none, or only a malformed one.
    pub context: Context,
    /// What was wrong with names and values of headers.
    pub problems: Vec<Problem>,
}

/// An extraction without problems.
impl From<Context> for Extraction {
    fn from(context: Context) -> Self {
        Extraction { context, problems: vec![] }
    }
}

/// Reads `traceparent`, `tracestate` and `baggage`. This never fails:
///
/// - If `traceparent` is malformed, there is no trace and no `tracestate`
///   ([Trace Context, section 4.3](https://www.w3.org/TR/trace-context-2/#a-traceparent-is-received)).
/// - A malformed `tracestate` is left out.
/// - Of a malformed `baggage`, the well-formed members are kept. Baggage does not need a trace.
///
/// A header whose name is in another case is used if there is none with the exact name, and reported as a [`Problem`].
pub fn extract(carrier: &(impl Extract + ?Sized)) -> Extraction {
    let mut problems = Vec::new();
    let mut found = find(carrier, &mut problems);
    let mut value = |header: usize| match std::mem::replace(&mut found[header], Header::Absent) {
        Header::Absent => None,
        Header::Value(value) => Some(value),
        Header::Unusable(what) => {
            problems.push(Problem { header: w3c::HEADERS[header], reason: Cow::Borrowed(what) });
            None
        }
    };
    let [parent, state, baggage] = match value(0) {
        Some(parent) => [Some(parent), value(1), value(2)],
        None => [None, None, value(2)],
    };
    let parent = parent.map(|parent| TraceParent::parse(&parent));
    let (parent, state) = match parent {
        Some(Ok(parent)) => (Some(parent), state),
        Some(Err(e)) => {
            problems.push(Problem { header: w3c::TRACEPARENT, reason: Cow::Borrowed(e.reason()) });
            (None, None)
        }
        None => (None, None),
    };
    let (run, state) = match state {
        None => (None, TraceState::new()),
        Some(raw) => {
            let (run, state, problem) = TraceState::parse(&raw);
            problems.extend(problem.map(|p| Problem { header: w3c::TRACESTATE, reason: Cow::Borrowed(p.reason()) }));
            (run, state)
        }
    };
    let baggage = match baggage {
        None => Baggage::new(),
        Some(raw) => {
            let (baggage, problem) = Baggage::parse(&raw);
            problems.extend(problem.map(|p| Problem { header: w3c::BAGGAGE, reason: p.to_string().into() }));
            baggage
        }
    };
    let context = match parent {
        Some(parent) => Context::remote(parent, run, state, baggage),
        None => Context::of_baggage(baggage),
    };
    Extraction { context, problems }
}

/// What stands under the three names, in the order of [`w3c::HEADERS`]. A header that was found only in other case is a
/// problem as well, because others may not find it.
fn find<'c>(carrier: &'c (impl Extract + ?Sized), problems: &mut Vec<Problem>) -> [Header<'c>; 3] {
    const NONE: Option<(&[u8], Header<'_>)> = None;
    let (mut found, mut other) = ([const { Header::Absent }; 3], [NONE; 3]);
    let in_one_pass = carrier.each(&mut |name, value| match w3c::place_named(name) {
        Some(place) if name == w3c::HEADERS[place].as_bytes() => found[place] = value,
        Some(place) => other[place] = Some((name, value)),
        None => {}
    });
    let mut written_so = |place: usize, name: &str| {
        let reason = format!("its name is written {name:?}").into();
        problems.push(Problem { header: w3c::HEADERS[place], reason })
    };
    if in_one_pass {
        for (place, other) in other.into_iter().enumerate() {
            if let Some((name, value)) = other.filter(|_| found[place] == Header::Absent) {
                found[place] = value;
                written_so(place, &String::from_utf8_lossy(name))
            }
        }
        return found;
    }
    found = w3c::HEADERS.map(|name| carrier.get(name));
    if found.contains(&Header::Absent) {
        for (place, name) in other_case(carrier).into_iter().enumerate() {
            if let Some(name) = name.filter(|_| found[place] == Header::Absent) {
                found[place] = carrier.get(&name);
                written_so(place, &name)
            }
        }
    }
    found
}

/// How the three names are written, if they are in another case. Of several, the last counts.
fn other_case(carrier: &(impl Extract + ?Sized)) -> [Option<String>; 3] {
    let mut names = [None, None, None];
    carrier.each_name(&mut |name| {
        if let Some(header) = w3c::header_named(name).filter(|header| *header != name)
            && let Some(place) = w3c::HEADERS.iter().position(|ours| *ours == header)
        {
            names[place] = Some(name.to_owned())
        }
    });
    names
}

/// Writes a context into a carrier, and replaces the headers of an earlier hop. An empty context writes nothing. A context that
/// has only baggage writes the baggage.
pub fn inject(context: &Context, carrier: &mut (impl Inject + ?Sized)) {
    let _ = inject_within(context, Budget::UNLIMITED, carrier); // there is room
}

/// How much an injection may add to a message.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Budget {
    /// The maximum number of bytes: names, values, and the overhead of each header.
    pub bytes: usize,
    /// The overhead of a header, beside name and value, in bytes.
    pub per_header: usize,
    /// The maximum number of headers: one, two, or all three.
    pub headers: usize,
}

impl Budget {
    /// For transports without a limit.
    pub const UNLIMITED: Budget = Budget { bytes: usize::MAX, per_header: 0, headers: usize::MAX };

    /// A budget of bytes and headers, where each header has an overhead of `per_header` bytes beside its name and value.
    pub const fn new(bytes: usize, per_header: usize, headers: usize) -> Self {
        Budget { bytes, per_header, headers }
    }
}

/// Like [`inject`], within a budget. If there is not enough room, parts are left out in this order: the baggage; members of
/// `tracestate` over 128 characters; its other members, from the end; our run id; everything. No value is cut. Returns what was
/// left out, if anything.
pub fn inject_within(context: &Context, budget: Budget, carrier: &mut (impl Inject + ?Sized)) -> Option<String> {
    if !context.travels() {
        return None;
    }
    carrier.remove_other_case();
    let (Some(parent), Some(trace), Some(run)) = (context.trace_parent(), context.trace_id(), context.run_id()) else {
        return inject_baggage(context.baggage(), budget, carrier);
    };
    let room = budget.bytes.checked_sub(cost(budget, w3c::TRACEPARENT, TraceParent::LEN));
    let Some(room) = room.filter(|_| budget.headers > 0) else {
        w3c::HEADERS.iter().for_each(|name| carrier.remove(name));
        return Some("no room for the context".to_owned());
    };
    carrier.set(w3c::TRACEPARENT, parent.to_text().as_str());
    let run = (run != RunId::of_trace(trace)).then_some(run);
    let mut state = String::new();
    let for_state = if budget.headers > 1 { room.saturating_sub(cost(budget, w3c::TRACESTATE, 0)) } else { 0 };
    let missing = context.trace_state().write_within(run, for_state, &mut state);
    let room = if state.is_empty() { room } else { room - cost(budget, w3c::TRACESTATE, state.len()) };
    let mut baggage = context.baggage().as_str();
    let has_place = budget.headers > if state.is_empty() { 1 } else { 2 };
    let mut left_out = vec![];
    if !baggage.is_empty() && (missing > 0 || !has_place || room < cost(budget, w3c::BAGGAGE, baggage.len())) {
        left_out.push(of_baggage(baggage));
        baggage = "";
    }
    if missing > 0 {
        left_out.push(format!("{missing} members of {}", w3c::TRACESTATE))
    }
    for (name, value) in [(w3c::TRACESTATE, state.as_str()), (w3c::BAGGAGE, baggage)] {
        if value.is_empty() { carrier.remove(name) } else { carrier.set(name, value) }
    }
    (!left_out.is_empty()).then(|| format!("no room for {}", left_out.join(" and ")))
}

/// Writes only baggage. The other headers are not touched.
fn inject_baggage(baggage: &Baggage, budget: Budget, carrier: &mut (impl Inject + ?Sized)) -> Option<String> {
    let baggage = baggage.as_str();
    if budget.headers == 0 || budget.bytes < cost(budget, w3c::BAGGAGE, baggage.len()) {
        carrier.remove(w3c::BAGGAGE);
        return Some(format!("no room for {}", of_baggage(baggage)));
    }
    carrier.set(w3c::BAGGAGE, baggage);
    None
}

fn of_baggage(baggage: &str) -> String {
    format!("the baggage ({} bytes)", baggage.len())
}

fn cost(budget: Budget, name: &str, value: usize) -> usize {
    budget.per_header + name.len() + value
}

/// What to do with a `traceparent` that the user's message has already.
#[derive(Debug)]
pub enum Outgoing {
    /// There is none, or it belongs to the current trace because the message is forwarded: write ours.
    Write,
    /// It belongs to another trace, so the user has set it on purpose: keep it, and link to it.
    Keep(Context),
}

/// Decides what to do with a message that is about to be sent in `context`.
pub fn outgoing(context: &Context, carrier: &(impl Extract + ?Sized)) -> Outgoing {
    if carrier.get(w3c::TRACEPARENT) == Header::Absent && other_case(carrier)[0].is_none() {
        return Outgoing::Write;
    }
    match extract(carrier).context {
        theirs if theirs.is_empty() || theirs.trace_id() == context.trace_id() => Outgoing::Write,
        theirs => Outgoing::Keep(theirs),
    }
}
