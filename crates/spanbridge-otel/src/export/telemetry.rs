//! One call that sets up export.

use super::counts::ExportCounter;
use super::environment;
use super::exporter::{AnyExporter, Exporter};
use super::settings::Settings;
use crate::error::Error;
use crate::otlp::model::{AnyValue, KeyValue};
use spanbridge::messaging::CaptureMode;
use spanbridge::{Receipt, RecordBatch, RecorderBuilder, Sink, SinkError, Variables, semconv};
use std::borrow::Cow;
use std::io::{self, Write};

/// Bytes of a text of content that is recorded whole, unless the recorder is told otherwise.
const MAX_CONTENT: usize = 4096;

/// What is exported, and where to: see [`WithTelemetry::with_telemetry`].
#[derive(Debug)]
#[must_use = "nothing is exported until a telemetry is given to a recorder"]
pub struct Telemetry {
    settings: Settings,
    exporters: Vec<AnyExporter>,
    problems: Vec<String>,
}

impl Telemetry {
    /// Begins without an exporter. `service` is the service's name in what is exported (`service.name`).
    pub fn new(service: impl Into<String>) -> Self {
        let mut settings = Settings::default();
        settings.set(KeyValue::new(semconv::SERVICE_NAME, service.into()));
        Telemetry { settings, exporters: vec![], problems: vec![] }
    }

    /// As the environment says, by OpenTelemetry's variables. `service` is the service's name where the environment does not
    /// say it. What you set afterwards wins.
    ///
    /// | variable | here |
    /// |---|---|
    /// | `OTEL_SDK_DISABLED` | `true`: there is no exporter |
    /// | `OTEL_TRACES_EXPORTER` | `otlp` (default) or `none` |
    /// | `OTEL_EXPORTER_OTLP_ENDPOINT` | the receiver; `/v1/traces` is added. Default: `http://localhost:4318` |
    /// | `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` | the same, used as it is |
    /// | `OTEL_EXPORTER_OTLP_HEADERS`, `…_TRACES_HEADERS` | `name=value,…`, percent-encoded. The second replaces the first, also in what follows |
    /// | `OTEL_EXPORTER_OTLP_COMPRESSION`, `…_TRACES_COMPRESSION` | `gzip` or `none`. Default: `gzip` |
    /// | `OTEL_EXPORTER_OTLP_TIMEOUT`, `…_TRACES_TIMEOUT` | milliseconds. Default: 5,000 |
    /// | `OTEL_EXPORTER_OTLP_PROTOCOL`, `…_TRACES_PROTOCOL` | `http/protobuf` (default) or `http/json` |
    /// | `OTEL_EXPORTER_OTLP_CERTIFICATE`, `…_CLIENT_CERTIFICATE`, `…_CLIENT_KEY`, and the same with `TRACES_` | files with PEM |
    /// | `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES` | as [`Environment`](spanbridge::Environment) reads them |
    /// | `OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT`, `…_EVENT_COUNT_LIMIT`, `…_LINK_COUNT_LIMIT`, `OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT`, `OTEL_LINK_ATTRIBUTE_COUNT_LIMIT`, `OTEL_ATTRIBUTE_COUNT_LIMIT` | how many are exported of a span, or of an event or a link of it. Default: 128 |
    /// | `OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT`, `OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT` | characters of a text. Default: all that are recorded |
    ///
    /// Whether a trace is recorded at all is for [`Environment`](spanbridge::Environment) (`OTEL_TRACES_SAMPLER`). How often is
    /// delivered, and how much may wait, is the recorder's: the variables `OTEL_BSP_*` have no meaning here.
    ///
    /// An empty variable counts as not set. One that is not understood is ignored, a line on stderr names it, and so do
    /// [`problems`](Telemetry::problems).
    pub fn from_env(service: impl Into<String>) -> Self {
        let telemetry = Self::from_variables(service, Variables::of_process());
        for problem in &telemetry.problems {
            // A closed stderr is no reason to panic.
            let _ = writeln!(io::stderr(), "spanbridge: {problem}");
        }
        telemetry
    }

    /// As [`from_env`](Telemetry::from_env), with variables from elsewhere, and nothing on stderr.
    pub fn from_variables(service: impl Into<String>, mut variables: Variables<'_>) -> Self {
        let mut telemetry = Self::new(service);
        environment::resource(&mut variables).into_iter().for_each(|attribute| telemetry.settings.set(attribute));
        telemetry.settings.limits = super::limits::Limits::read(&mut variables);
        telemetry.exporters.extend(Exporter::from_variables(&mut variables).map(AnyExporter::from));
        telemetry.problems = variables.into_problems();
        telemetry
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
