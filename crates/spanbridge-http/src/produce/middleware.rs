//! The middleware.

use super::attempt::Attempt;
use super::extensions::{Counting, UrlTemplate, resends};
use super::replayed::{self, Asked};
use crate::describe::{self, About, each_header};
use http::Extensions;
use http::header::CONTENT_TYPE;
use reqwest::{Request, Response, Url};
use reqwest_middleware::{Middleware, Next, Result};
use spanbridge::Primitive;
use spanbridge::adapter::{self, Message, OutboundCall, Reply, SendOptions, Step, UNKNOWN_TYPE, Values};
use spanbridge::carrier::{Budget, inject_within};
use spanbridge::messaging::{CapturePolicy, PartKind};
use spanbridge::observe::Span;
use spanbridge::panics;
use std::fmt;
use std::sync::Arc;

/// The bytes of a header beside its name and its value, in HTTP/1.1.
const HEADER_OVERHEAD: usize = 4;

/// A middleware that gives each request an `http.client` span, and carries the span's context to the server.
///
/// ```no_run
/// use reqwest_middleware::ClientBuilder;
/// use reqwest_retry::{RetryTransientMiddleware, policies::ExponentialBackoff};
/// use spanbridge_http::ClientMiddleware;
///
/// # async fn f() -> reqwest_middleware::Result<()> {
/// let retries = ExponentialBackoff::builder().build_with_max_retries(3);
/// let client = ClientBuilder::new(reqwest::Client::new())
///     .with(RetryTransientMiddleware::new_with_policy(retries))
///     .with(ClientMiddleware::new().propagate_to(|url| url.domain() == Some("shop.example.com")))
///     .build();
/// client.get("https://shop.example.com/orders").send().await?;
/// # Ok(())
/// # }
/// ```
///
/// Add it last: middlewares before it, such as a retry, are around each of its spans; what comes after it is inside.
///
/// # The span
///
/// - Each attempt has its own, and `http.request.resend_count` counts those before it ([`ResendCount`](crate::ResendCount)).
/// - reqwest follows redirects below any middleware: all hops are one span with one status, and carry the same context. Where they
///   led to is `spanbridge.http.redirected_url`.
/// - It ends when the body of the response has been read to its end. A body that nobody reads does not make it longer: it ends
///   with the headers then. So a timeout that comes in mid-body is recorded where it belongs.
/// - Statuses from 400 on are errors, of the class `404`, and so is everything that reqwest reports: `timeout`, `dns`, `connect`,
///   `redirect`, `body`, …. Texts of errors have no URL, and no secret of the URL.
/// - If you give the request up, or drop the body in its middle, the span is cancelled. A panic of an inner middleware ends it as
///   panicked.
///
/// The response that you get is reqwest's, with everything in it. If its body breaks off, the error's
/// [chain of sources](std::error::Error::source) has two more links than without the middleware, because reqwest wraps the errors
/// of every body that it is given. With [`ends_at_headers`](Self::ends_at_headers), the body is not touched.
#[derive(Clone, Default)]
pub struct ClientMiddleware {
    options: SendOptions,
    propagate: Option<Arc<Predicate>>,
    ends_at_headers: bool,
}

type Predicate = dyn Fn(&Url) -> bool + Send + Sync;

impl ClientMiddleware {
    /// With the default options.
    pub fn new() -> Self {
        ClientMiddleware::default()
    }

    /// What is recorded of URLs, bodies, headers and the texts of errors. Default: the URL without its secrets, the size of a
    /// body that is in memory, nothing of headers.
    ///
    /// If the policy records more of bodies than a size, the response is copied while you read it, and recorded as `output` when
    /// it ends or is given up; nothing of a response that nobody reads, and nothing with
    /// [`ends_at_headers`](Self::ends_at_headers). A redaction hook sees a response of at most 1 MiB whole; of a longer one, or one
    /// that breaks off, only the size is recorded. [`CaptureMode::Whole`](crate::CaptureMode::Whole) adds version and headers
    /// as `output.properties`.
    ///
    /// The redaction hook sees the URL as it would be recorded. Of headers that reqwest takes for sensitive, and of those that
    /// carry credentials, it sees and records only that they are there.
    pub fn capture(self, capture: impl Into<CapturePolicy>) -> Self {
        ClientMiddleware { options: self.options.capture(capture), ..self }
    }

    /// The maximum number of bytes that the context may add to the headers. Default: no limit. What does not fit is left out in
    /// a fixed order, baggage first and `traceparent` last, and a diagnostic `injection.dropped` lists it.
    pub fn budget(self, bytes: usize) -> Self {
        ClientMiddleware { options: self.options.budget(bytes), ..self }
    }

    /// Sends the context only where this returns true. Default: everywhere, as OpenTelemetry's clients do. Baggage may be personal,
    /// so name your own hosts if you also call those of others.
    ///
    /// Elsewhere, the request is recorded all the same, and its headers stay as they are. If the predicate panics, nothing is
    /// sent. It does not see where a server redirects to: reqwest sends the same headers there.
    pub fn propagate_to(self, predicate: impl Fn(&Url) -> bool + Send + Sync + 'static) -> Self {
        ClientMiddleware { propagate: Some(Arc::new(predicate)), ..self }
    }

    /// Ends spans with the headers of the response, whatever becomes of the body.
    pub fn ends_at_headers(self) -> Self {
        ClientMiddleware { ends_at_headers: true, ..self }
    }

    fn propagates_to(&self, url: &Url) -> bool {
        let Some(predicate) = &self.propagate else { return true };
        panics::caught(|| predicate(url)).unwrap_or(false)
    }

    /// Begins the span of a request, and writes its context into the headers.
    fn begin(&self, request: &mut Request, extensions: &Extensions) -> Span {
        let capture = self.options.capture_policy();
        let mut values = Values::of(capture);
        let about = About {
            template: extensions.get().map(UrlTemplate::as_str),
            resends: resends(extensions),
            tells_size: capture.is_none_or(CapturePolicy::tells_size),
        };
        let span = describe::request(request, &about, &mut values);
        let span = values.open(span);
        if let Some(capture) = capture {
            record(capture, &span, request)
        }
        if self.propagates_to(request.url()) {
            let budget = Budget::new(self.options.max_bytes(), HEADER_OVERHEAD, usize::MAX);
            adapter::send_in(&span, request.headers_mut(), |headers, context| inject_within(context, budget, headers));
        }
        span
    }
}

#[async_trait::async_trait]
impl Middleware for ClientMiddleware {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let span = adapter::under_current(|| self.begin(&mut request, extensions));
        let capture = self.options.capture_policy();
        let reply = adapter::ask(span.context(), || outbound(&request, capture));
        if span.id().is_none() && matches!(reply, Reply::Live) {
            return next.run(request, extensions).await;
        }
        let counting = Counting::new(extensions);
        let url = request.url().clone();
        let attempt = Attempt { span, url, capture, ends_at_headers: self.ends_at_headers };
        let send = async {
            match reply {
                Reply::Live => next.run(request, &mut *counting.extensions).await,
                Reply::Recorded(then) => replayed::answer(&then, &Asked::of(&request)).await,
                Reply::Refused(refused) => Err(replayed::refused(refused)),
            }
        };
        attempt.run(send).await
    }
}

/// The request, as it is recorded.
fn outbound<'r>(request: &'r Request, capture: Option<&'r CapturePolicy>) -> OutboundCall<'r> {
    let url = describe::full(request.url());
    let url = Values::of(capture).text(PartKind::Url, url.as_bytes()).unwrap_or_default().into_owned();
    let call = OutboundCall::new(Primitive::HTTP_CLIENT, format!("{} {url}", request.method()))
        .with_content_type(request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()))
        .with_headers(|each| each_header(request.headers(), each));
    let call = match request.body().map_or(Some(&[][..]), |body| body.as_bytes()) {
        Some(body) => call.with_body(body),
        None => call,
    };
    adapter::as_recorded(call, capture)
}

/// Records the body, if it is in memory, and the headers: what is asked is the input of a call, as it is of the server's span.
fn record(capture: &CapturePolicy, span: &Span, request: &Request) {
    if span.id().is_none() || !capture.looks_at_messages() {
        return;
    }
    let each = |each: &mut dyn FnMut(&str, &[u8])| each_header(request.headers(), each);
    match request.body().map_or(Some(&[][..]), |body| body.as_bytes()) {
        Some(body) => {
            let content_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let message = Message::new(Step::Process, body).content_type(content_type.unwrap_or(UNKNOWN_TYPE));
            capture.record(span, &message, each)
        }
        None => capture.record_headers(span, "input.headers", each),
    }
}

impl fmt::Debug for ClientMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientMiddleware").finish_non_exhaustive()
    }
}
