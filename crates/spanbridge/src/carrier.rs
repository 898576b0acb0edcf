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
mod json;
#[cfg(feature = "json")]
mod payload;
mod serde;

#[cfg(feature = "json")]
pub use payload::{extract_payload, inject_payload};

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
    /// The value of a header. Names are lower case; carriers whose names have no case compare them so. Of several
    /// values the last counts, except where the transport's own rules say that they are one list.
    fn get(&self, name: &str) -> Header<'_>;
}

/// A carrier that can be written: outgoing headers.
pub trait Inject {
    /// Sets a header, in place of every one of that name that is there.
    fn set(&mut self, name: &'static str, value: &str);

    /// Takes a header out.
    fn remove(&mut self, name: &'static str);
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
    /// The context; empty when there was none, or only a malformed one.
    pub context: Context,
    /// What was wrong, at most one a header.
    pub problems: Vec<Problem>,
}

/// Reads `traceparent`, `tracestate` and `baggage`. Never fails: a malformed `traceparent` means no context
/// ([Trace Context, section 4.3](https://www.w3.org/TR/trace-context-2/#a-traceparent-is-received)), a malformed
/// `tracestate` is left out, and of a malformed `baggage` the members that are well-formed are taken.
pub fn extract(carrier: &(impl Extract + ?Sized)) -> Extraction {
    let mut problems = Vec::new();
    let mut read = |header: &'static str| match carrier.get(header) {
        Header::Absent => None,
        Header::Value(v) => Some(v),
        Header::Unusable(what) => {
            problems.push(Problem { header, reason: Cow::Borrowed(what) });
            None
        }
    };
    let Some(parent) = read(w3c::TRACEPARENT) else { return Extraction { context: Context::EMPTY, problems } };
    let (state, baggage) = (read(w3c::TRACESTATE), read(w3c::BAGGAGE));
    let parent = match TraceParent::parse(&parent) {
        Ok(parent) => parent,
        Err(e) => {
            problems.push(Problem { header: w3c::TRACEPARENT, reason: Cow::Borrowed(e.reason()) });
            return Extraction { context: Context::EMPTY, problems };
        }
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
    Extraction { context: Context::remote(parent, run, state, baggage), problems }
}

/// Writes a context into a carrier, in place of what stood there of an earlier hop. An empty context writes nothing.
pub fn inject(context: &Context, carrier: &mut (impl Inject + ?Sized)) {
    let _ = inject_within(context, Budget { bytes: usize::MAX, per_header: 0, headers: usize::MAX }, carrier); // there is room
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

/// As [`inject`], within a budget. What has no room is left out, in this order: the baggage; members of `tracestate`
/// over 128 characters, then from the end; our run; all of it. None is ever cut. Says what was left out, if anything.
pub fn inject_within(context: &Context, budget: Budget, carrier: &mut (impl Inject + ?Sized)) -> Option<String> {
    let (Some(parent), Some(trace), Some(run)) = (context.trace_parent(), context.trace_id(), context.run_id()) else {
        return None;
    };
    let room = budget.bytes.checked_sub(cost(budget, w3c::TRACEPARENT, TraceParent::LEN));
    let Some(room) = room.filter(|_| budget.headers > 0) else {
        for name in [w3c::TRACEPARENT, w3c::TRACESTATE, w3c::BAGGAGE] {
            carrier.remove(name)
        }
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
        left_out.push(format!("the baggage ({} bytes)", baggage.len()));
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
    match carrier.get(w3c::TRACEPARENT) {
        Header::Absent => Outgoing::Write,
        _ => match extract(carrier).context {
            theirs if theirs.is_empty() || theirs.trace_id() == context.trace_id() => Outgoing::Write,
            theirs => Outgoing::Keep(theirs),
        },
    }
}
