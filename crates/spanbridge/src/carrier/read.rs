//! Reading: the context that a carrier has.

use super::{Extract, Header, Problem};
use crate::Context;
use crate::w3c::{self, Baggage, TraceParent, TraceState};
use std::borrow::Cow;

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
    let [parent, state, baggage] = find(carrier, &mut problems);
    let parent = parent.value(w3c::TRACEPARENT, &mut problems);
    let parent = parent.and_then(|parent| match TraceParent::parse(&parent) {
        Ok(parent) => Some(parent),
        Err(e) => {
            add(&mut problems, w3c::TRACEPARENT, e.reason().into());
            None
        }
    });
    let baggage = |problems: &mut Vec<Problem>| {
        let Some(raw) = baggage.value(w3c::BAGGAGE, problems) else { return Baggage::new() };
        let (baggage, dropped) = Baggage::parse(&raw);
        if let Some(dropped) = dropped {
            add(problems, w3c::BAGGAGE, dropped.reason().into())
        }
        baggage
    };
    let Some(parent) = parent else {
        state.value(w3c::TRACESTATE, &mut problems); // not taken, but it is told if it cannot be one
        let context = Context::of_baggage(baggage(&mut problems));
        return Extraction { context, problems };
    };
    let (run, state) = match state.value(w3c::TRACESTATE, &mut problems) {
        None => (None, TraceState::new()),
        Some(raw) => {
            let (run, state, problem) = TraceState::parse(&raw);
            if let Some(problem) = problem {
                add(&mut problems, w3c::TRACESTATE, problem.reason().into())
            }
            (run, state)
        }
    };
    let baggage = baggage(&mut problems);
    Extraction { context: Context::remote(parent, run, state, baggage), problems }
}

impl<'a> Header<'a> {
    /// The value, if there is one that can be read.
    #[inline]
    fn value(self, header: &'static str, problems: &mut Vec<Problem>) -> Option<Cow<'a, [u8]>> {
        match self {
            Header::Absent => None,
            Header::Value(value) => Some(value),
            Header::Unusable(what) => {
                add(problems, header, what.into());
                None
            }
        }
    }
}

#[cold]
fn add(problems: &mut Vec<Problem>, header: &'static str, reason: Cow<'static, str>) {
    problems.push(Problem { header, reason })
}

/// What stands under the three names, in the order of [`w3c::HEADERS`]. A header that was found only in other case is a
/// problem as well, because others may not find it.
#[inline]
fn find<'c>(carrier: &'c (impl Extract + ?Sized), problems: &mut Vec<Problem>) -> [Header<'c>; 3] {
    let (mut found, mut in_other_case) = ([const { Header::Absent }; 3], false);
    let in_one_pass = carrier.each(&mut |name, value| match place_exactly(name) {
        Some(place) => found[place] = value,
        None => in_other_case |= w3c::is_other_case(name),
    });
    if !in_one_pass {
        found = w3c::HEADERS.map(|name| carrier.get(name));
        in_other_case = found.contains(&Header::Absent);
    }
    if in_other_case {
        find_in_other_case(carrier, in_one_pass, &mut found, problems)
    }
    found
}

/// Which of the three this name is, in the order of [`w3c::HEADERS`].
#[inline]
fn place_exactly(name: &[u8]) -> Option<usize> {
    w3c::HEADERS.iter().position(|header| header.as_bytes() == name)
}

/// Looks once more for headers that were not found.
#[cold]
fn find_in_other_case<'c>(
    carrier: &'c (impl Extract + ?Sized),
    in_one_pass: bool,
    found: &mut [Header<'c>; 3],
    problems: &mut Vec<Problem>,
) {
    let mut written_so =
        |place: usize, name: &str| add(problems, w3c::HEADERS[place], format!("its name is written {name:?}").into());
    if in_one_pass {
        let mut other = [const { None }; 3];
        carrier.each(&mut |name, value| match w3c::place_named(name) {
            Some(place) if place_exactly(name).is_none() => other[place] = Some((name, value)),
            _ => {}
        });
        for (place, other) in other.into_iter().enumerate() {
            if let Some((name, value)) = other.filter(|_| found[place] == Header::Absent) {
                found[place] = value;
                written_so(place, &String::from_utf8_lossy(name))
            }
        }
        return;
    }
    for (place, name) in other_case(carrier).into_iter().enumerate() {
        if let Some(name) = name.filter(|_| found[place] == Header::Absent) {
            found[place] = carrier.get(&name);
            written_so(place, &name)
        }
    }
}

/// How the three names are written, if they are in another case. Of several, the last counts.
pub(super) fn other_case(carrier: &(impl Extract + ?Sized)) -> [Option<String>; 3] {
    let mut names = [None, None, None];
    carrier.each_name(&mut |name| match w3c::place_named(name.as_bytes()) {
        Some(place) if place_exactly(name.as_bytes()).is_none() => names[place] = Some(name.to_owned()),
        _ => {}
    });
    names
}
