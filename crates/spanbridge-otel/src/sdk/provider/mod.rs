//! Spans for the tracer provider that is registered globally, which gives them ids of its own.

mod builder;
mod known;

use super::caller::Caller;
use super::packed;
use crate::export::destination::{Answer, Destination, Surroundings};
use crate::export::{AnyExporter, Exporter};
use crate::otlp::model::Span;
use builder::Builder;
use known::KnownSpans;
use opentelemetry_0_33::{InstrumentationScope, global};
use std::fmt;

/// The tracer provider that is registered globally: see [`Exporter::global_provider`].
pub struct GlobalProvider {
    known: KnownSpans,
    caller: Caller,
    scope: InstrumentationScope,
}

impl Exporter<GlobalProvider> {
    /// Builds spans with the tracer provider that is registered with OpenTelemetry's API
    /// (`opentelemetry::global::set_tracer_provider`, version 0.33), for applications where that is all there is.
    ///
    /// The provider gives each span an id of its own. What holds of them:
    ///
    /// - Each has a link to the span as it was recorded, with our ids and the attribute `spanbridge.edge.type` = `custom.copy`.
    /// - Parents are kept: a span is built under what the provider made of its parent, also if that has not ended yet, or was
    ///   built before. The last 16,384 are known.
    /// - A parent that was never here is named by the ids that came with the message or request. So a trace that begins in
    ///   another service goes on under its id. To the provider's sampler, such a parent is sampled: what upstream decided is the
    ///   business of the recorder's [`Sampler`](spanbridge::Sampler).
    /// - Links to spans that the provider knows lead to these, others to our ids.
    /// - Name, kind, times, attributes, events and status are as recorded.
    ///
    /// What is lost: our ids in the trace that begins here, so that services further on, which were sent our ids, are not in the
    /// provider's trace; dropped counts and the `tracestate` of a span; our resource, in the place of which there is the
    /// provider's. The provider's sampler and limits count as well. What its sampler leaves out is counted as not chosen.
    ///
    /// Spans are accepted once the provider has them: what it does with them is not known here. Flush it after the recorder. Spans
    /// are lost while no provider is registered, or after it has been shut down.
    ///
    /// A span that is open when one of its children is exported is begun then, as the kind that it is then. If the recorder ends first, or if more than
    /// 16,384 such spans are open, it is ended with the attribute `spanbridge.status` = `open`.
    pub fn global_provider() -> Self {
        Self::to(GlobalProvider { known: KnownSpans::default(), caller: Caller::default(), scope: packed::scope() })
    }
}

impl From<Exporter<GlobalProvider>> for AnyExporter {
    fn from(exporter: Exporter<GlobalProvider>) -> Self {
        AnyExporter::new(exporter, Ok)
    }
}

/// Spans that wait for the provider.
#[derive(Default)]
pub(crate) struct Waiting {
    spans: Vec<Span<'static>>,
    sent: usize,
}

impl Destination for GlobalProvider {
    type Packed = Waiting;

    const NAME: &'static str = "tracer provider";

    fn pack(&mut self, span: Span<'_>, to: &mut Waiting) -> usize {
        let size = span.size();
        to.spans.push(span.into_owned());
        size
    }

    fn append(&self, mut more: Waiting, to: &mut Waiting) {
        to.sent += more.sent;
        to.spans.append(&mut more.spans)
    }

    fn len(packed: &Waiting) -> usize {
        packed.sent + packed.spans.len()
    }

    fn send(&mut self, beside: Surroundings<'_>, packed: &mut Waiting, _: usize) -> (usize, Answer) {
        let spans = std::mem::take(&mut packed.spans);
        let count = spans.len();
        packed.sent += count;
        let GlobalProvider { known, caller, scope } = self;
        // A provider that is registered later is used from then on.
        let tracer = caller.call(|| global::tracer_with_scope(scope.clone()));
        let tracer = match tracer {
            Ok(tracer) => tracer,
            Err(why) => return (count, Answer::Refused { why: format!("the tracer provider failed: {why}") }),
        };
        (count, Builder::new(&tracer, known, beside.assembler, caller, spans).build_all())
    }

    fn end(&mut self) {
        let GlobalProvider { known, caller, .. } = self;
        let _ = caller.call(|| known.end());
    }
}

impl fmt::Debug for GlobalProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GlobalProvider").finish_non_exhaustive()
    }
}
