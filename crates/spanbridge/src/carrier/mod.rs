//! Where a context is packed: the two traits that every transport implements, and what is done with them.
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

/// What stands under a name in a carrier.
#[derive(Clone, Debug, PartialEq)]
pub enum Header<'a> {
    /// Nothing.
    Absent,
    /// A value; not necessarily UTF-8.
    Value(Cow<'a, [u8]>),
    /// Something that cannot be a header of ours, and what it is.
    Unusable(&'static str),
}

impl<'a> From<Option<&'a str>> for Header<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Header::Absent, |v| Header::Value(Cow::Borrowed(v.as_bytes())))
    }
}

/// A carrier that can be read: received headers.
pub trait Extract {
    /// The value of a header of exactly this name, or of this name in any case where the carrier's names have none. Of
    /// several values the last counts, except where the transport's own rules say otherwise.
    fn get(&self, name: &str) -> Header<'_>;

    /// Gives the name of every header to `f`. It is asked for where [`get`](Extract::get) does not find all three headers:
    /// one that somebody has written in other case is found so. Nothing to do where names have no case.
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
    /// Sets a header, in place of every one of exactly that name that is there.
    fn set(&mut self, name: &'static str, value: &str);

    /// Takes a header of exactly this name out.
    fn remove(&mut self, name: &'static str);

    /// Takes every header out that is one of the three but for the case of its name ([`w3c::is_other_case`]): who reads it
    /// so would believe it. Nothing to do where names have no case.
    fn remove_other_case(&mut self) {}
}

/// Something that was wrong with a received header. The message is handled all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The header.
    pub header: &'static str,
    /// What was wrong with it.
    pub reason: Cow<'static, str>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.header, self.reason)
    }
}

/// What was found in a carrier.
#[derive(Clone, Debug, Default)]
pub struct Extraction {
    /// The context; without a trace when there was none, or only a malformed one.
    pub context: Context,
    /// What was wrong: with the name of a header, and with its value.
    pub problems: Vec<Problem>,
}

/// Reads `traceparent`, `tracestate` and `baggage`. Never fails: a malformed `traceparent` means no trace, and no
/// `tracestate` ([Trace Context, section 4.3](https://www.w3.org/TR/trace-context-2/#a-traceparent-is-received)); a malformed
/// `tracestate` is left out, and of a malformed `baggage` the members that are well-formed are taken. Baggage does not
/// depend on a trace, and is taken without one.
///
/// Names are looked up as they are, and what is not found so in any case, with a [`Problem`] that says it.
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

/// How the three names are written where they are so in other case; the last of each counts.
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

/// Writes a context into a carrier, in place of what stood there of an earlier hop. An empty context writes nothing; one
/// that only has baggage writes that.
pub fn inject(context: &Context, carrier: &mut (impl Inject + ?Sized)) {
    let _ = inject_within(context, Budget::UNLIMITED, carrier); // there is room
}

/// How much an injection may add to a message.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes, of names and values and what each header costs beside.
    pub bytes: usize,
    /// What a header costs beside its name and value, in bytes.
    pub per_header: usize,
    /// How many headers: one, two, or all three.
    pub headers: usize,
}

impl Budget {
    /// For transports without a limit.
    pub const UNLIMITED: Budget = Budget { bytes: usize::MAX, per_header: 0, headers: usize::MAX };
}

/// As [`inject`], within a budget. What has no room is left out, in this order: the baggage; members of `tracestate`
/// over 128 characters, then from the end; our run; all of it. None is ever cut. Says what was left out, if anything.
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

/// Where there is no trace: what else stands there of one is not touched.
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

/// What to do about a `traceparent` that the user's message carries already.
#[derive(Debug)]
pub enum Outgoing {
    /// There is none, or it belongs to the current trace and we are forwarding: write ours.
    Write,
    /// It belongs to another trace, so the user means it: leave it, and link to it.
    Keep(Context),
}

/// Decides about a message that is about to be sent under `context`.
pub fn outgoing(context: &Context, carrier: &(impl Extract + ?Sized)) -> Outgoing {
    if carrier.get(w3c::TRACEPARENT) == Header::Absent && other_case(carrier)[0].is_none() {
        return Outgoing::Write;
    }
    match extract(carrier).context {
        theirs if theirs.is_empty() || theirs.trace_id() == context.trace_id() => Outgoing::Write,
        theirs => Outgoing::Keep(theirs),
    }
}
