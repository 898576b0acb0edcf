//! HTTP requests: API Gateway, load balancers, function URLs, VPC Lattice.

use super::content::Content;
use super::source::Source;
use super::values::*;
use crate::carrier::{StandardHeaders, XRay};
use crate::json::Json;
use spanbridge::carrier::Header;
use spanbridge::{semconv, w3c};

/// Reads a request, whose source is recognized by `requestContext`. `None` if it is from no known source.
pub(super) fn request(event: Json<'_>, context: Json<'_>) -> Option<Content> {
    let [elb, lattice, http, domain, api, stage] =
        context.pick(["elb", "serviceNetworkArn", "http", "domainName", "apiId", "stage"]);
    let is_function_url = || domain.and_then(Json::text).is_some_and(|domain| domain.contains(".lambda-url."));
    let source = match http {
        _ if elb.is_some() => Source::LoadBalancer,
        _ if lattice.is_some() => Source::VpcLattice,
        Some(_) if is_function_url() => Source::FunctionUrl,
        _ if http.or(api).or(stage).is_some() => Source::ApiGateway,
        _ => return None,
    };
    let [headers, multi, method, of_lattice, path, raw_path, resource, route_key] =
        event.pick(["headers", "multiValueHeaders", "httpMethod", "method", "path", "rawPath", "resource", "routeKey"]);
    let mut content = with_headers(source, [headers, multi]);
    let method = text(method.or(of_lattice).or_else(|| http?.get("method")));
    // `resource` is `/pets/{id}`; in an HTTP API `routeKey` is `GET /pets/{id}` or `$default`.
    let in_key = || text(route_key).and_then(|key| key.split_once(' ').map(|(_, route)| route.to_owned()));
    content.route = text(resource).or_else(in_key);
    content.attribute(semconv::HTTP_REQUEST_METHOD, method);
    content.attribute(semconv::HTTP_ROUTE, content.route.clone());
    content.attribute(semconv::URL_PATH, text(path.or(raw_path)));
    content.attribute(semconv::SERVER_ADDRESS, text(domain));
    Some(content)
}

/// Other headers that are read, and the attributes that they become. (X-Ray's header is no attribute.)
const OTHER_HEADERS: [(&str, Option<&str>); 3] = [
    (XRay::HEADER, None),
    ("user-agent", Some(semconv::USER_AGENT_ORIGINAL)),
    ("x-forwarded-proto", Some(semconv::URL_SCHEME)),
];

/// Reads the headers of a request. There may be two lists of them: with one value for each name, and with all values.
///
/// Names have no case. Several values of `tracestate` or `baggage` are joined. If there are different values of
/// `traceparent`, none counts.
pub(super) fn with_headers<'a>(source: Source, lists: [Option<Json<'a>>; 2]) -> Content {
    let mut found = StandardHeaders::default();
    let mut content = Content::of(source);
    for (name, value) in lists.into_iter().flatten().flat_map(Json::members) {
        found.offer_any_case(&name, || joined(&name, value));
        let other = OTHER_HEADERS.iter().find(|(header, _)| name.eq_ignore_ascii_case(header));
        let Some((_, attribute)) = other else { continue };
        let Header::Value(value) = joined(&name, value) else { continue };
        match attribute {
            None => content.xray = Some(value.into_owned()),
            Some(attribute) if content.attributes.iter().any(|(known, _)| known == attribute) => {}
            Some(attribute) => content.attribute(attribute, String::from_utf8(value.into_owned()).ok()),
        }
    }
    content.carried = found.extract();
    content
}

/// The value of a header: a string, or an array of strings that are joined with commas.
pub(super) fn joined<'a>(name: &str, value: Json<'a>) -> Header<'a> {
    let joined = match value.is_array() {
        false => text_header(value),
        true => {
            let mut list: Option<Vec<u8>> = None;
            for text in value.elements().filter_map(Json::text) {
                match &mut list {
                    None => list = Some(text.into_owned().into_bytes()),
                    Some(list) => {
                        list.push(b',');
                        list.extend_from_slice(text.as_bytes())
                    }
                }
            }
            list.map_or(Header::Absent, |list| Header::Value(list.into()))
        }
    };
    match joined {
        Header::Value(all) if name.eq_ignore_ascii_case(w3c::TRACEPARENT) && all.contains(&b',') => {
            let mut values = all.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            let first = values.next().unwrap_or_default();
            if values.any(|other| other != first) {
                return Header::Unusable("is there several times, with different values");
            }
            Header::Value(first.to_vec().into())
        }
        Header::Unusable(_) if value.is_null() => Header::Absent,
        joined => joined,
    }
}
