//! Where spans go, and which.

use super::choice::Choice;
use super::counts::ExportCounter;
use super::destination::Destination;
use super::settings::Settings;
use super::sink::ExportSink;
use crate::error::Result;
use spanbridge::RecorderBuilder;
use std::fmt;

/// Somewhere that spans are exported to:
///
/// | feature | | |
/// |---|---|---|
/// | `export` | [`Exporter::url`] | a receiver of OTLP |
/// | `export` or `sdk` | [`Exporter::callback`] | a function of yours |
/// | `sdk` | [`Exporter::span_exporter`] | a `SpanExporter` of OpenTelemetry's SDK |
/// | `sdk` | [`Exporter::span_processor`] | a `SpanProcessor` of OpenTelemetry's SDK |
/// | `sdk` | [`Exporter::global_provider`] | the tracer provider that is registered globally |
///
/// An exporter is a sink of the recorder, with a thread and a share of the memory of its own. It exports spans that have ended, each delivery
/// (200 ms) in one request or a few.
#[derive(Clone)]
#[must_use = "an exporter works once a telemetry with it is given to a recorder"]
pub struct Exporter<T> {
    pub(crate) to: T,
    choice: Choice,
    counter: ExportCounter,
}

impl<T> Exporter<T> {
    pub(crate) fn to(to: T) -> Self {
        Exporter { to, choice: Choice::default(), counter: ExportCounter::default() }
    }

    /// Which spans are exported. Default: all.
    pub fn choice(mut self, choice: Choice) -> Self {
        self.choice = choice;
        self
    }

    /// Tells at any time what became of the exporter's spans. Clones of an exporter count together.
    pub fn counter(&self) -> ExportCounter {
        self.counter.clone()
    }
}

impl<T: fmt::Debug> fmt::Debug for Exporter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").field("to", &self.to).field("choice", &self.choice).finish_non_exhaustive()
    }
}

/// An exporter of any kind, for [`Telemetry::exporter`](super::Telemetry::exporter).
#[must_use = "an exporter works once a telemetry with it is given to a recorder"]
pub struct AnyExporter {
    attach: Box<Attach>,
    counter: ExportCounter,
}

type Attach = dyn FnOnce(RecorderBuilder, Settings) -> Result<RecorderBuilder> + Send;

impl AnyExporter {
    /// `open` makes a destination of what the exporter was set up with, once there is a recorder.
    pub(crate) fn new<T, D>(exporter: Exporter<T>, open: impl FnOnce(T) -> Result<D> + Send + 'static) -> Self
    where
        T: Send + 'static,
        D: Destination,
    {
        let Exporter { to, choice, counter } = exporter;
        let of_sink = counter.clone();
        let attach = move |builder: RecorderBuilder, settings| {
            Ok(builder.sink(ExportSink::new(open(to)?, settings, choice.0, of_sink)))
        };
        AnyExporter { attach: Box::new(attach), counter }
    }

    pub(super) fn attach(self, builder: RecorderBuilder, settings: Settings) -> Result<RecorderBuilder> {
        (self.attach)(builder, settings)
    }

    pub(super) fn counter(&self) -> ExportCounter {
        self.counter.clone()
    }
}

impl fmt::Debug for AnyExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyExporter").finish_non_exhaustive()
    }
}
