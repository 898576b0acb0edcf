//! A sink that sends records to another place: to `spanbridge serve`.

mod deliver;
mod environment;
mod lines;
mod receipt;
mod say;

use super::client::Client;
use super::url::{Url, below, parse};
use crate::error::{Error, ErrorKind, Result};
#[doc(hidden)]
pub use deliver::Posted;
use lines::Lines;
use say::Troubles;
use std::fmt;
use std::time::Duration;
use ureq::http::header::AUTHORIZATION;

/// The server's path for records.
const RECORDS: &str = "/api/v1/records";

/// Sends everything that is recorded to a `spanbridge serve`, which may be on another machine. So many processes on many machines
/// have one store.
///
/// ```no_run
/// use spanbridge::Recorder;
/// use spanbridge_otel::HttpSink;
///
/// let sink = HttpSink::to("https://spans.example.com").token("the server's token").open()?;
/// let recorder = Recorder::builder("orders").sink(sink).install()?;
/// # drop(recorder);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`HttpSink::from_env`] takes the address and the token from the environment. A store in a local directory, if you want one as
/// well, is another sink of the same recorder.
///
/// Records are sent as they are: nothing is left out, content neither. What may be recorded is for the recorder
/// ([`RecorderBuilder::content`](spanbridge::RecorderBuilder::content)) to say. To send spans alone, to anything that speaks OTLP,
/// use an [`Exporter`](crate::Exporter).
///
/// # What becomes of records
/// Each delivery (200 ms) is one request, or several if it is large: at most 8,192 records and 4 MiB go together, before
/// compression with gzip. The server answers with a receipt for each record. The recorder's [report](spanbridge::Recorder::report)
/// has the numbers, and the last error.
///
/// | the server | the records |
/// |---|---|
/// | answers 200 | are stored, without those that it names: they are rejected |
/// | answers 408, 429 or 500 and above | are sent again, after what `Retry-After` says, at most five minutes |
/// | cannot be reached, does not answer in time, or answers 200 without a receipt | are sent again |
/// | answers 413 | are sent again in smaller requests; a record that is too large alone is rejected |
/// | answers anything else (401: the token; 404: the address), a redirect too | are rejected |
///
/// To send a record again is harmless: the server stores each once. Pauses are those of a [sink](spanbridge::Sink): 50 ms to 10 s,
/// with jitter. Until then later records wait in the sink's share of the memory, and beyond that the recorder counts what the
/// sink misses.
///
/// If the server takes nothing of a delivery, or nothing could be sent for a second or until the end, a line on stderr says why, once
/// for each of the two.
///
/// The sink works on its own thread, with no runtime, and what it does is not recorded. The proxy that the environment names
/// (`HTTPS_PROXY`, `NO_PROXY`) is used.
pub struct HttpSink {
    client: Client,
    lines: Lines,
    /// What it means if the server answers 401.
    unauthorized: &'static str,
    troubles: Troubles,
}

impl HttpSink {
    /// Begins to set up a sink for the server at this address, such as `http://10.0.0.7:4318`. A path in it stands before the
    /// server's own paths, as a reverse proxy may have it. A user and a password in it are sent as `Authorization`.
    pub fn to(url: impl Into<String>) -> HttpSinkBuilder {
        HttpSinkBuilder { url: Url::new(url.into()), url_variable: None, token: None }
    }
}

/// Sets up an [`HttpSink`].
#[must_use = "nothing is sent until the sink is opened and given to a recorder"]
pub struct HttpSinkBuilder {
    url: Url,
    /// The variable that the address comes from, if it is one.
    url_variable: Option<&'static str>,
    /// With the variable that it comes from.
    token: Option<(String, Option<&'static str>)>,
}

impl HttpSinkBuilder {
    /// The server's token, sent as `Authorization: Bearer …`. The sink never shows it. Default: none.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some((token.into(), None));
        self
    }

    /// Sends this header with each request, for a proxy before the server, such as an API key. The sink never shows its value.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.url.headers.push((name.into(), value.into()));
        self
    }

    /// How long a request may take, from the look-up of the host to the end of the answer. Default: 5 seconds. Maximum: 5 minutes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.url.timeout = timeout;
        self
    }

    /// Trusts these certificates, as PEM, instead of the roots of the web.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.url.tls.roots = Some(pem.into());
        self
    }

    /// Shows the server this certificate, with its chain and its key, as PEM.
    #[cfg(feature = "tls")]
    pub fn client_certificate(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.url.tls.own = Some((chain.into(), key.into()));
        self
    }

    /// The sink. Nothing is sent yet, so nobody knows whether the server is there.
    ///
    /// # Errors
    /// The address, the token, a header or a certificate is not valid.
    pub fn open(mut self) -> Result<HttpSink> {
        self.url.url = address(&self.url.url).map_err(|error| error.of(self.url_variable))?;
        if let Some((token, variable)) = &self.token {
            let token = token.trim();
            if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Error::set_up(
                    ErrorKind::Header,
                    "the token is empty or has characters that cannot be sent",
                )
                .of(*variable));
            }
            self.url.headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        let client = self.url.client().map_err(|error| match error.kind() {
            ErrorKind::Endpoint => error.of(self.url_variable),
            _ => error,
        })?;
        let is_told = client.headers.iter().any(|(name, _)| name == AUTHORIZATION);
        let unauthorized = match (&self.token, self.url_variable) {
            (Some((_, Some(_))), _) => "SPANBRIDGE_TOKEN is not this server's token",
            (Some((_, None)), _) => "the token given to the sink is not this server's token",
            (None, _) if is_told => "the server does not accept the sink's Authorization",
            (None, Some(_)) => "the server wants a token: set SPANBRIDGE_TOKEN",
            (None, None) => "the server wants a token: give the sink one, such as that of SPANBRIDGE_TOKEN",
        };
        Ok(HttpSink { client, lines: Lines::default(), unauthorized, troubles: Troubles::default() })
    }
}

/// Where the server takes records.
fn address(base: &str) -> Result<String> {
    let path = parse(base)?.path().trim_end_matches('/').to_owned();
    if [RECORDS, "/v1/traces"].iter().any(|end| path.ends_with(end)) {
        return Err(Error::set_up(
            ErrorKind::Endpoint,
            "the endpoint ends in `/v1/traces` or `/api/v1/records`: give the address without a path",
        ));
    }
    below(base, RECORDS)
}

/// Without what may be secret.
impl fmt::Debug for HttpSinkBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSinkBuilder").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Without what may be secret.
impl fmt::Debug for HttpSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSink").field("host", &self.client.uri.host()).finish_non_exhaustive()
    }
}
