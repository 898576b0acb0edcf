//! Where spans go, and which.

use super::callback::Callback;
use super::choice::Choice;
use super::counts::ExportCounter;
use super::environment;
use super::http::Form;
use super::settings::Settings;
use super::sink::ExportSink;
use super::url::Url;
use crate::error::Result;
use crate::otlp::model::Span;
use spanbridge::{RecorderBuilder, Variables};
use std::fmt;
use std::time::Duration;

/// Somewhere that spans are exported to: a receiver of OTLP ([`Exporter::url`]) or a function of yours
/// ([`Exporter::callback`]).
///
/// An exporter is a sink of the recorder, with a thread and a share of the memory of its own. It exports spans that have ended, each delivery
/// (200 ms) in one request or a few.
#[derive(Clone)]
#[must_use = "an exporter works once a telemetry with it is given to a recorder"]
pub struct Exporter<T> {
    to: T,
    choice: Choice,
    counter: ExportCounter,
}

impl Exporter<Url> {
    /// Sends spans to a receiver of OTLP over HTTP: a collector, or a backend that speaks it. The URL is used as it is, with
    /// its path, which is `/v1/traces` as a rule: `http://localhost:4318/v1/traces`. A user and a password in it are sent as
    /// `Authorization`.
    ///
    /// Requests are protobuf, compressed with gzip. The proxy that the environment names (`HTTPS_PROXY`, `NO_PROXY`) is used.
    ///
    /// | the receiver | the spans |
    /// |---|---|
    /// | answers 200 | are accepted, without those that it says it rejected |
    /// | answers 429, 502, 503 or 504 | are sent again, after what `Retry-After` says (seconds or a date, at most five minutes) |
    /// | cannot be reached | are sent again |
    /// | closes the connection, or does not answer in time | are sent again, five times in all: it may have taken them |
    /// | answers anything else, a redirect too | are lost |
    ///
    /// Pauses are those of a [sink](spanbridge::Sink): 50 ms to 10 s, with jitter. Until then later spans wait in the sink's share of the
    /// memory, and beyond that the recorder counts what the sink misses.
    pub fn url(url: impl Into<String>) -> Self {
        Self::to(Url::new(url.into()))
    }

    /// As the environment says, by the variables that [`Telemetry::from_env`](super::Telemetry::from_env) lists. `None`: it says
    /// that there is no exporter. To choose what is exported, for example:
    ///
    /// ```
    /// use spanbridge::Variables;
    /// use spanbridge_otel::{Choice, Exporter, Telemetry};
    ///
    /// let exporter = Exporter::from_variables(&mut Variables::of_process());
    /// let telemetry = exporter.into_iter().fold(Telemetry::new("my-app"), |telemetry, exporter| {
    ///     telemetry.exporter(exporter.choice(Choice::failed()))
    /// });
    /// # drop(telemetry);
    /// ```
    pub fn from_variables(variables: &mut Variables<'_>) -> Option<Self> {
        environment::receiver(variables).map(Self::to)
    }

    /// Sends this header with each request, such as an API key. The exporter never shows its value.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.to.headers.push((name.into(), value.into()));
        self
    }

    /// Sends JSON instead of protobuf.
    pub fn json(mut self) -> Self {
        self.to.form = Form::Json;
        self
    }

    /// Whether requests are compressed. Default: yes.
    pub fn gzip(mut self, gzip: bool) -> Self {
        self.to.gzip = gzip;
        self
    }

    /// How long a request may take, from the look-up of the host to the end of the answer. Default: 5 seconds. Maximum: 5 minutes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.to.timeout = timeout;
        self
    }

    /// Trusts these certificates, as PEM, instead of the roots of the web.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.to.tls.roots = Some(pem.into());
        self
    }

    /// Shows the receiver this certificate, with its chain and its key, as PEM.
    #[cfg(feature = "tls")]
    pub fn client_certificate(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.to.tls.own = Some((chain.into(), key.into()));
        self
    }
}

impl<F: FnMut(&[Span<'_>]) + Send + 'static> Exporter<Callback<F>> {
    /// Calls a function with the spans of each delivery that has some, on the sink's thread. It may block. If it panics, these spans are lost.
    pub fn callback(spans: F) -> Self {
        Self::to(Callback(spans))
    }
}

impl<T> Exporter<T> {
    pub(super) fn to(to: T) -> Self {
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
    pub(super) fn attach(self, builder: RecorderBuilder, settings: Settings) -> Result<RecorderBuilder> {
        (self.attach)(builder, settings)
    }

    pub(super) fn counter(&self) -> ExportCounter {
        self.counter.clone()
    }
}

impl From<Exporter<Url>> for AnyExporter {
    fn from(exporter: Exporter<Url>) -> Self {
        let Exporter { to, choice, counter } = exporter;
        let of_sink = counter.clone();
        let attach = move |builder: RecorderBuilder, settings| {
            Ok(builder.sink(ExportSink::new(to.open()?, settings, choice.0, of_sink)))
        };
        AnyExporter { attach: Box::new(attach), counter }
    }
}

impl<F: FnMut(&[Span<'_>]) + Send + 'static> From<Exporter<Callback<F>>> for AnyExporter {
    fn from(exporter: Exporter<Callback<F>>) -> Self {
        let Exporter { to, choice, counter } = exporter;
        let of_sink = counter.clone();
        let attach = move |builder: RecorderBuilder, settings| {
            Ok(builder.sink(ExportSink::new(to, settings, choice.0, of_sink)))
        };
        AnyExporter { attach: Box::new(attach), counter }
    }
}

impl fmt::Debug for AnyExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyExporter").finish_non_exhaustive()
    }
}
