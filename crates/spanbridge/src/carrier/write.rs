//! Writing: a context into a carrier, as much of it as there is room for.

use super::read::{extract, other_case};
use super::{Extract, Header, Inject};
use crate::w3c::{self, Baggage, StateText, TraceParent};
use crate::{Context, RunId};

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
    let (Some(parent), Some(trace), Some(run)) = (context.trace_parent(), context.trace_id(), context.run_id()) else {
        return inject_baggage(context.baggage(), budget, carrier);
    };
    let room = budget.bytes.checked_sub(cost(budget, w3c::TRACEPARENT, TraceParent::LEN));
    let Some(room) = room.filter(|_| budget.headers > 0) else {
        carrier.set_all([None; 3]);
        return Some("no room for the context".to_owned());
    };
    let run = (run != RunId::of_trace(trace)).then_some(run);
    let for_state = if budget.headers > 1 { room.saturating_sub(cost(budget, w3c::TRACESTATE, 0)) } else { 0 };
    let mut state = StateText::default();
    let (state, missing) = context.trace_state().text_within(run, for_state, &mut state);
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
    let [state, baggage] = [state, baggage].map(|text| Some(text).filter(|text| !text.is_empty()));
    carrier.set_all([Some(&parent.to_text()), state, baggage]);
    (!left_out.is_empty()).then(|| format!("no room for {}", left_out.join(" and ")))
}

/// Writes only baggage. The other headers are not touched.
fn inject_baggage(baggage: &Baggage, budget: Budget, carrier: &mut (impl Inject + ?Sized)) -> Option<String> {
    carrier.remove_other_case();
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
        // In a replay, what was received names a run that is not continued.
        _ if context.stands_in() => Outgoing::Write,
        theirs => Outgoing::Keep(theirs),
    }
}
