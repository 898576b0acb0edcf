//! Which traces are recorded. Contexts travel in any case.

use crate::context::ids::TraceId;
use crate::context::primitive::{Kind, Primitive};
use crate::context::value::Value;
use crate::panics;
use crate::w3c::Baggage;
use std::cell::Cell;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Which traces are recorded. Default: all.
///
/// A trace is recorded as a whole within a process. The decision is made once, where the trace begins here or arrives;
/// spans inside it never ask again.
///
/// The sampled flag ([Trace Context, section 3.2.2.5.1](https://www.w3.org/TR/trace-context-2/#sampled-flag)) of a trace
/// that begins here passes the decision on. Received flags are passed on as they came: what was sampled out upstream
/// stays so downstream, also where this process records it.
#[derive(Clone, Default)]
pub struct Sampler(Rule);

#[derive(Clone, Default)]
enum Rule {
    #[default]
    Always,
    Ratio(f64),
    ParentBased(f64),
    Own(Arc<AssertUnwindSafe<Box<Decide>>>),
}

type Decide = dyn Fn(&SamplingInput<'_>) -> bool + Send + Sync;

impl Sampler {
    /// Records all traces, whatever a received context says.
    pub fn always() -> Self {
        Sampler(Rule::Always)
    }

    /// Records nothing. Contexts still travel.
    pub fn never() -> Self {
        Self::ratio(0.0)
    }

    /// Records this share of all traces, from 0 to 1, by trace id: every process that asks for at least this share records
    /// the same traces, as
    /// [OpenTelemetry's consistent probability sampling](https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/)
    /// does.
    pub fn ratio(share: f64) -> Self {
        Sampler(Rule::Ratio(share))
    }

    /// Does what a received context says. Of traces that begin here, records this share, by trace id.
    pub fn parent_based(share: f64) -> Self {
        Sampler(Rule::ParentBased(share))
    }

    /// Records a trace if `decide` says so about the first span or run of it in this process.
    ///
    /// It is called when that span begins to run (`run`, `in_scope`, `open`), with what its builder was given until then. It
    /// is called on the thread that runs the work, so it should be quick; what it records itself is not recorded. If it
    /// panics, the trace is recorded.
    ///
    /// ```
    /// use spanbridge::{Memory, Recorder, Sampler, observe};
    ///
    /// let sampler = Sampler::by(|root| {
    ///     if root.attribute("http.route").and_then(|route| route.as_str()) == Some("/health") {
    ///         return false;
    ///     }
    ///     root.parent_sampled().unwrap_or(root.is_in_share(0.1))
    /// });
    /// let memory = Memory::new();
    /// let recorder = Recorder::builder("shop").sink(memory.clone()).sampler(sampler).build()?;
    /// recorder.in_scope(|| observe::span("GET").attribute("http.route", "/health").in_scope(|| ()));
    /// recorder.flush_blocking(std::time::Duration::from_secs(5));
    /// assert!(memory.records().is_empty());
    /// # Ok::<(), spanbridge::InstallError>(())
    /// ```
    pub fn by(decide: impl Fn(&SamplingInput<'_>) -> bool + Send + Sync + 'static) -> Self {
        Sampler(Rule::Own(Arc::new(AssertUnwindSafe(Box::new(decide)))))
    }

    /// Whether a trace is recorded, where that can be said by its id and the sampled flag of a context that came from
    /// elsewhere. `None`: it is decided when its first span is known.
    pub(crate) fn early(&self, trace: TraceId, received: Option<bool>) -> Option<bool> {
        match (&self.0, received) {
            (Rule::Own(_), _) => None,
            (Rule::Always, _) => Some(true),
            (Rule::ParentBased(_), Some(sampled)) => Some(sampled),
            (Rule::Ratio(share) | Rule::ParentBased(share), _) => Some(trace.is_in_share(*share)),
        }
    }

    /// Whether the trace is recorded.
    pub(crate) fn decide(&self, root: &SamplingInput<'_>) -> bool {
        match &self.0 {
            Rule::Own(decide) => match Deciding::begin() {
                Some(_deciding) => panics::caught(|| decide(root)).unwrap_or(true),
                None => false,
            },
            _ => self.early(root.trace_id, root.parent_sampled).unwrap_or(true),
        }
    }
}

thread_local! {
    static IS_DECIDING: Cell<bool> = const { Cell::new(false) };
}

/// A sampler of the application's own is deciding on this thread.
struct Deciding;

impl Deciding {
    /// `None` if one is already: it records something itself, in the scope of a recorder, and would be asked without end.
    fn begin() -> Option<Self> {
        (!IS_DECIDING.replace(true)).then_some(Deciding)
    }
}

impl Drop for Deciding {
    fn drop(&mut self) {
        IS_DECIDING.set(false)
    }
}

impl TraceId {
    /// Whether the trace is in this share of all traces, from 0 to 1: the rule of [`Sampler::ratio`], for sinks that take only a part of what is
    /// recorded.
    pub fn is_in_share(self, share: f64) -> bool {
        const RANDOM: u64 = (1 << 56) - 1; // the part of a trace id that Level 2 calls random
        let threshold = (1.0 - share.clamp(0.0, 1.0)) * (1u64 << 56) as f64;
        share > 0.0 && (self.get() as u64 & RANDOM) >= threshold as u64
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Rule::Always => f.write_str("always"),
            Rule::Ratio(share) => write!(f, "ratio({share})"),
            Rule::ParentBased(share) => write!(f, "parent_based({share})"),
            Rule::Own(_) => f.write_str("by(..)"),
        }
    }
}

/// What a [`Sampler`] of your own decides by: the first span or run of a trace in this process, as it begins.
#[derive(Debug)]
pub struct SamplingInput<'a> {
    pub(crate) trace_id: TraceId,
    pub(crate) parent_sampled: Option<bool>,
    pub(crate) baggage: &'a Baggage,
    pub(crate) name: &'a str,
    pub(crate) primitive: Primitive,
    pub(crate) kind: Kind,
    pub(crate) attributes: &'a [(&'static str, Value<'a>)],
}

impl<'a> SamplingInput<'a> {
    /// The name of the span or run. Empty if a run is resumed: its name is not known here.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// What kind of step it is.
    pub fn primitive(&self) -> Primitive {
        self.primitive
    }

    /// Its role in a remote interaction; of a run [`Kind::Internal`].
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The last value of an attribute that was given before the span began to run.
    pub fn attribute(&self, key: &str) -> Option<Value<'a>> {
        self.attributes().filter(|(k, _)| *k == key).last().map(|(_, value)| value)
    }

    /// The attributes that were given before the span began to run.
    pub fn attributes(&self) -> impl Iterator<Item = (&'static str, Value<'a>)> + use<'a> {
        self.attributes.iter().copied()
    }

    /// The trace. A decision by it alone is the same in every process: see [`is_in_share`](SamplingInput::is_in_share).
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The sampled flag of the context that this trace arrived with. `None` if the trace begins here, or if the sender is not
    /// trusted to decide.
    pub fn parent_sampled(&self) -> Option<bool> {
        self.parent_sampled
    }

    /// The baggage.
    pub fn baggage(&self) -> &'a Baggage {
        self.baggage
    }

    /// Whether the trace belongs to this share of all traces, from 0 to 1: the decision of [`Sampler::ratio`], the same in
    /// every process.
    pub fn is_in_share(&self, share: f64) -> bool {
        self.trace_id.is_in_share(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_share_is_a_part_of_a_larger_one() {
        let traces = (1..10_000u128).map(|i| TraceId(i.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835) | 1));
        let records = |sampler: Sampler, trace, received| sampler.early(trace, received) == Some(true);
        let (mut few, mut many) = (0, 0);
        for t in traces {
            let (a, b) = (records(Sampler::ratio(0.1), t, None), records(Sampler::ratio(0.5), t, Some(false)));
            assert!(b || !a);
            few += a as u32;
            many += b as u32;
            assert!(records(Sampler::ratio(1.0), t, None) && !records(Sampler::never(), t, None));
            assert!(records(Sampler::parent_based(0.0), t, Some(true)) && records(Sampler::always(), t, Some(false)));
        }
        assert!((800..1200).contains(&few) && (4700..5300).contains(&many), "{few} {many}");
        assert!(!records(Sampler::ratio(f64::NAN), TraceId(1), None));
    }
}
