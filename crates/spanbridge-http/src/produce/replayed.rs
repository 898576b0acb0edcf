//! The answer of a request that a replay does not let out.

use crate::describe::Again;
use http::StatusCode;
use http_body::{Body, Frame};
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::{Method, Request, Response, ResponseBuilderExt, Url};
use reqwest_middleware::{Error, Result};
use spanbridge::adapter::{Recorded, RecordedError, Refused};
use spanbridge::semconv;
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// Why a body that was not recorded cannot be read.
const NO_BODY: &str = "a replay refused to read the body of a response, because the body was not recorded whole";

/// Why a response that was not recorded cannot be had.
const NO_STATUS: &str = "a replay refused the call, because neither a status nor an error of it was recorded";

/// What a request was answered when it was recorded: a response of reqwest's own, or an error of its own.
pub(super) async fn answer(then: &Recorded, asked: &Asked) -> Result<Response> {
    let status = then.integer(semconv::HTTP_RESPONSE_STATUS_CODE).and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    match (status, then.error()) {
        (Some(status), error) => response(status, then, error, asked),
        (None, Some(error)) => Err(transport_error(error, &asked.url).await),
        (None, None) => Err(refused(Refused::new(NO_STATUS))),
    }
}

/// A request that is refused.
pub(super) fn refused(refused: Refused) -> Error {
    Error::middleware(refused)
}

/// What an answer needs to know of its request.
pub(super) struct Asked {
    method: Method,
    url: Url,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        Asked { method: request.method().clone(), url: request.url().clone() }
    }
}

fn response(status: StatusCode, then: &Recorded, error: Option<&RecordedError>, asked: &Asked) -> Result<Response> {
    let redirected = then.text(semconv::HTTP_REDIRECTED_URL).and_then(|url| Url::parse(url).ok());
    let url = redirected.unwrap_or_else(|| asked.url.clone());
    let mut response = http::Response::builder().status(status).version(version(then)).url(url);
    for (name, value) in then.headers() {
        response = response.header(name, value)
    }
    let output = then.artifact("output");
    if let Some(media_type) = output.and_then(|output| output.media_type()).filter(|_| then.headers().is_empty()) {
        response = response.header(http::header::CONTENT_TYPE, media_type)
    }
    // A status that is an error says more than a body that broke off, so from 400 on the error is the status.
    let broke_off = error.filter(|_| !status.is_client_error() && !status.is_server_error());
    let has_none =
        asked.method == Method::HEAD || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
    let body = match (broke_off, output) {
        (Some(error), _) => reqwest::Body::wrap(Unreadable(Some(Box::new(Again::new(error))))),
        (None, Some(output)) => output.content().to_vec().into(),
        (None, None) if has_none => reqwest::Body::default(),
        (None, None) => reqwest::Body::wrap(Unreadable(Some(Box::new(Refused::new(NO_BODY))))),
    };
    match response.body(body) {
        Ok(response) => Ok(response.into()),
        Err(error) => Err(refused(Refused::new(format!(
            "a replay refused the call, because its recorded response cannot be made again: {error}"
        )))),
    }
}

fn version(then: &Recorded) -> http::Version {
    match then.text(semconv::NETWORK_PROTOCOL_VERSION) {
        Some("1.0") => http::Version::HTTP_10,
        Some("2") => http::Version::HTTP_2,
        Some("3") => http::Version::HTTP_3,
        _ => http::Version::HTTP_11,
    }
}

/// A body that cannot be read.
struct Unreadable(Option<BoxError>);

type BoxError = Box<dyn StdError + Send + Sync>;

impl Body for Unreadable {
    type Data = <reqwest::Body as Body>::Data;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Self::Data>, BoxError>>> {
        Poll::Ready(self.0.take().map(Err))
    }
}

/// The error of a request that had no response. Programs ask reqwest's errors what they are, to decide whether to try again; so
/// it is one of reqwest's, of the same kind, where that can be had without a connection.
async fn transport_error(error: &RecordedError, url: &Url) -> Error {
    let again = Again::new(error);
    let client = reqwest::Client::builder().no_proxy();
    let client = match error.class() {
        Some("dns") => client.dns_resolver(Arc::new(Resolves(again.clone()))),
        Some("connect" | "timeout") => client.connector_layer(Fails(again.clone())),
        _ => return Error::middleware(again),
    };
    let Ok(client) = client.build() else { return Error::middleware(again) };
    match client.get("http://replay.invalid/").send().await {
        Err(error) => Error::Reqwest(error.with_url(url.clone())),
        Ok(_) => Error::middleware(again),
    }
}

/// Resolves no name.
struct Resolves(Again);

impl Resolve for Resolves {
    fn resolve(&self, _: Name) -> Resolving {
        let error = self.0.clone();
        Box::pin(async { Err(error.into()) })
    }
}

/// Connects to nothing, whatever it is around.
#[derive(Clone)]
struct Fails<T>(T);

impl<S> Layer<S> for Fails<Again> {
    type Service = Fails<(Again, S)>;

    fn layer(&self, inner: S) -> Self::Service {
        Fails((self.0.clone(), inner))
    }
}

impl<S: Service<R>, R> Service<R> for Fails<(Again, S)> {
    type Response = S::Response;
    type Error = BoxError;
    type Future = std::future::Ready<std::result::Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: R) -> Self::Future {
        std::future::ready(Err(self.0.0.clone().into()))
    }
}
