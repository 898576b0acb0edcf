//! Spans for an exporter of the SDK.

use super::caller::{Caller, drive};
use super::packed::{self, Packed, Told};
use crate::export::destination::{Answer, Destination, Surroundings};
use crate::export::{AnyExporter, Exporter};
use crate::otlp::model::Span;
use opentelemetry_0_33::InstrumentationScope;
use opentelemetry_sdk::trace::SpanExporter;
use std::fmt;
use std::time::Duration;

/// Spans that go together, as in a batch of the SDK.
const TOGETHER: usize = 512;
/// An export takes so long at most.
const TIMEOUT: Duration = Duration::from_secs(5);
/// And what an exporter does at its end.
const END: Duration = Duration::from_secs(5);

/// An exporter of OpenTelemetry's SDK: see [`Exporter::span_exporter`].
pub struct SdkExporter<E> {
    exporter: E,
    timeout: Duration,
    caller: Caller,
    scope: InstrumentationScope,
    told: Told,
}

impl<E: SpanExporter + 'static> Exporter<SdkExporter<E>> {
    /// Gives spans to an exporter of OpenTelemetry's SDK, with the ids that they have here.
    ///
    /// They come in batches of at most 512, each delivery (200 ms), with the resource of the recorder. What the exporter answers
    /// counts: if it fails, panics or takes too long, the spans of that batch are lost. Repeating is up to the exporter, as the
    /// SDK has it. When the recorder ends, the exporter is shut down.
    ///
    /// The future of an export runs on the sink's thread, which is no thread of a runtime. If it needs one, see
    /// [`within`](Exporter::within).
    pub fn span_exporter(exporter: E) -> Self {
        let (caller, scope, told) = (Caller::default(), packed::scope(), Told::default());
        Self::to(SdkExporter { exporter, timeout: TIMEOUT, caller, scope, told })
    }

    /// How long an export may take. Then its future is dropped, and its spans are lost, as far as is known. Default: 5 seconds.
    /// Maximum: 5 minutes. An exporter that blocks its thread cannot be stopped: what comes meanwhile waits, and is counted.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.to.timeout = timeout;
        self
    }

    /// What surrounds each call of the exporter: `within` must call what it is given, on the same thread. For exporters that
    /// need a runtime, such as those that use hyper, tonic or reqwest without `blocking`:
    ///
    /// ```
    /// # use opentelemetry_sdk::trace::InMemorySpanExporter as OtlpExporter;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use spanbridge_otel::Exporter;
    ///
    /// # let otlp_exporter = OtlpExporter::default();
    /// let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    /// let exporter = Exporter::span_exporter(otlp_exporter).within(move |export| {
    ///     let _entered = runtime.enter();
    ///     export()
    /// });
    /// # drop(exporter); Ok(()) }
    /// ```
    ///
    /// The runtime has to work by itself, so `new_multi_thread`. A handle of the application's runtime does too, as long as no
    /// thread of it blocks in [`Recorder::shutdown`](spanbridge::Recorder::shutdown) that it needs to go on: use
    /// `recorder.flush(..).await` first.
    pub fn within(mut self, within: impl FnMut(&mut dyn FnMut()) + Send + 'static) -> Self {
        self.to.caller = Caller::within(within);
        self
    }
}

impl<E: SpanExporter + 'static> From<Exporter<SdkExporter<E>>> for AnyExporter {
    fn from(exporter: Exporter<SdkExporter<E>>) -> Self {
        AnyExporter::new(exporter, Ok)
    }
}

impl<E: SpanExporter + 'static> Destination for SdkExporter<E> {
    type Packed = Packed;

    const NAME: &'static str = "span exporter";

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
        let batch = spans.take(TOGETHER);
        let (count, timeout) = (batch.len(), self.timeout);
        let SdkExporter { exporter, caller, told, .. } = self;
        let outcome = caller.call(|| {
            told.tell(beside.resource, |resource| exporter.set_resource(resource));
            drive(exporter.export(batch), timeout).map(|outcome| outcome.map_err(|error| error.to_string()))
        });
        let why = match outcome {
            Ok(Some(Ok(()))) => return (count, Answer::all_taken()),
            Ok(Some(Err(error))) => error,
            Ok(None) => format!("it took more than {timeout:?}"),
            Err(why) => why,
        };
        (count, Answer::Refused { why: format!("the span exporter failed: {why}") })
    }

    fn flush(&mut self) -> Result<(), String> {
        let SdkExporter { exporter, caller, .. } = self;
        let outcome = caller.call(|| exporter.force_flush().map_err(|error| error.to_string()));
        outcome.and_then(|outcome| outcome).map_err(|why| format!("the span exporter failed to flush: {why}"))
    }

    fn end(&mut self) {
        let SdkExporter { exporter, caller, .. } = self;
        // Every span is answered for, so that nothing depends on what it says.
        let _ = caller.call(|| exporter.shutdown_with_timeout(END).is_ok());
    }
}

impl<E: fmt::Debug> fmt::Debug for SdkExporter<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SdkExporter").field(&self.exporter).finish()
    }
}
