//! The span of a request that is sent.

use super::full_url::full;
use super::method::RecordedMethod;
use reqwest::{Request, StatusCode};
use spanbridge::adapter::{self, Values};
use spanbridge::messaging::PartKind;
use spanbridge::observe::{self, SpanBuilder};
use spanbridge::{Failure, Kind, Outcome, Primitive, Value, semconv};

/// What is known of a request beside the request itself.
pub(crate) struct About<'a> {
    /// What stands for all URLs of its kind.
    pub(crate) template: Option<&'a str>,
    /// How many times it was sent before.
    pub(crate) resends: u32,
    /// Whether the size of its body is recorded.
    pub(crate) tells_size: bool,
}

/// Begins the span of a request.
pub(crate) fn request(request: &Request, about: &About<'_>, values: &mut Values<'_>) -> SpanBuilder {
    let method = RecordedMethod::from(request.method());
    let span = match about.template {
        None => observe::span(method.in_name),
        Some(template) => adapter::named_span(method.in_name, template),
    };
    if span.id().is_none() {
        return span;
    }
    let to = request.url();
    let size = request.body().and_then(|body| body.as_bytes()).filter(|_| about.tells_size).map(<[u8]>::len);
    let span = span
        .primitive(Primitive::HTTP_CLIENT)
        .kind(Kind::Client)
        .attribute(semconv::HTTP_REQUEST_METHOD, Value::Static(method.method))
        .attribute(semconv::HTTP_REQUEST_METHOD_ORIGINAL, method.original)
        .attribute(semconv::SERVER_ADDRESS, to.host_str().map(without_brackets))
        .attribute(semconv::SERVER_PORT, to.port_or_known_default())
        .attribute(semconv::URL_SCHEME, to.scheme())
        .attribute(semconv::URL_TEMPLATE, about.template)
        .attribute(semconv::HTTP_REQUEST_RESEND_COUNT, Some(about.resends).filter(|resends| *resends > 0))
        .attribute(semconv::HTTP_REQUEST_BODY_SIZE, size);
    values.attribute(span, PartKind::Url, semconv::URL_FULL, full(to).as_bytes())
}

/// An IPv6 address, as it stands in attributes.
fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// The status of a response. From 400 on it is an error for the client, and its class is the code.
#[derive(Clone, Copy)]
pub(crate) struct Answer(pub(crate) StatusCode);

impl Outcome for Answer {
    fn failure(&self) -> Option<Failure<'_>> {
        let is_error = self.0.is_client_error() || self.0.is_server_error();
        is_error.then(|| Failure::new(&self.0).class(self.0.as_str()))
    }
}
