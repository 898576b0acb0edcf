//! How the span of a request ends.

use crate::describe::{self, GrpcStatus};
use crate::passing::{Copied, copy, copy_piece};
use bytes::Buf;
use http::header::CONTENT_LENGTH;
use http::response;
use http::{HeaderMap, Method, StatusCode};
#[cfg(feature = "axum")]
use spanbridge::Context;
use spanbridge::adapter::in_open_span;
use spanbridge::messaging::CapturePolicy;
use spanbridge::observe::Span;
use spanbridge::{Failure, Value, semconv};
use std::fmt::Display;
use std::sync::Arc;

/// A request until its response has begun. Dropped before, it is cancelled.
pub(super) struct InProgress {
    span: Span,
    asks_for: AsksFor,
    /// For the headers of the response, if a policy was chosen.
    capture: Option<Arc<CapturePolicy>>,
}

/// What the method says about the body of the response.
#[derive(Clone, Copy)]
enum AsksFor {
    Head,
    Connection,
    Anything,
}

impl InProgress {
    pub(super) fn new(span: Span, method: &Method, capture: Option<&Arc<CapturePolicy>>) -> Self {
        let asks_for = match *method {
            Method::HEAD => AsksFor::Head,
            Method::CONNECT => AsksFor::Connection,
            _ => AsksFor::Anything,
        };
        InProgress { span, asks_for, capture: capture.cloned() }
    }

    /// Whether its span is recorded.
    #[cfg(feature = "axum")]
    pub(super) fn is_recorded(&self) -> bool {
        self.span.id().is_some()
    }

    /// The context of its span.
    #[cfg(feature = "axum")]
    pub(super) fn context(&self) -> &Context {
        self.span.context()
    }

    /// Calls `f` in the span. A panic ends it.
    pub(super) fn inside<R>(&mut self, f: impl FnOnce() -> R) -> R {
        in_open_span(&mut self.span, f)
    }

    /// The service has no response.
    pub(super) fn failed(self, error: &impl Display) {
        self.span.end_with(&Failure::new(error))
    }

    /// The future was dropped: the client is gone, or a time limit is over.
    pub(super) fn dropped(self) {
        self.span.cancel()
    }

    /// The response has begun. `None` if that was its end as well: a body is not sent, whatever it has.
    pub(super) fn responded(self, response: &response::Parts) -> Option<Ending> {
        let InProgress { span, asks_for, capture } = self;
        let status = response.status;
        span.attribute(semconv::HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16()));
        let capture = capture.filter(|_| span.id().is_some());
        if let Some(capture) = &capture {
            let headers = |each: &mut dyn FnMut(&str, &[u8])| describe::each_header(&response.headers, each);
            capture.record_headers(&span, "output.headers", headers)
        }
        let is_grpc = GrpcStatus::is_grpc(&response.headers);
        let output = match is_spoken_in_http(asks_for, status) {
            true => copy(capture.as_deref(), "output", &response.headers, None),
            false => None,
        };
        let mut ending = Ending { span, status, is_grpc, grpc: None, length: None, sent: 0, output };
        ending.trailers(&response.headers);
        if sends_no_body(asks_for, status) {
            ending.end();
            return None;
        }
        Some(ending)
    }
}

/// Whether a response has no body on the wire ([RFC 9110, section
/// 6.4.1](https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1)). Servers drop what it has without asking for its end, so that
/// this cannot be told from a client that is gone.
fn sends_no_body(asks_for: AsksFor, status: StatusCode) -> bool {
    match asks_for {
        AsksFor::Head => true,
        AsksFor::Connection if status.is_success() => true,
        _ => status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED),
    }
}

/// Whether HTTP goes on after the head of the response.
fn is_spoken_in_http(asks_for: AsksFor, status: StatusCode) -> bool {
    match asks_for {
        AsksFor::Connection => !status.is_success(),
        AsksFor::Head | AsksFor::Anything => status != StatusCode::SWITCHING_PROTOCOLS,
    }
}

/// A response that has begun. Dropped before its body has ended, it is cancelled.
pub(super) struct Ending {
    span: Span,
    status: StatusCode,
    is_grpc: bool,
    /// What trailers have said.
    grpc: Option<GrpcStatus>,
    /// How many bytes the body has, if that is known.
    length: Option<u64>,
    /// How many bytes of it were handed to the server.
    sent: u64,
    /// What is recorded of it.
    output: Copied,
}

impl Ending {
    /// Calls `f` in the span. A panic ends it.
    pub(super) fn inside<R>(&mut self, f: impl FnOnce() -> R) -> R {
        in_open_span(&mut self.span, f)
    }

    /// How long the body is: as the headers say, or as itself says. Servers stop asking for more when they have so many bytes.
    pub(super) fn expect(&mut self, headers: &HeaderMap, exact: Option<u64>) {
        let declared = || headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
        self.length = declared().or(exact)
    }

    /// A piece is about to be handed to the server.
    pub(super) fn sent(&mut self, piece: &impl Buf) {
        self.sent = self.sent.saturating_add(piece.remaining() as u64);
        copy_piece(&mut self.output, piece)
    }

    fn record(&mut self, has_ended: bool) {
        let Some(output) = self.output.take() else { return };
        if has_ended { output.ended(self.span.context()) } else { output.broke_off(self.span.context()) }
    }

    /// Trailers have come, or headers that may have the same in them.
    pub(super) fn trailers(&mut self, headers: &HeaderMap) {
        if let Some(status) = self.is_grpc.then(|| GrpcStatus::of(headers)).flatten() {
            self.span.attribute(semconv::RPC_RESPONSE_STATUS_CODE, Value::Static(status.name()));
            self.grpc = Some(status)
        }
    }

    /// The response has ended as it should.
    pub(super) fn end(mut self) {
        self.record(true);
        let Ending { span, status, grpc, .. } = self;
        match class(&status, grpc) {
            Some(class) => span.end_with(&of_class(class)),
            None => span.end(),
        }
    }

    /// The body has failed.
    pub(super) fn failed(mut self, error: &impl Display) {
        self.record(false);
        self.span.attribute(semconv::RESPONSE_SENT_BYTES, self.sent);
        self.span.end_with(&Failure::new(error))
    }

    /// The body was dropped. If there was more of it, the client is gone; that the server has failed before counts more.
    pub(super) fn dropped(mut self) {
        if self.length.is_some_and(|length| self.sent >= length) {
            return self.end();
        }
        self.record(false);
        let Ending { span, status, grpc, sent, .. } = self;
        span.attribute(semconv::RESPONSE_SENT_BYTES, sent);
        match class(&status, grpc) {
            Some(class) => span.end_with(&of_class(class)),
            None => span.cancel(),
        }
    }
}

/// The class of the error that a response is, if it is one: a 5xx, or a status of gRPC that is the server's.
fn class(status: &StatusCode, grpc: Option<GrpcStatus>) -> Option<&str> {
    match grpc {
        _ if status.is_server_error() => Some(status.as_str()),
        Some(grpc) if grpc.is_server_error() => Some(grpc.name()),
        _ => None,
    }
}

/// A failure that needs no text: its class says it all.
fn of_class(class: &str) -> Failure<'_> {
    Failure::of_type::<()>().class(class)
}
