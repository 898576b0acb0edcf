//! Where contexts come from: a trace that begins here, a run within it, a message that arrives. Here a context is bound
//! to the recorder in effect, which decides whether it is recorded.

use crate::context::{Context, OwnSegment, Shared};
use crate::encoder::thread_recorder;
use crate::w3c::{Baggage, SAMPLED, TraceParent, TraceState};
use crate::{Kind, Primitive, RunId, SpanId, TraceId, Value};

#[cfg(feature = "record")]
use crate::{SamplingInput, context::intake::Intake, current, encoder};
#[cfg(feature = "record")]
use std::sync::Arc;

/// What the recorder in effect says about a new context. It is asked before the shared part is made, which can then be built
/// where it stays: a copy of it costs as much as reading its `traceparent`.
struct Binding {
    #[cfg(feature = "record")]
    intake: Option<Arc<Intake>>,
    /// The sampled flag as it came, if somebody here decides.
    received: Option<bool>,
    /// Whether the decision made here sets the flag, and how.
    sampled: Option<bool>,
    /// Whether it is recorded. `None` if that is undecided.
    recorded: Option<bool>,
}

impl Binding {
    /// By the recorder in effect.
    #[cfg(feature = "record")]
    #[inline(always)]
    fn here(trace: u128, received: Option<bool>) -> Self {
        Self::to(current::intake(), trace, received)
    }

    /// By a recorder that was looked up already.
    #[cfg(feature = "record")]
    #[inline(always)]
    fn to(intake: Option<Arc<Intake>>, trace: u128, received: Option<bool>) -> Self {
        let (Some(decides), Some(trace)) = (intake.as_ref().filter(|i| i.is_on()), TraceId::new(trace)) else {
            return Binding { intake, received: None, sampled: None, recorded: Some(false) }; // nobody here decides
        };
        let recorded = decides.sampler.early(trace, received);
        // Received flags go on as they came: what this process records is no business of those further on.
        let sampled = if received.is_none() { Some(recorded.unwrap_or(true)) } else { None };
        Binding { intake, received, sampled, recorded }
    }

    #[cfg(not(feature = "record"))]
    fn here(_: u128, _: Option<bool>) -> Self {
        Binding { received: None, sampled: None, recorded: Some(false) }
    }

    #[inline(always)]
    fn context(self, shared: Shared, span: u64) -> Context {
        let flags = match self.sampled {
            Some(sampled) => (shared.flags & !SAMPLED) | if sampled { SAMPLED } else { 0 },
            None => shared.flags,
        };
        let shared = Shared {
            #[cfg(feature = "record")]
            serial: encoder::new_id(),
            #[cfg(feature = "record")]
            intake: self.intake,
            received: self.received,
            flags,
            ..shared
        };
        Context::from_shared(shared, span, self.recorded)
    }
}

impl Shared {
    /// Of records that belong to no run and no trace. `None`: nobody here records.
    #[cfg(feature = "record")]
    pub(crate) fn without_run() -> Option<Shared> {
        let intake = current::intake().filter(|intake| intake.is_on())?;
        Some(Shared { serial: encoder::new_id(), intake: Some(intake), ..Context::blank(0, 0, 0) })
    }

    /// Of records that belong to no run and no trace: nobody here records.
    #[cfg(not(feature = "record"))]
    pub(crate) fn without_run() -> Option<Shared> {
        None
    }
}

impl OwnSegment {
    /// The resumption of the run that it is: what one who resumed it does, until he leaves or suspends it. 0 where the run was not
    /// resumed.
    pub(crate) fn resumption(&self) -> u64 {
        if self.resumed { self.ordinal } else { 0 }
    }

    fn new() -> Self {
        OwnSegment { ordinal: thread_recorder().id(), made: thread_recorder().now(), ..Self::default() }
    }
}

impl Context {
    /// A context that only says which recorder is in effect here: for work that must not hang under what happens to be
    /// current, such as a message that came without a context.
    #[cfg(feature = "record")]
    pub fn detached() -> Self {
        let shared = Shared { intake: current::intake(), ..Self::blank(0, 0, 0) };
        if shared.intake.is_none() { Self::EMPTY } else { Self::from_shared(shared, 0, false) }
    }

    /// A context that only says which recorder is in effect here: none.
    #[cfg(not(feature = "record"))]
    pub fn detached() -> Self {
        Self::EMPTY
    }

    /// A context as it arrives from elsewhere. The recorder in effect here decides whether it is recorded.
    #[inline(never)]
    pub fn remote(parent: TraceParent, run: Option<RunId>, trace_state: TraceState, baggage: Baggage) -> Self {
        let trace = parent.trace_id;
        let binding = Binding::here(trace.0, Some(parent.flags & SAMPLED != 0));
        let run = run.unwrap_or(RunId::of_trace(trace));
        let from_span = parent.span_id.0;
        let blank = Self::blank(trace.0, run.0, parent.flags);
        binding.context(Shared { remote: true, from_span, trace_state, baggage, ..blank }, from_span)
    }

    /// A context without a trace: what starts under it begins one, with this baggage
    /// ([W3C Baggage](https://www.w3.org/TR/baggage/) knows of no traces). Empty where there is no baggage.
    pub(crate) fn of_baggage(baggage: Baggage) -> Self {
        if baggage.is_empty() {
            return Self::EMPTY;
        }
        Self::bind(Shared { baggage, ..Self::blank(0, 0, 0) }, 0, None)
    }

    /// The context of a trace whose id somebody else has given, and which has no span yet: what starts next is its root.
    /// Whether it is recorded is for the recorder in effect to decide, as of a trace that begins here.
    pub fn of_trace(trace_id: TraceId) -> Self {
        let run = RunId::of_trace(trace_id);
        Self::bind(Shared { remote: true, ..Self::blank(trace_id.0, run.0, 0) }, 0, None)
    }

    /// The context of a trace that comes by the header of another tracing system, which has W3C's ids and decides for itself
    /// what it records (X-Ray). What it samples is sampled. What it does not, or leaves open, it has not sampled out for
    /// others: that is decided here, as of a trace that begins here, and goes out as sampled where nobody decides.
    pub fn of_peer(trace_id: TraceId, parent: Option<SpanId>, sampled: Option<bool>) -> Self {
        let (run, from_span) = (RunId::of_trace(trace_id), parent.map_or(0, |parent| parent.0));
        let blank = Self::blank(trace_id.0, run.0, SAMPLED);
        let shared = Shared { remote: true, from_span, peer_sampled: sampled, ..blank };
        Self::bind(shared, from_span, sampled.filter(|sampled| *sampled))
    }

    /// The same context, with what a tracing system beside W3C's has decided.
    pub fn with_peer_sampled(&self, sampled: Option<bool>) -> Self {
        if self.peer_sampled() == sampled { self.clone() } else { self.changed(|s| s.peer_sampled = sampled) }
    }

    /// The context of a run that goes on here, outside any of its spans, with a segment of its own.
    pub(crate) fn resumed(
        parent: TraceParent,
        run: RunId,
        trace_state: TraceState,
        baggage: Baggage,
        suspension: u64,
        previous_resumption: u64,
    ) -> Self {
        // Of a child run the span that triggered it; else the run itself stood in for a parent.
        let above = if parent.span_id == run.as_parent() { 0 } else { parent.span_id.0 };
        let segment = OwnSegment { suspension, previous_resumption, resumed: true, ..OwnSegment::new() };
        let blank = Self::blank(parent.trace_id.0, run.0, parent.flags);
        let shared = Shared { remote: true, from_span: above, segment, trace_state, baggage, ..blank };
        let context = Self::bind(shared, above, Some(parent.flags & SAMPLED != 0));
        if context.is_undecided() { decide(&context, "", None, Kind::default(), &[]) } else { context }
    }

    /// Binds a new shared part to the recorder in effect. `received`: the sampled flag, if the trace began elsewhere and its
    /// flags are taken from there; else the decision made here sets the flag.
    #[inline(always)]
    pub(crate) fn bind(shared: Shared, span: u64, received: Option<bool>) -> Self {
        Binding::here(shared.trace, received).context(shared, span)
    }

    /// The same, but for what `change` does to the shared part.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut Shared)) -> Self {
        let Some(old) = self.shared() else { return Self::EMPTY };
        let mut shared = Shared {
            #[cfg(feature = "record")]
            serial: encoder::new_id(),
            trace: old.trace,
            run: old.run,
            flags: old.flags,
            peer_sampled: old.peer_sampled,
            received: old.received,
            remote: old.remote,
            from_span: old.from_span,
            segment: old.segment,
            trace_state: old.trace_state.clone(),
            baggage: old.baggage.clone(),
            #[cfg(feature = "record")]
            intake: old.intake.clone(),
        };
        change(&mut shared);
        Self::from_shared(shared, self.span, if self.is_undecided() { None } else { Some(self.is_recorded()) })
    }

    /// The same context, whose records open a segment of their own: for a process that comes back to a run again and
    /// again, as a function does with every invocation. Such segments may be open side by side. Spans cost what they
    /// always do.
    pub fn in_new_segment(&self) -> Self {
        self.changed(|s| s.segment = OwnSegment::new())
    }

    /// The same context with other baggage. One without a trace has none after that, either.
    pub fn with_baggage(&self, baggage: Baggage) -> Self {
        if self.shared().is_none() { Self::of_baggage(baggage) } else { self.changed(|s| s.baggage = baggage) }
    }
}

/// The context of a new trace, whose own run it is in, with the baggage of what was current; empty where nobody records.
///
/// Its id is random, but its flags do not say so: peers that know one flag alone drop a `traceparent` with two.
#[cfg(feature = "record")]
pub(crate) fn new_trace(outside: &Context) -> Context {
    let Some(intake) = current::intake().filter(|i| i.is_on()) else { return Context::EMPTY };
    let trace = encoder::thread_recorder().long_id();
    let binding = Binding::to(Some(intake), trace, None);
    let context = binding.context(Shared { baggage: outside.baggage().clone(), ..Context::blank(trace, trace, 0) }, 0);
    if context.is_recorded() || context.is_undecided() {
        return context;
    }
    // Not sampled: it travels all the same, and needs a span id on the wire.
    let mut context = context;
    context.span = encoder::new_id();
    context
}

/// An undecided context, decided by its first span or run.
#[cfg(feature = "record")]
#[cold]
pub(crate) fn decide(
    context: &Context,
    name: &str,
    primitive: Option<Primitive>,
    kind: Kind,
    attributes: &[(&'static str, Value<'_>)],
) -> Context {
    let (Some(shared), Some(trace_id)) = (context.shared(), context.trace_id()) else { return Context::EMPTY };
    let records = shared.intake.as_ref().filter(|intake| intake.is_on()).map(|intake| {
        let input = SamplingInput {
            trace_id,
            parent_sampled: shared.received,
            baggage: &shared.baggage,
            name,
            primitive: primitive.unwrap_or(Primitive::OPERATION),
            kind,
            attributes,
        };
        // What the application's code does meanwhile is not recorded: it would ask for a decision again.
        let silence = Context::from_shared(Context::blank(0, 0, 0), 0, false);
        current::in_scope(&silence, || intake.sampler.decide(&input))
    });
    decided(context, records.unwrap_or(false))
}

/// The same context, recorded or not.
#[cfg(feature = "record")]
#[cold]
pub(crate) fn decided(context: &Context, records: bool) -> Context {
    let decided = context.changed(|shared| {
        if shared.received.is_none() {
            shared.set_sampled(records)
        }
    });
    let mut decided = decided.with_decision(records);
    // What is not recorded travels all the same, and needs a span id on the wire.
    if !records && decided.span == 0 && !decided.is_remote() {
        decided.span = encoder::new_id()
    }
    decided
}

#[cfg(not(feature = "record"))]
pub(crate) fn decided(context: &Context, _: bool) -> Context {
    context.clone()
}

#[cfg(not(feature = "record"))]
pub(crate) fn decide(c: &Context, _: &str, _: Option<Primitive>, _: Kind, _: &[(&'static str, Value<'_>)]) -> Context {
    c.clone()
}

#[cfg(not(feature = "record"))]
pub(crate) fn new_trace(_: &Context) -> Context {
    Context::EMPTY
}

/// The same trace, under a run id of its own.
#[cfg(feature = "record")]
pub(crate) fn child_run(outer: &Context) -> Context {
    if !outer.is_recorded() {
        return Context::EMPTY;
    }
    let id = encoder::thread_recorder().long_id();
    outer.changed(|s| {
        (s.run, s.remote, s.from_span, s.segment) = (id, false, outer.span, OwnSegment::default());
    })
}

#[cfg(not(feature = "record"))]
pub(crate) fn child_run(_: &Context) -> Context {
    Context::EMPTY
}

/// The context of a sender that is believed in its ids only: without baggage, and whether it is recorded is decided here.
pub(crate) fn ids_only(sender: &Context) -> Context {
    let Some(old) = sender.shared() else { return Context::EMPTY };
    let Shared { remote, from_span, segment, .. } = *old;
    let blank = Context::blank(old.trace, old.run, old.flags);
    let trace_state = old.trace_state.clone();
    Context::bind(Shared { remote, from_span, segment, trace_state, ..blank }, sender.span, None)
}

/// A trace of its own for work that belongs to the run of its sender, and has its baggage. It is recorded where the
/// sender's trace is, so that a run is recorded as a whole or not at all; what was sampled out upstream stays so.
#[cfg(feature = "record")]
pub(crate) fn linked(sender: &Context) -> Context {
    if sender.shared().is_none_or(|old| old.intake.is_none()) {
        return sender.clone(); // nobody here has a part in it
    }
    let trace = encoder::thread_recorder().long_id();
    let sampled = if sender.is_recorded() || sender.is_undecided() { sender.flags() & SAMPLED } else { 0 };
    let mut context = sender.changed(|s| {
        (s.trace, s.from_span, s.flags) = (trace, 0, sampled);
        (s.trace_state, s.peer_sampled) = (TraceState::new(), None)
    });
    // What is not recorded travels all the same, and needs a span id on the wire.
    context.span = if context.is_recorded() || context.is_undecided() { 0 } else { encoder::new_id() };
    context
}

#[cfg(not(feature = "record"))]
pub(crate) fn linked(sender: &Context) -> Context {
    sender.clone()
}
