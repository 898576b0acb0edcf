//! Requests over HTTP: API Gateway, load balancers, function URLs.

use super::{Content, Source, text_header};
use crate::carrier::Standard;
use crate::json::Json;
use spanbridge::carrier::Header;
use spanbridge::{semconv, w3c};
use std::borrow::Cow;

/// By what `requestContext` says. `None` where it is nobody's that we know.
pub(super) fn request(
    event: Json<'_>,
    context: Json<'_>,
    headers: Option<Json<'_>>,
    multi: Option<Json<'_>>,
) -> Option<Content> {
    let [elb, http, domain, api, stage] = context.pick(["elb", "http", "domainName", "apiId", "stage"]);
    let is_function_url = || domain.and_then(Json::text).is_some_and(|d| d.contains(".lambda-url."));
    let source = match (elb, http) {
        (Some(_), _) => Source::LoadBalancer,
        (None, Some(_)) if is_function_url() => Source::FunctionUrl,
        (None, http) if http.is_some() || api.is_some() || stage.is_some() => Source::ApiGateway,
        _ => return None,
    };
    let mut content = Content::of(source);
    content.carried = self::headers(headers, multi).extract();

    let [method, path, resource, route_key, raw_path] =
        event.pick(["httpMethod", "path", "resource", "routeKey", "rawPath"]).map(|v| v.and_then(Json::text));
    let [method_v2] = http.map(|http| http.pick(["method"])).unwrap_or_default().map(|v| v.and_then(Json::text));
    content.tell(semconv::HTTP_REQUEST_METHOD, method.or(method_v2));
    content.tell(semconv::URL_PATH, path.or(raw_path));
    // `GET /pets/{id}` in an HTTP API.
    let route = resource.or(route_key.and_then(|key| key.split_once(' ').map(|(_, path)| path.to_owned().into())));
    content.route = route.as_deref().map(str::to_owned);
    content.tell(semconv::HTTP_ROUTE, route);
    Some(content)
}

/// The standard headers among a request's. Names have no case. Several values of `tracestate` or `baggage` are one list;
/// of several of `traceparent` the last counts.
pub(super) fn headers<'a>(single: Option<Json<'a>>, multi: Option<Json<'a>>) -> Standard<'a> {
    let mut found = Standard::none();
    for (name, value) in single.into_iter().chain(multi).flat_map(Json::members) {
        found.offer_any_case(&name, || values(&name, value))
    }
    found
}

/// A value, or several in an array, as load balancers write them.
fn values<'a>(name: &str, value: Json<'a>) -> Header<'a> {
    if !value.is_array() {
        return text_header(value);
    }
    let mut texts: Vec<_> = value.elements().into_iter().filter_map(Json::text).collect();
    match texts.pop() {
        None => Header::Absent,
        Some(last) if texts.is_empty() || name.eq_ignore_ascii_case(w3c::TRACEPARENT) => {
            Header::Value(Cow::Owned(last.into_owned().into_bytes()))
        }
        Some(last) => {
            texts.push(last);
            Header::Value(Cow::Owned(texts.join(",").into_bytes()))
        }
    }
}
