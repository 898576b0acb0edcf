//! The span of a request to a server, by OpenTelemetry's
//! [HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span).

use super::forwarded::Forwarded;
use super::method::RecordedMethod;
use super::url;
use super::version::version;
use http::header::USER_AGENT;
use http::request::Parts;
use spanbridge::adapter::{Values, named_span};
use spanbridge::messaging::PartKind;
use spanbridge::observe::{self, SpanBuilder};
use spanbridge::{Kind, Primitive, Value, semconv};
use std::net::IpAddr;

/// What the server knows of a request beside the request itself.
pub(crate) struct Known<'a> {
    /// The route that the request takes, as it is configured.
    pub(crate) route: Option<&'a str>,
    /// Who has sent the request, if that is recorded.
    pub(crate) client: Option<IpAddr>,
    /// Whether proxies are believed that say what the client has asked.
    pub(crate) believes_proxies: bool,
    /// The scheme of requests that do not say it.
    pub(crate) scheme: &'static str,
}

/// The name of the run, if the work on a request is one: the span's.
pub(crate) fn run_name(request: &Parts, route: Option<&str>) -> String {
    let method = RecordedMethod::from(&request.method).in_name;
    route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"))
}

/// The span of a request, begun under what is current. Its name is `{method} {route}`, or `{method}`: a path would be a name of
/// its own for each request.
pub(crate) fn describe(request: &Parts, known: &Known<'_>, values: &mut Values<'_>) -> SpanBuilder {
    let method = RecordedMethod::from(&request.method);
    let span = match known.route {
        Some(route) => named_span(method.in_name, route),
        None => observe::span(method.in_name),
    };
    let span = span.primitive(Primitive::HTTP_SERVER).kind(Kind::Server);
    if span.id().is_none() {
        return span; // nobody reads the rest
    }
    let forwarded = if known.believes_proxies { Forwarded::read(&request.headers) } else { Forwarded::default() };
    let host = forwarded.host_of(request);
    let said_scheme = forwarded.scheme.or(request.uri.scheme_str());
    let port = host.and_then(|(_, port)| port.or_else(|| default_port(said_scheme?)));
    let span = span
        .attribute(semconv::HTTP_REQUEST_METHOD, Value::Static(method.method))
        .attribute(semconv::HTTP_REQUEST_METHOD_ORIGINAL, method.original)
        .attribute(semconv::HTTP_ROUTE, known.route)
        .attribute(semconv::SERVER_ADDRESS, host.map(|(host, _)| host))
        .attribute(semconv::SERVER_PORT, port.map(i64::from))
        .attribute(semconv::NETWORK_PROTOCOL_VERSION, version(request.version).map(Value::Static));
    let span = match said_scheme {
        Some(scheme) => span.attribute(semconv::URL_SCHEME, scheme),
        None => span.attribute(semconv::URL_SCHEME, Value::Static(known.scheme)),
    };
    let span = values.attribute(span, PartKind::Url, semconv::URL_PATH, request.uri.path().as_bytes());
    let span = match request.uri.query() {
        Some(query) => values.attribute(span, PartKind::Query, semconv::URL_QUERY, url::query(query).as_bytes()),
        None => span,
    };
    let span = match request.headers.get(USER_AGENT) {
        Some(agent) => {
            values.attribute(span, PartKind::Header("user-agent"), semconv::USER_AGENT_ORIGINAL, agent.as_bytes())
        }
        None => span,
    };
    match known.client {
        Some(client) => {
            values.attribute(span, PartKind::ClientAddress, semconv::CLIENT_ADDRESS, client.to_string().as_bytes())
        }
        None => span,
    }
}

/// The port that a host has if none is said. Only if the request says its scheme: a server behind a proxy does not know it.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    }
}
