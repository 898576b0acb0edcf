//! A receiver of OTLP, and how it is reached.

use super::http::{Form, Http};
use crate::error::{Error, ErrorKind, Result};
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
        let uri = parse(&self.url)?;
        let headers = self.headers.iter().map(|(name, value)| parse_header(name, value)).collect::<Result<_>>()?;
        Ok(Http::new(self.agent()?, uri, headers, self.form, self.gzip))
    }

    fn agent(&self) -> Result<Agent> {
        let config = Config::builder()
            .http_status_as_error(false)
            // The headers may be secret, and are for nobody else.
            .max_redirects(0)
            .timeout_global(Some(self.timeout.clamp(Duration::from_millis(1), LONGEST_TIMEOUT)))
            .user_agent(concat!("spanbridge-otel/", env!("CARGO_PKG_VERSION")));
        #[cfg(feature = "tls")]
        let config = config.tls_config(self.tls.config()?);
        Ok(config.build().new_agent())
    }
}

/// Reads the URL of a receiver.
pub(super) fn parse(url: &str) -> Result<Uri> {
    let endpoint = |what| Error::set_up(ErrorKind::Endpoint, what);
    let uri: Uri = url.trim().parse().map_err(|_| endpoint("the endpoint is not a URL"))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") if cfg!(feature = "tls") => {}
        Some("https") => return Err(endpoint("the endpoint has the scheme `https`, which needs the feature `tls`")),
        _ => return Err(endpoint("the endpoint is not a URL with the scheme `http` or `https`")),
    }
    match uri.host() {
        None | Some("") => Err(endpoint("the endpoint has no host")),
        Some(_) => Ok(uri),
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
