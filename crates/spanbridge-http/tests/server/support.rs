//! A service with a recorder of its own, and bodies that do what they are told.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use spanbridge::conformance::{Seen, spans, tree};
use spanbridge::record::Record;
use spanbridge::{Memory, Recorder, observe};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service, ServiceExt, service_fn};

/// A peer's `traceparent`.
pub(crate) const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A recorder, and what it has recorded.
pub(crate) struct Stage {
    pub(crate) recorder: Recorder,
    pub(crate) memory: Memory,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let memory = Memory::new();
        let recorder = Recorder::builder("shop").on_flush_only().sink(memory.clone()).build().expect("a recorder");
        Stage { recorder, memory }
    }

    pub(crate) fn records(&self) -> Vec<Record<'static>> {
        self.recorder.flush_blocking(Duration::from_secs(60));
        self.memory.records()
    }

    pub(crate) fn spans(&self) -> Vec<Seen> {
        spans(&self.records())
    }

    pub(crate) fn tree(&self, attributes: &[&str]) -> String {
        tree(&self.records(), attributes)
    }

    /// The only span of a server.
    #[track_caller]
    pub(crate) fn one(&self) -> Seen {
        let all = self.spans();
        let servers: Vec<_> = all.iter().filter(|span| span.primitive == "http.server").collect();
        assert_eq!(servers.len(), 1, "{}", self.tree(&[]));
        servers[0].clone()
    }

    /// How the only span of a server ends: its status, the class of its error, the status code, how many bytes were sent.
    /// While it is open: `open`.
    #[track_caller]
    pub(crate) fn end(&self) -> String {
        let span = self.one();
        let status = span.status.map_or("open", |status| status.name());
        let told =
            [&*span.error_type, span.get("http.response.status_code"), span.get("spanbridge.response.sent_bytes")];
        told.iter().filter(|text| !text.is_empty()).fold(status.to_owned(), |all, text| all + " " + text)
    }

    /// Answers one request by a service below a layer.
    pub(crate) async fn answer<L, S, A, B>(
        &self,
        layer: L,
        service: S,
        request: Request<A>,
    ) -> Result<Response<B>, S::Error>
    where
        L: Layer<S>,
        S: Service<Request<A>>,
        L::Service: Service<Request<A>, Response = Response<B>, Error = S::Error>,
    {
        let service = layer.layer(service);
        self.recorder.scope(|| service.oneshot(request)).await
    }
}

/// A request for a path.
pub(crate) fn get(path: &str) -> Request<()> {
    Request::builder().uri(path).body(()).expect("a request")
}

/// The same, with headers.
pub(crate) fn get_with(path: &str, headers: &[(&'static str, &str)]) -> Request<()> {
    let mut request = get(path);
    for (name, value) in headers {
        request.headers_mut().append(*name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
    }
    request
}

/// A service that answers with nothing.
pub(crate) fn nothing()
-> impl Service<Request<()>, Response = Response<Script>, Error = Infallible, Future: Send> + Clone {
    service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(Script::new([]).saying_end())))
}

/// What a body does when it is polled.
#[derive(Debug)]
pub(crate) enum Step {
    Data(&'static str),
    Trailers(HeaderMap),
    Wait,
    Fail(&'static str),
    Panic(&'static str),
}

/// A body that does one step after the other, with a span `chunk` in each poll.
#[derive(Debug, Default)]
pub(crate) struct Script {
    steps: VecDeque<Step>,
    /// Whether it says when it is at its end.
    says_end: bool,
    /// The size that it says it has.
    size: Option<u64>,
    drops: Option<&'static str>,
}

impl Script {
    /// It does not say that it is at its end, and not how long it is.
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Script { steps: steps.into_iter().collect(), says_end: false, size: None, drops: None }
    }

    pub(crate) fn saying_end(mut self) -> Self {
        self.says_end = true;
        self
    }

    pub(crate) fn size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    /// Records a span when it is dropped.
    pub(crate) fn dropping(mut self, span: &'static str) -> Self {
        self.drops = Some(span);
        self
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if let Some(span) = self.drops {
            observe::span(span).in_scope(|| ())
        }
    }
}

/// What a body fails with.
#[derive(Debug)]
pub(crate) struct Broken(&'static str);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}

impl Body for Script {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Some(step) = self.steps.pop_front() else { return Poll::Ready(None) };
        observe::span("chunk").implicit_run(false).in_scope(|| ());
        Poll::Ready(Some(match step {
            Step::Data(data) => Ok(Frame::data(Bytes::from_static(data.as_bytes()))),
            Step::Trailers(trailers) => Ok(Frame::trailers(trailers)),
            Step::Wait => return Poll::Pending,
            Step::Fail(why) => Err(Broken(why)),
            Step::Panic(why) => panic!("{why}"),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.says_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.size.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// The next frame of a body; `None` if it has to wait.
pub(crate) async fn next<B: Body + Unpin>(body: &mut B) -> Option<Option<Result<Frame<B::Data>, B::Error>>> {
    poll_fn(|cx| {
        Poll::Ready(match Pin::new(&mut *body).poll_frame(cx) {
            Poll::Ready(frame) => Some(frame),
            Poll::Pending => None,
        })
    })
    .await
}

/// Polls a future once, and drops it.
pub(crate) async fn lose(future: impl Future) {
    let mut future = pin!(future);
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await
}
