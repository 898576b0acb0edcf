//! Spans for the tracer provider that is registered globally, which gives them ids of its own.

mod builder;
mod early;
mod known;

use super::caller::Caller;
use super::packed;
use crate::export::destination::{Answer, Destination, Surroundings};
use crate::export::{AnyExporter, Exporter};
use crate::otlp::model::Span;
use crate::spans::Assembler;
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
    /// are lost while no provider is registered, or after it has been shut down. (One that has begun with it before that counts
    /// as accepted: its end is not answered. Shut the recorder down first.)
    ///
    /// A span that is open when one of its children is exported is begun then, as the kind that it is then. If the recorder ends
    /// first, or if more than 16,384 such spans are open, it is ended with the attribute `spanbridge.status` = `open`. A span
    /// whose parent is not known waits for the next delivery if that may bring it: if the span ended while the delivery read what
    /// others recorded. It does not wait if its parent is known to be elsewhere, as those of messages, requests and invocations are.
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

    fn hold_back(&self, packed: &mut Waiting, complete_until: u64, assembler: &Assembler) -> Waiting {
        let mut held = Waiting::default();
        let ready = early::are_ready(&packed.spans, &self.known, assembler);
        let may_wait = |span: &Span<'_>| span.end_time >= complete_until;
        let goes: Vec<_> =
            ready.into_iter().zip(&packed.spans).map(|(is_ready, span)| is_ready || !may_wait(span)).collect();
        if goes.contains(&false) {
            let (now, later): (Vec<_>, Vec<_>) =
                std::mem::take(&mut packed.spans).into_iter().zip(goes).partition(|(_, goes)| *goes);
            packed.spans = now.into_iter().map(|(span, _)| span).collect();
            held.spans = later.into_iter().map(|(span, _)| span).collect();
        }
        held
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::model::Resource;
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
    use spanbridge::record::{End, Record, SpanData};
    use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId};

    /// A span of one trace, that has ended if it is to.
    fn span(id: u64, parent: Option<u64>, has_ended: bool) -> Record<'static> {
        let data = SpanData::new(SpanId::new(id).unwrap(), id.to_string(), id)
            .with_parent_span_id(parent.and_then(SpanId::new))
            .with_end(has_ended.then(|| End::new(100, Status::Ok)));
        Record::new(SegmentId::new(1).unwrap(), 1, "orders", data).of_run(RunId::new(1), TraceId::new(1))
    }

    /// The first delivery brings a child alone, the second what is above it: an open parent, and its parent, which has ended.
    #[test]
    fn a_child_may_come_before_its_parent() {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        global::set_tracer_provider(provider);
        let (mut assembler, mut held) = (Assembler::new(), Waiting::default());
        let to_provider = Exporter::global_provider();
        let mut to = to_provider.to;
        let mut deliver = |records: &[Record<'_>], complete_until| {
            let mut packed = std::mem::take(&mut held);
            assembler.push_records(records.iter().map(Record::view), |_, span| _ = to.pack(span, &mut packed));
            held = to.hold_back(&mut packed, complete_until, &assembler);
            let beside = Surroundings { resource: &Resource::default(), assembler: &assembler };
            let sent = to.send(beside, &mut packed, 0).0;
            (sent, GlobalProvider::len(&held))
        };
        // They end at 100. A delivery that is one of many of a pass brings not yet all that was there when the pass began.
        assert_eq!(deliver(&[span(3, Some(2), true)], 90), (0, 1));
        assert_eq!(deliver(&[], 100), (0, 1));
        assert_eq!(deliver(&[span(2, Some(1), false), span(1, None, true)], 110), (2, 0));
        // Nobody knows the one above it, and when all has come that was before, it is not waited for any more.
        assert_eq!((deliver(&[span(5, Some(4), true)], 100), deliver(&[], 101)), ((0, 1), (1, 0)));
        assert_eq!(deliver(&[span(7, Some(6), true)], 101), (1, 0));
        to.end();
        let spans = exporter.get_finished_spans().unwrap();
        let find = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
        for (child, parent) in [("3", "2"), ("2", "1")] {
            assert_eq!(find(child).parent_span_id, find(parent).span_context.span_id());
        }
        assert!(find("5").parent_span_is_remote);
    }
}
