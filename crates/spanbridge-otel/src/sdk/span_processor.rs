//! Spans for a processor of the SDK.

use super::caller::Caller;
use super::packed::{self, Packed, Told};
use crate::export::destination::{Answer, Destination, Surroundings};
use crate::export::{AnyExporter, Exporter};
use crate::otlp::model::Span;
use opentelemetry_0_33::InstrumentationScope;
use opentelemetry_sdk::trace::{SpanData, SpanProcessor};
use spanbridge::panics;
use std::fmt;
use std::time::Duration;

/// Spans between two flushes, unless it is set otherwise: fewer than at how many the SDK's own processor exports unasked (512) and tells nobody how that went,
/// and far fewer than those beyond which it drops some (2,048).
const TOGETHER: usize = 256;
/// What a processor does at its end takes so long at most.
const END: Duration = Duration::from_secs(5);

/// A processor of OpenTelemetry's SDK: see [`Exporter::span_processor`].
pub struct SdkProcessor<P> {
    processor: P,
    together: usize,
    caller: Caller,
    scope: InstrumentationScope,
    told: Told,
}

impl<P: SpanProcessor + 'static> Exporter<SdkProcessor<P>> {
    /// Gives spans to a span processor of OpenTelemetry's SDK, with the ids that they have here, and has it flush each 256
    /// spans and each delivery (200 ms). So the SDK's `BatchSpanProcessor` never has more than it can hold, and what its
    /// exporter answers is known; if its queue or its batches are smaller than 257 spans, see
    /// [`flush_each`](Exporter::flush_each). When the recorder ends, the processor is shut down.
    ///
    /// Spans are accepted if `force_flush` succeeds. What a processor keeps to itself is not known here: the SDK's
    /// `SimpleSpanProcessor` tells nobody that an export failed, nor does `BatchSpanProcessor` of those exports that it makes
    /// when its own time has come. [`Exporter::span_exporter`] knows.
    ///
    /// Only `on_end` is called. `on_start` needs a span of the SDK's own, so that a processor which adds attributes there adds
    /// none; [`Exporter::global_provider`] calls both.
    pub fn span_processor(processor: P) -> Self {
        let (caller, scope, told) = (Caller::default(), packed::scope(), Told::default());
        Self::to(SdkProcessor { processor, together: TOGETHER, caller, scope, told })
    }

    /// Maximum number of spans between two flushes. Default: 256. Choose fewer than `max_queue_size` and `max_export_batch_size`
    /// of a `BatchSpanProcessor` (`OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BSP_MAX_EXPORT_BATCH_SIZE`): what its queue does not hold it
    /// drops without a word, and such spans would count as accepted.
    pub fn flush_each(mut self, spans: usize) -> Self {
        self.to.together = spans.max(1);
        self
    }

    /// What surrounds each call of the processor: `within` must call what it is given, on the same thread. For processors
    /// that export on the thread on which a span ends, with an exporter that needs a runtime.
    pub fn within(mut self, within: impl FnMut(&mut dyn FnMut()) + Send + 'static) -> Self {
        self.to.caller = Caller::within(within);
        self
    }
}

impl<P: SpanProcessor + 'static> From<Exporter<SdkProcessor<P>>> for AnyExporter {
    fn from(exporter: Exporter<SdkProcessor<P>>) -> Self {
        AnyExporter::new(exporter, Ok)
    }
}

/// How many spans it panicked at, and the last thing it said then.
fn give<P: SpanProcessor>(processor: &P, batch: Vec<SpanData>) -> (u64, Option<String>) {
    let said = batch.into_iter().filter_map(|span| panics::caught(|| processor.on_end(span)).err());
    said.fold((0, None), |(count, _), said| (count + 1, Some(format!("the span processor panicked: {said}"))))
}

impl<P: SpanProcessor + 'static> Destination for SdkProcessor<P> {
    type Packed = Packed;

    const NAME: &'static str = "span processor";

    fn pack(&mut self, span: Span<'_>, to: &mut Packed) -> usize {
        to.push(span, &self.scope)
    }

    fn append(&self, more: Packed, to: &mut Packed) {
        to.append(more)
    }

    fn len(packed: &Packed) -> usize {
        packed.len()
    }

    fn send(&mut self, beside: Surroundings<'_>, spans: &mut Packed, _: usize) -> (usize, Answer) {
        let batch = spans.take(self.together);
        let count = batch.len();
        let SdkProcessor { processor, caller, told, .. } = self;
        let outcome = caller.call(|| {
            told.tell(beside.resource, |resource| processor.set_resource(resource));
            let (rejected, warning) = give(processor, batch);
            processor.force_flush().map_err(|error| error.to_string())?;
            Ok((rejected, warning))
        });
        let answer = match outcome.and_then(|outcome| outcome) {
            Ok((rejected, warning)) => Answer::Taken { rejected, left_out: 0, warning },
            Err(why) => Answer::Refused { why: format!("the span processor failed to flush: {why}") },
        };
        (count, answer)
    }

    fn end(&mut self) {
        let SdkProcessor { processor, caller, .. } = self;
        // Every span is answered for, so that nothing depends on what it says.
        let _ = caller.call(|| processor.shutdown_with_timeout(END).is_ok());
    }
}

impl<P: fmt::Debug> fmt::Debug for SdkProcessor<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SdkProcessor").field(&self.processor).finish()
    }
}
