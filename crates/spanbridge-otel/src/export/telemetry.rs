//! One call that sets up export.

use super::counts::ExportCounter;
use super::exporter::AnyExporter;
use super::settings::Settings;
use crate::error::Error;
use crate::otlp::model::{AnyValue, KeyValue};
use spanbridge::messaging::CaptureMode;
use spanbridge::{Receipt, RecordBatch, RecorderBuilder, Sink, SinkError, semconv};
use std::borrow::Cow;

/// Bytes of a text of content that is recorded whole, unless the recorder is told otherwise.
const MAX_CONTENT: usize = 4096;

/// What is exported, and where to: see [`WithTelemetry::with_telemetry`].
#[derive(Debug)]
#[must_use = "nothing is exported until a telemetry is given to a recorder"]
pub struct Telemetry {
    pub(super) settings: Settings,
    pub(super) exporters: Vec<AnyExporter>,
    pub(super) problems: Vec<String>,
}

impl Telemetry {
    /// Begins without an exporter. `service` is the service's name in what is exported (`service.name`).
    pub fn new(service: impl Into<String>) -> Self {
        let mut settings = Settings::default();
        settings.set(KeyValue::new(semconv::SERVICE_NAME, service.into()));
        Telemetry { settings, exporters: vec![], problems: vec![] }
    }

    /// Variables of the environment that were not understood: one line for each, which names it and does not quote its value.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// What becomes of the spans of each exporter, in the order in which they were added.
    pub fn counters(&self) -> Vec<ExportCounter> {
        self.exporters.iter().map(AnyExporter::counter).collect()
    }

    /// Whether there is an exporter. The environment may say that there is none.
    pub fn has_exporter(&self) -> bool {
        !self.exporters.is_empty()
    }

    /// Adds attributes of the resource to what is exported, such as `deployment.environment.name`. They replace what the recorder
    /// says.
    pub fn attributes<K, V>(mut self, attributes: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<Cow<'static, str>>,
        V: Into<AnyValue<'static>>,
    {
        attributes.into_iter().for_each(|(key, value)| self.settings.set(KeyValue::new(key, value)));
        self
    }

    /// Whether content is exported. Default: no.
    ///
    /// Content is: texts of errors and panics; the fields and messages of events; message keys; queries and their
    /// parameters, also those of URLs (the keys stay); prompts, answers, arguments and results of models and tools; names of
    /// files and objects in stores. Without it, what is exported of these is only what they belong to. Names and attributes
    /// that you set yourself are exported, and so are the classes of errors (`error.type`).
    ///
    /// With `true`, the recorder also records what [`agent::content`](spanbridge::agent::content) offers: texts of at most 4,096
    /// bytes whole, longer ones by their size and beginning. All its sinks get that. If you call
    /// [`RecorderBuilder::content`], your setting counts instead. Payloads of messages are a setting of each consumer.
    pub fn record_content(mut self, record_content: bool) -> Self {
        self.settings.content = record_content;
        self
    }

    /// Adds an exporter. There may be any number, and none waits for another.
    pub fn exporter(mut self, exporter: impl Into<AnyExporter>) -> Self {
        self.exporters.push(exporter.into());
        self
    }
}

/// Export for a recorder.
pub trait WithTelemetry: Sized {
    /// Exports what is recorded, besides whatever other sinks there are.
    ///
    /// # Errors
    /// The endpoint, a header or a certificate of an exporter is not valid. What a receiver will answer is not known yet.
    fn with_telemetry(self, telemetry: Telemetry) -> Result<Self, Error>;
}

impl WithTelemetry for RecorderBuilder {
    fn with_telemetry(self, telemetry: Telemetry) -> Result<Self, Error> {
        let Telemetry { settings, exporters, .. } = telemetry;
        if exporters.is_empty() {
            // The environment says so, and that does not stop the application from starting.
            return Ok(self.sink(Nowhere));
        }
        let builder = match settings.content {
            true => self.default_content(CaptureMode::Inline { max: MAX_CONTENT }),
            false => self,
        };
        exporters.into_iter().try_fold(builder, |builder, exporter| exporter.attach(builder, settings.clone()))
    }
}

/// A recorder needs a sink.
struct Nowhere;

impl Sink for Nowhere {
    fn deliver(&mut self, _: &RecordBatch) -> Result<Receipt, SinkError> {
        Ok(Receipt::default())
    }

    fn name(&self) -> &str {
        "nowhere"
    }
}
