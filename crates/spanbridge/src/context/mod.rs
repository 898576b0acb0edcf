//! What is carried: ids and wire formats, the immutable [`Context`] that consists of them, and the words that describe spans.
//!
//! All other rooms are built on this one. Of recorders it knows only that a context is bound to one.

mod ambient;
pub(crate) mod current;
pub(crate) mod entered;
pub(crate) mod given;
pub(crate) mod ids;
#[cfg(feature = "record")]
pub(crate) mod intake;
pub(crate) mod primitive;
pub(crate) mod restored;
#[cfg(feature = "record")]
pub(crate) mod sampler;
pub(crate) mod source;
pub(crate) mod spare;
pub(crate) mod value;
pub mod w3c;

pub use current::ContextExt;
pub use given::IntoValue;
pub use ids::{ParseIdError, RunId, SegmentId, SpanId, TraceId};
pub use primitive::{Kind, Primitive, Status, family};
#[cfg(feature = "record")]
pub use sampler::{Sampler, SamplingInput};
pub use value::Value;

use crate::w3c::{Baggage, SAMPLED, TraceParent, TraceState};
use std::fmt;
use std::ptr::null;
use std::sync::Arc;

#[cfg(feature = "record")]
use crate::context::intake::Intake;

/// What all spans of a trace and run have in common. It is aligned so that the low bits of its address are free.
#[repr(align(16))]
pub(crate) struct Shared {
    /// Identifies this shared part. Unlike an address, it is never used twice.
    #[cfg(feature = "record")]
    pub(crate) serial: u64,
    /// Zero, if the context only names a recorder or only has baggage.
    pub(crate) trace: u128,
    pub(crate) run: u128,
    pub(crate) flags: u8,
    /// Whether another tracing system records the trace, if it has said so. This is not sent on.
    pub(crate) peer_sampled: Option<bool>,
    /// The sampled flag of a received context, as long as it is undecided whether it is recorded.
    pub(crate) received: Option<bool>,
    /// The run came from another process.
    pub(crate) remote: bool,
    /// The span that came with it: the sender's, or the one that triggered a child run. It is not a span of this process in
    /// this run, so nothing is recorded about it.
    pub(crate) from_span: u64,
    /// The segment of the records.
    pub(crate) segment: OwnSegment,
    pub(crate) trace_state: TraceState,
    pub(crate) baggage: Baggage,
    /// The recorder that was in effect where the context was created.
    #[cfg(feature = "record")]
    pub(crate) intake: Option<Arc<Intake>>,
}

/// A segment other than the recorder's own one for the run. All zero for the recorder's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnSegment {
    /// Its number in this process. Zero, if there is none.
    pub(crate) ordinal: u64,
    /// When it was created, by the recorder's clock.
    pub(crate) made: u64,
    /// The suspension that it continues, or 0.
    pub(crate) suspension: u64,
    /// The resumption that it follows, or 0.
    pub(crate) previous_resumption: u64,
    /// It continues a run that was elsewhere before.
    pub(crate) resumed: bool,
}

impl Shared {
    /// The tag of a context whose spans are recorded.
    #[inline(always)]
    fn recorded_tag(&self) -> usize {
        #[cfg(feature = "record")]
        if self.intake.as_deref().is_some_and(Intake::has_stand_in) {
            return STANDS_IN;
        }
        RECORDED
    }

    #[cfg(feature = "record")]
    pub(crate) fn set_sampled(&mut self, yes: bool) {
        self.flags = (self.flags & !SAMPLED) | if yes { SAMPLED } else { 0 }
    }

    #[cfg(feature = "record")]
    #[inline(always)]
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// Only recording code calls this.
    #[cfg(not(feature = "record"))]
    #[inline(always)]
    pub(crate) fn serial(&self) -> u64 {
        0
    }
}

/// Low bit of the pointer: spans are recorded. It is never set beside the other one.
pub(crate) const RECORDED: usize = 1;

/// Another bit: spans are recorded, and each is told to whoever stands in for the outside. It is never set beside the others: so a
/// span of a recorder without a stand-in is found by one look, as ever, and those of others go the way of the rare.
pub(crate) const STANDS_IN: usize = 4;

/// The next bit: the first span that begins here asks the sampler. There is no trace yet, or an undecided one (see
/// `Sampler::by`).
pub(crate) const BEGINS: usize = 2;

/// What a pointer points at that has [`RECORDED`]. The compiler makes one address of it and the field that is read.
#[inline(always)]
pub(crate) fn untag_recorded(p: *const Shared) -> *const Shared {
    p.map_addr(|a| a - RECORDED)
}

pub(crate) fn untag(p: *const Shared) -> *const Shared {
    p.map_addr(|a| a & !(RECORDED | BEGINS | STANDS_IN))
}

/// What is carried from one step to the next: trace id, parent span id, flags, run id, tracestate and baggage.
///
/// A context is immutable and cheap to clone. It has a shared part (one `Arc`) and an inline part (the span id). A child span
/// changes only the inline part and allocates nothing.
///
/// A context without a trace is [empty](Context::is_empty). It may still have baggage, which [travels](Context::travels)
/// without a trace.
///
/// A context is bound to the recorder that was in effect where it was created: the recorder of the current context, else the
/// installed one.
///
/// With serde, a context is an object with the fields `traceparent`, `tracestate` and `baggage`, as on the wire.
pub struct Context {
    pub(crate) shared: *const Shared,
    pub(crate) span: u64,
}

/// What the two promises below rest on.
const _: fn() = || {
    fn is<T: Send + Sync>() {}
    is::<Shared>()
};

// SAFETY: `shared` is an `Arc<Shared>` in disguise, and `Shared` is Send + Sync.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    /// The empty context.
    pub const EMPTY: Context = Context { shared: null(), span: 0 };

    /// `recorded`: `None` if it is undecided.
    #[inline(always)]
    pub(crate) fn from_shared(shared: Shared, span: u64, recorded: impl Into<Option<bool>>) -> Self {
        let recorded = recorded.into();
        #[cfg(feature = "record")]
        let begins = (shared.trace == 0 || recorded.is_none()) && shared.intake.is_some();
        #[cfg(not(feature = "record"))]
        let begins = false;
        let tag = match recorded {
            Some(true) => shared.recorded_tag(),
            _ if begins => BEGINS,
            _ => 0,
        };
        Context { shared: Arc::into_raw(Arc::new(shared)).map_addr(|a| a | tag), span }
    }

    /// A shared part without tracestate and baggage, not bound to a recorder yet.
    pub(crate) fn blank(trace: u128, run: u128, flags: u8) -> Shared {
        Shared {
            #[cfg(feature = "record")]
            serial: 0,
            trace,
            run,
            flags,
            peer_sampled: None,
            received: None,
            remote: false,
            from_span: 0,
            segment: OwnSegment::default(),
            trace_state: TraceState::new(),
            baggage: Baggage::new(),
            #[cfg(feature = "record")]
            intake: None,
        }
    }

    #[inline]
    pub(crate) fn shared(&self) -> Option<&Shared> {
        // SAFETY: while `self` lives it counts one reference to what it points at, if anything.
        unsafe { untag(self.shared).as_ref() }
    }

    /// The span id, if this has the shared part of another context.
    pub(crate) fn span_beside(&self, other: &Context) -> Option<u64> {
        (self.shared == other.shared && self.span != 0).then_some(self.span)
    }

    /// The same trace and run, inside another span.
    pub(crate) fn with_span(&self, span: u64) -> Self {
        let mut context = self.clone();
        context.span = span;
        context
    }

    /// Whether it has no trace.
    pub fn is_empty(&self) -> bool {
        self.trace_id().is_none()
    }

    /// Whether it has anything to send: a trace, or baggage.
    pub fn travels(&self) -> bool {
        self.shared().is_some_and(|s| s.trace != 0 || !s.baggage.is_empty())
    }

    /// The trace id.
    pub fn trace_id(&self) -> Option<TraceId> {
        self.shared().and_then(|s| TraceId::new(s.trace))
    }

    /// The run id. Default: the run of the trace ([`RunId::of_trace`]).
    pub fn run_id(&self) -> Option<RunId> {
        self.shared().and_then(|s| RunId::new(s.run))
    }

    /// The parent of the next span: a span of this process, the sender's span, or the span that triggered a child run. `None`
    /// outside any span, in a run that nothing triggered.
    pub fn span_id(&self) -> Option<SpanId> {
        SpanId::new(self.span)
    }

    /// The trace flags, as in `traceparent`.
    pub fn flags(&self) -> u8 {
        self.shared().map_or(0, |s| s.flags)
    }

    /// Whether the sampled flag is set. If the trace began in another process, that process has decided. Whether this process
    /// records it is a separate question: see [`is_recorded`](Context::is_recorded).
    pub fn is_sampled(&self) -> bool {
        self.flags() & SAMPLED != 0
    }

    /// Whether another tracing system records the trace ([`of_peer`](Context::of_peer)). `None` if it has not said.
    pub fn peer_sampled(&self) -> Option<bool> {
        self.shared().and_then(|s| s.peer_sampled)
    }

    /// Whether spans under this context are recorded in this process. With a sampler of your own
    /// ([`Sampler::by`](crate::Sampler::by)), a context that arrives is not recorded before its first span is.
    pub fn is_recorded(&self) -> bool {
        self.shared.addr() & (RECORDED | STANDS_IN) != 0
    }

    /// Whether spans are recorded, by a recorder that nobody stands in for: calls are made.
    #[cfg(feature = "record")]
    #[inline(always)]
    pub(crate) fn is_recorded_and_live(&self) -> bool {
        self.shared.addr() & RECORDED != 0
    }

    /// Whether somebody stands in for the outside, who is told of each span.
    #[inline(always)]
    pub(crate) fn is_told(&self) -> bool {
        self.shared.addr() & STANDS_IN != 0
    }

    /// Whether it is bound to a recorder that somebody stands in for.
    pub(crate) fn stands_in(&self) -> bool {
        #[cfg(feature = "record")]
        return self.shared().and_then(|s| s.intake.as_deref()).is_some_and(Intake::has_stand_in);
        #[cfg(not(feature = "record"))]
        return false;
    }

    /// The same context, with the decision whether it is recorded.
    #[cfg(feature = "record")]
    pub(crate) fn with_decision(mut self, recorded: bool) -> Self {
        let tag = self.shared().filter(|_| recorded).map_or(0, Shared::recorded_tag);
        self.shared = untag(self.shared).map_addr(|a| a | tag);
        self
    }

    /// There is a trace, and the first span or run decides whether it is recorded.
    pub(crate) fn is_undecided(&self) -> bool {
        self.shared.addr() & BEGINS != 0 && !self.is_empty()
    }

    /// Whether its run came from another process.
    pub fn is_remote(&self) -> bool {
        self.shared().is_some_and(|s| s.remote)
    }

    /// The span, if it is a span of this process in this run, whether or not it is recorded.
    pub(crate) fn own_span(&self) -> Option<SpanId> {
        self.span_id().filter(|s| self.shared().is_some_and(|shared| shared.from_span != s.0))
    }

    /// The `tracestate` members of other tracing systems.
    pub fn trace_state(&self) -> &TraceState {
        match self.shared() {
            Some(s) => &s.trace_state,
            None => TraceState::none(),
        }
    }

    /// The baggage.
    pub fn baggage(&self) -> &Baggage {
        match self.shared() {
            Some(s) => &s.baggage,
            None => Baggage::none(),
        }
    }

    /// The `traceparent` of this context. In a run, outside any span, the run takes the place of the parent span
    /// ([`RunId::as_parent`]). `None` if the context is empty.
    pub fn trace_parent(&self) -> Option<TraceParent> {
        let (trace_id, run) = (self.trace_id()?, self.run_id()?);
        Some(TraceParent { trace_id, span_id: self.span_id().unwrap_or(run.as_parent()), flags: self.flags() })
    }
}

impl Clone for Context {
    #[inline]
    fn clone(&self) -> Self {
        if !self.shared.is_null() {
            // SAFETY: the pointer came from `Arc::into_raw`, and `self` counts one reference while it lives.
            unsafe { Arc::increment_strong_count(untag(self.shared)) }
        }
        Context { ..*self }
    }
}

impl Drop for Context {
    #[inline]
    fn drop(&mut self) {
        if !self.shared.is_null() {
            // SAFETY: as for `clone`; this is the reference that `self` counted.
            unsafe { Arc::decrement_strong_count(untag(self.shared)) }
        }
    }
}

impl Default for Context {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut d = f.debug_struct("Context");
        if let Some(parent) = self.trace_parent() {
            d.field("traceparent", &format_args!("{parent}")).field("run", &self.run_id());
        } else if self.travels() {
            d.field("baggage", &format_args!("{} bytes", self.baggage().as_str().len()));
        }
        d.finish_non_exhaustive()
    }
}

impl PartialEq for Context {
    /// Two contexts are equal if trace, span, run, flags, tracestate and baggage are.
    fn eq(&self, other: &Self) -> bool {
        self.trace_parent() == other.trace_parent()
            && self.run_id() == other.run_id()
            && self.trace_state() == other.trace_state()
            && self.baggage() == other.baggage()
    }
}
