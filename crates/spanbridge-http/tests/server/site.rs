//! An axum server on loopback, and a client that speaks to it byte by byte.

use crate::support::Stage;
use axum::Router;
use http::Request;
use spanbridge::Recorder;
use spanbridge::conformance::Seen;
use spanbridge::observe::WithContext;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, Service};

#[path = "../../../../tests/src/wait.rs"]
#[expect(dead_code, unreachable_pub, reason = "elsewhere it is a part of a library, all of which is used")]
pub(crate) mod wait;

/// A server, for as long as the test lasts.
pub(crate) struct Site {
    pub(crate) stage: Stage,
    pub(crate) address: SocketAddr,
}

impl Site {
    /// Serves an app that has its layers. Each request is in the scope of the stage's recorder.
    pub(crate) async fn serve(app: Router) -> Self {
        let stage = Stage::new();
        let app = app.layer(Recorded(stage.recorder.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        Site { stage, address }
    }

    /// The span of this name, when `is_so`.
    pub(crate) async fn span(&self, name: &str, is_so: impl Fn(&Seen) -> bool) -> Seen {
        let find = || self.stage.spans().into_iter().find(|span| span.name == name && is_so(span));
        wait::until(name, find).await
    }

    /// The span of this name, when it has ended.
    pub(crate) async fn ended(&self, name: &str) -> Seen {
        self.span(name, |span| span.status.is_some()).await
    }

    /// How it ends, as [`Stage::end`] says it.
    pub(crate) async fn end(&self, name: &str) -> String {
        self.ended(name).await;
        self.stage.end()
    }

    /// A connection on which this was sent.
    pub(crate) async fn send(&self, request: impl AsRef<[u8]>) -> Connection {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(request.as_ref()).await.expect("write");
        Connection { stream, read: vec![] }
    }

    /// Sends a request for a path, and closes after the response. Returns all of it.
    pub(crate) async fn ask(&self, request_line: &str) -> String {
        let request = format!("{request_line} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n");
        self.send(request).await.rest().await
    }
}

pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// Reads until this has come, and forgets everything up to it.
    pub(crate) async fn until(&mut self, text: &str) {
        let find = |read: &[u8]| read.windows(text.len()).position(|part| part == text.as_bytes());
        let read = async {
            let at = loop {
                if let Some(at) = find(&self.read) {
                    break at;
                }
                let count = self.stream.read_buf(&mut self.read).await.expect("read");
                assert!(count > 0, "{text} has not come: {}", String::from_utf8_lossy(&self.read));
            };
            self.read.drain(..at + text.len());
        };
        wait::within(text, read).await
    }

    /// Everything until the server closes.
    pub(crate) async fn rest(mut self) -> String {
        let read = self.stream.read_to_end(&mut self.read);
        wait::within("the end of the response", read).await.expect("read");
        String::from_utf8_lossy(&self.read).into_owned()
    }
}

/// Puts each request into the scope of a recorder.
#[derive(Clone)]
struct Recorded(Recorder);

impl<S> Layer<S> for Recorded {
    type Service = InScope<S>;

    fn layer(&self, inner: S) -> InScope<S> {
        InScope { recorder: self.0.clone(), inner }
    }
}

#[derive(Clone)]
struct InScope<S> {
    recorder: Recorder,
    inner: S,
}

impl<S: Service<Request<A>>, A> Service<Request<A>> for InScope<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = WithContext<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        self.recorder.scope(|| self.inner.call(request))
    }
}
