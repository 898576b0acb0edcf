//! One attempt, from its request to its response.

use super::body::ObservedBody;
use crate::describe::{Answer, TransportError, each_header, full, response_properties, version};
use crate::passing::copy;
use reqwest::{Response, StatusCode, Url};
use reqwest_middleware::Result;
use spanbridge::adapter::{self, Properties, Values};
use spanbridge::messaging::{CapturePolicy, PartKind};
use spanbridge::observe::Span;
use spanbridge::{ContextExt, Value, semconv};
use std::future::poll_fn;
use std::pin::pin;

/// A request that is recorded. If dropped, its span is cancelled: the caller has given it up.
pub(super) struct Attempt<'m> {
    pub(super) span: Span,
    pub(super) url: Url,
    pub(super) capture: Option<&'m CapturePolicy>,
    pub(super) ends_at_headers: bool,
}

impl Attempt<'_> {
    /// Sends the request inside the span.
    pub(super) async fn run(mut self, send: impl Future<Output = Result<Response>>) -> Result<Response> {
        let result = {
            // If it is dropped, that happens inside, too.
            let mut send = pin!(send.in_context(self.span.context().clone()));
            poll_fn(|cx| adapter::in_open_span(&mut self.span, || send.as_mut().poll(cx))).await
        };
        match result {
            Ok(response) => Ok(self.answered(response)),
            Err(error) => {
                self.span.end_with(&TransportError::new(&error, &self.url).failure());
                Err(error)
            }
        }
    }

    /// The headers of the response are here.
    fn answered(self, response: Response) -> Response {
        let Attempt { span, url, capture, ends_at_headers } = self;
        let mut values = Values::of(capture);
        let redirected = (*response.url() != url).then(|| full(response.url()));
        let redirected = redirected.filter(|to| *to != full(&url));
        let redirected = redirected.as_ref().and_then(|to| span.in_scope(|| values.text(PartKind::Url, to.as_bytes())));
        let mut told = [(semconv::HTTP_RESPONSE_STATUS_CODE, Value::I64(response.status().as_u16().into())); 3];
        let mut count = 1;
        let mut tell = |name, value| {
            told[count] = (name, value);
            count += 1
        };
        if let Some(version) = version(response.version()) {
            tell(semconv::NETWORK_PROTOCOL_VERSION, Value::Static(version))
        }
        if let Some(to) = redirected.as_deref() {
            tell(semconv::HTTP_REDIRECTED_URL, Value::Str(to))
        }
        span.attributes(&told[..count]);
        let span = values.finish(span);
        if let Some(capture) = capture {
            capture.record_headers(&span, "output.headers", |each| each_header(response.headers(), each));
            let properties = |to: &mut Properties<'_>| response_properties(response.version(), response.headers(), to);
            capture.record_properties(&span, "output.properties", properties)
        }
        let status = response.status();
        let is_http = status != StatusCode::SWITCHING_PROTOCOLS;
        let has_no_body = response.content_length() == Some(0) || !is_http;
        let capture = capture.filter(|_| is_http && !ends_at_headers);
        let output = copy(capture, "output", response.headers(), response.content_length());
        if ends_at_headers || has_no_body {
            if let Some(output) = output {
                output.ended(span.context())
            }
            span.end_with(&Answer(status));
            return response;
        }
        ObservedBody::around(response, span, url, output)
    }
}
