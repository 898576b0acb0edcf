//! Requests and responses that are recorded whole: bodies as they pass, and what stands beside them.

use crate::site::Site;
use crate::support::{Script, Stage, Step, get as get_request, next};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::{any, get, post};
use bytes::{Buf, Bytes};
use futures_util::{StreamExt, stream};
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use spanbridge::record::{Artifact, Body as Content, Record};
use spanbridge_http::{CaptureMode, CapturePolicy, PartKind, ReceiveOptions, ServerLayer};
use std::convert::Infallible;
use tower::service_fn;

const KIB: usize = 1024;

fn layer(capture: impl Into<CapturePolicy>) -> ServerLayer {
    ServerLayer::new().with(ReceiveOptions::new().capture(capture))
}

fn whole() -> ServerLayer {
    layer(CaptureMode::Whole { max: 64 * KIB })
}

fn app(layer: ServerLayer) -> Router {
    Router::new()
        .route("/echo", any(async |body: Bytes| body))
        .route("/ignored", post(async || StatusCode::ACCEPTED))
        .route("/first", post(async |body: Body| drop(body.into_data_stream().next().await)))
        .route("/none", get(async || StatusCode::NO_CONTENT))
        .route("/slow", get(async || Body::from_stream(endless())))
        .layer(layer)
}

fn endless() -> impl futures_util::Stream<Item = Result<&'static str, Infallible>> + Send {
    stream::iter([Ok("hello")]).chain(stream::pending())
}

fn artifact(records: &[Record<'static>], kind: &str) -> Option<Artifact<'static>> {
    records.iter().find_map(|record| match &record.body {
        Content::Artifact(artifact) if artifact.kind == kind => Some(artifact.clone()),
        _ => None,
    })
}

/// The size of an artifact, and what is there of it.
fn told(records: &[Record<'static>], kind: &str) -> Option<(u64, Option<String>)> {
    artifact(records, kind).map(|a| (a.size_bytes, a.preview.map(|text| text.into_owned())))
}

fn all_of(text: &str) -> Option<(u64, Option<String>)> {
    Some((text.len() as u64, Some(text.to_owned())))
}

#[tokio::test]
async fn a_request_and_its_response_are_recorded() {
    let request = "POST /echo?a=b&sig=5ecret HTTP/1.1\r\nhost: shop.example\r\ncontent-type: application/json\r\nx-a: 1\r\nx-a: 2\r\n\
        authorization: Bearer 5ecret\r\ncontent-length: 9\r\nconnection: close\r\n\r\n{\"id\":17}";
    let site = Site::serve(app(whole())).await;
    let response = site.send(request).await.rest().await;
    assert!(response.ends_with("{\"id\":17}"), "{response}");
    site.ended("POST /echo").await;
    let records = site.stage.records();
    assert_eq!(told(&records, "input"), all_of("{\"id\":17}"));
    assert_eq!(told(&records, "output"), all_of("{\"id\":17}"));
    assert_eq!(artifact(&records, "input").unwrap().content_type, "application/json");
    let properties = artifact(&records, "input.properties").unwrap();
    let json: serde_json::Value = serde_json::from_str(properties.preview.as_deref().unwrap()).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"transport": "http", "method": "POST", "target": "/echo?a=b&sig=REDACTED", "version": "HTTP/1.1",
            "headers": [["host", "shop.example"], ["content-type", "application/json"], ["x-a", "1"], ["x-a", "2"],
                ["authorization", "REDACTED"], ["content-length", "9"], ["connection", "close"]]})
    );
}

/// Without a body it is known to be empty. What the handler does not read is not known at all.
#[tokio::test]
async fn a_request_is_recorded_as_far_as_it_is_read() {
    for (request, span, input) in [
        ("GET /none HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n", "GET /none", all_of("")),
        (
            "POST /ignored HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
            "POST /ignored",
            None,
        ),
        (
            "POST /first HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 9\r\n\r\nhi",
            "POST /first",
            Some((9, Some("hi".to_owned()))),
        ),
        (
            "POST /first HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n",
            "POST /first",
            Some((3, Some("hi".to_owned()))),
        ),
    ] {
        let site = Site::serve(app(whole())).await;
        let connection = site.send(request).await;
        site.ended(span).await;
        assert_eq!(told(&site.stage.records(), "input"), input, "{request}");
        drop(connection)
    }
}

/// A client that is gone while its body is read, or while it is answered.
#[tokio::test]
async fn what_breaks_off_says_so() {
    let site = Site::serve(app(whole())).await;
    drop(site.send("POST /echo HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\nhel").await);
    site.ended("POST /echo").await;
    assert_eq!(told(&site.stage.records(), "input"), Some((100, Some("hel".to_owned()))));

    let site = Site::serve(app(whole())).await;
    let mut connection = site.send("GET /slow HTTP/1.1\r\nhost: h\r\n\r\n").await;
    connection.until("hello").await;
    drop(connection);
    site.ended("GET /slow").await;
    assert_eq!(told(&site.stage.records(), "output"), Some((6, Some("hello".to_owned()))));
}

#[tokio::test]
async fn without_a_response_body_the_output_is_empty() {
    for (request, span) in [("GET /none", "GET /none"), ("HEAD /echo", "HEAD /echo")] {
        let site = Site::serve(app(whole())).await;
        site.send(format!("{request} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")).await.rest().await;
        site.ended(span).await;
        assert_eq!(told(&site.stage.records(), "output"), all_of(""), "{request}");
    }
}

/// 10 MB through a handler, with a bound of 64 KiB.
#[tokio::test]
async fn large_bodies_are_cut() {
    let site = Site::serve(app(whole()).layer(axum::extract::DefaultBodyLimit::disable())).await;
    let body = "x".repeat(10 << 20);
    let request =
        format!("POST /echo HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let response = site.send(request).await.rest().await;
    assert!(response.len() > body.len());
    site.ended("POST /echo").await;
    let records = site.stage.records();
    for kind in ["input", "output"] {
        assert_eq!(told(&records, kind), Some((10 << 20, Some("x".repeat(4 * KIB)))), "{kind}");
    }
}

/// A limit around the layer: axum looks for its error at a certain depth, and answers 413 if it finds it there.
#[tokio::test]
async fn errors_of_bodies_stay_as_deep() {
    let limit = async |request: Request| request.map(|body| Body::new(http_body_util::Limited::new(body, 4)));
    let request = "POST /echo HTTP/1.1\r\nhost: h\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n9\r\ntoo large\r\n0\r\n\r\n";
    for layer in [layer(CaptureMode::Off), whole()] {
        let site = Site::serve(app(layer).layer(axum::middleware::map_request(limit))).await;
        let response = site.send(request).await.rest().await;
        assert!(response.starts_with("HTTP/1.1 413 "), "{response}");
    }
}

/// By default, and with what records sizes alone, bodies are not looked at.
#[tokio::test]
async fn bodies_are_recorded_only_if_asked_for() {
    let request = "POST /echo HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi";
    for layer in [ServerLayer::new(), layer(CaptureMode::Reference), layer(CaptureMode::Off)] {
        let site = Site::serve(app(layer)).await;
        site.send(request).await.rest().await;
        site.ended("POST /echo").await;
        let records = site.stage.records();
        assert!(!records.iter().any(|record| matches!(record.body, Content::Artifact(_))));
    }
}

/// The hook decides about every value, and fails closed: the target, the headers, both bodies.
#[tokio::test]
async fn the_hook_decides_about_each_value() {
    let request = "POST /echo?card=4111 HTTP/1.1\r\nhost: h\r\nx-card: 4111\r\nconnection: close\r\ncontent-length: 4\r\n\r\n4111";
    let hides = CapturePolicy::from(CaptureMode::Whole { max: KIB }).redact(|part| {
        let text = String::from_utf8_lossy(part.bytes()).replace("4111", "****");
        part.replace(text);
        Ok::<_, Infallible>(())
    });
    let fails = |kind: fn(PartKind<'_>) -> bool| {
        CapturePolicy::from(CaptureMode::Whole { max: KIB })
            .redact(move |part| if kind(part.kind()) { Err("no") } else { Ok(()) })
    };
    let of_header = fails(|kind| matches!(kind, PartKind::Header("x-card")));
    let of_query = fails(|kind| kind == PartKind::Query);
    let of_payload = fails(|kind| kind == PartKind::Payload);
    let kinds = |records: &[Record<'static>]| {
        ["input", "output", "input.properties"].map(|kind| artifact(records, kind).is_some())
    };
    for (policy, is_there) in [
        (hides, [true; 3]),
        (of_header, [true, true, false]),
        (of_query, [true, true, false]),
        (of_payload, [false, false, true]),
    ] {
        let site = Site::serve(app(layer(policy))).await;
        site.send(request).await.rest().await;
        site.ended("POST /echo").await;
        let records = site.stage.records();
        assert_eq!(kinds(&records), is_there);
        if is_there == [true; 3] {
            assert!(!format!("{records:?}").contains("4111"));
        }
    }
}

/// Frames whose bytes lie in several places are copied whole, and trailers pass.
#[tokio::test]
async fn pieces_in_several_places_are_copied() {
    let stage = Stage::new();
    let service = service_fn(async |_: http::Request<()>| {
        let piece = Bytes::from_static(b"hel").chain(Bytes::from_static(b"lo"));
        let trailers = http::HeaderMap::from_iter([(http::header::ETAG, http::HeaderValue::from_static("7"))]);
        let frames = stream::iter([Ok::<_, Infallible>(Frame::data(piece)), Ok(Frame::trailers(trailers))]);
        Ok::<_, Infallible>(Response::new(Box::pin(StreamBody::new(frames))))
    });
    let response = stage.answer(whole(), service, get_request("/")).await.unwrap();
    let all = response.into_body().collect().await.unwrap();
    assert_eq!(all.trailers().unwrap()["etag"], "7");
    assert_eq!(told(&stage.records(), "output"), all_of("hello"));
}

/// A body that fails, and one that panics.
#[tokio::test]
async fn a_failing_response_is_cut() {
    for step in [Step::Fail("out of paper"), Step::Panic("no")] {
        let stage = Stage::new();
        let mut body = Some(Script::new([Step::Data("hel"), step]));
        let service = service_fn(|_: http::Request<()>| {
            let response = Response::new(body.take().unwrap());
            async { Ok::<_, Infallible>(response) }
        });
        let response = stage.answer(whole(), service, get_request("/")).await.unwrap();
        let mut body = response.into_body();
        assert!(next(&mut body).await.unwrap().unwrap().is_ok());
        let rest = tokio::spawn(async move { next(&mut body).await.map(drop) }).await;
        assert!(rest.is_err() || rest.unwrap().is_some());
        assert_eq!(told(&stage.records(), "output"), Some((4, Some("hel".to_owned()))));
    }
}

/// A service of another body type works as before. Its requests' bodies are not recorded.
#[tokio::test]
async fn other_body_types_pass() {
    let stage = Stage::new();
    let service = service_fn(async |request: Request<String>| {
        Ok::<_, Infallible>(Response::new(Body::from(request.into_body())))
    });
    let request = http::Request::builder().method("POST").uri("/").body("hello".to_owned()).unwrap();
    let response = stage.answer(whole(), service, request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
    let records = stage.records();
    assert_eq!((told(&records, "input"), told(&records, "output")), (None, all_of("hello")));
}
