//! Where the span ends, and that the response is reqwest's.

use crate::support::*;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{any, get};
use http::StatusCode;
use http_body::Frame;
use reqwest_middleware::ClientBuilder;
use spanbridge::observe;
use spanbridge_graph::SpanStatus;
use spanbridge_graph::testing::record_async;
use spanbridge_http::{ClientExt, ClientMiddleware};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A body that has more frames to come: each poll gives one, every second has none yet. At its end it stays silent, or ends.
struct Frames {
    frames: VecDeque<Bytes>,
    is_ready: bool,
    ends: bool,
}

impl Frames {
    fn new(frames: impl IntoIterator<Item = &'static str>, ends: bool) -> Self {
        let frames = frames.into_iter().map(|frame| Bytes::from_static(frame.as_bytes())).collect();
        Frames { frames, is_ready: false, ends }
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.frames.is_empty() && !self.ends {
            return Poll::Pending;
        }
        self.is_ready ^= true;
        if self.is_ready {
            return Poll::Ready(self.frames.pop_front().map(|frame| Ok(Frame::data(frame))));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Sends a head and a beginning of a body by hand, and then closes the connection.
async fn breaks_off(head: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 4096]).await;
            let _ = connection.write_all(format!("HTTP/1.1 {head}\r\ncontent-length: 100\r\n\r\nhel").as_bytes()).await;
        }
    });
    address
}

/// The span lasts until the body has been read to its end.
#[tokio::test]
async fn a_span_ends_with_the_body() {
    let chunks = || async { Body::new(Frames::new(["hel", "lo"], true)) };
    let address = serve(Router::new().route("/", get(chunks))).await;
    let recorded = record_async(|| async {
        let mut response = client().get(format!("http://{address}/")).send().await.unwrap();
        assert_eq!(response.chunk().await.unwrap().as_deref(), Some(&b"hel"[..]));
        observe::span("meanwhile").in_scope(|| ());
        assert_eq!(response.chunk().await.unwrap().as_deref(), Some(&b"lo"[..]));
        assert_eq!(response.chunk().await.unwrap(), None);
        observe::span("afterwards").in_scope(|| ());
        drop(response)
    })
    .await;
    let (get, meanwhile, afterwards) = (recorded.span("GET"), recorded.span("meanwhile"), recorded.span("afterwards"));
    assert_eq!(end(get), (SpanStatus::Ok, String::new(), ""));
    assert!(get.ended_at >= meanwhile.ended_at && get.ended_at <= Some(afterwards.started_at), "{:?}", recorded.tree());
}

/// Of a body with a length, nobody asks for more after the last frame: it has ended then.
#[tokio::test]
async fn a_sized_body_ends_with_its_last_frame() {
    let echo = Echo::start().await;
    let recorded = record_async(|| async {
        let mut response = client().get(echo.url("/")).send().await.unwrap();
        assert_eq!(response.chunk().await.unwrap().as_deref(), Some(&b"hello"[..]));
        observe::span("afterwards").in_scope(|| ());
        drop(response)
    })
    .await;
    let (get, afterwards) = (recorded.span("GET"), recorded.span("afterwards"));
    assert_eq!(get.status, SpanStatus::Ok);
    assert!(get.ended_at <= Some(afterwards.started_at));
}

/// A body that nobody reads does not make the span longer, nor does it make it anything but what its status says.
#[tokio::test]
async fn an_unread_body_ends_with_the_headers() {
    let not_found = get(async || (StatusCode::NOT_FOUND, "hello"));
    let address = serve(Router::new().route("/", get("hello")).route("/no", not_found)).await;
    let recorded = record_async(|| async {
        let found = client().get(format!("http://{address}/")).send().await.unwrap();
        let not_found = client().put(format!("http://{address}/no")).send().await.unwrap();
        observe::span("afterwards").in_scope(|| ());
        drop((found, not_found))
    })
    .await;
    let (found, not_found, afterwards) = (recorded.span("GET"), recorded.span("PUT"), recorded.span("afterwards"));
    assert_eq!((found.status, not_found.status), (SpanStatus::Ok, SpanStatus::Error));
    assert!(found.ended_at <= Some(afterwards.started_at) && not_found.ended_at <= Some(afterwards.started_at));
}

/// Whoever drops a body in its middle has given the request up.
#[tokio::test]
async fn a_body_dropped_in_its_middle_is_cancelled() {
    let chunks = || async { Body::new(Frames::new(["hel"], false)) };
    let address = serve(Router::new().route("/", get(chunks))).await;
    let recorded = record_async(|| async {
        let mut response = client().get(format!("http://{address}/")).send().await.unwrap();
        assert_eq!(response.chunk().await.unwrap().as_deref(), Some(&b"hel"[..]));
        let more = tokio::time::timeout(Duration::from_millis(20), response.chunk()).await;
        assert!(more.is_err());
        drop(response)
    })
    .await;
    assert_eq!(end(recorded.span("GET")), (SpanStatus::Cancelled, String::new(), ""));
}

/// A body that breaks off is an error of its own class, unless the status was one already.
#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let (ok, failed) = (breaks_off("200 OK").await, breaks_off("500 No").await);
    let recorded = record_async(|| async {
        let ok = client().get(format!("http://{ok}/?token=5ecret")).send().await.unwrap();
        ok.bytes().await.unwrap_err();
        let failed = client().put(format!("http://{failed}/")).send().await.unwrap();
        failed.bytes().await.unwrap_err();
    })
    .await;
    let (status, class, text) = end(recorded.span("GET"));
    assert_eq!((status, class.as_str()), (SpanStatus::Error, "body"));
    assert!(text.contains("end of file") && !text.contains("5ecret"), "{text}");
    assert_eq!(end(recorded.span("PUT")), (SpanStatus::Error, "500".to_owned(), "500 Internal Server Error"));
}

/// reqwest's time limit covers the body as well; whoever waits for its end is told apart from whoever gives up.
#[tokio::test]
async fn a_timeout_in_mid_body_is_an_error() {
    let chunks = || async { Body::new(Frames::new(["hel"], false)) };
    let address = serve(Router::new().route("/", get(chunks))).await;
    let recorded = record_async(|| async {
        let request = client().get(format!("http://{address}/")).timeout(SOON);
        let response = request.send().await.unwrap();
        // From here on, the time goes as fast as all wait for it.
        tokio::time::pause();
        let error = response.bytes().await.unwrap_err();
        assert!(error.is_timeout() && error.is_decode());
    })
    .await;
    let (status, class, text) = end(recorded.span("GET"));
    assert_eq!((status, class.as_str()), (SpanStatus::Error, "timeout"), "{text}");
}

/// With `ends_at_headers` the span ends there, and the body is not touched.
#[tokio::test]
async fn a_span_may_end_with_the_headers() {
    let address = breaks_off("200 OK").await;
    let client = ClientBuilder::new(plain()).with(ClientMiddleware::new().ends_at_headers()).build();
    let recorded = record_async(|| async {
        let response = client.get(format!("http://{address}/")).send().await.unwrap();
        observe::span("meanwhile").in_scope(|| ());
        links(&response.bytes().await.unwrap_err())
    })
    .await;
    let native = plain().get(format!("http://{address}/")).send().await.unwrap().bytes().await.unwrap_err();
    assert_eq!(recorded.output, links(&native));
    let (get, meanwhile) = (recorded.span("GET"), recorded.span("meanwhile"));
    assert_eq!(get.status, SpanStatus::Ok);
    assert!(get.ended_at <= Some(meanwhile.started_at));
}

/// The texts of an error and its sources.
fn links(error: &reqwest::Error) -> Vec<String> {
    let all = std::iter::successors(Some(error as &dyn Error), |error| <dyn Error>::source(*error));
    all.map(|error| error.to_string()).collect()
}

/// Whatever a caller may ask a response for is as without the middleware, and so are errors, but for two links.
#[tokio::test]
async fn a_response_is_as_it_was() {
    let echo = Echo::start().await;
    let request = || plain().get(echo.url("/a?b=c")).build().unwrap();
    let native = plain().execute(request()).await.unwrap();
    let recorded = record_async(|| async {
        let response = client().execute(request()).await.unwrap();
        let shown = |response: &reqwest::Response| {
            let names: Vec<_> = response.headers().keys().cloned().collect();
            let address = response.remote_addr().unwrap();
            (response.url().clone(), response.status(), response.version(), response.content_length(), address, names)
        };
        assert_eq!(shown(&response), shown(&native));
        assert_eq!(response.extensions().len(), native.extensions().len());
        assert_eq!(response.text().await.unwrap(), native.text().await.unwrap());
    })
    .await;
    assert_eq!(recorded.span("GET").status, SpanStatus::Ok);

    let address = breaks_off("200 OK").await;
    let request = || plain().get(format!("http://{address}/")).build().unwrap();
    let native = plain().execute(request()).await.unwrap().bytes().await.unwrap_err();
    let ours = record_async(|| async { client().execute(request()).await.unwrap().bytes().await.unwrap_err() });
    let ours = ours.await.output;
    assert_eq!((ours.to_string(), ours.is_decode(), ours.is_body()), (native.to_string(), true, native.is_body()));
    let (ours, mut native) = (links(&ours), links(&native));
    let again = "request or response body error".to_owned();
    native.splice(1..1, [again.clone(), again]);
    assert_eq!(ours, native);
}

/// Responses without a body end with their headers.
#[tokio::test]
async fn without_a_body_it_ends_at_once() {
    let empty = any(async || StatusCode::NO_CONTENT);
    let address = serve(Router::new().route("/", get("hello")).route("/empty", empty)).await;
    let recorded = record_async(|| async {
        let head = client().head(format!("http://{address}/")).send().await.unwrap();
        assert_eq!(head.headers()["content-length"], "5");
        let empty = client().get(format!("http://{address}/empty")).send().await.unwrap();
        observe::span("afterwards").in_scope(|| ());
        assert!(head.bytes().await.unwrap().is_empty() && empty.bytes().await.unwrap().is_empty());
    })
    .await;
    let afterwards = recorded.span("afterwards");
    for name in ["HEAD", "GET"] {
        let span = recorded.span(name);
        assert!(span.status == SpanStatus::Ok && span.ended_at <= Some(afterwards.started_at), "{}", recorded.tree());
    }
}

/// A request whose body is a stream is sent as it is. Its size is not known.
#[tokio::test]
async fn a_streamed_request_is_sent() {
    let echo = |body: Bytes| async move { body };
    let address = serve(Router::new().route("/", any(echo))).await;
    let recorded = record_async(|| async {
        let body = reqwest::Body::wrap(Frames::new(["one ", "two ", "three"], true));
        let response = client().post(format!("http://{address}/")).body(body).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), "one two three");
    })
    .await;
    let span = recorded.span("POST");
    assert_eq!((span.status, attribute(span, "http.request.body.size").as_str()), (SpanStatus::Ok, ""));
}

/// A connection that is upgraded belongs to the caller.
#[tokio::test]
async fn an_upgrade_goes_through() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        assert_ne!(connection.read(&mut [0; 4096]).await.unwrap(), 0);
        let head = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
        connection.write_all(head).await.unwrap();
        let (mut read, mut write) = connection.split();
        tokio::io::copy(&mut read, &mut write).await.unwrap();
    });
    let recorded = record_async(|| async {
        let request =
            client().get(format!("http://{address}/")).header("connection", "upgrade").header("upgrade", "echo");
        let mut connection = request.send().await.unwrap().upgrade().await.unwrap();
        connection.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        connection.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");
    })
    .await;
    let span = recorded.span("GET");
    assert_eq!((span.status, attribute(span, "http.response.status_code").as_str()), (SpanStatus::Ok, "101"));
}

/// A client with options of its own can be observed, too.
#[tokio::test]
async fn any_client_can_be_observed() {
    let echo = Echo::start().await;
    let client = reqwest::Client::builder().no_proxy().user_agent("mine").build().unwrap().observed();
    let recorded = record_async(|| async { client.get(echo.url("/")).send().await.unwrap() }).await;
    assert_eq!(recorded.spans().count(), 1);
    assert_eq!(echo.header("user-agent"), [Some("mine".to_owned())]);
}
