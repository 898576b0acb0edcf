//! What the span of a request is called, and what it has.

use crate::support::{Stage, get, get_with, nothing};
use http::{Method, Request, Version};
use spanbridge::conformance::Seen;
use spanbridge_http::ServerLayer;

async fn described(layer: ServerLayer, request: Request<()>) -> Seen {
    let stage = Stage::new();
    stage.answer(layer, nothing(), request).await.unwrap();
    stage.one()
}

/// Name and attributes, a line each.
fn shown(span: &Seen) -> String {
    let attributes = span.attributes.iter().map(|(name, value)| format!("\n{name}={value}"));
    attributes.fold(span.name.clone(), |all, one| all + &one)
}

#[tokio::test]
async fn a_request_of_http_1() {
    let request = get_with("/orders/7?id=7&sig=s3cret", &[("host", "shop.example:8080"), ("user-agent", "curl/8")]);
    let span = described(ServerLayer::new(), request).await;
    assert_eq!(
        shown(&span),
        "GET\nhttp.request.method=GET\nhttp.response.status_code=200\nnetwork.protocol.version=1.1\n\
         server.address=shop.example\nserver.port=8080\nurl.path=/orders/7\nurl.query=id=7&sig=REDACTED\n\
         url.scheme=http\nuser_agent.original=curl/8"
    );
}

#[tokio::test]
async fn a_request_of_http_2() {
    let mut request = get("https://shop.example/orders/7");
    *request.version_mut() = Version::HTTP_2;
    let span = described(ServerLayer::new().route(|_| Some("/orders/{id}")), request).await;
    assert_eq!(
        shown(&span),
        "GET /orders/{id}\nhttp.request.method=GET\nhttp.response.status_code=200\nhttp.route=/orders/{id}\n\
         network.protocol.version=2\nserver.address=shop.example\nserver.port=443\nurl.path=/orders/7\nurl.scheme=https"
    );
}

/// The names of spans are few, whatever strangers send.
#[tokio::test]
async fn an_unknown_method_is_not_a_name() {
    for (route, name) in [(None, "HTTP"), (Some("/orders"), "HTTP /orders"), (Some(""), "HTTP")] {
        let mut request = get("/orders");
        *request.method_mut() = Method::from_bytes(b"PROPFIND").unwrap();
        let span = described(ServerLayer::new().route(move |_| route), request).await;
        assert_eq!(span.name, name);
        assert_eq!(span.get("http.request.method"), "_OTHER");
        assert_eq!(span.get("http.request.method_original"), "PROPFIND");
    }
}

#[tokio::test]
async fn proxies_are_believed_if_you_say_so() {
    let headers = [("forwarded", "for=192.0.2.60;host=shop.example:443;proto=https"), ("host", "10.0.0.7:8080")];
    for (layer, told) in [
        (ServerLayer::new(), ["shop.example", "443", "https"]),
        (ServerLayer::new().believe_proxies(false), ["10.0.0.7", "8080", "http"]),
        (ServerLayer::public(), ["10.0.0.7", "8080", "http"]),
        (ServerLayer::public().scheme("https"), ["10.0.0.7", "8080", "https"]),
        (ServerLayer::public().believe_proxies(true), ["shop.example", "443", "https"]),
    ] {
        let span = described(layer, get_with("/", &headers)).await;
        assert_eq!(["server.address", "server.port", "url.scheme"].map(|name| span.get(name)), told);
    }
}

/// The port of a host that says none is known only with the scheme that the client has used.
#[tokio::test]
async fn a_default_port_needs_the_scheme() {
    let host = ("host", "shop.example");
    for (headers, port) in [
        (&[host][..], ""),
        (&[host, ("x-forwarded-proto", "https")], "443"),
        (&[host, ("x-forwarded-proto", "http")], "80"),
    ] {
        let span = described(ServerLayer::new(), get_with("/", headers)).await;
        assert_eq!((span.get("server.address"), span.get("server.port")), ("shop.example", port));
    }
}

/// Text that is cut or left out is no reason to fail.
#[tokio::test]
async fn values_of_any_size() {
    let long = "x".repeat(30_000);
    let request = get_with(&format!("/{long}?{long}"), &[("user-agent", &long), ("host", &long)]);
    let span = described(ServerLayer::public(), request).await;
    assert!(span.attributes.values().all(|value| value.len() <= 4096), "{:?}", span.attributes.keys());
    assert_eq!(span.diagnostics[0].0, "cut.attributes");
    let span = described(ServerLayer::new(), get_with("/", &[("user-agent", "J\u{f6}rg")])).await;
    assert_eq!(span.get("user_agent.original"), "J\u{f6}rg");
    let mut request = get("/");
    request.headers_mut().insert("user-agent", http::HeaderValue::from_bytes(b"\xff\xfe").unwrap());
    assert_eq!(described(ServerLayer::new(), request).await.get("user_agent.original"), "");
}
