//! A receiver of OTLP, and how it is reached.

use super::client::Client;
use super::http::{Form, Http};
use crate::error::{Error, ErrorKind, Result};
use crate::otlp::json::to_base64;
use std::fmt;
use std::time::Duration;
use ureq::Agent;
use ureq::config::Config;
use ureq::http::{HeaderName, HeaderValue, Uri, header};

/// A request takes so long at most.
const TIMEOUT: Duration = Duration::from_secs(5);
/// A limit beyond that is none: the sink's thread would hang.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(300);

/// A receiver of OTLP over HTTP: see [`Exporter::url`](super::Exporter::url).
#[derive(Clone)]
pub struct Url {
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) form: Form,
    pub(super) gzip: bool,
    pub(super) timeout: Duration,
    #[cfg(feature = "tls")]
    pub(super) tls: super::tls::Certificates,
}

impl Url {
    pub(super) fn new(url: String) -> Self {
        Url {
            url,
            headers: vec![],
            form: Form::default(),
            gzip: true,
            timeout: TIMEOUT,
            #[cfg(feature = "tls")]
            tls: super::tls::Certificates::default(),
        }
    }

    pub(super) fn open(self) -> Result<Http> {
        Ok(Http::new(self.client()?, self.form))
    }

    /// What sends requests there.
    pub(super) fn client(&self) -> Result<Client> {
        let uri = parse(&self.url)?;
        let mut headers =
            self.headers.iter().map(|(name, value)| parse_header(name, value)).collect::<Result<Vec<_>>>()?;
        let (uri, credentials) = without_credentials(uri)?;
        let is_told = headers.iter().any(|(name, _)| name == header::AUTHORIZATION);
        headers.extend(credentials.filter(|_| !is_told).map(|credentials| (header::AUTHORIZATION, credentials)));
        Ok(Client { agent: self.agent()?, uri, headers, gzip: self.gzip })
    }

    fn agent(&self) -> Result<Agent> {
        let timeout = self.timeout.clamp(Duration::from_millis(1), LONGEST_TIMEOUT);
        // Less than the whole, so that it is known when nothing can have been sent yet.
        let until_connected = timeout * 3 / 4;
        let config = Config::builder()
            .http_status_as_error(false)
            // The headers may be secret, and are for nobody else.
            .max_redirects(0)
            .timeout_global(Some(timeout))
            .timeout_resolve(Some(until_connected))
            .timeout_connect(Some(until_connected))
            .user_agent(concat!("spanbridge-otel/", env!("CARGO_PKG_VERSION")));
        #[cfg(feature = "tls")]
        let config = config.tls_config(self.tls.config()?);
        Ok(config.build().new_agent())
    }
}

/// The path for traces, added to the path of a URL that is for all signals.
pub(super) fn of_traces(base: &str) -> Result<String> {
    below(base, "/v1/traces")
}

/// A path, added to that of a URL.
pub(super) fn below(base: &str, added: &str) -> Result<String> {
    let uri = parse(base)?;
    let (scheme, authority) = (uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |it| it.as_str()));
    let path = uri.path().trim_end_matches('/');
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Ok(format!("{scheme}://{authority}{path}{added}{query}"))
}

/// Takes the user and the password out of a URL. They are percent-encoded there
/// ([RFC 3986, section 3.2.1](https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1)), and sent as they are
/// ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)).
fn without_credentials(uri: Uri) -> Result<(Uri, Option<HeaderValue>)> {
    let endpoint = |what| Error::set_up(ErrorKind::Endpoint, what);
    let mut parts = uri.into_parts();
    let authority = parts.authority.take().ok_or_else(|| endpoint("the endpoint has no host"))?;
    let (credentials, host) = match authority.as_str().rsplit_once('@') {
        Some((credentials, host)) => (Some(credentials), host),
        None => (None, authority.as_str()),
    };
    let credentials = credentials.map(|credentials| {
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let [user, password] = [user, password].map(percent_decoded);
        HeaderValue::from_str(&format!("Basic {}", to_base64(&[&user[..], b":", &password].concat())))
    });
    let credentials = credentials.transpose().map_err(|_| endpoint("the endpoint's user cannot be sent"))?;
    parts.authority = Some(host.parse().map_err(|_| endpoint("the endpoint is not a URL"))?);
    let uri = Uri::from_parts(parts).map_err(|_| endpoint("the endpoint is not a URL"))?;
    Ok((uri, credentials))
}

/// What is no percent-encoding stays as it is.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                decoded.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => {
                decoded.push(b'%');
                decoded.extend_from_slice(part.as_bytes());
            }
        }
    }
    decoded
}

/// Reads the URL of a receiver.
pub(super) fn parse(url: &str) -> Result<Uri> {
    let endpoint = |what| Error::set_up(ErrorKind::Endpoint, what);
    let uri: Uri = url.trim().parse().map_err(|_| endpoint("the endpoint is not a URL"))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") if cfg!(feature = "tls") => {}
        Some("https") => return Err(endpoint("the endpoint has the scheme `https`, which needs the feature `tls`")),
        _ => {
            return Err(endpoint(
                "the endpoint is not a URL with the scheme `http` or `https`, such as `http://127.0.0.1:4318`",
            ));
        }
    }
    let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty()) else {
        return Err(endpoint("the endpoint has no host"));
    };
    // A port that is no number from 1 is ignored elsewhere, and the spans go to the default one.
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    let port = host.strip_prefix(authority.host()).unwrap_or_default().trim_start_matches(':');
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    match port.is_empty() || is_number && authority.port_u16().is_some_and(|port| port > 0) {
        true => Ok(uri),
        false => Err(endpoint("the endpoint's port is not valid")),
    }
}

/// Headers that say what the exporter does.
const OURS: [HeaderName; 5] =
    [header::CONTENT_ENCODING, header::CONTENT_LENGTH, header::CONTENT_TYPE, header::HOST, header::TRANSFER_ENCODING];

pub(super) fn parse_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let error = |what| Error::set_up(ErrorKind::Header, what);
    let name =
        HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| error("the name of a header is not valid"))?;
    if OURS.contains(&name) {
        return Err(error("a header is one that the exporter sets itself"));
    }
    let value = HeaderValue::from_str(value.trim()).map_err(|_| error("the value of a header is not valid"))?;
    Ok((name, value))
}

/// Without what may be secret.
impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = parse(&self.url).ok().and_then(|uri| uri.host().map(str::to_owned));
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Url").field("host", &host).field("headers", &headers).finish_non_exhaustive()
    }
}
