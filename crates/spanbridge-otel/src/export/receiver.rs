//! Setting up export to a receiver of OTLP.

use super::environment;
use super::exporter::{AnyExporter, Exporter};
use super::http::Form;
use super::url::Url;
use spanbridge::Variables;
use std::time::Duration;

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

impl From<Exporter<Url>> for AnyExporter {
    fn from(exporter: Exporter<Url>) -> Self {
        AnyExporter::new(exporter, Url::open)
    }
}
