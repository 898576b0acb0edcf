//! What a span is called, and what it says.

use crate::support::*;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use http::{Method, StatusCode};
use reqwest_middleware::ClientBuilder;
use spanbridge::Kind;
use spanbridge::messaging::{CaptureMode, CapturePolicy, PartKind};
use spanbridge::observe;
use spanbridge::record::Body;
use spanbridge_graph::SpanStatus;
use spanbridge_graph::testing::{RecordOptions, record_async};
use spanbridge_http::{ClientMiddleware, UrlTemplate};

/// All attributes of a plain request, by the conventions.
#[tokio::test]
async fn a_request_says_what_it_is() {
    let echo = Echo::start().await;
    let url = format!("http://u5er:pa5s@{}/a/b?q=1&sig=5ecret#top", echo.address);
    let recorded = record_async(|| async {
        let body = client().post(url).body("{}").send().await.unwrap().text().await.unwrap();
        assert_eq!(body, "hello");
    });
    let recorded = recorded.await;
    let span = recorded.span("POST");
    assert_eq!((span.kind, span.primitive.as_str(), span.status), (Kind::Client, "http.client", SpanStatus::Ok));
    let mut attributes: Vec<String> = span.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    attributes.sort();
    let port = echo.address.port();
    assert_eq!(
        attributes,
        [
            "http.request.body.size=2".to_owned(),
            "http.request.method=\"POST\"".to_owned(),
            "http.response.status_code=200".to_owned(),
            "network.protocol.version=\"1.1\"".to_owned(),
            "server.address=\"127.0.0.1\"".to_owned(),
            format!("server.port={port}"),
            format!("url.full=\"http://127.0.0.1:{port}/a/b?q=1&sig=REDACTED\""),
            "url.scheme=\"http\"".to_owned(),
        ]
    );
}

/// Whoever builds a request by hand may have a user and a password in its URL.
#[tokio::test]
async fn userinfo_is_redacted() {
    let echo = Echo::start().await;
    let url = format!("http://u5er:pa5s@{}/", echo.address).parse().unwrap();
    let request = reqwest::Request::new(Method::GET, url);
    let recorded = record_async(|| async { client().execute(request).await.unwrap() }).await;
    let full = attribute(recorded.span("GET"), "url.full");
    assert_eq!(full, format!("\"http://REDACTED:REDACTED@{}/\"", echo.address));
}

/// Names of spans have few values, whatever is sent.
#[tokio::test]
async fn unknown_methods_are_other() {
    let echo = Echo::start().await;
    let purge = Method::from_bytes(b"PURGE").unwrap();
    let recorded = record_async(|| async {
        client().request(purge.clone(), echo.url("/a")).send().await.unwrap();
        let template = UrlTemplate::new("/{it}");
        client().request(purge, echo.url("/a")).with_extension(template.clone()).send().await.unwrap();
        client().get(echo.url("/a")).with_extension(template).send().await.unwrap()
    })
    .await;
    let other = recorded.span("HTTP");
    let said =
        ["http.request.method", "http.request.method_original", "url.template"].map(|name| attribute(other, name));
    assert_eq!(said, ["\"_OTHER\"", "\"PURGE\"", ""]);
    assert_eq!(attribute(recorded.span("HTTP /{it}"), "url.template"), "\"/{it}\"");
    assert_eq!(attribute(recorded.span("GET /{it}"), "http.request.method_original"), "");
}

/// From 400 on a status is an error for the client, of the class of its code.
#[tokio::test]
async fn statuses_from_400_on_are_errors() {
    let answers = |status: u16| get(move || async move { (StatusCode::from_u16(status).unwrap(), "hello") });
    let routes = [204, 304, 404, 500].map(|status| (format!("/{status}"), answers(status)));
    let address = serve(routes.into_iter().fold(Router::new(), |all, (path, one)| all.route(&path, one))).await;
    let recorded = record_async(|| async {
        for status in [204, 304, 404, 500] {
            let template = UrlTemplate::new(status.to_string());
            let got = client().get(format!("http://{address}/{status}")).with_extension(template).send().await.unwrap();
            assert_eq!(got.status(), status);
        }
    })
    .await;
    let ends = [204, 304, 404, 500].map(|status| end(recorded.span(&format!("GET {status}"))));
    assert_eq!(
        ends,
        [
            (SpanStatus::Ok, String::new(), ""),
            (SpanStatus::Ok, String::new(), ""),
            (SpanStatus::Error, "404".to_owned(), "404 Not Found"),
            (SpanStatus::Error, "500".to_owned(), "500 Internal Server Error"),
        ]
    );
    let status = |name| attribute(recorded.span(name), "http.response.status_code");
    assert_eq!([status("GET 204"), status("GET 500")], ["204", "500"]);
}

/// Redirects happen below the middleware: one span, which says where they led to, and the same headers on both hops.
#[tokio::test]
async fn a_redirect_is_one_span() {
    let echo = Echo::start().await;
    let there = echo.url("/there?sig=5ecret");
    let here = serve(Router::new().route("/here", get(move || async move { Redirect::temporary(&there) }))).await;
    let recorded = record_async(|| async {
        let response = client().get(format!("http://{here}/here")).send().await.unwrap();
        assert_eq!(response.url().path(), "/there");
        assert_eq!(response.url().query(), Some("sig=5ecret"));
    })
    .await;
    let span = recorded.span("GET");
    assert_eq!(attribute(span, "url.full"), format!("\"http://{here}/here\""));
    assert_eq!(attribute(span, "spanbridge.http.redirected_url"), format!("\"{}\"", echo.url("/there?sig=REDACTED")));
    let parent = format!("00-{}-{}-01", span.trace_id, span.span_id);
    assert_eq!(echo.header("traceparent"), [Some(parent)]);
}

/// With capture off, no URL and no text of an error is recorded.
#[tokio::test]
async fn nothing_personal_with_capture_off() {
    let echo = Echo::start().await;
    let client = ClientBuilder::new(plain()).with(ClientMiddleware::new().capture(CaptureMode::Off)).build();
    let recorded = record_async(|| async {
        client.post(echo.url("/a")).body("{}").send().await.unwrap();
        client.get("http://127.0.0.1:1/").send().await.unwrap_err();
    })
    .await;
    let span = recorded.span("POST");
    assert_eq!([attribute(span, "url.full"), attribute(span, "http.request.body.size")], ["", ""]);
    assert_eq!(end(recorded.span("GET")), (SpanStatus::Error, "connect".to_owned(), ""));
}

/// One hook sees everything, and fails closed; credentials are not shown even to it.
#[tokio::test]
async fn a_hook_sees_everything_but_credentials() {
    let echo = Echo::start().await;
    let capture = CapturePolicy::from(CaptureMode::Inline { max: 100 }).headers(CaptureMode::Inline { max: 1000 });
    let capture = capture.redact(|part| {
        assert!(!String::from_utf8_lossy(part.bytes()).contains("5ecret"), "{part:?}");
        match part.kind() {
            PartKind::Url if part.bytes().ends_with(b"/fails") => return Err("no"),
            PartKind::Url => part.replace("the URL"),
            PartKind::Payload => part.replace("the payload"),
            PartKind::ErrorText => part.replace("the text"),
            _ => {}
        }
        Ok(())
    });
    let client = ClientBuilder::new(plain()).with(ClientMiddleware::new().capture(capture)).build();
    let recorded = RecordOptions::new().record_async(|| async {
        let request = client.post(echo.url("/a")).body("{}").bearer_auth("5ecret").header("x-mine", "mine");
        request.send().await.unwrap();
        client.put(echo.url("/fails")).send().await.unwrap();
        client.get("http://127.0.0.1:1/").send().await.unwrap_err();
    });
    let recorded = recorded.await;
    assert_eq!(attribute(recorded.span("POST"), "url.full"), "\"the URL\"");
    assert_eq!(attribute(recorded.span("PUT"), "url.full"), "");
    assert_eq!(end(recorded.span("GET")).2, "the text");
    let texts: Vec<String> = recorded.records().iter().map(|record| format!("{record:?}")).collect();
    let has = |text: &str| texts.iter().any(|record| record.contains(text));
    assert!(has("redaction.failed"), "{texts:#?}");
    assert!(has("the payload") && has("x-mine") && has("authorization") && !has("5ecret"), "{texts:#?}");
    let artifacts = recorded.records().iter().filter_map(|record| match &record.body {
        Body::Artifact(artifact) => Some(artifact.kind.as_ref()),
        _ => None,
    });
    let kinds: Vec<&str> = artifacts.collect();
    let [input, headers, answer] = ["input", "input.headers", "output.headers"];
    assert_eq!(kinds, [input, headers, answer, input, headers, answer, input, headers]);
}

/// Nothing is written and nothing fails where nobody records, and there is no context.
#[tokio::test]
async fn without_a_recorder_nothing_happens() {
    let echo = Echo::start().await;
    let text = client().get(echo.url("/")).send().await.unwrap().text().await.unwrap();
    assert_eq!((text.as_str(), observe::current_context().is_empty()), ("hello", true));
    let ours = ["traceparent", "tracestate", "baggage"].map(|name| echo.seen()[0].contains_key(name));
    assert_eq!(ours, [false; 3]);
}
