//! What real connections to a real axum server make of spans.

use crate::site::Site;
use crate::support::CALLER;
use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use spanbridge::observe;
use spanbridge_http::ServerLayer;
use std::convert::Infallible;
use std::future::pending;
use tokio::sync::mpsc;

fn app() -> Router {
    Router::new()
        .route("/orders/{id}", get(order))
        .route("/empty", get(async || ()))
        .route("/status/{code}", any(async |Path(code): Path<u16>| StatusCode::from_u16(code).unwrap()))
        .route("/never", get(async || pending::<()>().await))
        .route("/endless", get(async || Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>("more\n")))))
        .route("/panic", get(panics))
        .route("/declared", get(declared))
        .route("/broken", get(broken))
        .route("/upgrade", get(upgrade))
        .layer(ServerLayer::new())
}

async fn order(Path(id): Path<u64>) -> String {
    observe::span("find").run_value(async || format!("order {id}")).await
}

async fn panics() {
    panic!("out of paper")
}

/// A stream that does not know its end, with a declared length.
async fn declared() -> Response {
    let frames = stream::iter(["hello", "world"]).chain(stream::pending()).map(Ok::<_, Infallible>);
    ([(header::CONTENT_LENGTH, "10")], Body::from_stream(frames)).into_response()
}

async fn broken() -> Body {
    Body::from_stream(stream::iter([Ok(Bytes::from_static(b"hello")), Err(std::io::Error::other("out of paper"))]))
}

async fn upgrade() -> Response {
    let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "echo")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

#[tokio::test]
async fn a_request_is_under_its_caller() {
    let site = Site::serve(app()).await;
    let request = format!("GET /orders/7 HTTP/1.1\r\nhost: h\r\ntraceparent: {CALLER}\r\nconnection: close\r\n\r\n");
    let response = site.send(request).await.rest().await;
    assert!(response.starts_with("HTTP/1.1 200 OK") && response.ends_with("order 7"), "{response}");
    site.ended("GET /orders/{id}").await;
    assert_eq!(site.stage.tree(&[]), "GET /orders/{id} (remote)\n  find\n");
    let span = site.stage.one();
    assert_eq!(span.trace.unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span.parent.unwrap().to_string(), "00f067aa0ba902b7");
}

/// One after the other, on one connection.
#[tokio::test]
async fn requests_of_one_connection() {
    let site = Site::serve(app()).await;
    let mut connection =
        site.send("GET /orders/1 HTTP/1.1\r\nhost: h\r\n\r\nGET /orders/2 HTTP/1.1\r\nhost: h\r\n\r\n").await;
    connection.until("order 1").await;
    connection.until("order 2").await;
    let both = || {
        let spans = site.stage.spans();
        let ended = spans.iter().filter(|span| span.primitive == "http.server" && span.status.is_some()).count();
        (ended == 2).then_some(())
    };
    crate::site::wait::until("both", both).await;
    let root = "GET /orders/{id} (root)\n  find\n";
    assert_eq!(site.stage.tree(&[]), [root, root].concat());
}

/// None of these bodies is polled to its end by the server, and some not at all.
#[tokio::test]
async fn responses_that_end_as_they_should() {
    for (request, name, end) in [
        ("GET /orders/7", "GET /orders/{id}", "ok 200"),
        ("HEAD /orders/7", "HEAD /orders/{id}", "ok 200"),
        ("HEAD /endless", "HEAD /endless", "ok 200"),
        ("GET /empty", "GET /empty", "ok 200"),
        ("GET /status/204", "GET /status/{code}", "ok 204"),
        ("GET /status/304", "GET /status/{code}", "ok 304"),
        ("GET /status/404", "GET /status/{code}", "ok 404"),
        ("GET /status/503", "GET /status/{code}", "error 503 503"),
        ("POST /orders/7", "POST /orders/{id}", "ok 405"),
        ("GET /declared", "GET /declared", "ok 200"),
        ("GET /nowhere", "GET", "ok 404"),
    ] {
        let site = Site::serve(app()).await;
        site.ask(request).await;
        assert_eq!(site.end(name).await, end, "{request}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_response() {
    let site = Site::serve(app()).await;
    let connection = site.send("GET /never HTTP/1.1\r\nhost: h\r\n\r\n").await;
    site.span("GET /never", |span| span.status.is_none()).await;
    drop(connection);
    assert_eq!(site.end("GET /never").await, "cancelled");
}

#[tokio::test]
async fn a_client_that_leaves_in_mid_body() {
    let site = Site::serve(app()).await;
    let mut connection = site.send("GET /endless HTTP/1.1\r\nhost: h\r\n\r\n").await;
    connection.until("more").await;
    drop(connection);
    let span = site.ended("GET /endless").await;
    assert!(site.stage.end().starts_with("cancelled 200 "), "{span:?}");
    assert!(span.get("spanbridge.response.sent_bytes").parse::<u64>().unwrap() >= 5, "{span:?}");
}

/// Server-sent events: the span is seen as open until the last of them.
#[tokio::test]
async fn a_stream_of_events_is_open() {
    let (send, receive) = mpsc::channel::<&str>(1);
    let events = std::sync::Mutex::new(Some(receive));
    let handler = move || {
        let events = events.lock().unwrap().take().unwrap();
        let frames = stream::unfold(events, async |mut events| {
            let event = events.recv().await?;
            observe::span("event").in_scope(|| ());
            Some((Ok::<_, Infallible>(format!("data: {event}\n\n")), events))
        });
        async { ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(frames)) }
    };
    let handler = std::sync::Arc::new(handler);
    let app = Router::new().route("/events", get(move || handler())).layer(ServerLayer::new());
    let site = Site::serve(app).await;
    let mut connection = site.send("GET /events HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    for event in ["one", "two"] {
        send.send(event).await.unwrap();
        connection.until(event).await;
        assert_eq!(site.stage.end(), "open 200");
    }
    drop(send);
    connection.rest().await;
    assert_eq!(site.end("GET /events").await, "ok 200");
    assert_eq!(site.stage.tree(&[]), "GET /events (root)\n  event\n  event\n");
}

/// The connection dies with the handler, and the span says why.
#[tokio::test]
async fn a_handler_that_panics_on_a_connection() {
    let site = Site::serve(app()).await;
    assert_eq!(site.ask("GET /panic").await, "");
    assert_eq!(site.end("GET /panic").await, "panicked panic");
    assert!(site.stage.one().error.starts_with("out of paper, at "));
}

#[tokio::test]
async fn a_body_that_fails_on_a_connection() {
    let site = Site::serve(app()).await;
    site.ask("GET /broken").await;
    assert_eq!(site.end("GET /broken").await, "error _OTHER 200 5");
    assert_eq!(site.stage.one().error, "out of paper");
}

/// The span ends when the protocol changes: what is spoken then is not HTTP, and its task is the application's.
#[tokio::test]
async fn an_upgrade_ends_the_span() {
    let site = Site::serve(app()).await;
    let mut connection =
        site.send("GET /upgrade HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n").await;
    connection.until("101 Switching Protocols").await;
    assert_eq!(site.end("GET /upgrade").await, "ok 101");
}

/// Whatever is sent, the server answers, and another request is served.
#[tokio::test]
async fn hostile_requests() {
    let site = Site::serve(app()).await;
    let long = "x".repeat(60_000);
    let mut requests: Vec<Vec<u8>> = vec![
        b"GET /orders/\xff\xfe?\xc3\x28=1 HTTP/1.1\r\nhost: h\r\n\r\n".to_vec(),
        b"GET /\xc3\xbc?\xc3\xbc HTTP/1.1\r\nhost: h\r\n\r\n".to_vec(),
        b"G3T!#$%&'*+-.^_`|~ / HTTP/1.1\r\nhost: h\r\n\r\n".to_vec(),
        b"OPTIONS * HTTP/1.1\r\nhost: h\r\n\r\n".to_vec(),
        b"CONNECT example.com:443 HTTP/1.1\r\nhost: h\r\n\r\n".to_vec(),
        b"GET http://u:p@[::1]:80/orders/7?a=b#c HTTP/1.1\r\nhost: :::\r\n\r\n".to_vec(),
        b"GET / HTTP/1.0\r\n\r\n".to_vec(),
    ];
    for name in ["host", "user-agent", "forwarded", "x-forwarded-host", "traceparent", "tracestate", "baggage"] {
        for value in
            [&b"\xff\xfe\x80"[..], b"", b",;=\"\\", long.as_bytes(), b"00-0-0-0", b"for=\"[::1", b"a=b,a=b,\tc"]
        {
            requests.push([b"GET / HTTP/1.1\r\n", name.as_bytes(), b": ", value, b"\r\n\r\n"].concat());
        }
    }
    requests.push(format!("GET /{long}?{long} HTTP/1.1\r\nhost: {long}\r\n\r\n").into_bytes());
    for request in requests {
        let shown = String::from_utf8_lossy(&request[..request.len().min(80)]).into_owned();
        let mut connection = site.send(&request).await;
        connection.until("HTTP/1.").await;
        drop(connection);
        let response = site.ask("GET /orders/7").await;
        assert!(response.ends_with("order 7"), "after {shown}: {response}");
    }
    let panicked = site.stage.spans().into_iter().find(|span| span.error_type == "panic");
    assert!(panicked.is_none(), "{panicked:?}");
}
