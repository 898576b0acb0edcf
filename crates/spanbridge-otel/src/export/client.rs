//! Requests over HTTP, and what became of each.

use super::retry_after;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, Write};
use std::time::{Duration, SystemTime};
use ureq::http::{HeaderName, HeaderValue, Response, StatusCode, Uri, header};
use ureq::{Agent, Body, Timeout};

/// The largest answer that is read, the limit of the
/// [specification](https://opentelemetry.io/docs/specs/otlp/#otlphttp-response).
const MAX_ANSWER: u64 = 4 << 20;
/// By its measurements, level 1 costs an eighth of level 6 and saves almost as much.
const LEVEL: Compression = Compression::new(1);

/// Sends requests to one address.
pub(super) struct Client {
    pub(super) agent: Agent,
    pub(super) uri: Uri,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) gzip: bool,
}

/// What became of a request.
pub(super) enum Reply {
    Answered(Answered),
    Unanswered(Unanswered),
}

pub(super) struct Answered {
    pub(super) status: StatusCode,
    /// `None`: it could not be read.
    pub(super) body: Option<Vec<u8>>,
    /// What `Retry-After` asks for.
    pub(super) pause: Option<Duration>,
}

pub(super) struct Unanswered {
    pub(super) why: String,
    pub(super) may_be_sent_again: bool,
    pub(super) may_have_arrived: bool,
    /// The host is there, and nobody listens at the port.
    pub(super) nobody_listens: bool,
}

impl Client {
    /// Sends a body, compressed if that is set.
    pub(super) fn post(&self, content_type: &str, body: &[u8]) -> Reply {
        match self.exchange(content_type, body) {
            Ok(response) => Reply::Answered(answered(response)),
            Err(error) => Reply::Unanswered(self.unanswered(&error)),
        }
    }

    fn exchange(&self, content_type: &str, body: &[u8]) -> Result<Response<Body>, ureq::Error> {
        let mut request = self.agent.post(&self.uri).header(header::CONTENT_TYPE, content_type);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if self.gzip {
            let compressed = compress(body).map_err(ureq::Error::Io)?;
            request.header(header::CONTENT_ENCODING, "gzip").send(&compressed[..])
        } else {
            request.send(body)
        }
    }

    pub(super) fn unanswered(&self, error: &ureq::Error) -> Unanswered {
        let (may_be_sent_again, may_have_arrived) = match error {
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => (true, false),
            ureq::Error::Io(io) => (true, is_of_a_connection(io.kind())),
            ureq::Error::Timeout(timeout) => (true, !matches!(timeout, Timeout::Resolve | Timeout::Connect)),
            // The proxy did not reach the receiver.
            ureq::Error::ConnectProxyFailed(_) => (true, false),
            // What answered does not speak HTTP.
            _ => (false, false),
        };
        let why = format!("{} did not answer: {}", self.receiver(), self.cause(error));
        let nobody_listens = matches!(error, ureq::Error::Io(io) if io.kind() == io::ErrorKind::ConnectionRefused);
        Unanswered { why, may_be_sent_again, may_have_arrived, nobody_listens }
    }

    fn cause(&self, error: &ureq::Error) -> String {
        let text = match error {
            ureq::Error::Io(io) => io.to_string(),
            other => other.to_string(),
        };
        // So rustls calls an answer in plain text. Its error type is not a dependency of ours.
        match self.uri.scheme_str() == Some("https") && text.contains("InvalidContentType") {
            true => "the server has no TLS: use `http://`, or a proxy before it".to_owned(),
            false => text,
        }
    }

    /// The host and the port of the receiver, without what may be secret.
    pub(super) fn receiver(&self) -> String {
        let default_port = if self.uri.scheme_str() == Some("https") { 443 } else { 80 };
        let host = self.uri.host().unwrap_or("the receiver");
        format!("{host}:{}", self.uri.port_u16().unwrap_or(default_port))
    }
}

fn answered(mut response: Response<Body>) -> Answered {
    let asked = response.headers().get(header::RETRY_AFTER).and_then(|value: &HeaderValue| value.to_str().ok());
    let pause = asked.and_then(|value| retry_after::parse(value, SystemTime::now()));
    let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().ok();
    Answered { status: response.status(), body, pause }
}

/// Whether an error of this kind can come from a connection that stood. All others come before it stands: nobody listens, there is
/// no way, or the look-up of the host's name failed, for which `std` has no kind.
fn is_of_a_connection(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::*;
    let kinds = [
        BrokenPipe,
        ConnectionAborted,
        ConnectionReset,
        Interrupted,
        InvalidData,
        InvalidInput,
        NotConnected,
        Other,
        TimedOut,
        UnexpectedEof,
        WouldBlock,
        WriteZero,
    ];
    kinds.contains(&kind)
}

fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::with_capacity(body.len() / 4 + 64), LEVEL);
    gzip.write_all(body)?;
    gzip.finish()
}
