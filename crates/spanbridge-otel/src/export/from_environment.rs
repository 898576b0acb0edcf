//! A telemetry as the environment says.

use super::environment;
use super::exporter::{AnyExporter, Exporter};
use super::limits::Limits;
use super::telemetry::Telemetry;
use spanbridge::Variables;
use std::io::{self, Write};

impl Telemetry {
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
        telemetry.settings.limits = Limits::read(&mut variables);
        telemetry.exporters.extend(Exporter::from_variables(&mut variables).map(AnyExporter::from));
        telemetry.problems = variables.into_problems();
        telemetry
    }
}
